// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `syspurpose`: what the installed system is for, as Red Hat's subscription management asks it.
//!
//! Takes the options of the line, gives [`Syspurpose`]. Any text is taken for a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["syspurpose"],
    summary: "Says what the installed system is for",
    versions: Versions::RHEL,
    effect: Effect::None("it goes with a registration, which the running system makes"),
    options: &[&[
        Opt::text(
            &["--role"],
            "Role of the system, like `Red Hat Enterprise Linux Server`",
        ),
        Opt::text(&["--sla"], "Level of service, like `Premium`"),
        Opt::text(&["--usage"], "Use of the system, like `Production`"),
        Opt::text(
            &["--addon"],
            "Further product or feature; may be given several times",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// What the installed system is for
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Syspurpose {
    /// Role of the system
    pub role: Option<String>,
    /// Level of service
    pub sla: Option<String>,
    /// Use of the system
    pub usage: Option<String>,
    /// Further products and features
    pub addon: Vec<String>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.syspurpose = Some(given.locate(Syspurpose {
        role: given.text("--role"),
        sla: given.text("--sla"),
        usage: given.text("--usage"),
        addon: given.each("--addon").map(str::to_owned).collect(),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let purpose = kickstart.syspurpose.as_deref();
    let Some(purpose) = purpose.filter(|purpose| **purpose != Syspurpose::default()) else {
        return;
    };
    writer.put("# Intended system purpose\nsyspurpose");
    writer.quoted("--role", purpose.role.as_ref());
    writer.quoted("--sla", purpose.sla.as_ref());
    writer.quoted("--usage", purpose.usage.as_ref());
    for addon in &purpose.addon {
        writer.quoted("--addon", Some(addon));
    }
    writer.put("\n");
}
