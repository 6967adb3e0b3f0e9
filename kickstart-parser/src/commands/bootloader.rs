// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `bootloader`: where the boot loader goes and what it passes to the kernel.
//!
//! Takes the options of the line, gives [`Bootloader`]. Kernel arguments stay one text here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["bootloader"],
    summary: "Sets up the boot loader and the kernel arguments",
    options: &[OPTIONS],
    rank: 10,
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--append"], "Kernel arguments, separated by blanks"),
    Opt::choice(
        &["--location"],
        &["mbr", "partition", "none", "boot"],
        "Where the boot record goes; `mbr` without this option",
    )
    .resets(),
    Opt::secret(&["--password"], "Password for changing boot entries").resets(),
    Opt::flag(&["--iscrypted"], "The password is a hash"),
    Opt::secret(
        &["--md5pass"],
        "Hash of the password, the same as `--password` with `--iscrypted`",
    )
    .resets(),
    Opt::int(&["--timeout"], "Seconds that the menu waits"),
    Opt::text(&["--default"], "Entry that boots by default")
        .without_effect("the newest deployment starts"),
    Opt::list(
        &["--driveorder"],
        "Order of the disks in the firmware, the first one boots",
    ),
    Opt::text(&["--boot-drive"], "Disk that the boot record goes to").resets(),
    Opt::flag(
        &["--leavebootorder"],
        "Leave the firmware's boot order alone",
    ),
    Opt::flag(&["--nombr"], "Write no boot code to the disk"),
    Opt::flag(&["--extlinux"], "Use extlinux").not_yet(),
    Opt::flag(&["--sdboot"], "Use systemd-boot")
        .only(HAVE_SDBOOT)
        .not_yet(),
    Opt::flag(&["--disabled"], "Install no boot loader"),
    Opt::flag(&["--upgrade"], "Upgrade the boot loader that is there")
        .only(Versions::RHEL8)
        .deprecated_in(Versions::RHEL8)
        .without_effect("the image brings its boot loader"),
];

/// These versions know systemd-boot
const HAVE_SDBOOT: Versions = Versions::FEDORA.or(Versions::RHEL10);

/// Boot loader and kernel arguments
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bootloader {
    /// Kernel arguments, as one text
    pub append: Option<String>,
    /// Where the boot record goes
    pub location: BootLocation,
    /// Seconds that the menu waits; not range-checked
    pub timeout: Option<i64>,
    /// Password for changing boot entries, or its hash when `iscrypted`
    pub password: Option<Secret>,
    /// The password is a hash
    pub iscrypted: bool,
    /// Disk that the boot record goes to
    pub boot_drive: Option<String>,
    /// Order of the disks in the firmware, the first one boots
    pub driveorder: Vec<String>,
    /// The firmware's boot order is left alone
    pub leavebootorder: bool,
    /// No boot code is written to the disk
    pub nombr: bool,
    /// extlinux is used
    pub extlinux: bool,
    /// systemd-boot is used
    pub sdboot: bool,
    /// No boot loader is installed
    pub disabled: bool,
    /// The boot loader that is there is upgraded
    pub upgrade: bool,
    /// Entry that boots by default
    pub default: Option<String>,
}

/// Where the boot record goes
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootLocation {
    /// The disk
    #[default]
    Mbr,
    /// The partition with the kernel
    Partition,
    /// Nowhere
    None,
    /// The partition with the kernel, former spelling
    Boot,
}

impl BootLocation {
    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mbr => "mbr",
            Self::Partition => "partition",
            Self::None => "none",
            Self::Boot => "boot",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let md5pass = given.text("--md5pass");
    let value = Bootloader {
        append: given.text("--append"),
        location: location(given),
        timeout: given.int("--timeout"),
        iscrypted: given.flag("--iscrypted") || md5pass.is_some(),
        password: md5pass
            .or_else(|| given.text("--password"))
            .map(Secret::new),
        boot_drive: given.text("--boot-drive"),
        driveorder: given.list("--driveorder"),
        leavebootorder: given.flag("--leavebootorder"),
        nombr: given.flag("--nombr"),
        extlinux: given.flag("--extlinux"),
        sdboot: given.flag("--sdboot"),
        disabled: given.flag("--disabled"),
        upgrade: given.flag("--upgrade"),
        default: given.text("--default"),
    };
    if value
        .boot_drive
        .as_deref()
        .is_some_and(|drive| drive.contains(','))
    {
        let at = given.location_of("--boot-drive");
        findings
            .error(Code::InvalidValue, at, "`--boot-drive` takes one disk")
            .help("`--driveorder` takes several");
    }
    if value.sdboot && value.extlinux {
        given.exclude("--sdboot", "--extlinux", findings);
    }
    kickstart.bootloader = Some(given.locate(value));
}

fn location(given: &Arguments<'_>) -> BootLocation {
    match given.raw("--location") {
        Some("partition") => BootLocation::Partition,
        Some("none") => BootLocation::None,
        Some("boot") => BootLocation::Boot,
        _ => BootLocation::Mbr,
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    writer.put("# System bootloader configuration\nbootloader");
    match &kickstart.bootloader {
        None => writer.put(" --location=none"),
        Some(bootloader) if bootloader.disabled => writer.put(" --disabled"),
        Some(bootloader) => write_options(bootloader, writer),
    }
    writer.put("\n");
}

fn write_options(bootloader: &Bootloader, writer: &mut Writer) {
    writer.quoted("--append", bootloader.append.as_ref());
    writer.value("--location", Some(bootloader.location.as_str()));
    writer.quoted(
        "--password",
        bootloader.password.as_ref().map(Secret::expose),
    );
    writer.flag("--upgrade", bootloader.upgrade);
    let order = Some(&bootloader.driveorder).filter(|disks| !disks.is_empty());
    writer.quoted("--driveorder", order.map(|disks| Joined(disks, ",")));
    writer.value("--timeout", bootloader.timeout);
    writer.value("--default", bootloader.default.as_ref());
    writer.flag("--iscrypted", bootloader.iscrypted);
    writer.value("--boot-drive", bootloader.boot_drive.as_ref());
    writer.flag("--leavebootorder", bootloader.leavebootorder);
    writer.flag("--extlinux", bootloader.extlinux);
    writer.flag("--nombr", bootloader.nombr);
    writer.flag("--sdboot", bootloader.sdboot);
}
