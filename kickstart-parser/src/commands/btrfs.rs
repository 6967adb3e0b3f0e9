// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `btrfs`: a btrfs volume over several devices, or a subvolume of one.
//!
//! Takes the line, gives [`Btrfs`]. Whether the devices or the parent volume are defined anywhere is the planner's
//! business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["btrfs"],
    summary: "Makes a btrfs volume or subvolume",
    deprecated: Versions::RHEL8.or(Versions::RHEL9),
    removed: Versions::RHEL10,
    instead: "use partitions or logical volumes with another file system",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[OPTIONS],
    operand: Some(Operand::any(
        "<mntpoint>",
        "Mount point or `none`, then the devices like `btrfs.N`; for a subvolume its parent volume",
    )),
    rank: 132,
    convert,
    write,
    ..Command::BASE
};

const LEVELS: &[&str] = &["single", "raid0", "0", "raid1", "1", "raid10", "10"];

const OPTIONS: &[Opt] = &[
    Opt::flag(
        &["--noformat"],
        "Use an existing volume and keep what is on it",
    ),
    Opt::flag(&["--useexisting"], "The same as `--noformat`"),
    Opt::text(&["--label"], "Label of the volume"),
    Opt::keyword(&["--data"], LEVELS, "How data is spread over the devices"),
    Opt::keyword(
        &["--metadata"],
        LEVELS,
        "How metadata is spread over the devices",
    ),
    Opt::flag(&["--subvol"], "Make a subvolume"),
    Opt::text(&["--parent"], "Not used, the parent volume is an argument"),
    Opt::text(&["--name"], "Name of the subvolume"),
    Opt::text(
        &["--mkfsoptions"],
        "Further arguments for the program that makes the file system",
    ),
];

/// A btrfs volume or subvolume
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Btrfs {
    /// Mount point, normalised when it begins with `/`, or a word like `none`
    pub mntpoint: String,
    /// The devices of a volume, the parent of a subvolume; at least one
    pub devices: Vec<String>,
    /// The volume exists and what is on it is kept
    pub useexisting: bool,
    /// Label of the volume
    pub label: Option<String>,
    /// How data is spread over the devices
    pub data: Option<BtrfsLevel>,
    /// How metadata is spread over the devices
    pub metadata: Option<BtrfsLevel>,
    /// It is a subvolume
    pub subvol: bool,
    /// Name of the subvolume
    pub name: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
}

/// How blocks are spread over devices
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BtrfsLevel {
    /// One copy
    Single,
    /// Stripes
    Raid0,
    /// Two copies
    Raid1,
    /// Stripes of two copies
    Raid10,
}

impl BtrfsLevel {
    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Raid0 => "raid0",
            Self::Raid1 => "raid1",
            Self::Raid10 => "raid10",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    check(given, findings);
    let Some((mntpoint, devices)) = given.operands.split_first() else {
        return;
    };
    kickstart.btrfs.push(given.locate(Btrfs {
        mntpoint: values::mount_point(&mntpoint.text),
        devices: devices.iter().map(|word| word.text.to_string()).collect(),
        useexisting: given.flag("--noformat") || given.flag("--useexisting"),
        label: given.text("--label"),
        data: level(given, "--data"),
        metadata: level(given, "--metadata"),
        subvol: given.flag("--subvol"),
        name: given.text("--name"),
        mkfsoptions: given.text("--mkfsoptions"),
    }));
}

fn level(given: &Arguments<'_>, name: &str) -> Option<BtrfsLevel> {
    Some(match given.raw(name)?.to_ascii_lowercase().as_str() {
        "raid0" | "0" => BtrfsLevel::Raid0,
        "raid1" | "1" => BtrfsLevel::Raid1,
        "raid10" | "10" => BtrfsLevel::Raid10,
        _ => BtrfsLevel::Single,
    })
}

fn check(given: &Arguments<'_>, findings: &mut Findings) {
    let subvol = given.flag("--subvol");
    match (given.operands.as_slice(), subvol) {
        ([], _) => given.lacks("a mount point, or `none`", &[], findings),
        ([_], true) => given.lacks("the parent volume after the mount point", &[], findings),
        ([_], false) => given.lacks("the devices after the mount point", &["--subvol"], findings),
        _ => {}
    }
    given.refuse_dashes(findings);
    if subvol && given.text("--name").is_none() {
        given.needs("--subvol", "--name", findings);
    }
    let kept = ["--noformat", "--useexisting"]
        .into_iter()
        .find(|name| given.flag(name));
    if let (Some(name), Some(_)) = (kept, given.text("--mkfsoptions")) {
        let at = given.location_of("--mkfsoptions");
        let message = format!("`--mkfsoptions` does nothing with `{name}`");
        findings.error(Code::OptionConflict, at, message);
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for btrfs in &kickstart.btrfs {
        writer.put(format_args!("btrfs {}", btrfs.mntpoint));
        writer.flag("--noformat", btrfs.useexisting);
        writer.flag("--useexisting", btrfs.useexisting);
        writer.quoted("--label", btrfs.label.as_ref());
        writer.value("--data", btrfs.data.map(BtrfsLevel::as_str));
        writer.value("--metadata", btrfs.metadata.map(BtrfsLevel::as_str));
        writer.flag("--subvol", btrfs.subvol);
        writer.value("--name", btrfs.name.as_ref().filter(|_| btrfs.subvol));
        writer.quoted("--mkfsoptions", btrfs.mkfsoptions.as_ref());
        writer.put(format_args!(" {}\n", Joined(&btrfs.devices, " ")));
    }
}
