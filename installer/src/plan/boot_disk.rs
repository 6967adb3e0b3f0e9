// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which disk the machine starts from, and whether a boot loader is wanted at all.
//!
//! Takes the kickstart, the firmware and the usable disks; gives the index of the boot disk. The order is Anaconda's:
//! `bootloader --boot-drive`, the first of `--driveorder`, a disk that has what the firmware needs, the first disk.
//! Where on that disk partitions lie is decided in [`super::allocate`].

use kickstart_parser::commands::{BootLocation, Bootloader};
use kickstart_parser::{Kickstart, Located};
use uuid::{Uuid, uuid};

use super::allocate::Placed;
use super::claim::Claim;
use super::issue::{Code, Issues};
use super::request::{Machine, Request};
use super::select::Usable;
use super::size::{MIB, human};
use super::spec::{find_partitions, matches};
use super::table::{Label, PartitionType};
use super::{DiskPlan, FileSystem, Plan};
use crate::inventory::{Firmware, Inventory};

/// Type of the partition for GRUB on a GPT (GRUB manual, "BIOS installation").
pub(super) const BIOS_BOOT: Uuid = uuid!("21686148-6449-6e6f-744e-656564454649");

/// Room that GRUB's core image may need before the first partition of an MBR.
const GAP_BYTES: u64 = 512 << 10;

/// What the machine needs to start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Platform<'i> {
    /// CPU architecture as in OCI images.
    pub(super) arch: &'i str,
    pub(super) firmware: Firmware,
    /// Index of the boot disk into the usable disks; none where no boot loader is installed.
    pub(super) boot: Option<usize>,
}

/// Whether the kickstart wants a boot loader.
pub(super) fn is_wanted(kickstart: &Kickstart) -> bool {
    let refuses = |bootloader: &Located<Bootloader>| {
        bootloader.disabled || bootloader.value.location == BootLocation::None
    };
    !kickstart.bootloader.as_ref().is_some_and(refuses)
}

/// The platform with the boot disk among `disks`.
pub(super) fn platform<'i>(
    kickstart: &Kickstart,
    inventory: &'i Inventory,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Platform<'i> {
    let boot = is_wanted(kickstart)
        .then(|| choose(kickstart, inventory.firmware, disks, issues))
        .flatten();
    let platform = Platform {
        arch: &inventory.arch,
        firmware: inventory.firmware,
        boot,
    };
    let bootloader = kickstart.bootloader.as_ref();
    match platform.firmware {
        Firmware::Bios => check_bios(&platform, disks, issues),
        Firmware::Uefi => {
            if let Some(command) = bootloader.filter(|command| command.nombr) {
                let message =
                    "`bootloader --nombr` has no effect: UEFI has no boot code in the MBR";
                issues
                    .warning(Code::NoEffect, message)
                    .at(&command.location);
            }
        }
    }
    platform
}

