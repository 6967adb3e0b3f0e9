// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rows that disagree, in full, for whoever looks into them: chosen by the words of `LANDFALL_CORPUS_SHOW`.
//!
//! Words are separated by spaces. `verdict`, `outcome`, `line` and `canonical` choose the aspect, `accepts` and
//! `rejects` the way a verdict is wrong, `RHEL9` the version, `~text` what the input or the disagreement holds, any
//! other word the command or section that it is about, a part of the row's kind, or the beginning of its id. Words of
//! one sort are alternatives, of several sorts all needed. `all` chooses everything; `limit=5` how many rows are
//! shown, 20 without; `full` shows long inputs whole; `listed` adds the disagreements that are listed.

use kickstart_parser::{Syntax, render};

use crate::compare::{self, Aspect, Comparison, Wrong};
use crate::describe::Disagreement;
use crate::diff;
use crate::list::List;
use crate::rows::{Row, Verdict};

/// Lines of an input that are shown without `full`
const LINES: usize = 40;

/// What is to be shown
#[derive(Debug)]
pub(crate) struct Choice {
    aspects: Vec<Aspect>,
    ways: Vec<Wrong>,
    versions: Vec<Syntax>,
    about: Vec<String>,
    holds: Vec<String>,
    limit: usize,
    full: bool,
    listed: bool,
}

impl Choice {
    pub(crate) fn parse(text: &str) -> Choice {
        let mut choice = Choice {
            aspects: Vec::new(),
            ways: Vec::new(),
            versions: Vec::new(),
            about: Vec::new(),
            holds: Vec::new(),
            limit: 20,
            full: false,
            listed: false,
        };
        for word in text.split_whitespace() {
            choice.add(word);
        }
        choice
    }

    fn add(&mut self, word: &str) {
        let aspect = Aspect::ALL
            .into_iter()
            .find(|aspect| aspect.as_str() == word);
        let limit = word.strip_prefix("limit=").and_then(|n| n.parse().ok());
        match word {
            "all" => {}
            "full" => self.full = true,
            "listed" => self.listed = true,
            "accepts" => self.ways.push(Wrong::Accept),
            "rejects" => self.ways.push(Wrong::Reject),
            _ => {
                if let Some(aspect) = aspect {
                    self.aspects.push(aspect);
                } else if let Some(limit) = limit {
                    self.limit = limit;
                } else if let Ok(syntax) = word.parse() {
                    self.versions.push(syntax);
                } else if let Some(text) = word.strip_prefix('~') {
                    self.holds.push(text.to_owned());
                } else {
                    self.about.push(word.to_owned());
                }
            }
        }
    }

    fn takes(&self, row: &Row, comparison: &Comparison, found: &Disagreement) -> bool {
        fn any<T>(choices: &[T], fits: impl Fn(&T) -> bool) -> bool {
            choices.is_empty() || choices.iter().any(fits)
        }
        let about = |word: &String| {
            *word == found.subject
                || word == row.first_word()
                || row.kind.contains(word.as_str())
                || word.len() >= 6 && row.id.starts_with(word.as_str())
        };
        let holds = |text: &String| row.input.contains(text) || found.what.contains(text);
        any(&self.aspects, |aspect| *aspect == found.aspect)
            && any(&self.ways, |way| Some(*way) == comparison.wrong)
            && any(&self.versions, |syntax| *syntax == comparison.syntax)
            && any(&self.about, about)
            && any(&self.holds, holds)
    }
}

/// A row with the versions by which it disagrees in the same way
struct Shown<'a> {
    row: &'a Row,
    found: &'a Disagreement,
    versions: Vec<Syntax>,
    reason: Option<&'a str>,
}

/// Everything about the chosen rows
pub(crate) fn lines(
    choice: &Choice,
    rows: &[Row],
    comparisons: &[Comparison],
    list: &List,
) -> Vec<String> {
    let chosen = chosen(choice, rows, comparisons, list);
    let mut lines = Vec::new();
    for shown in chosen.iter().take(choice.limit) {
        lines.extend(show(shown, choice));
    }
    let count = chosen.len();
    let shown = count.min(choice.limit);
    lines.push(format!("{shown} of {count} disagreements shown"));
    lines
}

fn chosen<'a>(
    choice: &Choice,
    rows: &'a [Row],
    comparisons: &'a [Comparison],
    list: &'a List,
) -> Vec<Shown<'a>> {
    let mut chosen: Vec<Shown> = Vec::new();
    for comparison in comparisons {
        let row = &rows[comparison.row];
        for found in &comparison.disagreements {
            let reason = list.reason(row, comparison.syntax, found.aspect);
            if reason.is_some() && !choice.listed || !choice.takes(row, comparison, found) {
                continue;
            }
            // The versions of a row follow each other, at most nine of them with four aspects each.
            let recent = chosen.iter_mut().rev().take(36);
            let mut same = recent.filter(|other| other.row.id == row.id && other.found == found);
            match same.next() {
                Some(other) => other.versions.push(comparison.syntax),
                None => chosen.push(Shown {
                    row,
                    found,
                    versions: vec![comparison.syntax],
                    reason,
                }),
            }
        }
    }
    chosen
}

