// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `skipx`: the X Window System is left unconfigured.
//!
//! Takes nothing, gives [`Skipx`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["skipx"],
    summary: "Leaves the X Window System unconfigured",
    convert,
    write,
    ..Command::BASE
};

/// The X Window System is left unconfigured
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipx {}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.skipx = Some(given.locate(Skipx {}));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.skipx.is_some() {
        writer.put("# Do not configure the X Window System\nskipx\n");
    }
}
