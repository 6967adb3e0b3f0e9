// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `firstboot`: whether a set-up agent starts with the installed system.
//!
//! Takes the options of the line, gives [`FirstBoot`]; the last option counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["firstboot"],
    summary: "Says whether a set-up agent starts on first boot",
    options: &[&[
        Opt::flag(&["--disable", "--disabled"], "Do not start the agent"),
        Opt::flag(&["--enable", "--enabled"], "Start the agent"),
        Opt::flag(
            &["--reconfig"],
            "Start the agent in its reconfiguration mode",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Whether a set-up agent starts with the installed system
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstBoot {
    /// What the agent does; `None` when the line says nothing
    pub mode: Option<FirstBootMode>,
}

/// What the set-up agent does on first boot
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FirstBootMode {
    /// It does not start
    Disable,
    /// It starts
    Enable,
    /// It starts and lets the user change what the installer set
    Reconfig,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let last = given.last_of(&["--disable", "--enable", "--reconfig"]);
    let mode = last.map(|name| match name {
        "--disable" => FirstBootMode::Disable,
        "--enable" => FirstBootMode::Enable,
        _ => FirstBootMode::Reconfig,
    });
    kickstart.firstboot = Some(given.locate(FirstBoot { mode }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(mode) = kickstart
        .firstboot
        .as_ref()
        .and_then(|firstboot| firstboot.mode)
    else {
        return;
    };
    writer.put(match mode {
        FirstBootMode::Disable => "firstboot --disable\n",
        FirstBootMode::Enable => "# Run the Setup Agent on first boot\nfirstboot --enable\n",
        FirstBootMode::Reconfig => "# Run the Setup Agent on first boot\nfirstboot --reconfig\n",
    });
}
