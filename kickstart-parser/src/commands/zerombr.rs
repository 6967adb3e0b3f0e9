// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `zerombr`: disks without a valid partition table are initialised.
//!
//! Takes nothing, gives [`ZeroMbr`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["zerombr"],
    summary: "Initialises disks that have no valid partition table",
    rank: 110,
    convert,
    write,
    ..Command::BASE
};

/// Disks without a valid partition table are initialised
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZeroMbr {}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.zerombr = Some(given.locate(ZeroMbr {}));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.zerombr.is_some() {
        writer.put("# Clear the Master Boot Record\nzerombr\n");
    }
}
