// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which partitions shall exist: `part`, `reqpart`, `autopart`, with Anaconda's defaults.
//!
//! Takes the kickstart and the usable disks; gives requests for new partitions, claims on those that are
//! there, and file systems in memory. Where the new ones lie, and how large they get, is
//! [`super::allocate`]'s business. Sizes are in MiB.

use kickstart_parser::commands::Part;
use kickstart_parser::{Kickstart, Located, Location};
use uuid::Uuid;

use super::boot_disk::BIOS_BOOT;
use super::claim::{self, Claim};
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::purpose::{ESP, SWAP, traits};
use super::region::free_regions;
use super::select::Usable;
use super::size::MIB;
use super::spec;
use super::table::Label;
use super::{MemoryFileSystem, autopart, check, swap};
use crate::inventory::Inventory;

/// A partition that shall exist.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Mount point; none for swap, and for what is not mounted.
    pub(super) mount: Option<String>,
    pub(super) fs: FileSystem,
    /// Size in MiB before it grows.
    pub(super) base: u64,
    pub(super) grow: bool,
    /// Largest size in MiB.
    pub(super) max: Option<u64>,
    /// Indices into the usable disks; none: any.
    pub(super) disk: Option<usize>,
    /// Boot partitions come first on the disk.
    pub(super) weight: u32,
    /// Tables that it may be in.
    pub(super) labels: &'static [Label],
    /// On an MBR, it lies outside a container.
    pub(super) primary: bool,
    pub(super) kind: Uuid,
    pub(super) name: &'static str,
    pub(super) label: Option<String>,
    pub(super) options: Option<String>,
    /// Further arguments for the program that makes the file system.
    pub(super) making: Vec<String>,
    pub(super) location: Option<Location>,
}

/// Everything that shall exist.
#[derive(Debug, Default)]
pub(super) struct Wanted<'i> {
    pub(super) requests: Vec<Request>,
    pub(super) claims: Vec<Claim<'i>>,
    pub(super) in_memory: Vec<MemoryFileSystem>,
}

/// What the partitions are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine<'d, 'i> {
    pub(super) inventory: &'i Inventory,
    pub(super) disks: &'d [Usable<'i>],
    /// Index of the disk that the machine starts from; none where no boot loader is installed.
    pub(super) boot: Option<usize>,
}

/// Options that fstab needs for the ESP, whatever the kickstart says.
const ESP_OPTIONS: &str = "umask=0077,shortname=winnt";

const DEFAULT_MIB: u64 = 500;

pub(super) fn requests<'i>(
    kickstart: &Kickstart,
    machine: &Machine<'_, 'i>,
    issues: &mut Issues,
) -> Wanted<'i> {
    let mut wanted = Wanted::default();
    for part in &kickstart.part {
        add_part(part, machine, &mut wanted, issues);
    }
    for mount in &kickstart.mount {
        wanted
            .claims
            .extend(claim::from_mount(mount, machine, issues));
    }
    if let Some(reqpart) = kickstart
        .reqpart
        .as_ref()
        .filter(|_| !kickstart.part.is_empty())
    {
        check_kept_esp(machine, &wanted, issues);
        wanted.add_platform(reqpart.add_boot, machine);
    }
    if let Some(command) = &kickstart.autopart {
        check_kept_esp(machine, &wanted, issues);
        autopart::add(command, machine, &mut wanted, issues);
    }
    check::set(&wanted, machine, issues);
    wanted
}

impl Wanted<'_> {
    /// Mount points with the lines that give them.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&str, Option<&Location>)> {
        let claims = self.claims.iter().filter(|claim| claim.used);
        let requests = self
            .requests
            .iter()
            .chain(claims.map(|claim| &claim.request));
        let on_disk = requests.filter_map(|r| Some((r.mount.as_deref()?, r.location.as_ref())));
        on_disk.chain(self.in_memory.iter().map(|fs| (fs.mount.as_str(), None)))
    }

    fn has(&self, at: &str) -> bool {
        self.mounts().any(|(mount, _)| mount == at)
    }

    /// What the machine needs to start: Anaconda's platform partitions.
    pub(super) fn add_platform(&mut self, add_boot: bool, machine: &Machine<'_, '_>) {
        let new = |mount, fs, base| Request::new(mount, fs, base, &machine.inventory.arch);
        let has_bios_boot = self.requests.iter().any(|r| r.fs == FileSystem::BiosBoot);
        if machine.needs_bios_boot() && !has_bios_boot {
            self.requests.push(Request {
                disk: machine.boot,
                ..new("biosboot", FileSystem::BiosBoot, 1)
            });
        }
        if machine.needs_esp() && !self.has("/boot/efi") {
            self.requests.push(Request {
                grow: true,
                max: Some(600),
                ..new("/boot/efi", FileSystem::Vfat, DEFAULT_MIB)
            });
        }
        if add_boot && !self.has("/boot") {
            self.requests.push(new("/boot", FileSystem::Xfs, 2048));
        }
    }
}

