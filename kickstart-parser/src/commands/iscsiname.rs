// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `iscsiname`: the name that the machine has as an iSCSI initiator.
//!
//! Takes the argument of the line, gives [`IscsiName`]. Whether it is a proper IQN is not checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["iscsiname"],
    summary: "Names the iSCSI initiator",
    effect: Effect::NotYet,
    operand: Some(Operand::one("<iqn>", "Name (IQN) of the initiator")),
    rank: 70,
    convert,
    write,
    ..Command::BASE
};

/// The name of the iSCSI initiator
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IscsiName {
    /// An IQN, like `iqn.2001-04.com.example:host`
    pub iqn: String,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let iqn = given.required_operand(findings);
    kickstart.iscsiname = iqn.map(|iqn| given.locate(IscsiName { iqn }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if let Some(name) = &kickstart.iscsiname {
        writer.put(format_args!("iscsiname {}\n", name.iqn));
    }
}
