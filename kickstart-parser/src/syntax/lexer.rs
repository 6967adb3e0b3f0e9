// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Cuts one line into words as Python's shlex does in POSIX mode: quotes and escapes resolved, comment dropped,
//! spans kept.
//!
//! A quote or backslash that is left open is a fault beside the words, not a failure: the word then goes to the end
//! of the line. Neither commands nor options are known here. The rules as a grammar are in `tests/lexer.pest`, which
//! a test compares with this code.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::lines::is_blank;
use crate::diagnostic::{Code, Findings};
use crate::location::{Place, Span};

/// A word of a line; in text form it may hold secrets
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Token<'a> {
    /// What the word says, without quotes and escapes
    pub text: Cow<'a, str>,
    /// The bytes of the line that it was written with
    pub span: Span,
    /// How many bytes at its beginning are written as they are read
    #[serde(skip)]
    plain: usize,
    /// A quote in it is not closed, so that it goes to the end of the line
    #[serde(skip)]
    pub(crate) open: bool,
}

impl Token<'_> {
    /// Whether the word is written as it reads up to the first `stop`, or to its end if there is none
    pub(crate) fn plain_until(&self, stop: char) -> bool {
        match self.text.find(stop) {
            Some(at) => at < self.plain,
            None => self.text.len() == self.plain,
        }
    }
}

/// What `#` outside quotes means
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// The rest of the line is a comment
    Comment,
    /// It is a character like others, as in an `%include` inside a section
    Plain,
}

/// The words of a line; faults go to `findings`
pub(crate) fn words<'a>(place: Place<'a>, hash: Hash, findings: &mut Findings) -> Vec<Token<'a>> {
    words_of(place.text, place, hash, findings)
}

/// The words of `text`, which stands at `place` and may outlive it
pub(super) fn words_of<'a>(
    text: &'a str,
    place: Place<'_>,
    hash: Hash,
    findings: &mut Findings,
) -> Vec<Token<'a>> {
    let mut tokens = Vec::with_capacity(8);
    add_words(&mut tokens, text, (place, hash), findings);
    tokens
}

/// Adds the words of `text` to `tokens`, which may be a vector that was in use before
pub(crate) fn add_words<'a>(
    tokens: &mut Vec<Token<'a>>,
    text: &'a str,
    (place, hash): (Place<'_>, Hash),
    findings: &mut Findings,
) {
    let mut scanner = Scanner {
        text,
        place,
        hash,
        at: 0,
    };
    while let Some(token) = scanner.next_word(findings) {
        // A lone quote that is not closed is no word.
        if !(token.open && token.text.is_empty()) {
            tokens.push(token);
        }
    }
}

/// The words of `text` between white space, with quotes as they are, as `%ksappend` is read
pub(super) fn unquoted_words(text: &str) -> Vec<Token<'_>> {
    let mut end = 0;
    let words = text.split(is_blank).filter_map(|word| {
        let start = end + text[end..].find(word)?;
        end = start + word.len();
        (!word.is_empty()).then_some(Token {
            text: Cow::Borrowed(word),
            span: Span { start, end },
            plain: word.len(),
            open: false,
        })
    });
    words.collect()
}

struct Scanner<'a, 'p> {
    text: &'a str,
    place: Place<'p>,
    hash: Hash,
    /// The byte that comes next
    at: usize,
}

