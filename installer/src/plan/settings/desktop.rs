// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `firstboot`, `skipx` and `xconfig`: what the installed system starts.
//!
//! Unlike Anaconda, the image's default target stays where the kickstart says nothing about it: an image is made to
//! start as it does.

use kickstart_parser::Kickstart;
use kickstart_parser::commands::FirstBootMode;

use crate::plan::files::{run, write};
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

const AGENT: &str = "initial-setup.service";

/// Names that would be more than a word in a file.
pub(in crate::plan) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if let Some(command) = &kickstart.xconfig
        && let Some(name) = command.defaultdesktop.as_deref()
        && !name.chars().all(is_plain)
    {
        let message = format!("`{name}` is not a name for a desktop");
        issues
            .error(Code::ValueInvalid, message)
            .at(&command.location);
    }
}

/// Without a command the set-up agent does not start, as a kickstart has answered its questions.
pub(in crate::plan) fn first_boot(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let command = kickstart.firstboot.as_ref();
    let mode = command.and_then(|command| command.mode);
    let off = matches!(mode, None | Some(FirstBootMode::Disable));
    let text = format!(
        "[General]\npost_install_tools_disabled = {}\n",
        u8::from(off)
    );
    let told = mode.map(|_| write("/etc/sysconfig/anaconda", text));
    if !facts.units.contains(AGENT) {
        if let Some(command) = command.filter(|_| mode.is_some_and(|m| m != FirstBootMode::Disable))
        {
            let message = format!("`firstboot` has no effect: the image has no `{AGENT}`");
            issues
                .warning(Code::NoEffect, message)
                .at(&command.location);
        }
        return told.into_iter().collect();
    }
    let verb = if off { "disable" } else { "enable" };
    let mut actions = vec![run(&["systemctl", verb, AGENT])];
    actions.extend(told);
    if mode == Some(FirstBootMode::Reconfig) {
        actions.push(write("/etc/reconfigSys", String::new()));
    }
    actions
}

/// The target that the system starts into, and the desktop.
pub(in crate::plan) fn graphical(kickstart: &Kickstart) -> Vec<Action> {
    let xconfig = kickstart.xconfig.as_deref();
    let target = if xconfig.is_some_and(|command| command.startxonboot) {
        Some("graphical")
    } else {
        kickstart.skipx.as_ref().map(|_| "multi-user")
    };
    let link = target.map(|target| Action::Link {
        path: "/etc/systemd/system/default.target".to_owned(),
        target: format!("/usr/lib/systemd/system/{target}.target"),
    });
    let desktop = xconfig.and_then(|command| command.defaultdesktop.as_ref());
    let desktop = desktop.map(|name| write("/etc/sysconfig/desktop", format!("DESKTOP={name}\n")));
    link.into_iter().chain(desktop).collect()
}
