// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `fcoe`: disks that are attached over Fibre Channel over Ethernet.
//!
//! Takes the options of the line, gives [`Fcoe`]. Whether the machine has the network device is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["fcoe"],
    summary: "Attaches disks over FCoE",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(
            &["--nic"],
            "Network device that is connected to the FCoE switch",
        )
        .required(),
        Opt::flag(&["--dcb"], "Use data centre bridging"),
        Opt::flag(&["--autovlan"], "Find the VLANs by itself"),
    ]],
    rank: 71,
    convert,
    write,
    ..Command::BASE
};

/// Disks behind a switch for Fibre Channel over Ethernet
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fcoe {
    /// Network device that is connected to the switch
    pub nic: String,
    /// Data centre bridging is used
    pub dcb: bool,
    /// VLANs are found by themselves
    pub autovlan: bool,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let Some(nic) = given.raw("--nic") else {
        return;
    };
    kickstart.fcoe.push(given.locate(Fcoe {
        nic: nic.to_owned(),
        dcb: given.flag("--dcb"),
        autovlan: given.flag("--autovlan"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for fcoe in &kickstart.fcoe {
        writer.put("fcoe");
        writer.value("--nic", Some(&fcoe.nic).filter(|nic| !nic.is_empty()));
        writer.flag("--dcb", fcoe.dcb);
        writer.flag("--autovlan", fcoe.autovlan);
        writer.put("\n");
    }
}
