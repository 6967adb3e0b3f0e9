// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `realm join`: the domain that the installed system belongs to, joined by the image's own tool.
//!
//! As in Anaconda a domain that is not found, or that cannot be joined, does not fail the installation. `realm` takes
//! a one-time password only as an argument, which everyone on the machine could read, so that is refused.

use kickstart_parser::Kickstart;

use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts, Program};

const TOOL: &str = "realm";

/// What cannot be carried out without showing a secret.
pub(in crate::plan) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    let command = kickstart.realm.as_ref();
    if let Some(command) = command.filter(|command| command.one_time_password.is_some()) {
        issues
            .error(
                Code::NotSupportedYet,
                "`realm join --one-time-password` is not supported",
            )
            .at(&command.location)
            .help("join the realm when the system has started");
    }
}

pub(in crate::plan) fn realm(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let command = kickstart.realm.as_ref()?;
    if !facts.programs.contains(TOOL) {
        let message = "`realm join` has no effect: the image has no `realm`";
        issues
            .warning(Code::NoEffect, message)
            .at(&command.location);
        return None;
    }
    let mut argv = [TOOL, "join", "--install=/", "--verbose"]
        .map(str::to_owned)
        .to_vec();
    argv.extend(shlex::split(command.arguments.expose()).unwrap_or_default());
    Some(Action::Try(Program {
        argv,
        stdin: None,
        tolerate: Vec::new(),
    }))
}