impl Request {
    /// What it is for, in messages.
    pub(super) fn what(&self) -> &str {
        self.mount.as_deref().unwrap_or_else(|| self.fs.name())
    }

    pub(super) fn new(mount: &str, fs: FileSystem, base: u64, arch: &str) -> Self {
        const ANY: &[Label] = &[Label::Gpt, Label::Mbr];
        const GPT: &[Label] = &[Label::Gpt];
        let (weight, kind, name) = match fs {
            FileSystem::Swap => (0, SWAP, "swap"),
            FileSystem::BiosBoot => (5000, BIOS_BOOT, "BIOS boot"),
            _ => traits(mount, arch),
        };
        let only_gpt = fs == FileSystem::BiosBoot || (mount == "/boot/efi" && arch == "amd64");
        let esp = mount == "/boot/efi";
        Self {
            mount: (fs.is_mounted() && mount.starts_with('/')).then(|| mount.to_owned()),
            fs,
            base,
            grow: false,
            max: None,
            disk: None,
            weight,
            // Firmware of PCs starts nothing else (Anaconda, `platform.py`).
            labels: if only_gpt { GPT } else { ANY },
            primary: false,
            kind,
            name,
            label: esp.then(|| "EFI-SYSTEM".to_owned()),
            options: esp.then(|| ESP_OPTIONS.to_owned()),
            making: Vec::new(),
            location: None,
        }
    }

    /// The same with mount options, which the ESP has of its own.
    pub(super) fn with_options(self, options: Option<&String>) -> Self {
        Self {
            options: self.options.or_else(|| options.cloned()),
            ..self
        }
    }
}

fn add_part<'i>(
    part: &Located<Part>,
    machine: &Machine<'_, 'i>,
    wanted: &mut Wanted<'i>,
    issues: &mut Issues,
) {
    if refuse_unsupported(part, issues) {
        return;
    }
    if part.fstype.as_deref() == Some("tmpfs") {
        wanted.in_memory.extend(in_memory(part, issues));
    } else if let Some(spec) = &part.onpart {
        wanted
            .claims
            .extend(claim::from_part(part, spec, machine, issues));
    } else {
        wanted.requests.extend(from_part(part, machine, issues));
    }
}

fn from_part(
    part: &Located<Part>,
    machine: &Machine<'_, '_>,
    issues: &mut Issues,
) -> Option<Request> {
    let at = &part.location;
    let fs = file_system(part, issues)?;
    check::words(part, fs, issues)?;
    if part.mntpoint.starts_with('/') {
        check::mount_point(&part.mntpoint, fs, at, issues)?;
    }
    let by_machine = fs == FileSystem::Swap && (part.recommended || part.hibernation);
    let base = if by_machine {
        swap_size(part.hibernation, machine)
    } else {
        mib(part.size, "--size", at, issues)?.unwrap_or(DEFAULT_MIB)
    };
    let max = mib(part.maxsize, "--maxsize", at, issues)?;
    if max.is_some_and(|max| max < base) && !by_machine {
        issues
            .error(Code::SizeInvalid, "`--maxsize` is smaller than `--size`")
            .at(at);
        return None;
    }
    let disk = match &part.ondisk {
        None => None,
        Some(name) => Some(on_disk(name, machine.disks, at, issues)?),
    };
    let request = Request::new(&part.mntpoint, fs, base, &machine.inventory.arch);
    Some(Request {
        grow: part.grow && !by_machine,
        max: max.filter(|_| !by_machine),
        disk,
        primary: part.asprimary,
        label: part.label.clone().or_else(|| request.label.clone()),
        making: making(part, fs, issues)?,
        location: Some(at.clone()),
        ..request.with_options(part.fsoptions.as_ref())
    })
}

/// MiB of swap for the machine.
pub(super) fn swap_size(hibernation: bool, machine: &Machine<'_, '_>) -> u64 {
    let disks = machine.disks.iter().enumerate();
    let regions = disks.flat_map(|(index, usable)| free_regions(index, usable, &[]));
    let free = regions.map(|region| region.length).sum();
    let memory = machine.inventory.memory_bytes / MIB;
    if hibernation {
        swap::for_hibernation(memory, free)
    } else {
        swap::recommended(memory, free)
    }
}

