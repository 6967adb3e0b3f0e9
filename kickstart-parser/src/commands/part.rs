// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `part`, `partition`: one partition of the new system.
//!
//! Takes the line, gives [`Part`] with sizes in MiB as written. Which disk it goes to, how large it gets and what
//! it defaults to is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encryption::{self, Encryption};
use super::filesystem;
use crate::arguments::{Arguments, Command, Conflict, Operand, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["part", "partition"],
    summary: "Makes a partition",
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[
        OPTIONS,
        filesystem::OPTIONS,
        encryption::OPTIONS,
        encryption::HARDWARE,
    ],
    operand: Some(Operand::one(
        "<mntpoint>",
        "Mount point, or `swap`, `biosboot`, `raid.N`, `pv.N`, `btrfs.N`",
    )),
    rank: 130,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::int(&["--size"], "Size in MiB, the smallest one with `--grow`"),
    Opt::flag(
        &["--grow"],
        "Let it grow into free space, up to `--maxsize`",
    ),
    Opt::int(&["--maxsize"], "Largest size in MiB"),
    Opt::flag(&["--recommended"], "Let the installer choose the size"),
    Opt::flag(&["--hibernation"], "Make it as large as hibernation needs"),
    Opt::text(&["--fstype", "--type"], "File system"),
    Opt::text(&["--ondisk", "--ondrive"], "Disk to use"),
    Opt::text(&["--onbiosdisk"], "Disk by its BIOS number").not_yet(),
    Opt::text(&["--onpart", "--usepart"], "Existing partition to use"),
    Opt::flag(
        &["--noformat"],
        "Keep what is on the partition of `--onpart`",
    ),
    Opt::flag(
        &["--resize"],
        "Resize the partition of `--onpart` to `--size`",
    ),
    Opt::flag(
        &["--asprimary"],
        "On an MBR, make it a primary partition; a GPT has no others",
    ),
    Opt::flag(&["--active"], "Mark it as the one to boot from")
        .only(Versions::RHEL8)
        .deprecated_in(Versions::RHEL8)
        .without_effect("UEFI looks for no such mark"),
];

/// These versions refuse btrfs on a partition, and partitions for btrfs volumes
const REFUSE_BTRFS: Versions = Versions::RHEL;

/// A partition
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Part {
    /// Mount point, normalised when it begins with `/`, or a word like `swap` or `biosboot`
    pub mntpoint: String,
    /// Size in MiB, the smallest one with `grow`; not range-checked
    pub size: Option<i64>,
    /// It grows into free space
    pub grow: bool,
    /// Largest size in MiB; not range-checked
    pub maxsize: Option<i64>,
    /// File system
    pub fstype: Option<String>,
    /// Disk to use
    pub ondisk: Option<String>,
    /// Existing partition to use, without a leading `/dev/`
    pub onpart: Option<String>,
    /// Disk by its BIOS number
    pub onbiosdisk: Option<String>,
    /// It is a primary partition
    pub asprimary: bool,
    /// It is marked as the one to boot from
    pub active: bool,
    /// What is on the existing partition is kept
    pub noformat: bool,
    /// The installer chooses the size
    pub recommended: bool,
    /// It is as large as hibernation needs
    pub hibernation: bool,
    /// The existing partition is resized to `size`
    pub resize: bool,
    /// Label of the file system
    pub label: Option<String>,
    /// Mount options
    pub fsoptions: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
    /// Usage type given to the program that makes the file system
    pub fsprofile: Option<String>,
    /// How it is encrypted
    pub encryption: Encryption,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Part {
        mntpoint: values::mount_point(given.first_operand().unwrap_or("")),
        size: given.int("--size"),
        grow: given.flag("--grow"),
        maxsize: given.int("--maxsize"),
        fstype: given.text("--fstype"),
        ondisk: given.text("--ondisk"),
        onpart: onpart(given),
        onbiosdisk: given.text("--onbiosdisk"),
        asprimary: given.flag("--asprimary"),
        active: given.flag("--active"),
        noformat: given.flag("--noformat"),
        recommended: given.flag("--recommended"),
        hibernation: given.flag("--hibernation"),
        resize: given.flag("--resize"),
        label: given.text("--label"),
        fsoptions: given.text("--fsoptions"),
        mkfsoptions: given.text("--mkfsoptions"),
        fsprofile: given.text("--fsprofile"),
        encryption: Encryption::of(given, findings),
    };
    check_sizes(&value, given, findings);
    check_btrfs(&value, given, findings);
    filesystem::check_making(given, findings);
    if !given.operands.is_empty() {
        kickstart.part.push(given.locate(value));
    }
}

fn onpart(given: &Arguments<'_>) -> Option<String> {
    let name = given.raw("--onpart")?;
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

fn check_sizes(part: &Part, given: &Arguments<'_>, findings: &mut Findings) {
    let is_set = |size: Option<i64>| size.is_some_and(|size| size != 0);
    if part.resize && part.onpart.is_none() {
        given.needs("--resize", "--onpart", findings);
    }
    if part.resize && !is_set(part.size) {
        given.needs("--resize", "--size", findings);
    }
    if part.fstype.as_deref() == Some("tmpfs") && (part.grow || is_set(part.maxsize)) {
        let at = given.location_of(if part.grow { "--grow" } else { "--maxsize" });
        let message = "a `tmpfs` takes neither `--grow` nor `--maxsize`";
        findings.error(Code::OptionConflict, at, message);
    }
}

fn check_btrfs(part: &Part, given: &Arguments<'_>, findings: &mut Findings) {
    filesystem::check_btrfs(given, REFUSE_BTRFS, findings);
    let Some(word) = given.operands.first() else {
        return;
    };
    if REFUSE_BTRFS.has(given.syntax) && part.mntpoint.starts_with("btrfs.") {
        filesystem::refuse_btrfs(given, word.location(), findings);
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if !kickstart.part.is_empty() {
        writer.put("# Disk partitioning information\n");
    }
    for part in &kickstart.part {
        writer.put(format_args!("part {}", part.mntpoint));
        write_place(part, writer);
        write_content(part, writer);
        writer.put("\n");
    }
}

fn write_place(part: &Part, writer: &mut Writer) {
    writer.flag("--active", part.active);
    writer.flag("--asprimary", part.asprimary);
    writer.quoted("--fstype", part.fstype.as_ref());
    writer.flag("--grow", part.grow);
    writer.value("--maxsize", part.maxsize.filter(|size| *size > 0));
    writer.flag("--noformat", part.noformat);
    writer.value("--onbiosdisk", part.onbiosdisk.as_ref());
    writer.value("--ondisk", part.ondisk.as_ref());
    writer.value("--onpart", part.onpart.as_ref());
    writer.flag("--recommended", part.recommended);
    writer.number("--size", part.size);
}

fn write_content(part: &Part, writer: &mut Writer) {
    writer.quoted("--fsoptions", part.fsoptions.as_ref());
    writer.quoted("--label", part.label.as_ref());
    writer.quoted("--fsprofile", part.fsprofile.as_ref());
    part.encryption.write_passphrase(writer);
    part.encryption.write_escrow(writer);
    writer.flag("--resize", part.resize);
    writer.flag("--hibernation", part.hibernation);
    part.encryption.write_cipher(writer);
    writer.quoted("--mkfsoptions", part.mkfsoptions.as_ref());
    part.encryption.write_format(writer);
    part.encryption.write_hardware(writer);
}
