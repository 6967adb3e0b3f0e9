// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a machine does that is not being installed: a menu, a shell, nothing.

use std::path::PathBuf;

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
    /// A shell on this terminal.
    Shell(PathBuf),
    Reboot,
}

/// Asks what to do without a kickstart. None if nobody may be asked, or nobody could answer.
pub(super) fn ask(options: &BootOptions, terminals: &mut Terminals) -> Option<Choice> {
    if options.noninteractive {
        return None;
    }
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
        let answer = terminals.answer()?;
        match answer.text.as_str() {
            "1" | "2" => {
                terminals.say("Address (http://, https://, hd:, nfs:): ");
                let address = terminals.answer()?.text;
                if !address.is_empty() {
                    let plan_only = answer.text == "2";
                    return Some(Choice::Kickstart { address, plan_only });
                }
            }
            "3" => return Some(Choice::Shell(answer.device)),
            "4" => return Some(Choice::Reboot),
            _ => {}
        }
    }
}

/// A shell in place of an installation, for whoever comes; then another start.
pub(super) fn rescue(terminals: &mut Terminals) -> Result<(), EngineError> {
    terminals.say("Enter starts a shell here; its `exit` starts this machine again.");
    let none = || EngineError::Refused("there is no terminal for a shell".to_owned());
    let answer = terminals.answer().ok_or_else(none)?;
    child::shell(&answer.device)?;
    reboot()
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
    terminals.answer().map_or(Ok(()), |_| reboot())
}

/// After a failure, when all is said: a shell, and then another start, unless that is unwanted.
pub(super) fn after_failure(options: &BootOptions, terminals: &mut Terminals) {
    terminals.say("The log: `journalctl`, /run/landfall, and terminal 3 of a screen");
    if options.noshell || options.noninteractive {
        terminals.say("This machine stays as it is.");
    } else if let Err(error) = rescue(terminals) {
        terminals.fail(&error);
    }
}

/// Starts the machine again.
pub(super) fn reboot() -> Result<(), EngineError> {
    Tool::Systemctl.with(["--no-wall", "reboot"]).run()
}
