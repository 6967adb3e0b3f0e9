// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `selinux`: the mode of SELinux in the installed system.
//!
//! Takes the options of the line, gives [`Selinux`]; the last option counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["selinux"],
    summary: "Sets the SELinux mode of the installed system",
    options: &[&[
        Opt::flag(&["--disabled"], "Switch SELinux off").keeps(),
        Opt::flag(&["--enforcing"], "Enforce the policy").keeps(),
        Opt::flag(
            &["--permissive"],
            "Log what the policy forbids and let it happen",
        )
        .keeps(),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// SELinux in the installed system
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selinux {
    /// The mode; `None` when no line says one
    pub mode: Option<SelinuxMode>,
}

/// The modes of SELinux
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SelinuxMode {
    /// It is off
    Disabled,
    /// The policy is enforced
    Enforcing,
    /// What the policy forbids is logged and happens
    Permissive,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let last = given.last_of(&["--disabled", "--enforcing", "--permissive"]);
    let mode = last.map(|name| match name {
        "--disabled" => SelinuxMode::Disabled,
        "--enforcing" => SelinuxMode::Enforcing,
        _ => SelinuxMode::Permissive,
    });
    kickstart.selinux = Some(given.locate(Selinux { mode }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(mode) = kickstart.selinux.as_ref().and_then(|selinux| selinux.mode) else {
        return;
    };
    writer.put(match mode {
        SelinuxMode::Disabled => "# SELinux configuration\nselinux --disabled\n",
        SelinuxMode::Enforcing => "# SELinux configuration\nselinux --enforcing\n",
        SelinuxMode::Permissive => "# SELinux configuration\nselinux --permissive\n",
    });
}
