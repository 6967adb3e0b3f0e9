// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Partitions that are there and that the new system takes over: `part --onpart`, `mount`.
//!
//! Takes the lines and the disks with what stays on them; gives a [`Claim`] for each partition, whose
//! file system stays, is made anew, or is resized. A partition that `clearpart` removes cannot be
//! claimed. Which commands resize it is decided in [`super::resize`].

use kickstart_parser::commands::{Mount, Part};
use kickstart_parser::{Located, Location};

use super::check;
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::request::{Machine, Request, file_system, making, mib};
use super::resize;
use super::select::Usable;
use super::spec::{find_partitions, partition_name};
use super::table::is_container;
use crate::inventory::Partition;

/// What becomes of a partition that is there.
#[derive(Debug, Clone)]
pub(super) struct Claim<'i> {
    /// Index of the disk.
    pub(super) disk: usize,
    pub(super) partition: &'i Partition,
    /// What it is for; sizes in it mean nothing.
    pub(super) request: Request,
    /// Its file system is made anew.
    pub(super) format: bool,
    /// The new system mounts it, or swaps on it.
    pub(super) used: bool,
    /// Size in bytes afterwards.
    pub(super) size_bytes: u64,
}

impl Claim<'_> {
    /// Whether this is about the partition with the number on the disk.
    pub(super) fn is_of(&self, disk: usize, number: u32) -> bool {
        self.disk == disk && self.partition.number == number
    }
}

/// The claim on a partition on a disk, if there is one.
pub(super) fn on<'c, 'i>(
    claims: &'c [Claim<'i>],
    disk: usize,
    kept: &Partition,
) -> Option<&'c Claim<'i>> {
    claims.iter().find(|claim| claim.is_of(disk, kept.number))
}

/// The claim of a line with `--onpart`.
pub(super) fn from_part<'i>(
    part: &Located<Part>,
    spec: &str,
    machine: &Machine<'_, 'i>,
    issues: &mut Issues,
) -> Option<Claim<'i>> {
    let at = &part.location;
    warn_of_sizes(part, issues);
    let (disk, partition) = existing(spec, machine, ("part", at), issues)?;
    let fs = if part.noformat {
        present(partition, spec, at, issues)?
    } else {
        file_system(part, issues)?
    };
    check::words(part, fs, issues)?;
    let unmounted = part.mntpoint == "None";
    if fs.is_mounted() && !unmounted {
        check::mount_point(&part.mntpoint, fs, at, issues)?;
    }
    check_content(part, fs, issues)?;
    let request = Request {
        making: making(part, fs, issues)?,
        location: Some(at.clone()),
        ..Request::new(&part.mntpoint, fs, 0, &machine.inventory.arch)
            .with_options(part.fsoptions.as_ref())
    };
    check_label(&request, &machine.disks[disk], issues)?;
    let mut claim = Claim {
        disk,
        partition,
        request: part.label.clone().map_or(request.clone(), |label| Request {
            label: Some(label),
            ..request
        }),
        format: !part.noformat,
        used: !unmounted,
        size_bytes: partition.size_bytes,
    };
    if part.resize {
        let size = mib(part.size, "--size", at, issues)??;
        claim.size_bytes = resize::target(&claim, size, machine.disks, issues)?;
    }
    Some(claim)
}

/// Some partitions are of use in one kind of table only.
fn check_label(request: &Request, usable: &Usable<'_>, issues: &mut Issues) -> Option<()> {
    if request.labels.contains(&usable.label) {
        return Some(());
    }
    let names: Vec<&str> = request.labels.iter().map(|label| label.name()).collect();
    let message = format!(
        "the partition for `{}` must be on a disk with a {}",
        request.what(),
        names.join(" or ")
    );
    let issue = issues.error(Code::LabelUnsupported, message);
    issue.location.clone_from(&request.location);
    None
}

/// What a partition that keeps its content is used as must be what it holds.
fn check_content(part: &Located<Part>, fs: FileSystem, issues: &mut Issues) -> Option<()> {
    let is_swap = part.mntpoint == "swap";
    if !part.noformat || part.mntpoint == "None" || is_swap == (fs == FileSystem::Swap) {
        return Some(());
    }
    let what = &part.mntpoint;
    let message = format!("`{what}` cannot be on a partition that holds {}", fs.name());
    issues
        .error(Code::MountInvalid, message)
        .at(&part.location)
        .help("leave `--noformat` out to make a new file system");
    None
}