/// A file system without a partition: a line in fstab.
fn in_memory(part: &Located<Part>, issues: &mut Issues) -> Option<MemoryFileSystem> {
    let at = &part.location;
    check::words(part, FileSystem::Xfs, issues)?;
    if part.mntpoint == "/" || part.mntpoint.starts_with("/boot") || part.mntpoint == "/var" {
        let message = format!("`{}` cannot be in memory", part.mntpoint);
        issues.error(Code::MountInvalid, message).at(at);
        return None;
    }
    check::mount_point(&part.mntpoint, FileSystem::Xfs, at, issues)?;
    let size = mib(part.size, "--size", at, issues)?.map(|mib| format!("size={mib}m"));
    let words: Vec<String> = part.fsoptions.iter().cloned().chain(size).collect();
    Some(MemoryFileSystem {
        mount: part.mntpoint.clone(),
        options: if words.is_empty() {
            "defaults".to_owned()
        } else {
            words.join(",")
        },
    })
}

/// Further arguments for the program that makes the file system.
pub(super) fn making(
    part: &Located<Part>,
    fs: FileSystem,
    issues: &mut Issues,
) -> Option<Vec<String>> {
    let at = &part.location;
    let mut words = check::arguments(part.mkfsoptions.as_deref(), at, issues)?;
    if let Some(profile) = &part.fsprofile {
        if fs == FileSystem::Ext4 {
            words.push("-T".to_owned());
            words.extend(check::arguments(Some(profile), at, issues)?);
        } else {
            let message = "`part --fsprofile` has no effect: only ext4 has usage types";
            issues.warning(Code::NoEffect, message).at(at);
        }
    }
    Some(words)
}

/// Options that mean something and are not carried out yet stop the plan.
fn refuse_unsupported(part: &Located<Part>, issues: &mut Issues) -> bool {
    let given = [
        ("--encrypted", part.encryption.encrypted),
        ("--onbiosdisk", part.onbiosdisk.is_some()),
    ];
    let mut refused = false;
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        let message = format!("`part {option}` is not supported yet");
        issues
            .error(Code::NotSupportedYet, message)
            .at(&part.location);
        refused = true;
    }
    refused
}

pub(super) fn file_system(part: &Located<Part>, issues: &mut Issues) -> Option<FileSystem> {
    let (word, at) = (part.mntpoint.as_str(), &part.location);
    if word == "swap" {
        return Some(FileSystem::Swap);
    }
    if word == "biosboot" {
        return Some(FileSystem::BiosBoot);
    }
    if !word.starts_with('/') && word != "None" {
        let message = format!("a partition for `{word}` is not supported yet");
        issues.error(Code::NotSupportedYet, message).at(at);
        return None;
    }
    if word == "/boot/efi" {
        return Some(FileSystem::Vfat);
    }
    let Some(name) = &part.fstype else {
        return Some(FileSystem::Xfs);
    };
    let known = check::known(name, at, issues);
    if known == Some(FileSystem::Swap) {
        let message = format!("`{word}` cannot be mounted from swap space");
        issues
            .error(Code::MountInvalid, message)
            .at(at)
            .help("write `part swap`");
        return None;
    }
    known
}

/// A size option in MiB: absent is fine, negative and zero are not.
#[allow(clippy::option_option, reason = "outer: valid, inner: given")]
pub(super) fn mib(
    value: Option<i64>,
    option: &str,
    at: &Location,
    issues: &mut Issues,
) -> Option<Option<u64>> {
    let Some(value) = value else {
        return Some(None);
    };
    match u64::try_from(value) {
        Ok(size) if (1..=u64::MAX / MIB).contains(&size) => Some(Some(size)),
        _ => {
            let message = format!("`{option}={value}` is not a size in MiB");
            issues.error(Code::SizeInvalid, message).at(at);
            None
        }
    }
}

fn on_disk(name: &str, disks: &[Usable<'_>], at: &Location, issues: &mut Issues) -> Option<usize> {
    let found = disks
        .iter()
        .position(|usable| spec::matches(name, usable.disk));
    if found.is_none() {
        let message =
            format!("disk `{name}` given in the `part` command does not exist or is not used");
        let known: Vec<_> = disks.iter().map(|usable| usable.disk.name()).collect();
        issues
            .error(Code::DiskMissing, message)
            .at(at)
            .help(format!("disks that can be used: {}", known.join(", ")));
    }
    found
}

/// An ESP that stays has another system's boot loader in it, which must not be overwritten.
fn check_kept_esp(machine: &Machine<'_, '_>, wanted: &Wanted<'_>, issues: &mut Issues) {
    let is_asked = machine.needs_esp() && !wanted.has("/boot/efi");
    let of_boot_disk = machine.boot_disk().filter(|_| is_asked);
    let is_esp = |kind: &str| kind.parse::<Uuid>().is_ok_and(|kind| kind == ESP);
    let found = of_boot_disk.and_then(|usable| {
        let kept = usable.kept.iter().find(|p| is_esp(&p.kind))?;
        Some(spec::partition_name(usable.disk, kept.number))
    });
    if let Some(name) = found {
        let message = format!("keeping the EFI System Partition `{name}` is not supported yet");
        issues
            .error(Code::NotSupportedYet, message)
            .help("clear it, or make another one with `part /boot/efi`");
    }
}
