// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The disagreements that are known, from `tests/corpus-disagreements.toml`: each with its aspect and our reason.
//!
//! Takes the file and the comparisons, gives what is missing in the list and what stands there for nothing. Rows are
//! named by their ids alone, so that none of the corpus is in this project. The list belongs to one corpus, told by a
//! row of it; for another corpus it says nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kickstart_parser::Syntax;
use serde::Deserialize;

use crate::compare::{Aspect, Comparison};
use crate::rows::Row;

/// A row, the version and the aspect in which we disagree
pub(crate) type Key = (String, Syntax, Aspect);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    corpus: String,
    #[serde(default)]
    disagreement: Vec<Group>,
}

/// Disagreements for one reason
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    aspect: Aspect,
    reason: String,
    /// Each an id and the versions, or an id alone for every version
    rows: Vec<String>,
}

/// The list as far as it is about the rows at hand
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Whether these rows are the corpus that the list is about
    pub(crate) applies: bool,
    reasons: BTreeMap<Key, String>,
    /// What is wrong with the list itself
    pub(crate) faults: Vec<String>,
}

/// What of the list and what of the comparisons does not match
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Disagreements that are not listed: what they are, then the rows as the list would have them
    pub(crate) missing: BTreeMap<(Aspect, String), BTreeMap<String, Vec<Syntax>>>,
    /// Entries that agree by now
    pub(crate) stale: BTreeSet<Key>,
}

impl List {
    /// Reads the list from its file
    pub(crate) fn load(path: &Path, rows: &[Row]) -> List {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        List::parse(&text, rows)
    }

    fn parse(text: &str, rows: &[Row]) -> List {
        let file: File = toml::from_str(text).unwrap();
        let by_id: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut list = List {
            applies: by_id.contains_key(file.corpus.as_str()),
            ..List::default()
        };
        for group in &file.disagreement {
            if group.reason.trim().is_empty() {
                list.faults.push(format!("no reason for {:?}", group.rows));
            }
            for entry in &group.rows {
                list.add(group, entry, &by_id);
            }
        }
        list
    }

    /// Adds an entry; of a row that is not at hand nothing can be said
    fn add(&mut self, group: &Group, entry: &str, rows: &BTreeMap<&str, &Row>) {
        let mut words = entry.split_whitespace();
        let id = words.next().unwrap_or_default();
        let Some(row) = rows.get(id) else { return };
        let mut versions: Vec<Syntax> = Vec::new();
        for word in words {
            match word.parse() {
                Ok(syntax) => versions.push(syntax),
                Err(error) => self.faults.push(format!("`{entry}`: {error}")),
            }
        }
        if versions.is_empty() {
            versions = row.versions();
        }
        for syntax in versions {
            let key = (id.to_owned(), syntax, group.aspect);
            let before = self.reasons.insert(key, group.reason.clone());
            if before.is_some() {
                let aspect = group.aspect.as_str();
                self.faults
                    .push(format!("`{entry}` is listed twice, {aspect}"));
            }
        }
    }

    /// Why we disagree, where that is listed
    pub(crate) fn reason(&self, row: &Row, syntax: Syntax, aspect: Aspect) -> Option<&str> {
        let key = (row.id.clone(), syntax, aspect);
        self.reasons.get(&key).map(String::as_str)
    }

    /// Compares the list with what was found
    pub(crate) fn check(&self, rows: &[Row], comparisons: &[Comparison]) -> Mismatch {
        let mut mismatch = Mismatch {
            stale: self.reasons.keys().cloned().collect(),
            ..Mismatch::default()
        };
        for comparison in comparisons {
            let id = &rows[comparison.row].id;
            for found in &comparison.disagreements {
                let key = (id.clone(), comparison.syntax, found.aspect);
                if self.reasons.contains_key(&key) {
                    mismatch.stale.remove(&key);
                    continue;
                }
                let what = format!("{}: {}", found.subject, found.what);
                let like = mismatch.missing.entry((found.aspect, what)).or_default();
                like.entry(id.clone()).or_default().push(comparison.syntax);
            }
        }
        mismatch
    }
}

impl Mismatch {
    /// Whether the list is complete and nothing in it is stale
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.stale.is_empty()
    }

    /// The entries that are missing or stale, the missing ones as they would be listed
    pub(crate) fn to_lines(&self, rows: &[Row]) -> Vec<String> {
        let all: BTreeMap<&str, usize> = rows
            .iter()
            .map(|row| (row.id.as_str(), row.versions().len()))
            .collect();
        let mut lines = Vec::new();
        for ((aspect, what), like) in &self.missing {
            lines.push(format!("not listed, {}, {what}", aspect.as_str()));
            for (id, versions) in like {
                let every = all.get(id.as_str()) == Some(&versions.len());
                let mut entry = vec![id.clone()];
                if !every {
                    entry.extend(versions.iter().map(Syntax::to_string));
                }
                lines.push(format!("    \"{}\",", entry.join(" ")));
            }
        }
        for (id, syntax, aspect) in &self.stale {
            let aspect = aspect.as_str();
            lines.push(format!("listed for nothing, {aspect}: \"{id} {syntax}\""));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::compare;

    fn rows() -> Vec<Row> {
        let row = |id: &str, outcome: &str| {
            let json = format!(
                "{{\"id\": {id:?}, \"kind\": \"made\", \"input\": \"text\\n\", \"verdicts\": \
                 [{{\"versions\": [\"RHEL9\", \"F45\"], \"outcome\": {outcome:?}}}]}}"
            );
            serde_json::from_str(&json).unwrap()
        };
        vec![row("01", "ok"), row("02", "error")]
    }

    fn comparisons(rows: &[Row]) -> Vec<Comparison> {
        let of = |row| [Syntax::Rhel9, Syntax::F45].map(|s| compare(rows, row, s).unwrap());
        [of(0), of(1)].into_iter().flatten().collect()
    }

    fn list(entries: &str) -> List {
        let text = format!(
            "corpus = \"01\"\n[[disagreement]]\naspect = \"verdict\"\nreason = \"r\"\nrows = {entries}"
        );
        List::parse(&text, &rows())
    }

    #[test]
    fn what_is_not_listed_and_what_is_listed_for_nothing_is_found() {
        let rows = rows();
        let found = comparisons(&rows);
        let complete = list("[\"02\", \"unknown RHEL8\"]");
        assert!(complete.applies && complete.check(&rows, &found).is_empty());
        assert_eq!(
            complete.reason(&rows[1], Syntax::F45, Aspect::Verdict),
            Some("r")
        );
        let partly = list("[\"02 F45\", \"01 RHEL9\"]").check(&rows, &found);
        let lines = partly.to_lines(&rows);
        assert_eq!(
            lines[1..],
            [
                "    \"02 RHEL9\",",
                "listed for nothing, verdict: \"01 RHEL9\""
            ]
        );
        assert_eq!(partly.stale.len(), 1);
    }

    #[test]
    fn faults_of_the_list_are_found() {
        assert_eq!(list("[\"02\", \"02 F45\"]").faults.len(), 1);
        assert_eq!(list("[\"02 RHEL0\"]").faults.len(), 1);
        let text =
            "corpus = \"03\"\n[[disagreement]]\naspect = \"line\"\nreason = \" \"\nrows = []";
        let list = List::parse(text, &rows());
        assert!(!list.applies && list.faults.len() == 1);
    }
}
