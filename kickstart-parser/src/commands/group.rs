// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `group`: a group of the installed system.
//!
//! Takes the options of the line, gives [`Group`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["group"],
    summary: "Creates a group",
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(&["--name"], "Name of the group").required(),
        Opt::int(&["--gid"], "Number of the group"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// A group
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Name of the group; empty if the kickstart gives an empty one
    pub name: String,
    /// Its number, any whole number; `None` leaves it to the image's tools
    pub gid: Option<i64>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if !given.has("--name") {
        return;
    }
    let name = given.required_text("--name", findings).unwrap_or_default();
    let gid = given.int("--gid");
    kickstart.group.push(given.locate(Group { name, gid }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for group in &kickstart.group {
        writer.put("group");
        writer.value("--name", Some(&group.name).filter(|name| !name.is_empty()));
        // The canonical form takes 0 for a number that is not given.
        writer.value("--gid", group.gid.filter(|gid| *gid != 0));
        writer.put("\n");
    }
}
