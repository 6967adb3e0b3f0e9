// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lexer against its specification: the grammar in `lexer.pest`, read by pest.
//!
//! Words and places of every line that has words, and how many quotes and backslashes are left open, on generated
//! lines and on all files under `tests/data`. The ignored test says how fast the two are.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(missing_docs, reason = "the grammar has its own documentation")]

use std::fs;
use std::path::Path;

use kickstart_parser::{Code, Document, Line, LineKind, Span, parse};
use pest::Parser as _;
use pest::iterators::Pair;
use pest_derive::Parser;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

#[derive(Parser)]
#[grammar = "../tests/lexer.pest"]
struct Grammar;

/// What matters to the lexer, and words that open, close and fill sections
const PIECES: &[&str] = &[
    "a",
    "b=",
    "--c",
    "é",
    "%pre",
    "%include",
    "%end",
    "%ksappend",
    "%x",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\r",
    "\u{b}",
    "\u{1c}",
    "\u{a0}",
    "\u{2028}",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\",
    "#",
    "\0",
];

#[derive(Debug, Default, PartialEq)]
struct Words {
    words: Vec<(String, Span)>,
    /// How many quotes and backslashes have no end
    open: usize,
}

/// The words of a line by the grammar
fn specified(rule: Rule, text: &str) -> Words {
    let line = Grammar::parse(rule, text).unwrap().next().unwrap();
    let mut found = Words::default();
    for pair in line.into_inner() {
        if matches!(
            pair.as_rule(),
            Rule::word | Rule::body_word | Rule::append_word
        ) {
            found.add(pair, text);
        }
    }
    found
}

impl Words {
    fn add(&mut self, word: Pair<'_, Rule>, line: &str) {
        let mut span = Span {
            start: word.as_span().start(),
            end: word.as_span().end(),
        };
        let (mut text, mut open) = (String::new(), 0);
        for piece in word.into_inner() {
            if matches!(
                piece.as_rule(),
                Rule::open_single | Rule::open_double | Rule::dangling
            ) {
                open += 1;
                span.end = without_end(line).len().max(span.start);
                text.push_str(without_end(piece.as_str()).get(1..).unwrap_or(""));
            } else {
                resolve(piece, &mut text);
            }
        }
        self.open += open;
        // A lone quote that is not closed is no word.
        if open == 0 || !text.is_empty() {
            self.words.push((text, span));
        }
    }
}

/// Adds what a piece of a word says to `text`
fn resolve(piece: Pair<'_, Rule>, text: &mut String) {
    match piece.as_rule() {
        Rule::single | Rule::double | Rule::escape | Rule::double_escape => {
            piece.into_inner().for_each(|part| resolve(part, text));
        }
        _ => text.push_str(piece.as_str()),
    }
}

fn without_end(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// The words of a line as the lexer has them; quotes left open are counted for the whole document
fn found(line: &Line<'_>) -> Vec<(String, Span)> {
    let words = line.tokens.iter();
    words
        .map(|token| (token.text.clone().into_owned(), token.span))
        .collect()
}

/// By which rule a line is read, if it has words
fn rule(line: &Line<'_>, inside: bool) -> Option<Rule> {
    match line.kind {
        LineKind::Command | LineKind::Header => Some(Rule::line),
        LineKind::Include => Some(if inside { Rule::body_line } else { Rule::line }),
        LineKind::Append => Some(Rule::append_line),
        LineKind::End => Some(Rule::body_line),
        LineKind::Blank | LineKind::Comment | LineKind::Body => None,
    }
}

/// Whether a section is open after a line
fn is_inside(line: &Line<'_>, before: bool) -> bool {
    const SECTIONS: [&str; 9] = [
        "%pre",
        "%pre-install",
        "%post",
        "%onerror",
        "%traceback",
        "%packages",
        "%addon",
        "%anaconda",
        "%certificate",
    ];
    match line.kind {
        LineKind::Header => line
            .tokens
            .first()
            .is_some_and(|token| SECTIONS.contains(&&*token.text)),
        LineKind::End => false,
        _ => before,
    }
}

fn compare(text: &str) -> Document<'_> {
    let document = parse("a.ks", text);
    let (mut inside, mut open) = (false, 0);
    for line in &document.lines {
        if let Some(rule) = rule(line, inside) {
            let specified = specified(rule, line.text);
            open += specified.open;
            if line.kind != LineKind::End {
                assert_eq!(found(line), specified.words, "{:?} by {rule:?}", line.text);
            }
        }
        inside = is_inside(line, inside);
    }
    let unclosed = |code: Code| matches!(code, Code::UnclosedQuote | Code::DanglingBackslash);
    let reported = document
        .diagnostics
        .iter()
        .filter(|diagnostic| unclosed(diagnostic.code))
        .count();
    assert_eq!(reported, open, "open quotes of {text:?}");
    document
}

proptest! {
    #![proptest_config(Config { cases: 4096, failure_persistence: None, ..Config::default() })]

    #[test]
    fn generated_lines_have_the_words_of_the_grammar(pieces in prop::collection::vec(select(PIECES), 0..32)) {
        compare(&pieces.concat());
    }

    #[test]
    fn generated_includes_in_sections_have_the_words_of_the_grammar(pieces in prop::collection::vec(select(PIECES), 0..8)) {
        compare(&format!("%post\n%include {}", pieces.concat()));
    }

    #[test]
    fn any_text_has_the_words_of_the_grammar(text in any::<String>()) {
        compare(&text);
    }
}

/// Every kickstart under `tests/data`
fn data() -> Vec<String> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let directories = ["ok", "err"].map(|name| fs::read_dir(data.join(name)).unwrap());
    let paths = directories
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let kickstarts = paths.filter(|path| {
        path.extension()
            .is_some_and(|ext| ext == "ks" || ext == "inc")
    });
    kickstarts
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn our_kickstarts_have_the_words_of_the_grammar() {
    let lines: usize = data().iter().map(|text| compare(text).lines.len()).sum();
    assert!(lines > 500, "only {lines} lines");
}
