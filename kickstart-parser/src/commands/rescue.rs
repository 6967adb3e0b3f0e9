// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `rescue`: a shell for mending a system, in place of an installation.
//!
//! Takes the options of the line, gives [`Rescue`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["rescue"],
    summary: "Starts a rescue shell in place of the installation",
    effect: Effect::NotYet,
    options: &[&[
        Opt::flag(&["--nomount"], "Do not mount the installed system"),
        Opt::flag(&["--romount"], "Mount the installed system read-only"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// A rescue shell in place of the installation; at most one of the fields is set
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rescue {
    /// The installed system is not mounted
    pub nomount: bool,
    /// The installed system is mounted read-only
    pub romount: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let (nomount, romount) = (given.flag("--nomount"), given.flag("--romount"));
    if nomount && romount {
        given.exclude("--nomount", "--romount", findings);
    }
    kickstart.rescue = Some(given.locate(Rescue { nomount, romount }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(rescue) = &kickstart.rescue else {
        return;
    };
    writer.put("# Start rescue mode\nrescue");
    writer.flag("--nomount", rescue.nomount);
    writer.flag("--romount", rescue.romount);
    writer.put("\n");
}
