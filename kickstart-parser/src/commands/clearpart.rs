// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `clearpart`: which partitions are removed before new ones are made.
//!
//! Takes the options of the line, gives [`ClearPart`]. Whether the disks exist, and what stands on them, is the
//! planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["clearpart"],
    summary: "Removes partitions before new ones are made",
    options: &[OPTIONS],
    rank: 120,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::flag(&["--all"], "Remove all partitions").keeps(),
    Opt::flag(&["--linux"], "Remove partitions with Linux content").keeps(),
    Opt::flag(&["--none"], "Remove nothing").keeps(),
    Opt::list(
        &["--list"],
        "The very partitions to remove, separated by commas",
    ),
    Opt::list(
        &["--drives"],
        "Disks to clear, separated by commas; all of them without this option",
    ),
    Opt::flag(
        &["--initlabel"],
        "Write a new partition table on disks that are cleared",
    ),
    Opt::text(
        &["--disklabel"],
        "Type of the new partition table, `gpt` or `msdos`",
    )
    .resets(),
    Opt::flag(&["--cdl"], "Reformat LDL DASDs as CDL").not_yet(),
];

/// Which partitions to remove; of `--all`, `--linux` and `--none` the last one counts
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
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

impl ClearMode {
    /// The option for it
    const fn option(self) -> &'static str {
        match self {
            Self::All => "--all",
            Self::Linux => "--linux",
            Self::None => "--none",
        }
    }
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
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

/// Writes it unless it removes nothing; a list of partitions makes the mode void
fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(clearpart) = &kickstart.clearpart else {
        return;
    };
    let mode = clearpart.mode.filter(|_| clearpart.list.is_empty());
    if mode.is_none() && clearpart.list.is_empty() {
        return;
    }
    writer.put("# Partition clearing information\nclearpart");
    if let Some(mode) = mode {
        writer.flag(mode.option(), true);
    }
    writer.flag("--initlabel", clearpart.initlabel);
    writer.list("--drives", &clearpart.drives);
    writer.list("--list", &clearpart.list);
    writer.value("--disklabel", clearpart.disklabel.as_ref());
    writer.flag("--cdl", clearpart.cdl);
    writer.put("\n");
}
