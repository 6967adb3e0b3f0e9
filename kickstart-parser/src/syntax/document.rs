// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lossless document: every line of one file as it stands, with its kind and words.
//!
//! It is made of one file alone; includes are lines of it and are not followed. Its `Display` is the text it was
//! made from.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::lexer::{Token, unquoted_words, words_of};
use super::lines::lines;
use super::machine::{Machine, Step};
use crate::diagnostic::{Diagnostic, Findings};
use crate::location::{Location, Place};
use crate::mask::shown_name;

/// A kickstart file, line by line; its text may hold secrets
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Document<'a> {
    /// The file's name, an address without user and password
    pub name: Arc<str>,
    /// Every line
    pub lines: Vec<Line<'a>>,
    /// What is wrong with quotes, sections and includes
    pub diagnostics: Vec<Diagnostic>,
}

/// One line
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line<'a> {
    /// Its number, counted from 1
    pub number: u32,
    /// Its text with its terminator
    pub text: &'a str,
    /// What it is
    pub kind: LineKind,
    /// The words of a command, section header or include; empty for all other lines
    pub tokens: Vec<Token<'a>>,
}

/// What a line is
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// Only white space
    Blank,
    /// A comment outside sections
    Comment,
    /// A command with its options
    Command,
    /// A line that begins a section, or a `%word` that should
    Header,
    /// A line inside a section
    Body,
    /// The `%end` of a section
    End,
    /// An `%include`, inside a section or outside
    Include,
    /// A `%ksappend`, inside a section or outside
    Append,
}

/// Reads one file into a document; it never fails
pub fn parse<'a>(file: &str, text: &'a str) -> Document<'a> {
    let name: Arc<str> = shown_name(file).into();
    let mut machine = Machine::default();
    let mut findings = Findings::default();
    let mut document = Document {
        name: Arc::clone(&name),
        lines: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut last = None;
    for (text, number) in lines(text).zip(1..) {
        let place = Place {
            file: &name,
            line: number,
            text,
        };
        let step = machine.step(place, &mut findings);
        let tokens = line_words(text, place, step, &mut findings);
        document.lines.push(Line {
            number,
            text,
            kind: step.kind,
            tokens,
        });
        last = Some(place.whole());
    }
    if let Some(last) = last {
        machine.finish_file(&name, &last, &mut findings);
    }
    document.diagnostics = findings.into_sorted(&[name]);
    document
}

/// The words of a line, `text` at `place`; lines of most kinds have none
pub(crate) fn line_words<'a>(
    text: &'a str,
    place: Place<'_>,
    step: Step,
    findings: &mut Findings,
) -> Vec<Token<'a>> {
    match step.kind {
        LineKind::Command | LineKind::Header | LineKind::Include => {
            words_of(text, place, step.hash, findings)
        }
        LineKind::Append => unquoted_words(text),
        LineKind::Blank | LineKind::Comment | LineKind::Body | LineKind::End => Vec::new(),
    }
}

impl Document<'_> {
    /// Where the words of a line are, from the first to the last; the whole line if it has no words
    pub fn location(&self, line: &Line<'_>) -> Location {
        let place = Place {
            file: &self.name,
            line: line.number,
            text: line.text,
        };
        match (line.tokens.first(), line.tokens.last()) {
            (Some(first), Some(last)) => place.at(crate::location::Span {
                start: first.span.start,
                end: last.span.end,
            }),
            _ => place.whole(),
        }
    }
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|line| f.write_str(line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::LineKind::{Blank, Body, Command, Comment, End, Header, Include};
    use super::*;

    const TEXT: &str =
        "#c\r\n\n  text # x\n%pre --log=a\necho it's\n%include b\n %end x\nlang \"a\nfoo\u{b}%post";

    #[test]
    fn a_document_is_lossless() {
        for text in [TEXT, "", "\n", "\u{feff}text", "a\\", "\0\r\r\n"] {
            assert_eq!(parse("a.ks", text).to_string(), text);
        }
    }

    #[test]
    fn the_path_of_an_append_is_a_word_with_its_quotes() {
        for text in ["%ksappend \"a b\" 'c", "%pre\n%ksappend \"a b\" 'c\n%end\n"] {
            let document = parse("a.ks", text);
            let line = document
                .lines
                .iter()
                .find(|line| line.kind == LineKind::Append);
            let words: Vec<_> = line
                .unwrap()
                .tokens
                .iter()
                .map(|word| &*word.text)
                .collect();
            assert_eq!(words, ["%ksappend", "\"a", "b\"", "'c"]);
            assert!(
                document.diagnostics.is_empty(),
                "{:?}",
                document.diagnostics
            );
        }
    }

    #[test]
    fn every_line_has_its_kind() {
        let document = parse("a.ks", TEXT);
        let kinds: Vec<_> = document.lines.iter().map(|line| line.kind).collect();
        assert_eq!(
            kinds,
            [
                Comment, Blank, Command, Header, Body, Include, End, Command, Command, Header
            ]
        );
        let codes: Vec<_> = document
            .diagnostics
            .iter()
            .map(|d| d.code.as_str())
            .collect();
        assert_eq!(codes, ["LF0017", "LF0001", "LF0012"]);
        let at = document.location(&document.lines[2]);
        assert_eq!((at.line, at.column, at.end_column), (3, 3, 7));
    }
}
