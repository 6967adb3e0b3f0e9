// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `autopart`: partitions by a default layout.
//!
//! Takes the options of the line, gives [`AutoPart`]. What the layout is made of, and how large it gets, is the
//! planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encryption::{self, Encryption};
use crate::arguments::{Arguments, Command, Conflict, Opt};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["autopart"],
    summary: "Makes partitions by a default layout",
    conflicts: &[
        Conflict {
            with: &["part", "raid", "volgroup", "logvol", "reqpart"],
            versions: Versions::ALL,
        },
        Conflict {
            with: &["stratispool", "stratisfs"],
            versions: Versions::SINCE_F45,
        },
    ],
    options: &[OPTIONS, encryption::OPTIONS, encryption::HARDWARE],
    rank: 100,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::keyword(
        &["--type"],
        &["lvm", "thinp", "plain", "partition", "btrfs"],
        "Kind of layout",
    )
    .only(Versions::ALL.except(Versions::SINCE_F45)),
    Opt::keyword(
        &["--type"],
        &["lvm", "thinp", "plain", "partition", "btrfs", "stratis"],
        "Kind of layout",
    )
    .only(Versions::SINCE_F45),
    Opt::flag(&["--nolvm"], "Use no LVM, the same as `--type=plain`").keeps(),
    Opt::text(
        &["--fstype"],
        "File system for all that is mounted but `/boot`",
    ),
    Opt::flag(&["--nohome"], "Make no file system for `/home`"),
    Opt::flag(&["--noboot"], "Make no file system for `/boot`"),
    Opt::flag(&["--noswap"], "Make no swap space"),
    Opt::flag(
        &["--hibernation"],
        "Make swap space large enough for hibernation",
    )
    .only(Versions::FEDORA.or(Versions::RHEL10)),
];

/// These versions refuse `--type=btrfs`
const REFUSE_BTRFS: Versions = Versions::RHEL;

/// Options that mean nothing to Stratis, which encrypts and formats in its own way
const NOT_FOR_STRATIS: [&str; 10] = [
    "--luks-version",
    "--pbkdf",
    "--pbkdf-memory",
    "--pbkdf-time",
    "--pbkdf-iterations",
    "--hw-passphrase",
    "--escrowcert",
    "--backuppassphrase",
    "--cipher",
    "--fstype",
];

/// Partitions by a default layout
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AutoPart {
    /// Kind of layout; the installer's own choice when it is not given
    #[serde(rename = "type")]
    pub kind: Option<AutoPartType>,
    /// File system for all that is mounted but `/boot`
    pub fstype: Option<String>,
    /// There is no file system for `/home`
    pub nohome: bool,
    /// There is no file system for `/boot`
    pub noboot: bool,
    /// There is no swap space
    pub noswap: bool,
    /// Swap space is large enough for hibernation
    pub hibernation: bool,
    /// How all of it is encrypted
    pub encryption: Encryption,
}

/// Kinds of layout
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AutoPartType {
    /// LVM with plain logical volumes
    Lvm,
    /// LVM with a thin pool
    Thinp,
    /// Partitions only
    Plain,
    /// btrfs with subvolumes
    Btrfs,
    /// A Stratis pool
    Stratis,
}

impl AutoPartType {
    /// The layout that an option asks for
    fn of(option: &str, value: &str) -> Self {
        match value.to_ascii_lowercase().as_str() {
            _ if option == "--nolvm" => Self::Plain,
            "lvm" => Self::Lvm,
            "thinp" => Self::Thinp,
            "btrfs" => Self::Btrfs,
            "stratis" => Self::Stratis,
            _ => Self::Plain,
        }
    }

    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lvm => "lvm",
            Self::Thinp => "thinp",
            Self::Plain => "plain",
            Self::Btrfs => "btrfs",
            Self::Stratis => "stratis",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let kind = given
        .last_of(&["--type", "--nolvm"])
        .filter(|option| *option == "--nolvm" || given.raw("--type").is_some())
        .map(|option| AutoPartType::of(option, given.raw("--type").unwrap_or("")));
    let value = AutoPart {
        kind,
        fstype: given.text("--fstype"),
        nohome: given.flag("--nohome"),
        noboot: given.flag("--noboot"),
        noswap: given.flag("--noswap"),
        hibernation: given.flag("--hibernation"),
        encryption: Encryption::of(given, findings),
    };
    if value.noswap && value.hibernation {
        given.exclude("--noswap", "--hibernation", findings);
    }
    check_btrfs(&value, given, findings);
    if kind == Some(AutoPartType::Stratis) {
        check_stratis(given, findings);
    }
    kickstart.autopart = Some(given.locate(value));
}

fn check_btrfs(autopart: &AutoPart, given: &Arguments<'_>, findings: &mut Findings) {
    let btrfs = autopart.kind == Some(AutoPartType::Btrfs);
    if btrfs && REFUSE_BTRFS.has(given.syntax) {
        let message = format!("{} does not support btrfs", given.syntax);
        findings
            .error(Code::InvalidValue, given.location_of("--type"), message)
            .help("write `lvm`, `thinp` or `plain`");
    }
    if autopart.fstype.as_deref() == Some("btrfs") {
        let at = given.location_of("--fstype");
        let found = findings.error(Code::InvalidValue, at, "`--fstype` cannot be `btrfs`");
        if !REFUSE_BTRFS.has(given.syntax) {
            found.help("write `--type=btrfs` instead");
        }
    } else if btrfs && autopart.fstype.is_some() {
        let at = given.location_of_last(&["--fstype", "--type"]);
        let message = "`--type=btrfs` leaves no choice for `--fstype`";
        findings.error(Code::OptionConflict, at, message);
    }
}

fn check_stratis(given: &Arguments<'_>, findings: &mut Findings) {
    let says_something = |name: &str| match given.int(name) {
        Some(number) => number != 0,
        None => given.has(name) && given.raw(name) != Some(""),
    };
    for name in NOT_FOR_STRATIS
        .into_iter()
        .filter(|name| says_something(name))
    {
        let message = format!("`{name}` does not go with `--type=stratis`");
        // One of the two may stand in an earlier line.
        let at = given.location_of_last(&[name, "--type"]);
        findings.error(Code::OptionConflict, at, message);
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(autopart) = &kickstart.autopart else {
        return;
    };
    let encryption = &autopart.encryption;
    writer.put("autopart");
    encryption.write_passphrase(writer);
    encryption.write_escrow(writer);
    writer.value("--type", autopart.kind.map(AutoPartType::as_str));
    encryption.write_cipher(writer);
    writer.value("--fstype", autopart.fstype.as_ref());
    writer.flag("--nohome", autopart.nohome);
    writer.flag("--noboot", autopart.noboot);
    writer.flag("--noswap", autopart.noswap);
    encryption.write_format(writer);
    writer.flag("--hibernation", autopart.hibernation);
    encryption.write_hardware(writer);
    writer.put("\n");
}
