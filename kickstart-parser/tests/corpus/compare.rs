// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Our verdict on a row beside the reference's, by one version of the language.
//!
//! Takes a row and a version, gives what was asked and what agreed. The verdict is accept or reject; the outcome also
//! tells warnings and deprecations apart, and only findings about the language itself count for it, since the
//! reference knows no others. How often something agrees, and how often it must, is not known here.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, Location};

use kickstart_parser::{Class, Code, Diagnostic, NoIncludes, Reading, Severity, Syntax, read};

use crate::describe::{self, Disagreement};
use crate::rows::{Outcome, Row, Verdict};

thread_local! {
    /// Whether a panic of this thread is kept and not told
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// The last panic that was kept, with its place
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the panics of our parser to themselves, to be reported with their rows
pub(crate) fn keep_panics() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if QUIET.get() {
            let place = info.location().map_or(String::new(), Location::to_string);
            let text = info.payload().downcast_ref::<String>().map(String::as_str);
            let message = text.or_else(|| info.payload().downcast_ref::<&str>().copied());
            let message = message.unwrap_or("no message");
            PANIC.set(Some(format!("{message} at {place}")));
        } else {
            told(info);
        }
    }));
}

/// What is compared
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aspect {
    /// Accepted or rejected
    Verdict,
    /// `ok`, `warning`, `deprecated` or `error`
    Outcome,
    /// The line of the first error
    Line,
    /// What is written for what was read
    Canonical,
}

impl Aspect {
    pub(crate) const ALL: [Aspect; 4] = [
        Aspect::Verdict,
        Aspect::Outcome,
        Aspect::Line,
        Aspect::Canonical,
    ];

    /// The word for it in the list of disagreements and in what is asked to be shown
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Aspect::Verdict => "verdict",
            Aspect::Outcome => "outcome",
            Aspect::Line => "line",
            Aspect::Canonical => "canonical",
        }
    }
}

/// Which way a verdict is wrong
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// We accept what the reference rejects
    Accept,
    /// We reject what the reference accepts
    Reject,
}

/// What we make of an input
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) outcome: Outcome,
    /// The errors, the first line first
    pub(crate) errors: Vec<Diagnostic>,
    /// The canonical form, where the input is accepted
    pub(crate) canonical: Option<String>,
}

/// One row compared by one version
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Which of the rows
    pub(crate) row: usize,
    pub(crate) syntax: Syntax,
    /// The reference's verdict is a defect of its own
    pub(crate) internal: bool,
    pub(crate) wrong: Option<Wrong>,
    /// What agrees, in the order of [`Aspect::ALL`]; `None` where there is nothing to compare
    agrees: [Option<bool>; 4],
    /// Whether any of our errors is on the reference's line
    pub(crate) any_line: Option<bool>,
    pub(crate) disagreements: Vec<Disagreement>,
    /// What our parser panicked with
    pub(crate) panic: Option<String>,
}

impl Comparison {
    pub(crate) fn agrees(&self, aspect: Aspect) -> Option<bool> {
        self.agrees[aspect as usize]
    }
}

/// Reads an input as the reference was made to: includes are not followed
pub(crate) fn reading(row: &Row, syntax: Syntax) -> Reading {
    read("input.ks", &row.input, Some(syntax), &NoIncludes)
}

/// Our own verdict on a row; `Err` holds the message of a panic
pub(crate) fn ours(row: &Row, syntax: Syntax) -> Result<Ours, String> {
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let reading = reading(row, syntax);
        let canonical = (!reading.has_errors()).then(|| canonical(&reading, syntax));
        let outcome = outcome(&reading.diagnostics);
        let mut errors = reading.diagnostics;
        errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
        errors.sort_by_key(|error| line(error).unwrap_or(u32::MAX));
        Ours {
            outcome,
            errors,
            canonical,
        }
    }));
    QUIET.set(false);
    result.map_err(|_| PANIC.take().unwrap_or_default())
}

/// Our canonical form, without the lines that the corpus leaves out wherever they stand
pub(crate) fn canonical(reading: &Reading, syntax: Syntax) -> String {
    let text = reading.kickstart.to_text(syntax);
    let left_out = |line: &&str| {
        line.starts_with("#version=") || line.starts_with("# Generated by pykickstart")
    };
    let lines: Vec<_> = text.split('\n').filter(|line| !left_out(line)).collect();
    lines.join("\n")
}

fn outcome(diagnostics: &[Diagnostic]) -> Outcome {
    let language = |d: &&Diagnostic| {
        // The reference says nothing of includes that it is told not to follow.
        d.code.class() == Class::Language && d.code != Code::IncludeSkipped
    };
    let said = |severity| {
        let mut said = diagnostics.iter().filter(language);
        said.any(|diagnostic| diagnostic.severity == severity)
    };
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        Outcome::Error
    } else if said(Severity::Deprecation) {
        Outcome::Deprecated
    } else if said(Severity::Warning) {
        Outcome::Warning
    } else {
        Outcome::Ok
    }
}

