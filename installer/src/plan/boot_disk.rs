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
use super::kargs::{self, BootOptions, KEEP_MBR, LEAVE_BOOT_ORDER};
use super::request::{Machine, Request};
use super::select::Usable;
use super::size::{MIB, human};
use super::spec::{find_partitions, matches};
use super::table::{Label, PartitionType};
use super::{DiskPlan, FileSystem, Plan};
use crate::inventory::Firmware;

/// Type of the partition for GRUB on a GPT (GRUB manual, "BIOS installation").
pub(super) const BIOS_BOOT: Uuid = uuid!("21686148-6449-6e6f-744e-656564454649");

/// Room that GRUB's core image may need before the first partition of an MBR.
const GAP_BYTES: u64 = 512 << 10;

/// Whether the kickstart wants a boot loader.
fn is_wanted(kickstart: &Kickstart) -> bool {
    let refuses = |bootloader: &Located<Bootloader>| {
        bootloader.disabled || bootloader.value.location == BootLocation::None
    };
    !kickstart.bootloader.as_ref().is_some_and(refuses)
}

/// Index of the boot disk; none where no boot loader is wanted, and where there is none.
pub(super) fn choose(
    kickstart: &Kickstart,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<usize> {
    if !is_wanted(kickstart) {
        return None;
    }
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
    asked(kickstart, disks).or((!disks.is_empty()).then_some(0))
}

/// The disk that the kickstart puts on what the firmware starts.
fn asked(kickstart: &Kickstart, disks: &[Usable<'_>]) -> Option<usize> {
    let part = kickstart
        .part
        .iter()
        .find(|part| matches!(part.mntpoint.as_str(), "/boot/efi" | "biosboot"));
    let mount = kickstart.mount.iter().find(|m| m.mntpoint == "/boot/efi");
    let on_disk = part.and_then(|part| part.ondisk.as_deref());
    if let Some(spec) = on_disk {
        return position(spec, disks);
    }
    let there = part.and_then(|part| part.onpart.as_deref());
    let there = there.or(mount.map(|mount| mount.device.as_str()))?;
    let found = find_partitions(there, disks.iter().map(|usable| usable.disk));
    found.first().map(|(disk, _)| *disk)
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

/// What the firmware cannot start from, and what it has no use for.
pub(super) fn check(kickstart: &Kickstart, machine: &Machine<'_, '_>, issues: &mut Issues) {
    if machine.inventory.firmware == Firmware::Bios {
        check_bios(machine, issues);
        return;
    }
    let command = kickstart.bootloader.as_ref();
    if let Some(command) = command.filter(|command| command.nombr) {
        let message = "`bootloader --nombr` has no effect: UEFI has no boot code in the MBR";
        issues
            .warning(Code::NoEffect, message)
            .at(&command.location);
    }
}

fn check_bios(machine: &Machine<'_, '_>, issues: &mut Issues) {
    let arch = &machine.inventory.arch;
    if arch != "amd64" {
        let message = format!("a machine for {arch} has no BIOS");
        issues.error(Code::FirmwareUnsupported, message);
    }
    let Some(disk) = machine.boot_disk().map(|usable| usable.disk) else {
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

impl<'d, 'i> Machine<'d, 'i> {
    /// The disk that it starts from.
    pub(super) fn boot_disk(&self) -> Option<&'d Usable<'i>> {
        self.disks.get(self.boot?)
    }

    /// Whether GRUB needs a partition of its own on the boot disk, which has none.
    pub(super) fn needs_bios_boot(&self) -> bool {
        let lacks_one = |usable: &Usable<'_>| {
            usable.label == Label::Gpt && !usable.kept.iter().any(|p| is_bios_boot(&p.kind))
        };
        self.inventory.firmware == Firmware::Bios && self.boot_disk().is_some_and(lacks_one)
    }

    /// Whether an EFI System Partition is needed.
    pub(super) fn needs_esp(&self) -> bool {
        self.inventory.firmware == Firmware::Uefi && self.boot.is_some()
    }

    /// How the machine starts from its disk.
    pub(super) fn boot_options(&self, kickstart: &Kickstart) -> BootOptions {
        let command = kickstart.bootloader.as_ref();
        let arguments = &self.inventory.kernel_arguments;
        let given = |argument: &str| arguments.iter().any(|a| a == argument);
        let is_here = |usable: &Usable<'_>| !usable.disk.image_file;
        BootOptions {
            keep_mbr: command.is_some_and(|c| c.nombr) || given(KEEP_MBR),
            entry: self.needs_esp()
                && self.inventory.efi_variables
                && self.boot_disk().is_some_and(is_here),
            keep_order: command.is_some_and(|c| c.leavebootorder) || given(LEAVE_BOOT_ORDER),
            arguments: kargs::kept(arguments, kickstart),
        }
    }
}

fn is_bios_boot(kind: &str) -> bool {
    kind.parse::<Uuid>().is_ok_and(|kind| kind == BIOS_BOOT)
}

/// The boot disk when everything has its place: of a UEFI machine the one with the EFI System Partition, which is no other
/// than the one that is named.
pub(super) fn settle(
    kickstart: &Kickstart,
    machine: &Machine<'_, '_>,
    (placed, claims): (&[Placed], &[Claim<'_>]),
    issues: &mut Issues,
) -> Option<usize> {
    let boot = machine.boot.filter(|_| !issues.has_errors())?;
    let name = machine.disks[boot].disk.name();
    let new = placed.iter().map(|place| (place.disk, &place.request));
    let old = claims.iter().map(|claim| (claim.disk, &claim.request));
    let lies: Vec<(usize, &Request)> = new.chain(old).collect();
    if machine.needs_esp() {
        let is_esp = |request: &Request| request.mount.as_deref() == Some("/boot/efi");
        let (found, _) = lies.iter().find(|(_, request)| is_esp(request))?;
        let command = kickstart.bootloader.as_ref();
        if *found != boot && command.is_some_and(|command| command.boot_drive.is_some()) {
            let message = format!("the EFI System Partition is not on the boot drive `{name}`");
            issues.error(Code::NoBootLoader, message);
        }
        return Some(*found);
    }
    let is_here =
        |(disk, request): &(usize, &Request)| *disk == boot && request.fs == FileSystem::BiosBoot;
    // The partition that GRUB would be in may become something else.
    let is_taken = |claim: &Claim<'_>| {
        claim.disk == boot && claim.format && is_bios_boot(&claim.partition.kind)
    };
    let is_needed = machine.needs_bios_boot()
        || machine.inventory.firmware == Firmware::Bios && claims.iter().any(is_taken);
    if is_needed && !lies.iter().any(is_here) {
        let message = format!(
            "a BIOS starts from a GPT only with a `biosboot` partition, and `{name}` has none"
        );
        issues
            .error(Code::NoBootLoader, message)
            .help("add `reqpart`, or `part biosboot --fstype=biosboot --size=1`");
    }
    Some(boot)
}

/// Where GRUB's core image goes: first byte and room in bytes.
pub(super) fn core_place(disk: &DiskPlan) -> Option<(u64, u64)> {
    if disk.label == Label::Gpt {
        let partition = disk
            .after
            .iter()
            .find(|p| p.kind == PartitionType::Guid(BIOS_BOOT))?;
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
    let of_mbr = |disk: &&DiskPlan| is_concerned && disk.label != Label::Gpt;
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
