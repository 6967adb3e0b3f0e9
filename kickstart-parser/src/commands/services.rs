// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `services`: units that are enabled and disabled in the installed system.
//!
//! Takes the options of the line, gives [`Services`]. Whether a unit exists in the image is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["services"],
    summary: "Enables and disables services",
    options: &[&[
        Opt::list(&["--disabled"], "Services to disable, separated by commas"),
        Opt::list(&["--enabled"], "Services to enable, separated by commas"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Services to enable and disable; disabling comes first, as in Anaconda
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Services {
    /// Services to enable
    pub enabled: Vec<String>,
    /// Services to disable
    pub disabled: Vec<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Services {
        enabled: given.list("--enabled"),
        disabled: given.list("--disabled"),
    };
    if value == Services::default() {
        let what = "`--enabled` or `--disabled` with at least one service";
        given.lacks(what, &["--enabled", "--disabled"], findings);
    }
    kickstart.services = Some(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(services) = &kickstart.services else {
        return;
    };
    let joined = |items: &[String]| Some(items.join(",")).filter(|text| !text.is_empty());
    writer.put("# System services\nservices");
    writer.quoted("--disabled", joined(&services.disabled));
    writer.quoted("--enabled", joined(&services.enabled));
    writer.put("\n");
}
