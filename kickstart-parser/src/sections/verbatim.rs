// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%addon` and `%anaconda`: sections that nothing here looks into.
//!
//! Takes header and body, gives a [`Verbatim`]. Neither options of the header nor the lines of the body are known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Location, Place};
use crate::syntax::{Token, lines};
use crate::writer::{Joined, Writer};

/// A section that is kept as it is
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verbatim {
    /// The words of its header, `%addon` or `%anaconda` first
    pub header: Vec<String>,
    /// Its text, every line with its terminator
    pub body: String,
    /// Where its header is
    pub location: Location,
}

/// Names of the add-on that is carried out: it reserves memory for a kernel that saves a crash
const KDUMP: [&str; 2] = ["com_redhat_kdump", "org_fedora_kdump"];

/// Says that an add-on is not carried out
pub(super) fn report_addon(tokens: &[Token<'_>], place: Place<'_>, findings: &mut Findings) {
    let name = tokens.get(1).map_or("", |token| &*token.text);
    if !KDUMP.contains(&name) {
        let message = format!(
            "the add-on {} has no effect: the installer does not have it",
            quote(name)
        );
        findings.warning(Code::SectionWithoutEffect, place.whole(), message);
    }
}

impl Verbatim {
    /// The words after the name of the add-on, where this is the `%addon` for kdump
    pub fn kdump_options(&self) -> Option<&[String]> {
        match self.header.as_slice() {
            [section, name, options @ ..]
                if section == "%addon" && KDUMP.contains(&name.as_str()) =>
            {
                Some(options)
            }
            _ => None,
        }
    }

    pub(super) fn begin(tokens: &[Token<'_>], place: Place<'_>) -> Self {
        Self {
            header: tokens
                .iter()
                .map(|token| token.text.clone().into_owned())
                .collect(),
            body: String::new(),
            location: place.whole(),
        }
    }
}

/// Writes the sections as pykickstart does: one right after the other, a blank line after each line of a body
pub(super) fn write(sections: &[Verbatim], writer: &mut Writer) {
    if !sections.is_empty() {
        writer.put("\n");
    }
    for section in sections {
        writer.put(Joined(&section.header, " "));
        writer.put("\n");
        for line in lines(&section.body) {
            writer.put(format_args!("{line}\n"));
        }
        writer.put("%end");
    }
}
