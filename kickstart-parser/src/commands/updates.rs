// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `updates`: an image with changes to the installer itself.
//!
//! Takes the argument of the line, gives [`Updates`]. In RHEL 8 the image may also be on a floppy disk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["updates"],
    summary: "Updates the installer",
    effect: Effect::None("the installer is not Anaconda"),
    operand: Some(Operand::optional(
        "<url>",
        "URL of the image; only RHEL 8 can do without",
    )),
    convert,
    write,
    ..Command::BASE
};

/// Versions that look for a floppy disk if no URL is given
const WITH_FLOPPY: Versions = Versions::RHEL8;

/// What RHEL 8 takes for the floppy disk
const FLOPPY: &str = "floppy";

/// An image with changes to the installer
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Updates {
    /// Its URL; `None` stands for a floppy disk
    pub url: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let word = given.operand_here();
    let has_floppy = WITH_FLOPPY.has(given.syntax);
    if word.is_none() && !has_floppy {
        given.lacks("`<url>`", &[], findings);
    }
    let url = word.filter(|word| !(has_floppy && *word == FLOPPY));
    kickstart.updates = Some(given.locate(Updates {
        url: url.map(str::to_owned),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    match kickstart
        .updates
        .as_ref()
        .map(|updates| updates.url.as_deref())
    {
        Some(None) => writer.put("updates\n"),
        Some(Some(url)) if !url.is_empty() => writer.put(format_args!("updates {url}\n")),
        _ => {}
    }
}
