// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The corpus as it lies on the disk: one JSON object a line, an input and what the reference parser made of it.
//!
//! Takes the path of the file, gives the rows. Nothing here judges; which fields there are is said in the corpus's
//! own description.

use std::fmt;
use std::fs;
use std::path::Path;

use kickstart_parser::Syntax;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// An input and the verdicts on it
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    /// Half the hash of the input
    pub(crate) id: String,
    /// How the input was obtained
    pub(crate) kind: String,
    /// A kickstart
    pub(crate) input: String,
    /// Verdicts that are the same stand once, with their versions
    pub(crate) verdicts: Vec<Verdict>,
}

/// What the reference makes of an input
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) versions: Vec<Syntax>,
    pub(crate) outcome: Outcome,
    /// The first error
    pub(crate) error: Option<Fault>,
    /// The error is a defect of the reference, not a rule of the language
    #[serde(default)]
    pub(crate) internal: bool,
    #[serde(default)]
    pub(crate) deprecations: Vec<String>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// What the reference writes for what it has read
    pub(crate) canonical: Option<String>,
    /// The hash of `canonical` where that is left out
    pub(crate) canonical_sha256: Option<String>,
}

/// An error as the reference tells it
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fault {
    pub(crate) line: Option<u32>,
    pub(crate) msg: String,
}

/// How a kickstart fares, the worst thing that is said of it
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ok,
    Warning,
    Deprecated,
    Error,
}

impl Row {
    /// The verdict by one version
    pub(crate) fn verdict(&self, syntax: Syntax) -> Option<&Verdict> {
        self.verdicts
            .iter()
            .find(|verdict| verdict.versions.contains(&syntax))
    }

    /// Every version that there is a verdict by
    pub(crate) fn versions(&self) -> Vec<Syntax> {
        let versions = self.verdicts.iter().flat_map(|verdict| &verdict.versions);
        versions.copied().collect()
    }

    /// The first word that is neither in a comment nor blank
    pub(crate) fn first_word(&self) -> &str {
        let mut words = self.input.lines().filter_map(first_word);
        words.next().unwrap_or("(nothing)")
    }

    /// The first word of a line, which counts from 1
    pub(crate) fn word_of_line(&self, line: u32) -> Option<&str> {
        let at = (line as usize).checked_sub(1)?;
        self.input.lines().nth(at).and_then(first_word)
    }
}

fn first_word(line: &str) -> Option<&str> {
    line.split_whitespace()
        .next()
        .filter(|word| !word.starts_with('#'))
}

impl Verdict {
    /// Whether the reference wrote what it has read, so that there is something to compare with
    pub(crate) fn has_canonical(&self) -> bool {
        self.canonical.is_some() || self.canonical_sha256.is_some()
    }

    /// Whether `text`, a canonical form as ours, is the reference's
    pub(crate) fn is_canonical(&self, text: &str) -> bool {
        match (&self.canonical, &self.canonical_sha256) {
            (Some(expected), _) => expected == text,
            (None, Some(hash)) => *hash == sha256(text),
            (None, None) => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Deprecated => "deprecated",
            Outcome::Error => "error",
        })
    }
}

/// Reads every row of a corpus
pub(crate) fn load(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // A line ends at LF only: JSON may hold the other line ends as they are.
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines
        .zip(1..)
        .map(|(line, n)| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{}:{n}: {e}", path.display()))
        })
        .collect()
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canonical_form_is_known_by_its_text_or_its_hash() {
        let verdict = |rest: &str| -> Verdict {
            let json = format!("{{\"versions\": [\"RHEL9\"], \"outcome\": \"ok\"{rest}}}");
            serde_json::from_str(&json).unwrap()
        };
        assert!(!verdict("").has_canonical());
        let text = verdict(", \"canonical\": \"text\\n\"");
        assert!(text.is_canonical("text\n") && !text.is_canonical("text"));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let hash = verdict(&format!(", \"canonical_sha256\": \"{empty}\""));
        assert!(hash.is_canonical("") && !hash.is_canonical("text\n"));
    }
}
