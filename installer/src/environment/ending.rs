// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a machine does that is not being installed: a menu, a shell, nothing.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::terminals::Terminals;
use super::{BootOptions, child};
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;

/// What somebody chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// The kickstart at this address; its plan only.
    Kickstart {
        address: String,
        plan_only: bool,
    },
    Shell,
    Reboot,
}

/// Asks on the kernel's own terminal what to do without a kickstart. None if nobody may be asked, or nobody is there.
pub(super) fn ask(options: &BootOptions, terminals: &mut Terminals) -> Option<Choice> {
    if options.noninteractive {
        return None;
    }
    let input = File::open(terminals.last_device()?).ok()?;
    let mut lines = BufReader::new(input).lines();
    loop {
        for line in [
            "",
            "This machine has no kickstart. Nothing is changed on it until it has one.",
            "  1  install by the kickstart at an address",
            "  2  show what the kickstart at an address would do",
            "  3  a shell",
            "  4  start again",
            "Which? ",
        ] {
            terminals.say(line);
        }
        let line = lines.next()?.ok()?;
        match line.trim() {
            "1" | "2" => {
                terminals.say("Address (http://, https://, hd:, nfs:): ");
                let address = lines.next()?.ok()?.trim().to_owned();
                if !address.is_empty() {
                    let plan_only = line.trim() == "2";
                    return Some(Choice::Kickstart { address, plan_only });
                }
            }
            "3" => return Some(Choice::Shell),
            "4" => return Some(Choice::Reboot),
            _ => {}
        }
    }
}

/// A shell on the kernel's own terminal, until it ends.
pub(super) fn shell(terminals: &Terminals) -> Result<(), EngineError> {
    let none = || EngineError::Refused("there is no terminal for a shell".to_owned());
    let device = terminals.last_device().ok_or_else(none)?;
    child::shell(Path::new(&device))
}

/// After an installation whose kickstart says nothing of the end: the machine starts again when somebody has read the report.
pub(super) fn when_somebody_is_there(
    options: &BootOptions,
    terminals: &mut Terminals,
) -> Result<(), EngineError> {
    if options.noninteractive {
        terminals.say("This machine stays as it is: the kickstart has no `reboot` or `poweroff`.");
        return Ok(());
    }
    terminals.say("Enter starts this machine again.");
    let input = terminals.last_device().map(File::open);
    let Some(Ok(input)) = input else {
        return Ok(());
    };
    match BufReader::new(input).lines().next() {
        Some(Ok(_)) => reboot(),
        _ => Ok(()),
    }
}

/// After a failure, when all is said: a shell, and then another start, unless that is unwanted.
pub(super) fn after_failure(options: &BootOptions, terminals: &mut Terminals) {
    if options.noshell || options.noninteractive {
        terminals.say("This machine stays as it is.");
        return;
    }
    terminals.say(
        "A shell follows; `exit` starts this machine again. The log: `journalctl`, /run/landfall",
    );
    if shell(terminals).is_ok() {
        let _ = reboot();
    }
}

/// Starts the machine again.
pub(super) fn reboot() -> Result<(), EngineError> {
    Tool::Systemctl.with(["--no-wall", "reboot"]).run()
}
