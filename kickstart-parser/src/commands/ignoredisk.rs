// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ignoredisk`: which disks the installation may see.
//!
//! Takes the options of the line, gives [`IgnoreDisk`]. Names are compared with real disks by the planner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["ignoredisk"],
    summary: "Says which disks the installation may use",
    options: &[&[
        Opt::list(&["--drives"], "Disks to leave alone, separated by commas"),
        Opt::list(
            &["--only-use"],
            "The only disks to use, separated by commas",
        ),
        Opt::flag(&["--interactive"], "Let the user choose the disks")
            .only(Versions::RHEL8)
            .deprecated_in(Versions::RHEL8)
            .without_effect("the installer asks nothing"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Which disks are left alone; exactly one of the lists is filled
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IgnoreDisk {
    /// Disks to leave alone
    pub drives: Vec<String>,
    /// The only disks to use
    pub only_use: Vec<String>,
    /// The user chooses the disks
    pub interactive: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = IgnoreDisk {
        drives: given.list("--drives"),
        only_use: given.list("--only-use"),
        interactive: given.flag("--interactive"),
    };
    match (value.drives.is_empty(), value.only_use.is_empty()) {
        (true, true) => {
            let what = "`--drives` or `--only-use` with at least one disk";
            given.lacks(what, &["--drives", "--only-use"], findings);
        }
        (false, false) => given.exclude("--drives", "--only-use", findings),
        _ => {}
    }
    kickstart.ignoredisk = Some(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(ignoredisk) = &kickstart.ignoredisk else {
        return;
    };
    writer.put("ignoredisk");
    if ignoredisk.interactive {
        writer.put(" --interactive");
    } else {
        writer.list("--drives", &ignoredisk.drives);
        writer.list("--only-use", &ignoredisk.only_use);
    }
    writer.put("\n");
}
