// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file of sections with keys and values, as NetworkManager's keyfiles and systemd-networkd's files are.
//!
//! A section without a line is left out. What a value may contain is the caller's to know.

use std::fmt::{Display, Write as _};

/// A file in the making.
#[derive(Debug)]
pub(super) struct Ini {
    text: String,
    /// The section that has no line yet.
    pending: Option<&'static str>,
}

impl Ini {
    /// A file of the kickstart's.
    pub(super) fn new() -> Self {
        Self::of("the kickstart's network command")
    }

    /// A file that says where it comes from.
    pub(super) fn of(origin: &str) -> Self {
        Self {
            text: format!("# Written by Landfall from {origin}.\n"),
            pending: None,
        }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: &'static str) -> &mut Self {
        self.pending = Some(name);
        self
    }

    /// Adds a line to the section.
    pub(super) fn line(&mut self, key: &str, value: impl Display) -> &mut Self {
        // Writing to a string cannot fail.
        if let Some(name) = self.pending.take() {
            let _ = write!(self.text, "\n[{name}]\n");
        }
        let _ = writeln!(self.text, "{key}={value}");
        self
    }

    /// Adds a line if there is a value.
    pub(super) fn some(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.line(key, value);
        }
        self
    }

    /// Adds a line if `given`.
    pub(super) fn flag(&mut self, key: &str, given: bool, value: &str) -> &mut Self {
        self.some(key, given.then_some(value))
    }

    /// The file.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
