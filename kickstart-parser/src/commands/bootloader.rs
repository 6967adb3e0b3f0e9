// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `bootloader`: where the boot loader goes and what it passes to the kernel.
//!
//! Takes the options of the line, gives [`Bootloader`]. Kernel arguments stay one text here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::secret::Secret;

pub(super) const COMMAND: Command = Command {
    words: &["bootloader"],
    summary: "Sets up the boot loader and the kernel arguments",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::text(&["--append"], "Kernel arguments"),
        Opt::choice(
            &["--location"],
            &["mbr", "partition", "none", "boot"],
            "Where the boot record goes",
        )
        .resets(),
        Opt::secret(&["--password"], "Password for changing boot entries").resets(),
        Opt::list(&["--driveorder"], "Order of the disks in the firmware"),
        Opt::int(&["--timeout"], "Seconds that the menu waits"),
        Opt::text(&["--default"], "Entry that boots by default"),
        Opt::flag(&["--iscrypted"], "The password is a hash"),
        Opt::secret(
            &["--md5pass"],
            "Hash of the password for changing boot entries",
        ),
        Opt::text(&["--boot-drive"], "Disk that the boot record goes to").resets(),
        Opt::flag(
            &["--leavebootorder"],
            "Leave the firmware's boot order alone",
        ),
        Opt::flag(&["--extlinux"], "Use extlinux"),
        Opt::flag(&["--disabled"], "Install no boot loader"),
        Opt::flag(&["--nombr"], "Write no boot code to the disk"),
        Opt::flag(&["--sdboot"], "Use systemd-boot"),
    ],
    operand: None,
    convert,
};

/// Boot loader and kernel arguments
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bootloader {
    /// Kernel arguments, as one text
    pub append: Option<String>,
    /// Where the boot record goes
    pub location: BootLocation,
    /// Seconds that the menu waits
    pub timeout: Option<i64>,
    /// Password for changing boot entries, or its hash when `iscrypted`
    pub password: Option<Secret>,
    /// The password is a hash
    pub iscrypted: bool,
    /// Disk that the boot record goes to
    pub boot_drive: Option<String>,
    /// Order of the disks in the firmware
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

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
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
        default: given.text("--default"),
    };
    if value
        .boot_drive
        .as_deref()
        .is_some_and(|drive| drive.contains(','))
    {
        findings.error(
            Code::InvalidValue,
            given.location_of("--boot-drive"),
            "`--boot-drive` takes one disk",
        );
    }
    if value.sdboot && value.extlinux {
        given.exclude("--sdboot", "--extlinux", findings);
    }
    kickstart.bootloader = Some(given.locate(value));
}

fn location(given: &Arguments) -> BootLocation {
    match given.text("--location").as_deref() {
        Some("partition") => BootLocation::Partition,
        Some("none") => BootLocation::None,
        Some("boot") => BootLocation::Boot,
        _ => BootLocation::Mbr,
    }
}
