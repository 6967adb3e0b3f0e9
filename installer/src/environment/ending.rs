// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a machine does that is not being installed: a menu, a shell, nothing.

use std::path::PathBuf;

use super::sinks::Sinks;
use super::terminals::Answer;
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
pub(super) fn ask(options: &BootOptions, sinks: &mut Sinks) -> Option<Choice> {
    if options.noninteractive {
        return None;
    }
    loop {
        let lines = [
            "",
            "This machine has no kickstart. Nothing is changed on it until it has one.",
            "  1  install by the kickstart at an address",
            "  2  show what the kickstart at an address would do",
            "  3  a shell",
            "  4  start again",
            "Which? ",
        ];
        let is_allowed = |line: &&&str| !(options.noshell && line.ends_with("a shell"));
        for line in lines.iter().filter(is_allowed) {
            sinks.say(line);
        }
        let answer = ask_for_line(sinks)?;
        match answer.text.as_str() {
            "1" | "2" => {
                sinks.say("Address (http://, https://, hd:, nfs:): ");
                let address = ask_for_line(sinks)?.text;
                if !address.is_empty() {
                    let plan_only = answer.text == "2";
                    return Some(Choice::Kickstart { address, plan_only });
                }
            }
            "3" if !options.noshell => return Some(Choice::Shell(answer.device)),
            "4" => return Some(Choice::Reboot),
            _ => {}
        }
    }
}

/// Waits for a line that is typed from now on.
fn ask_for_line(sinks: &mut Sinks) -> Option<Answer> {
    sinks.terminals.forget_input();
    sinks.terminals.answer()
}

/// A shell in place of an installation, for whoever comes; then another start.
pub(super) fn rescue(sinks: &mut Sinks) -> Result<(), EngineError> {
    sinks.say("Enter starts a shell here; its `exit` starts this machine again.");
    let none = || EngineError::Refused("there is no terminal for a shell".to_owned());
    let answer = ask_for_line(sinks).ok_or_else(none)?;
    child::shell(&answer.device)?;
    reboot()
}

/// After what leaves the machine to somebody: it starts again when he has read what is shown.
pub(super) fn when_somebody_is_there(
    options: &BootOptions,
    sinks: &mut Sinks,
) -> Result<(), EngineError> {
    if options.noninteractive {
        sinks.say("This machine stays as it is.");
        return Ok(());
    }
    sinks.say("Enter starts this machine again.");
    ask_for_line(sinks).map_or(Ok(()), |_| reboot())
}

/// After a failure, when all is said: a shell, and then another start, unless that is unwanted.
pub(super) fn after_failure(options: &BootOptions, sinks: &mut Sinks) {
    sinks.say("The log: `journalctl`, and terminal 3 of a screen");
    if options.noshell || options.noninteractive {
        sinks.say("This machine stays as it is.");
    } else if let Err(error) = rescue(sinks) {
        sinks.warn(&error);
    }
}

/// Starts the machine again.
pub(super) fn reboot() -> Result<(), EngineError> {
    Tool::Systemctl.with(["--no-wall", "reboot"]).run()
}
