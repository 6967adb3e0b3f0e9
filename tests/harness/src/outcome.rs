// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What became of each end-to-end case, across runs.
//!
//! Takes a case's directory and how its run ended; keeps that as `outcome.json` with the commit it was run at, and
//! gives a report of all. So a run that was interrupted goes on where it stopped. Knows the files, not the cases.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::tool::{self, tool};

/// The state of the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The full id, `unknown` outside a checkout.
    pub id: String,
    /// Whether the files are exactly those of the commit.
    pub clean: bool,
}

impl Commit {
    /// The commit that is checked out in `dir`.
    pub fn current(dir: &Path) -> Self {
        let git = |args: &[&str]| -> Result<String> {
            tool::run(tool("git")?.arg("-C").arg(dir).args(args))
        };
        let id = git(&["rev-parse", "HEAD"])
            .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned());
        let clean = git(&["status", "--porcelain"]).is_ok_and(|changes| changes.is_empty());
        Self { id, clean }
    }
}

/// How one run of a case ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// Where it was run.
    pub commit: Commit,
    /// Whether it passed.
    pub passed: bool,
    /// How long it took.
    pub seconds: u64,
}

impl Outcome {
    /// The last outcome of the case whose directory this is.
    pub fn read(case_dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(case_dir.join("outcome.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps it for later runs.
    pub fn write(&self, case_dir: &Path) -> Result<()> {
        fs::create_dir_all(case_dir)?;
        Ok(fs::write(
            case_dir.join("outcome.json"),
            serde_json::to_string_pretty(self)?,
        )?)
    }

    /// Whether another run at `commit` would only repeat this one.
    pub fn stands(&self, commit: &Commit) -> bool {
        self.passed && commit.clean && commit.id != "unknown" && self.commit == *commit
    }
}

/// A page with the outcome of each case; `root` has a directory for each name.
pub fn report(root: &Path, commit: &Commit, names: &[String]) -> String {
    let state = if commit.clean { "" } else { ", with changes" };
    let mut page = format!(
        "# End-to-end cases\n\nCommit {}{state}\n\n| case | result | seconds |\n| --- | --- | --- |\n",
        commit.id
    );
    for name in names {
        let line = match Outcome::read(&root.join(name))
            .filter(|outcome| outcome.commit.id == commit.id)
        {
            Some(Outcome {
                passed: true,
                seconds,
                ..
            }) => format!("| {name} | passed | {seconds} |"),
            Some(Outcome {
                passed: false,
                seconds,
                ..
            }) => format!("| {name} | **failed** | {seconds} |"),
            None => format!("| {name} | not run | |"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(page, "{line}");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pass_at_the_same_clean_commit_stands() {
        let commit = Commit {
            id: "abc".to_owned(),
            clean: true,
        };
        let dirty = Commit {
            clean: false,
            ..commit.clone()
        };
        let passed = Outcome {
            commit: commit.clone(),
            passed: true,
            seconds: 1,
        };
        assert!(passed.stands(&commit));
        assert!(!passed.stands(&dirty));
        assert!(
            !Outcome {
                passed: false,
                ..passed.clone()
            }
            .stands(&commit)
        );
        assert!(
            !Outcome {
                commit: dirty.clone(),
                ..passed
            }
            .stands(&dirty)
        );
    }

    #[test]
    fn a_report_has_a_line_for_each_case() {
        let root = tempfile::tempdir().unwrap();
        let commit = Commit {
            id: "abc".to_owned(),
            clean: true,
        };
        Outcome {
            commit: commit.clone(),
            passed: true,
            seconds: 7,
        }
        .write(&root.path().join("one"))
        .unwrap();
        let page = report(root.path(), &commit, &["one".to_owned(), "two".to_owned()]);
        assert!(
            page.contains("| one | passed | 7 |") && page.contains("| two | not run | |"),
            "{page}"
        );
    }
}
