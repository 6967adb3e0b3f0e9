// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `mediacheck`: the installation medium is checked before it is used.
//!
//! Takes nothing, gives [`MediaCheck`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["mediacheck"],
    summary: "Checks the installation medium before it is used",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    convert,
    write,
    ..Command::BASE
};

/// The installation medium is checked
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediaCheck {}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.mediacheck = Some(given.locate(MediaCheck {}));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.mediacheck.is_some() {
        writer.put("mediacheck\n");
    }
}
