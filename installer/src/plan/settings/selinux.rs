// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `selinux`: the mode in which the installed system starts.
//!
//! As in Anaconda, only a line that is there is changed, and switching SELinux off is a kernel argument as well. It
//! does not know how files are labelled.

use kickstart_parser::Kickstart;
use kickstart_parser::commands::SelinuxMode;

use crate::plan::files::write;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

/// The file that says the mode.
pub(super) const CONFIG: &str = "/etc/selinux/config";

/// The mode that the kickstart asks for.
fn mode(kickstart: &Kickstart) -> Option<SelinuxMode> {
    kickstart.selinux.as_ref().and_then(|command| command.mode)
}

/// Whether the kickstart says anything about it.
pub(in crate::plan) fn is_said(kickstart: &Kickstart) -> bool {
    mode(kickstart).is_some()
}

/// Whether SELinux is switched off.
pub(in crate::plan) fn is_disabled(kickstart: &Kickstart) -> bool {
    mode(kickstart) == Some(SelinuxMode::Disabled)
}

/// The kernel argument, if there is one.
pub(in crate::plan) fn karg(kickstart: &Kickstart) -> Option<String> {
    is_disabled(kickstart).then(|| "selinux=0".to_owned())
}

pub(in crate::plan) fn selinux(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let command = kickstart.selinux.as_ref()?;
    let (word, wants_labels) = match command.mode? {
        SelinuxMode::Disabled => ("disabled", false),
        SelinuxMode::Permissive => ("permissive", false),
        SelinuxMode::Enforcing => ("enforcing", true),
    };
    let text = facts.settings.text(CONFIG).unwrap_or("");
    if !text.lines().any(is_mode) {
        let message =
            format!("`selinux --{word}` has no effect: the image has no `SELINUX=` in `{CONFIG}`");
        issues
            .warning(Code::NoEffect, message)
            .at(&command.location);
        return None;
    }
    if wants_labels && !facts.selinux {
        issues
            .error(
                Code::ImageUnusable,
                "the image switches SELinux off, so its files have no labels, and a system that enforces would not start",
            )
            .at(&command.location)
            .help("switch SELinux on in the image");
    }
    let line = |line: &str| {
        if is_mode(line) {
            format!("SELINUX={word}\n")
        } else {
            format!("{line}\n")
        }
    };
    Some(write(CONFIG, text.lines().map(line).collect()))
}

fn is_mode(line: &str) -> bool {
    line.trim_start().starts_with("SELINUX=")
}