impl<'a> Scanner<'a, '_> {
    fn next_word(&mut self, findings: &mut Findings) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| is_gap(*byte)) {
            self.at += 1;
        }
        let start = self.at;
        let mut token = Token {
            text: Cow::Borrowed(self.plain_run()),
            span: Span {
                start,
                end: self.at,
            },
            plain: self.at - start,
            open: false,
        };
        while let Some(byte) = bytes.get(self.at).copied().filter(|byte| !is_gap(*byte)) {
            match byte {
                b'#' if self.hash == Hash::Comment => break,
                b'\'' => self.single_quoted(&mut token, findings),
                b'"' => self.double_quoted(&mut token, findings),
                b'\\' => self.escaped(&mut token, findings),
                _ => append(&mut token.text, self.plain_run()),
            }
            token.span.end = self.at;
        }
        if token.open {
            token.span.end = trimmed(self.text).len().max(start);
        }
        (token.span.end > start).then_some(token)
    }

    /// The characters from here on that stand for themselves
    fn plain_run(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let special = |byte: &u8| SPECIAL[usize::from(*byte)] || self.is_comment(*byte);
        let length = rest
            .as_bytes()
            .iter()
            .position(special)
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn is_comment(&self, byte: u8) -> bool {
        byte == b'#' && self.hash == Hash::Comment
    }

    fn single_quoted(&mut self, token: &mut Token<'a>, findings: &mut Findings) {
        let inner = &self.text[self.at + 1..];
        if let Some(length) = inner.find('\'') {
            append(&mut token.text, &inner[..length]);
            self.at += length + 2;
        } else {
            self.leave_open(token, findings);
        }
    }

    fn double_quoted(&mut self, token: &mut Token<'a>, findings: &mut Findings) {
        let inner = &self.text[self.at + 1..];
        let Some(length) = closing_quote(inner) else {
            self.leave_open(token, findings);
            return;
        };
        let mut rest = &inner[..length];
        while let Some(backslash) = rest.find('\\') {
            append(&mut token.text, &rest[..backslash]);
            // Only a quote or a backslash can be escaped here; before anything else the backslash is text.
            let escaped = usize::from(matches!(
                rest.as_bytes().get(backslash + 1),
                Some(b'"' | b'\\')
            ));
            let next = rest[backslash + escaped..]
                .chars()
                .next()
                .map_or(0, char::len_utf8);
            append(
                &mut token.text,
                &rest[backslash + escaped..backslash + escaped + next],
            );
            rest = &rest[backslash + escaped + next..];
        }
        append(&mut token.text, rest);
        self.at += length + 2;
    }

    fn escaped(&mut self, token: &mut Token<'a>, findings: &mut Findings) {
        let after = &self.text[self.at + 1..];
        let Some(c) = after.chars().next() else {
            self.leave_open(token, findings);
            return;
        };
        if matches!(c, '\n' | '\r') {
            report_continuation(self.place, self.at, findings);
        }
        append(&mut token.text, &after[..c.len_utf8()]);
        self.at += 1 + c.len_utf8();
    }

    /// Gives the rest of the line to the word: what began here has no end
    fn leave_open(&mut self, token: &mut Token<'a>, findings: &mut Findings) {
        let rest = trimmed(&self.text[self.at..]);
        append(&mut token.text, rest.get(1..).unwrap_or(""));
        token.open = true;
        report_open(
            self.place,
            Span {
                start: self.at,
                end: self.at + rest.len().max(1),
            },
            findings,
        );
        self.at = self.text.len();
    }
}

/// Which bytes (blank, tab, CR, LF, quotes, backslash) end a word or begin a piece of it that does not stand for itself
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = matches!(byte, 0x20 | 0x09 | 0x0d | 0x0a | 0x27 | 0x22 | 0x5c);
        byte += 1;
    }
    special
};

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where the double quote that ends `text` is
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// Adds to a word, without a copy as long as the word is one piece of the line
fn append<'a>(word: &mut Cow<'a, str>, piece: &'a str) {
    if word.is_empty() {
        *word = Cow::Borrowed(piece);
    } else if !piece.is_empty() {
        word.to_mut().push_str(piece);
    }
}

fn report_continuation(place: Place<'_>, start: usize, findings: &mut Findings) {
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

fn report_open(place: Place<'_>, span: Span, findings: &mut Findings) {
    let at = place.at(span);
    if place.text.as_bytes().get(span.start) == Some(&b'\\') {
        let message = "the backslash at the end of the file escapes nothing";
        findings.error(Code::DanglingBackslash, at, message);
    } else {
        findings
            .error(
                Code::UnclosedQuote,
                at,
                "the quote that begins here is not closed on this line",
            )
            .help(
                "a quoted word cannot go over several lines; outside quotes write `\\'` or `\\\"`",
            );
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<(Code, u32)>) {
        let place = Place {
            file: &"t".into(),
            line: 1,
            text,
        };
        let mut findings = Findings::default();
        let tokens = words(place, Hash::Comment, &mut findings);
        let codes = findings.into_sorted(&["t".into()]);
        let codes = codes
            .into_iter()
            .map(|d| (d.code, d.location.unwrap().column))
            .collect();
        let texts = tokens.into_iter().map(|token| token.text.into_owned());
        (texts.collect(), codes)
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
            file: &"t".into(),
            line: 1,
            text: "ab --x=\"1 2\" c",
        };
        let tokens = words(place, Hash::Comment, &mut Findings::default());
        assert_eq!(tokens[1].text, "--x=1 2");
        assert_eq!(
            &place.text[tokens[1].span.start..tokens[1].span.end],
            "--x=\"1 2\""
        );
        assert!(tokens[1].plain_until('='));
        assert!(!tokens[1].plain_until('2'));
    }
}