fn choose(
    kickstart: &Kickstart,
    firmware: Firmware,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<usize> {
    if let Some(command) = &kickstart.bootloader {
        if let Some(spec) = command
            .boot_drive
            .as_deref()
            .filter(|spec| !spec.is_empty())
        {
            return named(command, spec, disks, issues);
        }
        if let Some(first) = command.driveorder.first() {
            return in_order(command, first, disks, issues);
        }
    }
    let asked = asked_for(kickstart, disks);
    // Firmware of PCs starts nothing else than a GPT by UEFI.
    let startable = || disks.iter().position(|usable| usable.label == Label::Gpt);
    let first = match firmware {
        Firmware::Uefi => startable().unwrap_or(0),
        Firmware::Bios => 0,
    };
    asked.or((!disks.is_empty()).then_some(first))
}

/// The disk that the kickstart puts the boot loader's partition on.
fn asked_for(kickstart: &Kickstart, disks: &[Usable<'_>]) -> Option<usize> {
    let of_partition = |spec: &str| {
        let found = find_partitions(spec, disks.iter().map(|usable| usable.disk));
        found.first().map(|(disk, _)| *disk)
    };
    let is_boot = |at: &str| matches!(at, "/boot/efi" | "biosboot");
    let parts = kickstart
        .part
        .iter()
        .filter(|part| is_boot(&part.mntpoint))
        .find_map(|part| match (&part.ondisk, &part.onpart) {
            (_, Some(spec)) => of_partition(spec),
            (Some(spec), None) => position(spec, disks),
            (None, None) => None,
        });
    let mounts = || {
        let mut mounts = kickstart.mount.iter();
        let mount = mounts.find(|mount| is_boot(&mount.mntpoint))?;
        of_partition(&mount.device)
    };
    parts.or_else(mounts)
}

fn position(spec: &str, disks: &[Usable<'_>]) -> Option<usize> {
    let is_named = |usable: &Usable<'_>| matches(spec, usable.disk);
    disks.iter().position(is_named)
}

/// `--boot-drive` names exactly one disk that is used.
fn named(
    command: &Located<Bootloader>,
    spec: &str,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<usize> {
    let found: Vec<usize> = (0..disks.len())
        .filter(|&index| matches(spec, disks[index].disk))
        .collect();
    let message = match found.as_slice() {
        [one] => return Some(*one),
        [] => format!("the boot drive `{spec}` does not exist or is not used"),
        several => format!("the boot drive `{spec}` names {} disks", several.len()),
    };
    let known: Vec<_> = disks.iter().map(|usable| usable.disk.name()).collect();
    issues
        .error(Code::DiskMissing, message)
        .at(&command.location)
        .help(format!("disks that can be used: {}", known.join(", ")));
    None
}

/// The first of `--driveorder`; a disk that is not there is passed over.
fn in_order(
    command: &Located<Bootloader>,
    first: &str,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<usize> {
    let found = command
        .driveorder
        .iter()
        .find_map(|spec| position(spec, disks));
    if position(first, disks).is_none() {
        let message = format!(
            "disk `{first}` given in `bootloader --driveorder` does not exist or is not used"
        );
        issues
            .warning(Code::DiskMissing, message)
            .at(&command.location);
    }
    found.or((!disks.is_empty()).then_some(0))
}

fn check_bios(platform: &Platform<'_>, disks: &[Usable<'_>], issues: &mut Issues) {
    if platform.arch != "amd64" {
        let message = format!("a machine for {} has no BIOS", platform.arch);
        issues.error(Code::FirmwareUnsupported, message);
    }
    let Some(disk) = platform.boot.map(|index| disks[index].disk) else {
        return;
    };
    if disk.sector_bytes != 512 {
        let message = format!(
            "a BIOS cannot start from `{}`, whose sectors have {} bytes",
            disk.device, disk.sector_bytes
        );
        issues
            .error(Code::FirmwareUnsupported, message)
            .help("UEFI machines can; for a disk image file, `--firmware uefi` plans for them");
    }
}

impl Platform<'_> {
    /// Whether the boot disk has a partition for GRUB already.
    pub(super) fn has_bios_boot(&self, disks: &[Usable<'_>]) -> bool {
        let is_bios_boot = |kind: &str| kind.parse::<Uuid>().is_ok_and(|kind| kind == BIOS_BOOT);
        self.boot
            .is_some_and(|index| disks[index].kept.iter().any(|p| is_bios_boot(&p.kind)))
    }

    /// Whether GRUB needs a partition of its own on the boot disk.
    pub(super) fn needs_bios_boot(&self, disks: &[Usable<'_>]) -> bool {
        let is_gpt = |index: usize| disks[index].label == Label::Gpt;
        self.firmware == Firmware::Bios
            && self.boot.is_some_and(is_gpt)
            && !self.has_bios_boot(disks)
    }

    /// Whether a partition for the ESP is needed.
    pub(super) fn needs_esp(&self) -> bool {
        self.firmware == Firmware::Uefi && self.boot.is_some()
    }
}

/// Whether what the firmware starts lies on the boot disk.
pub(super) fn check_placed(
    machine: &Machine<'_, '_>,
    placed: &[Placed],
    claims: &[Claim<'_>],
    issues: &mut Issues,
) {
    let Machine {
        platform, disks, ..
    } = machine;
    let Some(boot) = platform.boot.filter(|_| !issues.has_errors()) else {
        return;
    };
    let name = disks[boot].disk.name();
    let new = placed.iter().map(|place| (place.disk, &place.request));
    let old = claims.iter().map(|claim| (claim.disk, &claim.request));
    let here: Vec<&Request> = new
        .chain(old)
        .filter(|(disk, _)| *disk == boot)
        .map(|(_, request)| request)
        .collect();
    let lies_here = |wanted: fn(&Request) -> bool| here.iter().any(|request| wanted(request));
    if platform.needs_esp() && !lies_here(|request| request.mount.as_deref() == Some("/boot/efi")) {
        let message = format!("the EFI System Partition is not on the boot drive `{name}`");
        issues.error(Code::NoBootLoader, message);
    }
    if platform.needs_bios_boot(disks) && !lies_here(|request| request.fs == FileSystem::BiosBoot) {
        let message = format!(
            "a BIOS starts from a GPT only with a `biosboot` partition, and `{name}` has none"
        );
        issues
            .error(Code::NoBootLoader, message)
            .help("add `reqpart`, or `part biosboot --fstype=biosboot --size=1`");
    }
}

/// Where GRUB's core image goes: first byte and room in bytes.
pub(super) fn core_place(disk: &DiskPlan) -> Option<(u64, u64)> {
    if disk.label == Label::Gpt {
        let kind = PartitionType::Guid(BIOS_BOOT);
        let partition = disk.after.iter().find(|p| p.kind == kind)?;
        return Some((partition.start_bytes, partition.size_bytes));
    }
    let first = disk.after.iter().map(|p| p.start_bytes).min()?;
    let start = u64::from(disk.sector_bytes);
    let room = first.checked_sub(start)?;
    Some((start, room))
}

/// An MBR has no partition for GRUB: it lies before the first one.
pub(super) fn check_gap(plan: &Plan, issues: &mut Issues) {
    let is_concerned = plan.firmware == Firmware::Bios;
    let of_mbr = |disk: &&DiskPlan| is_concerned && disk.label == Label::Mbr;
    let Some(disk) = plan.boot_disk().filter(of_mbr) else {
        return;
    };
    let room = core_place(disk).map_or(0, |(_, room)| room);
    if room < GAP_BYTES {
        let message = format!(
            "`{}` has {} before its first partition, and GRUB needs {}",
            disk.device,
            human(room),
            human(GAP_BYTES)
        );
        issues
            .error(Code::NoBootLoader, message)
            .help(format!("let the first partition begin at {}", human(MIB)));
    }
}
