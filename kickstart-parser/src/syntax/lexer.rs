// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Cuts one line into words by `grammar.pest`: quotes and escapes resolved, comment dropped, spans kept.
//!
//! A quote or backslash that is left open is a fault beside the words, not a failure: the word then goes to the end
//! of the line. Neither commands nor options are known here.

use pest::Parser as _;
use pest::iterators::Pair;
use pest_derive::Parser;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Findings};
use crate::location::{Place, Span};

#[derive(Parser)]
#[grammar = "grammar.pest"]
struct Grammar;

/// A word of a line; in text form it may hold secrets
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// What the word says, without quotes and escapes
    pub text: String,
    /// The bytes of the line that it was written with
    pub span: Span,
    /// How many bytes at its beginning are written as they are read
    #[serde(skip)]
    plain: usize,
    /// A quote in it is not closed, so that it goes to the end of the line
    #[serde(skip)]
    pub(crate) open: bool,
}

impl Token {
    /// Whether the word is written as it reads up to the first `stop`, or to its end if there is none
    pub(crate) fn plain_until(&self, stop: char) -> bool {
        match self.text.find(stop) {
            Some(at) => at < self.plain,
            None => self.text.len() == self.plain,
        }
    }
}

/// The words of a line; faults go to `findings`
pub(crate) fn words(place: &Place, findings: &mut Findings) -> Vec<Token> {
    let Ok(mut pairs) = Grammar::parse(Rule::line, &place.text) else {
        // The grammar matches every text; should it ever not, the line counts as one word.
        let text = place.text.trim().to_owned();
        let span = Span {
            start: 0,
            end: place.text.len(),
        };
        return vec![Token {
            text,
            span,
            plain: 0,
            open: true,
        }];
    };
    let parts = pairs.next().map(Pair::into_inner).into_iter().flatten();
    let words = parts.filter(|pair| pair.as_rule() == Rule::word);
    let tokens = words.map(|pair| word(pair, place, findings));
    // A lone quote that is not closed is no word.
    tokens
        .filter(|token| !(token.open && token.text.is_empty()))
        .collect()
}

fn word(pair: Pair<'_, Rule>, place: &Place, findings: &mut Findings) -> Token {
    let mut span = span_of(&pair);
    let mut token = Token {
        text: String::new(),
        span,
        plain: 0,
        open: false,
    };
    for piece in pair.into_inner() {
        match piece.as_rule() {
            Rule::plain => {
                token.plain += if token.plain == token.text.len() {
                    piece.as_str().len()
                } else {
                    0
                };
                token.text.push_str(piece.as_str());
            }
            Rule::open_single | Rule::open_double | Rule::dangling => {
                span.end = span.start + trimmed(&place.text[span.start..]).len();
                token.text.push_str(&open_text(&piece));
                token.open = true;
                report_open(&piece, place, findings);
            }
            _ => resolve(piece, &mut token.text, place, findings),
        }
    }
    Token { span, ..token }
}

/// Adds what a quoted or escaped piece says to `text`
fn resolve(piece: Pair<'_, Rule>, text: &mut String, place: &Place, findings: &mut Findings) {
    if piece.as_rule() == Rule::escape {
        report_continuation(&piece, place, findings);
    }
    for part in piece.into_inner() {
        match part.as_rule() {
            Rule::double_escape => part
                .into_inner()
                .for_each(|quotable| text.push_str(quotable.as_str())),
            _ => text.push_str(part.as_str()),
        }
    }
}

fn report_continuation(escape: &Pair<'_, Rule>, place: &Place, findings: &mut Findings) {
    if matches!(escape.as_str(), "\\\n" | "\\\r") {
        let start = escape.as_span().start();
        let at = place.at(Span {
            start,
            end: start + 1,
        });
        findings
            .warning(
                Code::NoContinuation,
                at,
                "a backslash at the end of a line does not continue the line",
            )
            .help("write the whole command on one line");
    }
}

fn report_open(piece: &Pair<'_, Rule>, place: &Place, findings: &mut Findings) {
    let start = piece.as_span().start();
    let at = place.at(Span {
        start,
        end: start + trimmed(piece.as_str()).len().max(1),
    });
    match piece.as_rule() {
        Rule::dangling => {
            let message = "the backslash at the end of the file escapes nothing";
            findings.error(Code::DanglingBackslash, at, message);
        }
        _ => {
            findings
                .error(Code::UnclosedQuote, at, "the quote that begins here is not closed on this line")
                .help("a quoted word cannot go over several lines; outside quotes write `\\'` or `\\\"`");
        }
    }
}