fn show(shown: &Shown, choice: &Choice) -> Vec<String> {
    let (row, found) = (shown.row, shown.found);
    let names: Vec<_> = shown.versions.iter().map(Syntax::to_string).collect();
    let mut lines = vec![
        String::new(),
        format!(
            "=== {} {}: {}, {} ({})",
            row.id,
            row.kind,
            found.aspect.as_str(),
            found.subject,
            names.join(" ")
        ),
        found.what.clone(),
    ];
    lines.extend(shown.reason.map(|reason| format!("listed: {reason}")));
    lines.extend(input(&row.input, choice.full));
    let syntax = shown.versions[0];
    let Some(verdict) = row.verdict(syntax) else {
        return lines;
    };
    lines.extend(theirs(verdict));
    match compare::ours(row, syntax) {
        Err(message) => lines.push(format!("ours: a panic, {message}")),
        Ok(ours) => {
            lines.push(format!("ours: {}", ours.outcome));
            let reading = compare::reading(row, syntax);
            let said = render::human(&reading.diagnostics, &reading.sources, false);
            lines.extend(said.lines().map(|line| format!("  {line}")));
            if let Some(text) = ours.canonical {
                lines.extend(canonical(verdict, &text));
            }
        }
    }
    lines
}

fn input(text: &str, full: bool) -> Vec<String> {
    let all: Vec<_> = text.split('\n').collect();
    let shown = if full {
        all.len()
    } else {
        LINES.min(all.len())
    };
    let numbered = all[..shown].iter().zip(1..);
    let mut lines: Vec<_> = numbered
        .map(|(line, n)| format!("{n:>4} | {}", diff::visible(line)))
        .collect();
    if shown < all.len() {
        lines.push(format!("     | … {} lines more", all.len() - shown));
    }
    lines
}

fn theirs(verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![format!("reference: {}", verdict.outcome)];
    if let Some(error) = &verdict.error {
        let line = error
            .line
            .map_or("no line".into(), |line| format!("line {line}"));
        let defect = if verdict.internal {
            " (its own defect)"
        } else {
            ""
        };
        lines.push(format!("  {line}{defect}: {}", error.msg));
    }
    for text in verdict.deprecations.iter().chain(&verdict.warnings) {
        lines.push(format!("  {text}"));
    }
    lines
}

/// The difference of the canonical forms, if there is one
fn canonical(verdict: &Verdict, ours: &str) -> Vec<String> {
    if !verdict.has_canonical() || verdict.is_canonical(ours) {
        return Vec::new();
    }
    match &verdict.canonical {
        None => vec!["canonical: differs, and only the hash of the reference's is known".into()],
        Some(theirs) => {
            let mut lines =
                vec!["canonical (- the reference, + ours, · a space at the end):".into()];
            let difference = diff::lines(theirs, ours);
            lines.extend(difference.into_iter().map(|line| format!("  {line}")));
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let json = "{\"id\": \"0123456789\", \"kind\": \"made-here\", \"input\": \"text\\n\", \"verdicts\": \
            [{\"versions\": [\"RHEL9\", \"F45\"], \"outcome\": \"error\", \"error\": {\"line\": 1, \"msg\": \"no\"}}]}";
        vec![serde_json::from_str(json).unwrap()]
    }

    fn last_line(choice: &str) -> String {
        let rows = rows();
        let found = [Syntax::Rhel9, Syntax::F45];
        let found = found.map(|syntax| compare::compare(&rows, 0, syntax).unwrap());
        let lines = lines(&Choice::parse(choice), &rows, &found, &List::default());
        lines.last().unwrap().clone()
    }

    #[test]
    fn words_of_one_sort_are_alternatives_and_of_several_sorts_all_needed() {
        let one = "1 of 1 disagreements shown";
        for choice in [
            "all",
            "text",
            "lang text",
            "RHEL9",
            "RHEL8 F45",
            "verdict accepts",
            "made-",
            "012345",
            "~ext",
        ] {
            assert_eq!(last_line(choice), one, "{choice}");
        }
        assert_eq!(last_line("text limit=0"), "0 of 1 disagreements shown");
        for choice in [
            "lang",
            "text RHEL8",
            "canonical",
            "rejects",
            "~lang",
            "01234x",
        ] {
            assert_eq!(last_line(choice), "0 of 0 disagreements shown", "{choice}");
        }
    }
}
