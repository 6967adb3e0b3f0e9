// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `hmc`: packages come from a medium at the console (SE or HMC) of an IBM Z machine.
//!
//! Takes the line, which has nothing but the word, gives [`Hmc`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["hmc"],
    summary: "Installs packages from the console of a mainframe",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    convert,
    write,
    ..Command::BASE
};

/// Packages come from a medium at the console of a mainframe
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hmc {}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.hmc = Some(given.locate(Hmc {}));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.hmc.is_some() {
        writer.put("# Use installation media via SE/HMC\nhmc\n");
    }
}
