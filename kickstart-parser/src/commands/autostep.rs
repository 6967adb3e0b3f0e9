// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `autostep`: whether the graphical installer shows every dialogue even if the kickstart answers it.
//!
//! Takes the options of the line, gives [`Autostep`]. Only RHEL 8 has it; RHEL 9 accepts it and does nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["autostep"],
    summary: "Shows every dialogue of the graphical installer",
    deprecated: Versions::RHEL9,
    removed: Versions::ALL
        .except(Versions::RHEL8)
        .except(Versions::RHEL9),
    effect: Effect::None("the installer has no dialogues"),
    options: &[&[Opt::flag(
        &["--autoscreenshot"],
        "Keep a picture of each dialogue",
    )]],
    convert,
    write,
    ..Command::BASE
};

/// Every dialogue of the graphical installer is shown
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Autostep {
    /// A picture of each is kept
    pub autoscreenshot: bool,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let autoscreenshot = given.flag("--autoscreenshot");
    kickstart.autostep = Some(given.locate(Autostep { autoscreenshot }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(autostep) = &kickstart.autostep else {
        return;
    };
    writer.put("autostep");
    writer.flag("--autoscreenshot", autostep.autoscreenshot);
    writer.put("\n");
}