fn open_text(piece: &Pair<'_, Rule>) -> String {
    trimmed(piece.as_str()).get(1..).unwrap_or("").to_owned()
}

fn trimmed(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

fn span_of(pair: &Pair<'_, Rule>) -> Span {
    Span {
        start: pair.as_span().start(),
        end: pair.as_span().end(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<(Code, u32)>) {
        let place = Place {
            file: "t".into(),
            line: 1,
            text: text.into(),
        };
        let mut findings = Findings::default();
        let tokens = words(&place, &mut findings);
        let codes = findings.into_sorted(&["t"]);
        let codes = codes
            .into_iter()
            .map(|d| (d.code, d.location.unwrap().column))
            .collect();
        (tokens.into_iter().map(|token| token.text).collect(), codes)
    }

    fn words_of(text: &str) -> Vec<String> {
        let (words, faults) = read(text);
        assert!(faults.is_empty(), "{faults:?}");
        words
    }

    #[test]
    fn words_are_split_at_four_characters_only() {
        assert_eq!(words_of(" a\tb  c\r\n"), ["a", "b", "c"]);
        assert_eq!(words_of("a\u{a0}b \u{3000}"), ["a\u{a0}b", "\u{3000}"]);
        assert_eq!(words_of("text\u{b}"), ["text\u{b}"]);
        assert!(words_of("   \n").is_empty());
    }

    #[test]
    fn quotes_join_and_escape_as_in_a_shell() {
        assert_eq!(words_of("a'b'c\"d\""), ["abcd"]);
        assert_eq!(
            words_of("'a\\b' \"a\\b\" \"a\\\"b\\\\\""),
            ["a\\b", "a\\b", "a\"b\\"]
        );
        assert_eq!(words_of("te\\xt a\\ b"), ["text", "a b"]);
        assert_eq!(words_of("\"\" ''"), ["", ""]);
        assert_eq!(words_of("\"it's\" 'say \"x\"'"), ["it's", "say \"x\""]);
    }

    #[test]
    fn a_hash_starts_a_comment_even_inside_a_word() {
        assert_eq!(words_of("rootpw a#b c"), ["rootpw", "a"]);
        assert_eq!(words_of("a \"#\" \\# '#'"), ["a", "#", "#", "#"]);
        assert_eq!(words_of("a # it's \"open"), ["a"]);
        assert_eq!(words_of("\"\"#x"), [""]);
    }

    #[test]
    fn what_is_left_open_is_one_word_and_a_fault() {
        assert_eq!(
            read("a 'b c\n"),
            (
                vec!["a".into(), "b c".into()],
                vec![(Code::UnclosedQuote, 3)]
            )
        );
        assert_eq!(
            read("a b\"c # d"),
            (
                vec!["a".into(), "bc # d".into()],
                vec![(Code::UnclosedQuote, 4)]
            )
        );
        assert_eq!(
            read("a \"b\\"),
            (
                vec!["a".into(), "b\\".into()],
                vec![(Code::UnclosedQuote, 3)]
            )
        );
        assert_eq!(
            read("a b\\"),
            (
                vec!["a".into(), "b".into()],
                vec![(Code::DanglingBackslash, 4)]
            )
        );
    }

    #[test]
    fn a_backslash_does_not_continue_a_line() {
        assert_eq!(
            read("part / \\\n"),
            (
                vec!["part".into(), "/".into(), "\n".into()],
                vec![(Code::NoContinuation, 8)]
            )
        );
        assert_eq!(
            read("a\\\r\n"),
            (vec!["a\r".into()], vec![(Code::NoContinuation, 2)])
        );
    }

    #[test]
    fn spans_cover_the_written_form() {
        let place = Place {
            file: "t".into(),
            line: 1,
            text: "ab --x=\"1 2\" c".into(),
        };
        let tokens = words(&place, &mut Findings::default());
        assert_eq!(tokens[1].text, "--x=1 2");
        assert_eq!(
            &place.text[tokens[1].span.start..tokens[1].span.end],
            "--x=\"1 2\""
        );
        assert!(tokens[1].plain_until('='));
        assert!(!tokens[1].plain_until('2'));
    }
}