/// Options that place a new partition say nothing about one that is there.
fn warn_of_sizes(part: &Located<Part>, issues: &mut Issues) {
    let given = [
        ("--size", part.size.is_some() && !part.resize),
        ("--grow", part.grow),
        ("--maxsize", part.maxsize.is_some()),
        ("--ondisk", part.ondisk.is_some()),
        ("--asprimary", part.asprimary),
        ("--recommended", part.recommended),
        ("--hibernation", part.hibernation),
    ];
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        let message = format!("`part {option}` has no effect: the partition is there already");
        issues.warning(Code::NoEffect, message).at(&part.location);
    }
    let kept = [
        ("--label", part.label.is_some()),
        ("--fstype", part.fstype.is_some()),
        ("--fsprofile", part.fsprofile.is_some()),
    ];
    for (option, _) in kept.iter().filter(|(_, given)| part.noformat && *given) {
        let message = format!("`part {option}` has no effect: the file system stays");
        issues.warning(Code::NoEffect, message).at(&part.location);
    }
}

/// The claim of a `mount` line; none as well where it asks for nothing.
pub(super) fn from_mount<'i>(
    mount: &Located<Mount>,
    machine: &Machine<'_, 'i>,
    issues: &mut Issues,
) -> Option<Claim<'i>> {
    let at = &mount.location;
    let (disk, partition) = existing(&mount.device, machine, ("mount", at), issues)?;
    let fs = match mount.format.as_deref().filter(|_| mount.reformat) {
        Some(name) => check::known(name, at, issues)?,
        None => present(partition, &mount.device, at, issues)?,
    };
    let unmounted = mount.mntpoint.eq_ignore_ascii_case("none");
    if !unmounted {
        check::mount_point(&mount.mntpoint, fs, at, issues)?;
    }
    if fs == FileSystem::Swap && !unmounted {
        let message = format!("`{}` cannot be mounted from swap space", mount.mntpoint);
        issues
            .error(Code::MountInvalid, message)
            .at(at)
            .help("write `none` as its mount point");
        return None;
    }
    if !mount.reformat && unmounted && fs != FileSystem::Swap {
        return None;
    }
    check::mount_words(mount, issues)?;
    let request = Request {
        making: check::arguments(mount.mkfsoptions.as_deref(), at, issues)?,
        location: Some(at.clone()),
        ..Request::new(&mount.mntpoint, fs, 0, &machine.inventory.arch)
            .with_options(mount.mountoptions.as_ref())
    };
    check_label(&request, &machine.disks[disk], issues)?;
    Some(Claim {
        disk,
        partition,
        request,
        format: mount.reformat,
        used: !unmounted || fs == FileSystem::Swap,
        size_bytes: partition.size_bytes,
    })
}

/// The one partition that a spec names, on a disk that is used.
fn existing<'i>(
    spec: &str,
    machine: &Machine<'_, 'i>,
    (command, at): (&str, &Location),
    issues: &mut Issues,
) -> Option<(usize, &'i Partition)> {
    let disks = machine.disks;
    let found = find_partitions(spec, disks.iter().map(|usable| usable.disk));
    let is_there = |(disk, partition): &&(usize, &Partition)| {
        disks[*disk].keeps(partition.number) && !is_container(partition)
    };
    if let Some((disk, partition)) = found.iter().find(is_there) {
        return Some((*disk, *partition));
    }
    let (code, message, help) = match found.first() {
        Some((disk, partition)) if !disks[*disk].keeps(partition.number) => (
            Code::DiskMissing,
            format!(
                "partition `{spec}` given in the `{command}` command is removed by `clearpart`"
            ),
            "let `clearpart` spare it, with `--list` or `--drives`".to_owned(),
        ),
        Some(_) => (
            Code::ValueInvalid,
            format!("`{spec}` holds other partitions and no file system"),
            "name one of those in it".to_owned(),
        ),
        None => {
            let kept = disks.iter().flat_map(|usable| {
                let name = |kept: &&Partition| partition_name(usable.disk, kept.number);
                usable.kept.iter().map(name)
            });
            let known: Vec<String> = kept.collect();
            let help = if known.is_empty() {
                "no partition stays on the disks that are used".to_owned()
            } else {
                format!("partitions that stay: {}", known.join(", "))
            };
            let message =
                format!("partition `{spec}` given in the `{command}` command does not exist");
            (Code::DiskMissing, message, help)
        }
    };
    issues.error(code, message).at(at).help(help);
    None
}

/// What a partition whose file system stays holds.
fn present(
    partition: &Partition,
    spec: &str,
    at: &Location,
    issues: &mut Issues,
) -> Option<FileSystem> {
    let held = partition.fs.as_deref();
    let known = held.and_then(FileSystem::from_name);
    if known.is_none() {
        let what = held.map_or("no file system".to_owned(), |name| format!("`{name}`"));
        let message = format!("`{spec}` holds {what}, which cannot be used as it is");
        issues
            .error(Code::FileSystemUnknown, message)
            .at(at)
            .help("let a new file system be made");
    }
    known
}
