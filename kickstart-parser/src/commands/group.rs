// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `group`: a group of the installed system.
//!
//! Takes the options of the line, gives [`Group`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["group"],
    summary: "Creates a group",
    effect: Effect::CarriedOut,
    repeat: Repeat::Adds,
    conflicts: &[],
    options: &[
        Opt::text(&["--name"], "Name of the group").required(),
        Opt::int(&["--gid"], "Number of the group"),
    ],
    operand: None,
    convert,
};

/// A group
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Name of the group
    pub name: String,
    /// Its number
    pub gid: Option<u32>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(name) = given.required_text("--name", findings) else {
        return;
    };
    let gid = given.id("--gid", findings);
    kickstart.group.push(given.locate(Group { name, gid }));
}
