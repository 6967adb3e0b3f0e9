// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cdrom`: packages come from the first optical drive with an installation disc.
//!
//! Takes the line, which has nothing but the word, gives [`Cdrom`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["cdrom"],
    summary: "Installs packages from an optical disc",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    convert,
    write,
    ..Command::BASE
};

/// Packages come from an optical disc
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cdrom {}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.cdrom = Some(given.locate(Cdrom {}));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.cdrom.is_some() {
        writer.put("# Use CDROM installation media\ncdrom\n");
    }
}
