// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `reqpart`: the partitions that the platform needs are made.
//!
//! Takes the options of the line, gives [`ReqPart`]. Which partitions those are is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["reqpart"],
    summary: "Makes the partitions that the platform needs to boot",
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[&[Opt::flag(
        &["--add-boot"],
        "Make a `/boot` partition as well",
    )]],
    rank: 100,
    convert,
    write,
    ..Command::BASE
};

/// The platform's partitions are made
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReqPart {
    /// A `/boot` partition is made as well
    pub add_boot: bool,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.reqpart = Some(given.locate(ReqPart {
        add_boot: given.flag("--add-boot"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if let Some(reqpart) = &kickstart.reqpart {
        writer.put("reqpart");
        writer.flag("--add-boot", reqpart.add_boot);
        writer.put("\n");
    }
}
