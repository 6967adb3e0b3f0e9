// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the parser has to say about a kickstart: severity, stable code, sentence, place, help.
//!
//! [`Findings`] is where every stage puts its diagnostics; it sorts and removes repetitions once, at the end. How
//! diagnostics look to a user is `render`'s business.

mod code;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use code::{Class, Code};

use crate::location::Location;
use crate::mask::hidden;

/// How much a diagnostic matters
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The kickstart cannot be carried out as it is written
    Error,
    /// Accepted, and going to disappear from the language
    Deprecation,
    /// Accepted, and probably not what was meant
    Warning,
}

/// One statement about a kickstart
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// How much it matters
    pub severity: Severity,
    /// Which rule it comes from
    pub code: Code,
    /// A sentence without full stop, values in backticks
    pub message: String,
    /// The offending words; `None` when it is about the whole kickstart
    pub location: Option<Location>,
    /// What to do about it
    pub help: Option<String>,
}

impl Diagnostic {
    fn new(severity: Severity, code: Code, location: Option<Location>, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            location,
            help: None,
        }
    }

    /// Adds what to do about it
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

/// So many diagnostics are kept; a text with more faults is no kickstart, and memory has an end
const MOST: usize = 100_000;

/// Diagnostics as they are found, in any order
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Diagnostic>,
    /// How many errors there were, kept or not
    errors: usize,
    /// The last one that was not kept
    unkept: Option<Diagnostic>,
    /// How many there were, kept or not
    count: usize,
}

impl Findings {
    /// Records an error
    pub(crate) fn error(
        &mut self,
        code: Code,
        at: Location,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, code, Some(at), message.into())
    }

    /// Records a warning
    pub(crate) fn warning(
        &mut self,
        code: Code,
        at: Location,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, Some(at), message.into())
    }

    /// Records the use of something deprecated
    pub(crate) fn deprecation(
        &mut self,
        code: Code,
        at: Location,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Deprecation, code, Some(at), message.into())
    }

    /// Records a warning about the kickstart as a whole
    pub(crate) fn general_warning(
        &mut self,
        code: Code,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, None, message.into())
    }

    /// How many diagnostics there are
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many of them are errors
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether a rule was broken anywhere
    pub(crate) fn has(&self, code: Code) -> bool {
        self.kept.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// The diagnostics in the order of their places, each once; `files` is the order in which files were read.
    /// What has no place comes last.
    pub(crate) fn into_sorted(self, files: &[Arc<str>]) -> Vec<Diagnostic> {
        let mut all = self.kept;
        if self.unkept.is_some() {
            let message = format!("there is more to say than the {MOST} remarks that are kept");
            all.push(Diagnostic::new(
                Severity::Warning,
                Code::TooLarge,
                None,
                message,
            ));
        }
        let ranks: HashMap<&str, usize> = files.iter().map(|name| &**name).zip(0..).collect();
        let rank = |at: &Location| ranks.get(&*at.file).copied().unwrap_or(files.len());
        all.sort_by_cached_key(|d| match &d.location {
            Some(at) => (rank(at), at.line, at.column, d.severity),
            None => (usize::MAX, 0, 0, d.severity),
        });
        all.dedup();
        all
    }

    fn add(
        &mut self,
        severity: Severity,
        code: Code,
        location: Option<Location>,
        message: String,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::new(severity, code, location, message);
        self.count += 1;
        // The first error is kept in any case: it decides the verdict.
        let decides = severity == Severity::Error && self.errors == 0;
        self.errors += usize::from(severity == Severity::Error);
        if self.kept.len() >= MOST && !decides {
            return self.unkept.insert(diagnostic);
        }
        let at = self.kept.len();
        self.kept.push(diagnostic);
        &mut self.kept[at]
    }
}

/// `text` in backticks, secrets hidden, control characters escaped, cut where it gets long: user input inside a message
pub(crate) fn quote(text: &str) -> String {
    const LONGEST: usize = 80;
    /// Beyond so many bytes nothing is looked at: messages can be many, and their texts long
    const FAR: usize = 4096;
    let mut starts = text.char_indices().map(|(at, _)| at);
    let text = hidden(&text[..starts.find(|at| *at >= FAR).unwrap_or(text.len())]);
    let mut quoted = String::from("`");
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            quoted.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            let _ = write!(quoted, "{}", c.escape_default());
        } else {
            quoted.push(c);
        }
    }
    quoted.push('`');
    quoted
}

/// Whether `c` is shown as nothing or turns the direction of what follows
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_input_cannot_steer_a_terminal() {
        assert_eq!(quote("a\u{1b}[31mb\n"), "`a\\u{1b}[31mb\\n`");
        assert_eq!(quote(&"x".repeat(100)).chars().count(), 83);
    }

    #[test]
    fn what_is_kept_has_an_end_and_the_first_error_is_kept() {
        let mut findings = Findings::default();
        for _ in 0..MOST + 2 {
            let message = format!("remark {}", findings.count());
            findings.general_warning(Code::NoRoot, message);
        }
        let at = Location {
            file: "a.ks".into(),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 2,
        };
        findings.error(Code::UnknownCommand, at.clone(), "first");
        findings.error(Code::UnknownCommand, at, "second").help("x");
        let sorted = findings.into_sorted(&["a.ks".into()]);
        assert_eq!(sorted.len(), MOST + 2);
        assert_eq!(sorted[0].message, "first");
        assert_eq!(
            sorted.iter().filter(|d| d.code == Code::TooLarge).count(),
            1
        );
    }

    #[test]
    fn findings_are_sorted_by_file_then_place_and_said_once() {
        let at = |file: &str, line| Location {
            file: file.into(),
            line,
            column: 1,
            end_line: line,
            end_column: 2,
        };
        let mut findings = Findings::default();
        findings.general_warning(Code::NoRoot, "c");
        findings.error(Code::UnknownCommand, at("a.ks", 9), "b");
        findings.error(Code::UnknownCommand, at("z.ks", 1), "a");
        findings.error(Code::UnknownCommand, at("a.ks", 9), "b");
        let sorted = findings.into_sorted(&["z.ks".into(), "a.ks".into()]);
        assert_eq!(
            sorted
                .iter()
                .map(|d| d.message.as_str())
                .collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }
}