/// The line that an error is on
pub(crate) fn line(error: &Diagnostic) -> Option<u32> {
    error.location.as_ref().map(|at| at.line)
}

/// Compares a row by one version; `None` where the corpus has no verdict
pub(crate) fn compare(rows: &[Row], row: usize, syntax: Syntax) -> Option<Comparison> {
    let verdict = rows[row].verdict(syntax)?;
    let mut comparison = Comparison {
        row,
        syntax,
        internal: verdict.internal,
        wrong: None,
        agrees: [None; 4],
        any_line: None,
        disagreements: Vec::new(),
        panic: None,
    };
    match ours(&rows[row], syntax) {
        Ok(ours) => comparison.fill(&rows[row], verdict, &ours),
        Err(message) => comparison.fail(&rows[row], message),
    }
    Some(comparison)
}

impl Comparison {
    fn fail(&mut self, row: &Row, message: String) {
        self.agrees[Aspect::Verdict as usize] = Some(false);
        self.disagreements = vec![describe::panics(row, &message)];
        self.panic = Some(message);
    }

    fn fill(&mut self, row: &Row, verdict: &Verdict, ours: &Ours) {
        let rejected = (
            ours.outcome == Outcome::Error,
            verdict.outcome == Outcome::Error,
        );
        self.wrong = match rejected {
            (false, true) => Some(Wrong::Accept),
            (true, false) => Some(Wrong::Reject),
            _ => None,
        };
        let outcome = (!verdict.internal).then_some(ours.outcome == verdict.outcome);
        let expected = verdict.error.as_ref().and_then(|error| error.line);
        let expected = expected.filter(|_| rejected == (true, true));
        let first = ours.errors.first().and_then(line);
        let canonical = verdict.has_canonical().then(|| {
            let text = ours.canonical.as_deref();
            text.is_some_and(|text| verdict.is_canonical(text))
        });
        self.agrees = [
            Some(self.wrong.is_none()),
            outcome,
            expected.map(|expected| first == Some(expected)),
            canonical,
        ];
        self.any_line = expected.map(|at| ours.errors.iter().any(|e| line(e) == Some(at)));
        self.disagreements = describe::describe(self, row, verdict, ours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(input: &str, verdict: &str) -> Vec<Row> {
        let json = format!(
            "{{\"id\": \"0\", \"kind\": \"made\", \"input\": {input:?}, \
             \"verdicts\": [{{\"versions\": [\"RHEL9\"], {verdict}}}]}}"
        );
        vec![serde_json::from_str(&json).unwrap()]
    }

    fn compare_made(input: &str, verdict: &str) -> Comparison {
        compare(&row(input, verdict), 0, Syntax::Rhel9).unwrap()
    }

    #[test]
    fn wrong_verdicts_are_told_apart_and_hide_what_follows_from_them() {
        let accept = compare_made(
            "text\n",
            "\"outcome\": \"error\", \"error\": {\"line\": 1, \"msg\": \"no\"}",
        );
        assert_eq!(accept.wrong, Some(Wrong::Accept));
        assert_eq!(accept.disagreements.len(), 1);
        assert_eq!(accept.disagreements[0].subject, "text");
        let reject = compare_made(
            "no-such-command\n",
            "\"outcome\": \"ok\", \"canonical\": \"\"",
        );
        assert_eq!(reject.wrong, Some(Wrong::Reject));
        assert_eq!(reject.disagreements.len(), 1);
        assert_eq!(reject.agrees(Aspect::Canonical), Some(false));
    }

    #[test]
    fn lines_and_canonical_forms_are_compared() {
        let line =
            |n: u32| format!("\"outcome\": \"error\", \"error\": {{\"line\": {n}, \"msg\": \"\"}}");
        let input = "text\nno-such-command\nnor-this\n";
        let same = compare_made(input, &line(2));
        assert_eq!(
            (same.agrees(Aspect::Line), same.any_line),
            (Some(true), Some(true))
        );
        let other = compare_made(input, &line(3));
        assert_eq!(
            (other.agrees(Aspect::Line), other.any_line),
            (Some(false), Some(true))
        );
        assert_eq!(other.disagreements[0].aspect, Aspect::Line);
        let canonical = compare_made("text\n", "\"outcome\": \"ok\", \"canonical\": \"nonsense\"");
        assert_eq!(canonical.agrees(Aspect::Canonical), Some(false));
        assert_eq!(canonical.disagreements[0].subject, "nonsense");
    }

    #[test]
    fn a_defect_of_the_reference_agrees_with_any_rejection() {
        let defect = "\"outcome\": \"error\", \"internal\": true, \"error\": {\"line\": null, \"msg\": \"\"}";
        let reject = compare_made("no-such-command\n", defect);
        assert!(reject.internal && reject.disagreements.is_empty());
        assert_eq!(compare_made("text\n", defect).wrong, Some(Wrong::Accept));
    }
}
