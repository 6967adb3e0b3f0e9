// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `reboot`, `poweroff`, `halt`, `shutdown`: what the machine does when the installation is over.
//!
//! Takes the line, gives [`End`]; the four words are one setting, the last line counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["reboot", "poweroff", "halt", "shutdown"],
    summary: "Says what the machine does when the installation is over",
    options: &[&[
        Opt::flag(&["--eject"], "Eject the installation medium"),
        Opt::flag(
            &["--kexec"],
            "Start the installed kernel without going through the firmware",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// What the machine does when the installation is over
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// Which of the four words was last
    pub action: EndAction,
    /// The installation medium is ejected
    pub eject: bool,
    /// The installed kernel is started without going through the firmware
    pub kexec: bool,
}

/// The four ways to end
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndAction {
    /// Start again
    Reboot,
    /// Switch off
    PowerOff,
    /// Stop without switching off
    Halt,
    /// Shut down, which switches off
    Shutdown,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let action = match given.word() {
        "poweroff" => EndAction::PowerOff,
        "halt" => EndAction::Halt,
        "shutdown" => EndAction::Shutdown,
        _ => EndAction::Reboot,
    };
    let (eject, kexec) = (given.flag("--eject"), given.flag("--kexec"));
    kickstart.end = Some(given.locate(End {
        action,
        eject,
        kexec,
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(end) = &kickstart.end else { return };
    writer.put(match end.action {
        EndAction::Reboot => "# Reboot after installation\nreboot",
        EndAction::PowerOff | EndAction::Shutdown => "# Shutdown after installation\nshutdown",
        EndAction::Halt => "# Halt after installation\nhalt",
    });
    writer.flag("--eject", end.eject);
    writer.flag("--kexec", end.kexec);
    writer.put("\n");
}
