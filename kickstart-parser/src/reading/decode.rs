// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From the bytes of a file to its text, or to what is to be said instead.
//!
//! Takes bytes that the caller has read, gives text that [`super::read`] takes. A file that is no text has a reading
//! as well: an empty one that says why.

use std::fmt::Display;
use std::sync::Arc;

use super::Reading;
use crate::diagnostic::{Code, Diagnostic, Findings, Severity, quote};
use crate::location::{Location, Place, Source, Span};
use crate::mask::{hidden, shown_name};
use crate::syntax::lines;

/// The largest file that is read, in bytes; a caller need not read more than one byte beyond
pub const LARGEST_FILE: usize = 64 << 20;

/// The text of a file; if it has none, a reading that says why
pub fn decode(file: &str, bytes: Vec<u8>) -> Result<String, Box<Reading>> {
    if bytes.len() > LARGEST_FILE {
        return Err(Box::new(Reading::too_large(file)));
    }
    if let Some(at) = bytes
        .iter()
        .position(|byte| *byte == 0)
        .filter(|_| str::from_utf8(&bytes).is_ok())
    {
        return Err(not_text(
            file,
            &bytes,
            at,
            "a NUL byte: the file is no text",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let message = format!("the byte 0x{:02x} is not UTF-8", bytes[at]);
        not_text(file, bytes, at, &message)
    })
}

impl Reading {
    /// The reading of a file that could not be opened or read
    pub fn unreadable(file: &str, why: impl Display) -> Self {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: Code::Unreadable,
            message: format!("reading {}: {}", quote(file), hidden(&why.to_string())),
            location: None,
            help: None,
        };
        Self {
            diagnostics: vec![diagnostic],
            ..Self::default()
        }
    }

    fn too_large(file: &str) -> Self {
        let mut findings = Findings::default();
        findings.error(Code::TooLarge, start(file), too_large_message());
        Self::of_nothing(findings)
    }

    fn of_nothing(findings: Findings) -> Self {
        Self {
            diagnostics: findings.into_sorted(&[]),
            ..Self::default()
        }
    }

    /// Whether it is the reading of a file that could not be opened or read
    pub fn is_unreadable(&self) -> bool {
        let is_unreadable = |diagnostic: &Diagnostic| diagnostic.code == Code::Unreadable;
        self.diagnostics.iter().any(is_unreadable)
    }
}

/// What is said of a file above the limit
pub(super) fn too_large_message() -> String {
    format!(
        "the file is larger than {} MiB and is not read",
        LARGEST_FILE >> 20
    )
}

/// The first place of a file
pub(super) fn start(file: &str) -> Location {
    let file: Arc<str> = shown_name(file).into();
    let place = Place {
        file: &file,
        line: 1,
        text: "",
    };
    place.whole()
}

fn not_text(file: &str, bytes: &[u8], at: usize, message: &str) -> Box<Reading> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let file: Arc<str> = shown_name(file).into();
    let mut findings = Findings::default();
    findings
        .error(Code::NotText, location(&file, &text, at), message)
        .help(encoding_help(bytes));
    let mut reading = Reading::of_nothing(findings);
    reading.sources.push(Source {
        name: file,
        text,
        included_from: None,
    });
    Box::new(reading)
}

/// Where the character is that begins at the byte `at` of `text`
fn location(file: &Arc<str>, text: &str, at: usize) -> Location {
    let mut start = 0;
    for (line, text) in (1..).zip(lines(text)) {
        if at < start + text.len() {
            let length = text[at - start..].chars().next().map_or(0, char::len_utf8);
            let span = Span {
                start: at - start,
                end: at - start + length,
            };
            return Place { file, line, text }.at(span);
        }
        start += text.len();
    }
    self::start(file)
}

fn encoding_help(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        "the file may be UTF-16; save it as UTF-8"
    } else {
        "the file may be in an encoding such as ISO 8859-1; save it as UTF-8"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, line and column of the one thing that is said
    fn said(bytes: &[u8]) -> (Code, u32, u32) {
        let reading = decode("a.ks", bytes.to_vec()).unwrap_err();
        assert!(reading.has_errors());
        let at = reading.diagnostics[0].location.as_ref().unwrap();
        (reading.diagnostics[0].code, at.line, at.column)
    }

    #[test]
    fn the_first_bad_byte_has_its_place() {
        assert_eq!(said(b"text\nlang \xc3\xbc\xff\n"), (Code::NotText, 2, 7));
        assert_eq!(said(b"\xff\xfet\0"), (Code::NotText, 1, 1));
        assert_eq!(said(b"text\r\nla\0ng"), (Code::NotText, 2, 3));
        assert_eq!(said(b"text\nl\xe4ng \xff"), (Code::NotText, 2, 2));
        assert_eq!(decode("a.ks", b"t\xc3\xbc".to_vec()).unwrap(), "tü");
    }

    #[test]
    fn a_file_above_the_limit_is_not_looked_into() {
        assert_eq!(said(&vec![0xff; LARGEST_FILE + 1]), (Code::TooLarge, 1, 1));
    }
}
