// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a disagreement is about and how it looks, so that the like can be counted together.
//!
//! Takes a comparison with both sides of it, gives a subject, mostly the command, and a sentence without what makes the
//! row special: quoted words, values, numbers. Judges nothing.

use crate::compare::{Aspect, Comparison, Ours, Wrong, line};
use crate::diff;
use crate::rows::{Row, Verdict};

/// One aspect that does not agree
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disagreement {
    pub(crate) aspect: Aspect,
    /// The command or section that it seems to be about
    pub(crate) subject: String,
    /// What differs, with names and numbers left out, so that the like are counted together
    pub(crate) what: String,
}

/// What disagrees; a wrong verdict hides all that follows from it
pub(crate) fn describe(
    comparison: &Comparison,
    row: &Row,
    verdict: &Verdict,
    ours: &Ours,
) -> Vec<Disagreement> {
    match comparison.wrong {
        Some(Wrong::Accept) => vec![accepts(row, verdict)],
        Some(Wrong::Reject) => vec![rejects(row, ours)],
        None => {
            let differs = |aspect: &Aspect| comparison.agrees(*aspect) == Some(false);
            let aspects = Aspect::ALL.into_iter().filter(differs);
            aspects
                .map(|aspect| differs_in(aspect, row, verdict, ours))
                .collect()
        }
    }
}

/// A panic of ours, which is a wrong verdict whatever the reference says
pub(crate) fn panics(row: &Row, message: &str) -> Disagreement {
    Disagreement {
        aspect: Aspect::Verdict,
        subject: row.first_word().to_owned(),
        what: format!("a panic, {message}"),
    }
}

fn accepts(row: &Row, verdict: &Verdict) -> Disagreement {
    let error = verdict.error.as_ref();
    let line = error.and_then(|error| error.line);
    Disagreement {
        aspect: Aspect::Verdict,
        subject: subject(row, line),
        what: format!(
            "accepted, the reference: {}",
            error.map_or(String::new(), |error| outline(&error.msg))
        ),
    }
}

fn rejects(row: &Row, ours: &Ours) -> Disagreement {
    let error = ours.errors.first();
    Disagreement {
        aspect: Aspect::Verdict,
        subject: subject(row, error.and_then(line)),
        what: error.map_or(String::new(), |error| {
            format!("rejected, ours: {} {}", error.code, outline(&error.message))
        }),
    }
}

fn differs_in(aspect: Aspect, row: &Row, verdict: &Verdict, ours: &Ours) -> Disagreement {
    let first = ours.errors.first();
    let (subject, what) = match aspect {
        Aspect::Verdict | Aspect::Outcome => {
            let said = verdict.deprecations.iter().chain(&verdict.warnings);
            let said = said.map(|text| outline(text)).next().unwrap_or_default();
            let what = format!(
                "{}, the reference: {} {said}",
                ours.outcome, verdict.outcome
            );
            (subject(row, None), what)
        }
        Aspect::Line => {
            let theirs = verdict.error.as_ref().and_then(|error| error.line);
            let relation = match first.and_then(line) {
                None => "no line",
                Some(ours) if Some(ours) < theirs => "an earlier line",
                Some(_) => "a later line",
            };
            let said = first.map_or(String::new(), |error| outline(&error.message));
            (subject(row, theirs), format!("{relation}, ours: {said}"))
        }
        Aspect::Canonical => canonical_difference(row, verdict, ours),
    };
    Disagreement {
        aspect,
        subject,
        what,
    }
}

/// What it is about and how the first lines that differ look
fn canonical_difference(row: &Row, verdict: &Verdict, ours: &Ours) -> (String, String) {
    let ours = ours.canonical.as_deref().unwrap_or_default();
    let Some(theirs) = &verdict.canonical else {
        return (
            subject(row, None),
            "only the reference's hash is known".into(),
        );
    };
    let (theirs, ours) = diff::first_difference(theirs, ours);
    let word = |line: Option<&str>| {
        let word = line?.split_whitespace().next()?;
        (!word.starts_with('#')).then(|| word.to_owned())
    };
    let subject = word(theirs).or_else(|| word(ours));
    let show =
        |line: Option<&str>| line.map_or("(end)".into(), |line| format!("`{}`", outline(line)));
    (
        subject.unwrap_or_else(|| row.first_word().to_owned()),
        format!("{}, the reference: {}", show(ours), show(theirs)),
    )
}

/// The command or section of a line, or of the whole row where the line is unknown or blank
fn subject(row: &Row, line: Option<u32>) -> String {
    let word = line.and_then(|line| row.word_of_line(line));
    word.unwrap_or_else(|| row.first_word()).to_owned()
}

/// A sentence or a line without what makes it special: what is quoted, values of options, numbers
fn outline(text: &str) -> String {
    const LONGEST: usize = 110;
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => break,
            '`' | '"' => {
                rest.by_ref().find(|next| *next == c);
                out.push('…');
            }
            '=' => {
                out.push(c);
                while rest.next_if(|next| !next.is_whitespace()).is_some() {}
            }
            '0'..='9' => {
                while rest.next_if(char::is_ascii_digit).is_some() {}
                out.push('N');
            }
            _ => out.push(c),
        }
    }
    out.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_leave_out_what_is_special() {
        assert_eq!(
            outline("option `--x` needs 12 \"a b\""),
            "option … needs N …"
        );
        assert_eq!(
            outline("part / --size=100 --grow\nx"),
            "part / --size= --grow"
        );
    }
}
