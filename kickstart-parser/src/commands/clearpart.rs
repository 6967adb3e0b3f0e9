// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `clearpart`: which partitions are removed before new ones are made.
//!
//! Takes the options of the line, gives [`ClearPart`]. Whether the disks exist, and what stands on them, is the
//! planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["clearpart"],
    summary: "Removes partitions before new ones are made",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::flag(&["--all"], "Remove all partitions").keeps(),
        Opt::flag(
            &["--initlabel"],
            "Write a new partition table on disks that are cleared",
        ),
        Opt::flag(&["--linux"], "Remove Linux partitions").keeps(),
        Opt::flag(&["--none"], "Remove nothing").keeps(),
        Opt::text(
            &["--disklabel"],
            "Type of the new partition table, like `gpt`",
        )
        .resets(),
        Opt::list(
            &["--drives"],
            "Disks to clear; all of them without this option",
        ),
        Opt::list(&["--list"], "Partitions to remove"),
        Opt::flag(&["--cdl"], "Reformat LDL DASDs as CDL"),
    ],
    operand: None,
    convert,
};

/// Which partitions to remove; of `--all`, `--linux` and `--none` the last one counts
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClearPart {
    /// Which kind of partitions; ignored when `list` is not empty
    pub mode: Option<ClearMode>,
    /// The very partitions to remove
    pub list: Vec<String>,
    /// The disks concerned; all when empty
    pub drives: Vec<String>,
    /// Write a new partition table
    pub initlabel: bool,
    /// Type of that table
    pub disklabel: Option<String>,
    /// Reformat LDL DASDs as CDL
    pub cdl: bool,
}

/// Which kind of partitions `clearpart` removes
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClearMode {
    /// Every partition
    All,
    /// Partitions with Linux content
    Linux,
    /// No partition
    None,
}

fn convert(given: &Arguments, _: &mut Findings, kickstart: &mut Kickstart) {
    let mode = given
        .last_of(&["--all", "--linux", "--none"])
        .map(|name| match name {
            "--all" => ClearMode::All,
            "--linux" => ClearMode::Linux,
            _ => ClearMode::None,
        });
    kickstart.clearpart = Some(given.locate(ClearPart {
        mode,
        list: given.list("--list"),
        drives: given.list("--drives"),
        initlabel: given.flag("--initlabel"),
        disklabel: given.text("--disklabel"),
        cdl: given.flag("--cdl"),
    }));
}
