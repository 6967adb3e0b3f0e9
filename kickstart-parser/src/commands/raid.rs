// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `raid`: a software RAID device.
//!
//! Takes the line, gives [`Raid`]. Whether the members are defined anywhere, and whether they are enough for the
//! level, is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encryption::{self, Encryption};
use super::filesystem;
use crate::arguments::{Arguments, Command, Conflict, Effect, Operand, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["raid"],
    summary: "Makes a RAID device",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[OPTIONS, filesystem::OPTIONS, encryption::OPTIONS],
    operand: Some(Operand::any(
        "<mntpoint>",
        "Mount point, or `swap`, `pv.N`, `btrfs.N`, then the members like `raid.N`",
    )),
    rank: 131,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--device"], "Name of the device, like `md0` or `root`").required(),
    Opt::keyword(
        &["--level"],
        &[
            "RAID0", "0", "RAID1", "1", "RAID4", "4", "RAID5", "5", "RAID6", "6", "RAID10", "10",
        ],
        "RAID level",
    ),
    Opt::int(&["--spares"], "How many of the members are spares"),
    Opt::int(&["--chunksize"], "Size of the chunks in KiB"),
    Opt::text(&["--fstype"], "File system"),
    Opt::flag(
        &["--noformat"],
        "Use an existing device and keep what is on it",
    ),
    Opt::flag(&["--useexisting"], "Use an existing device"),
];

/// These versions refuse btrfs on a RAID device
const REFUSE_BTRFS: Versions = Versions::RHEL8.or(Versions::RHEL9);

/// These versions keep the `md` at the beginning of a device's name; the others see `md0` and `0` as one
const KEEP_MD: Versions = Versions::SINCE_F43.or(Versions::RHEL10);

/// A RAID device
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Raid {
    /// Mount point, normalised when it begins with `/`, or a word like `swap` or `pv.01`
    pub mntpoint: String,
    /// The members; none of an existing device
    pub members: Vec<String>,
    /// Name of the device; without a leading `md` in the versions of the language that cut it
    pub device: String,
    /// RAID level; not needed for an existing device
    pub level: Option<RaidLevel>,
    /// How many of the members are spares; not range-checked
    pub spares: i64,
    /// Size of the chunks in KiB; not range-checked
    pub chunksize: Option<i64>,
    /// File system
    pub fstype: Option<String>,
    /// What is on the existing device is kept
    pub noformat: bool,
    /// The device exists; so it does with `noformat`
    pub useexisting: bool,
    /// Mount options
    pub fsoptions: Option<String>,
    /// Label of the file system
    pub label: Option<String>,
    /// Usage type given to the program that makes the file system
    pub fsprofile: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
    /// How it is encrypted
    pub encryption: Encryption,
}

/// How a RAID device spreads its blocks
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names say it all")]
pub enum RaidLevel {
    Raid0,
    Raid1,
    Raid4,
    Raid5,
    Raid6,
    Raid10,
}

impl RaidLevel {
    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raid0 => "RAID0",
            Self::Raid1 => "RAID1",
            Self::Raid4 => "RAID4",
            Self::Raid5 => "RAID5",
            Self::Raid6 => "RAID6",
            Self::Raid10 => "RAID10",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut words = given.operands.iter();
    let mntpoint = words.next();
    let value = Raid {
        mntpoint: values::mount_point(mntpoint.map_or("", |word| &word.text)),
        members: words.map(|word| word.text.to_string()).collect(),
        device: device(given),
        level: level(given),
        spares: given.int("--spares").unwrap_or(0),
        chunksize: given.int("--chunksize"),
        fstype: given.text("--fstype"),
        noformat: given.flag("--noformat"),
        useexisting: given.flag("--useexisting") || given.flag("--noformat"),
        fsoptions: given.text("--fsoptions"),
        label: given.text("--label"),
        fsprofile: given.text("--fsprofile"),
        mkfsoptions: given.text("--mkfsoptions"),
        encryption: Encryption::of(given, findings),
    };
    check(&value, given, findings);
    given.refuse_dashes(findings);
    filesystem::check_making(given, findings);
    filesystem::check_btrfs(given, REFUSE_BTRFS, findings);
    if mntpoint.is_none() {
        given.lacks("a mount point", &[], findings);
    } else if given.has("--device") {
        kickstart.raid.push(given.locate(value));
    }
}

fn device(given: &Arguments<'_>) -> String {
    let name = given.raw("--device").unwrap_or("");
    let cut = name
        .strip_prefix("md")
        .filter(|_| !KEEP_MD.has(given.syntax));
    cut.unwrap_or(name).to_owned()
}

fn level(given: &Arguments<'_>) -> Option<RaidLevel> {
    Some(match given.raw("--level")?.to_ascii_uppercase().as_str() {
        "RAID0" | "0" => RaidLevel::Raid0,
        "RAID1" | "1" => RaidLevel::Raid1,
        "RAID4" | "4" => RaidLevel::Raid4,
        "RAID5" | "5" => RaidLevel::Raid5,
        "RAID6" | "6" => RaidLevel::Raid6,
        _ => RaidLevel::Raid10,
    })
}

fn check(raid: &Raid, given: &Arguments<'_>, findings: &mut Findings) {
    if !raid.useexisting {
        if raid.members.is_empty() && !given.operands.is_empty() {
            given.lacks(
                "its members after the mount point",
                &["--useexisting", "--noformat"],
                findings,
            );
        }
        if raid.level.is_none() {
            given.lacks(
                "`--level`",
                &["--level", "--useexisting", "--noformat"],
                findings,
            );
        }
        return;
    }
    if let Some(member) = given.operands.get(1) {
        let message = "an existing RAID device has its members already";
        findings
            .error(Code::UnexpectedArgument, member.location(), message)
            .help("give the mount point only, or leave out `--useexisting` and `--noformat`");
    }
    if raid.device.is_empty() && given.has("--device") {
        let at = given.location_of("--device");
        findings.error(
            Code::InvalidValue,
            at,
            "`--device` does not say which RAID device exists",
        );
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for raid in &kickstart.raid {
        writer.put(format_args!("raid {}", raid.mntpoint));
        writer.value(
            "--device",
            Some(&raid.device).filter(|name| !name.is_empty()),
        );
        write_options(raid, writer);
        if !raid.useexisting {
            writer.put(format_args!(" {}", Joined(&raid.members, " ")));
        }
        writer.trim_end();
        writer.put("\n");
    }
}

fn write_options(raid: &Raid, writer: &mut Writer) {
    writer.quoted("--fstype", raid.fstype.as_ref());
    writer.value("--level", raid.level.map(RaidLevel::as_str));
    writer.flag("--noformat", raid.noformat);
    writer.number("--spares", Some(raid.spares));
    writer.flag("--useexisting", raid.useexisting);
    writer.quoted("--fsoptions", raid.fsoptions.as_ref());
    writer.quoted("--fsprofile", raid.fsprofile.as_ref());
    raid.encryption.write_passphrase(writer);
    raid.encryption.write_escrow(writer);
    writer.quoted("--label", raid.label.as_ref());
    raid.encryption.write_cipher(writer);
    writer.quoted("--mkfsoptions", raid.mkfsoptions.as_ref());
    writer.number("--chunksize", raid.chunksize);
    raid.encryption.write_format(writer);
}
