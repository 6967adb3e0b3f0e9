// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ignoredisk`: which disks the installation may see.
//!
//! Takes the options of the line, gives [`IgnoreDisk`]. Names are compared with real disks by the planner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["ignoredisk"],
    summary: "Says which disks the installation may use",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::list(&["--drives"], "Disks to leave alone"),
        Opt::list(&["--only-use"], "The only disks to use"),
    ],
    operand: None,
    convert,
};

/// Which disks are left alone; exactly one of the lists is filled
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IgnoreDisk {
    /// Disks to leave alone
    pub drives: Vec<String>,
    /// The only disks to use
    pub only_use: Vec<String>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = IgnoreDisk {
        drives: given.list("--drives"),
        only_use: given.list("--only-use"),
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
