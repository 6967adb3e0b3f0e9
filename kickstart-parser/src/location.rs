// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Places in a kickstart: byte spans inside one line, and the file, line and column that a user is told.
//!
//! Spans are cheap and live on tokens; a [`Location`] owns its file name and is made only for what leaves the
//! parser. Nothing here knows what a line means.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A range of bytes inside one line, end exclusive
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First byte
    pub start: usize,
    /// One past the last byte
    pub end: usize,
}

/// A range of characters in a file; lines and columns count from 1, columns in characters, the end is exclusive
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The file's name as it was opened
    pub file: Arc<str>,
    /// First line
    pub line: u32,
    /// First character of the range
    pub column: u32,
    /// Last line
    pub end_line: u32,
    /// One past the last character of the range
    pub end_column: u32,
}

/// A value and the place in the kickstart that it was read from
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Located<T> {
    /// What was read
    pub value: T,
    /// Where it was read
    pub location: Location,
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Located<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A kickstart or a file that it includes, as it was read
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The name that locations in it carry; an address is without user and password
    pub name: Arc<str>,
    /// Its whole text
    pub text: String,
    /// The path in the `%include` or `%ksappend` that brought it in first; `None` for the kickstart itself
    pub included_from: Option<Location>,
}

/// One line of one file: all that is needed to turn a span into a location
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a Arc<str>,
    pub(crate) line: u32,
    /// The line with its terminator
    pub(crate) text: &'a str,
}

impl Place<'_> {
    /// The location of `span` in this line
    pub(crate) fn at(&self, span: Span) -> Location {
        Location {
            file: Arc::clone(self.file),
            line: self.line,
            column: self.column(span.start),
            end_line: self.line,
            end_column: self.column(span.end),
        }
    }

    /// The location of the line's text without the white space around it
    pub(crate) fn whole(&self) -> Location {
        let start = self.text.len() - self.text.trim_start().len();
        let end = self.text.trim_end().len().max(start);
        self.at(Span { start, end })
    }

    fn column(&self, byte: usize) -> u32 {
        let before = self.text.get(..byte).unwrap_or(self.text);
        u32::try_from(before.chars().count()).map_or(u32::MAX, |n| n.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let place = Place {
            file: &"a.ks".into(),
            line: 3,
            text: "ü part\n",
        };
        let at = place.at(Span { start: 3, end: 7 });
        assert_eq!(
            (at.line, at.column, at.end_line, at.end_column),
            (3, 3, 3, 7)
        );
        assert_eq!((place.whole().column, place.whole().end_column), (1, 7));
    }
}
