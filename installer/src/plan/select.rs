// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which disks may be used, and what is removed from them: `ignoredisk`, `clearpart`, `zerombr`.
//!
//! The rules are Anaconda's: a disk is relabelled only if the kickstart says so, a partition goes
//! only if its mode covers it, and a disk without a readable label is left alone without
//! `zerombr` or `clearpart --all`. Where new partitions go is decided in [`super::allocate`].

use kickstart_parser::commands::ClearMode;
use kickstart_parser::{Kickstart, Location};

use super::issue::{Code, Issues};
use crate::inventory::{Disk, Inventory, Partition};

/// A disk that may be used, with what stays on it.
#[derive(Debug)]
pub(super) struct Usable<'i> {
    pub(super) disk: &'i Disk,
    /// The disk gets a new, empty partition table.
    pub(super) relabel: bool,
    /// Partitions that stay, by place.
    pub(super) kept: Vec<&'i Partition>,
}

pub(super) fn select<'i>(
    kickstart: &Kickstart,
    inventory: &'i Inventory,
    issues: &mut Issues,
) -> Vec<Usable<'i>> {
    let clear = Clearing::new(kickstart, inventory, issues);
    let chosen = chosen_disks(kickstart, inventory, issues);
    let unlabelled = chosen.iter().any(|disk| disk.table.is_none());
    let labelled = !chosen.is_empty();
    let usable: Vec<_> = chosen
        .into_iter()
        .filter_map(|disk| clear.apply(disk, issues))
        .collect();
    if usable.is_empty() && !issues.has_errors() {
        let issue = issues.error(Code::NoUsableDisk, "no disk can be used");
        if unlabelled {
            issue.help(
                "a disk without a partition table is used only with `zerombr` or \
                 `clearpart --all --initlabel`",
            );
        } else if labelled {
            issue.help(
                "a disk whose partition table is not GPT is used only with `clearpart --all`",
            );
        }
    }
    usable
}

/// The disks that `ignoredisk` leaves.
fn chosen_disks<'i>(
    kickstart: &Kickstart,
    inventory: &'i Inventory,
    issues: &mut Issues,
) -> Vec<&'i Disk> {
    let Some(command) = &kickstart.ignoredisk else {
        return inventory.disks.iter().collect();
    };
    let at = &command.location;
    let only = find_all(&command.only_use, inventory, ("ignoredisk", at), issues);
    let ignored = find_all(&command.drives, inventory, ("ignoredisk", at), issues);
    let is_in = |list: &[&Disk], disk: &Disk| list.iter().any(|d| d.device == disk.device);
    inventory
        .disks
        .iter()
        .filter(|disk| command.only_use.is_empty() || is_in(&only, disk))
        .filter(|disk| !is_in(&ignored, disk))
        .collect()
}

/// What `clearpart` and `zerombr` ask for.
struct Clearing<'k, 'i> {
    mode: ClearMode,
    list: &'k [String],
    /// None: all disks.
    drives: Option<Vec<&'i Disk>>,
    initlabel: bool,
    zerombr: bool,
}

impl<'k, 'i> Clearing<'k, 'i> {
    fn new(kickstart: &'k Kickstart, inventory: &'i Inventory, issues: &mut Issues) -> Self {
        let zerombr = kickstart.zerombr.is_some();
        let Some(command) = &kickstart.clearpart else {
            return Self {
                mode: ClearMode::None,
                list: &[],
                drives: None,
                initlabel: false,
                zerombr,
            };
        };
        check_label(command.disklabel.as_deref(), &command.location, issues);
        check_list(&command.list, inventory, &command.location, issues);
        if command.cdl {
            issues
                .error(
                    Code::NotSupportedYet,
                    "`clearpart --cdl` is for s390x, which is not supported yet",
                )
                .at(&command.location);
        }
        let drives = (!command.drives.is_empty()).then(|| {
            find_all(
                &command.drives,
                inventory,
                ("clearpart", &command.location),
                issues,
            )
        });
        Self {
            mode: command.mode.unwrap_or(ClearMode::None),
            list: &command.list,
            drives,
            initlabel: command.initlabel,
            zerombr,
        }
    }

    fn apply(&self, disk: &'i Disk, issues: &mut Issues) -> Option<Usable<'i>> {
        let covered = self
            .drives
            .as_ref()
            .is_none_or(|list| list.iter().any(|d| d.device == disk.device));
        let kept: Vec<&Partition> = disk
            .partitions
            .iter()
            .filter(|p| !(covered && self.removes(disk, p)))
            .collect();
        let relabel = (self.zerombr && disk.table.is_none() && disk.fs.is_none())
            || (covered && self.relabels(disk, &kept));
        let usable = Usable {
            disk,
            relabel,
            kept: if relabel { Vec::new() } else { kept },
        };
        if !relabel && disk.table.as_deref() != Some("gpt") {
            return None;
        }
        check_writable(disk, issues).then_some(usable)
    }

    fn removes(&self, disk: &Disk, partition: &Partition) -> bool {
        if !self.list.is_empty() {
            return self
                .list
                .iter()
                .any(|item| matches_partition(item, disk, partition.number));
        }
        match self.mode {
            ClearMode::All => true,
            ClearMode::Linux => is_linux(partition),
            ClearMode::None => false,
        }
    }

    fn relabels(&self, disk: &Disk, kept: &[&Partition]) -> bool {
        // Only `--all` relabels a disk that still has something on it, even if the disk is listed.
        if !self.list.is_empty() {
            return kept.is_empty() && self.list.iter().any(|item| matches(item, disk));
        }
        match self.mode {
            ClearMode::All => true,
            ClearMode::Linux => {
                kept.is_empty() && disk.fs.as_deref().map_or(self.initlabel, is_linux_format)
            }
            ClearMode::None => self.initlabel && disk.partitions.is_empty() && disk.fs.is_none(),
        }
    }
}

fn check_label(label: Option<&str>, at: &Location, issues: &mut Issues) {
    if let Some(label) = label.filter(|label| !matches!(*label, "" | "gpt")) {
        issues
            .error(
                Code::LabelUnsupported,
                format!("the disk label `{label}` is not supported yet"),
            )
            .at(at)
            .help("UEFI on x86 needs `gpt`");
    }
}

/// What `clearpart --list` names must exist: partitions, or whole disks.
fn check_list(list: &[String], inventory: &Inventory, at: &Location, issues: &mut Issues) {
    let exists = |item: &String| {
        inventory.disks.iter().any(|disk| {
            let mut partitions = disk.partitions.iter();
            matches(item, disk) || partitions.any(|p| matches_partition(item, disk, p.number))
        })
    };
    for item in list.iter().filter(|item| !exists(item)) {
        let message = format!("device `{item}` given in the `clearpart` command does not exist");
        issues.error(Code::DiskMissing, message).at(at);
    }
}

fn check_writable(disk: &Disk, issues: &mut Issues) -> bool {
    if let Some(user) = &disk.in_use {
        let message = format!("`{}` is in use: {user}", disk.device);
        issues
            .error(Code::DiskInUse, message)
            .help("unmount it, or leave the disk out with `ignoredisk`");
        return false;
    }
    if disk.read_only {
        issues.error(
            Code::DiskReadOnly,
            format!("`{}` is read-only", disk.device),
        );
        return false;
    }
    true
}

/// Every disk that one of the specs names, each once; a spec that names none is an error.
pub(super) fn find_all<'i>(
    specs: &[String],
    inventory: &'i Inventory,
    (command, at): (&str, &Location),
    issues: &mut Issues,
) -> Vec<&'i Disk> {
    let mut found: Vec<&Disk> = Vec::new();
    for spec in specs {
        let mut seen = false;
        for disk in inventory.disks.iter().filter(|disk| matches(spec, disk)) {
            seen = true;
            if !found.iter().any(|d| d.device == disk.device) {
                found.push(disk);
            }
        }
        if !seen {
            let message = format!("disk `{spec}` given in the `{command}` command does not exist");
            issues.error(Code::DiskMissing, message).at(at);
        }
    }
    found
}

/// Whether a disk spec names the disk: alternatives by `|`, each a name, a path or a glob below
/// `/dev`.
pub(super) fn matches(spec: &str, disk: &Disk) -> bool {
    let names = [disk.name(), disk.device.as_str()];
    let names = names
        .into_iter()
        .chain(disk.links.iter().map(String::as_str));
    names_one(spec, names)
}

/// Whether a spec names a partition of the disk, by the kernel's name or a persistent one.
fn matches_partition(spec: &str, disk: &Disk, number: u32) -> bool {
    let links = disk.links.iter().map(|link| format!("{link}-part{number}"));
    let names: Vec<String> = links.chain([partition_name(disk, number)]).collect();
    names_one(spec, names.iter().map(String::as_str))
}

fn names_one<'n>(spec: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
    names.any(|name| {
        let name = name.trim_start_matches("/dev/");
        spec.split('|')
            .any(|pattern| glob(pattern.trim_start_matches("/dev/"), name))
    })
}

/// Shell pattern with `*` and `?`, which stand for anything but a slash.
fn glob(pattern: &str, name: &str) -> bool {
    pattern.split('/').count() == name.split('/').count()
        && pattern
            .split('/')
            .zip(name.split('/'))
            .all(|(pattern, name)| glob_component(pattern.as_bytes(), name.as_bytes()))
}

/// Goes back to the last `*` only, so that no pattern takes longer than pattern times name.
fn glob_component(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut matched) = (0, 0);
    let mut star = None;
    while matched < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, matched));
            }
            Some(&c) if c == b'?' || c == name[matched] => {
                at += 1;
                matched += 1;
            }
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                (at, matched) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|&c| c == b'*')
}

/// The kernel's name of a partition: `vda1`, `nvme0n1p1`.
pub(super) fn partition_name(disk: &Disk, number: u32) -> String {
    let name = disk.name();
    let separator = if name.ends_with(|c: char| c.is_ascii_digit()) {
        "p"
    } else {
        ""
    };
    format!("{name}{separator}{number}")
}

fn is_linux(partition: &Partition) -> bool {
    const TYPES: [&str; 3] = [
        "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
        "a19d880f-05fc-4d3b-a006-743f0f84911e",
        "e6d6d379-f507-44c2-a23c-238f2a3df928",
    ];
    TYPES.contains(&partition.kind.to_ascii_lowercase().as_str())
        || matches!(partition.kind.as_str(), "82" | "8e" | "fd")
        || partition.fs.as_deref().is_some_and(is_linux_format)
}

fn is_linux_format(fs: &str) -> bool {
    matches!(
        fs,
        "ext2"
            | "ext3"
            | "ext4"
            | "xfs"
            | "btrfs"
            | "swap"
            | "LVM2_member"
            | "linux_raid_member"
            | "crypto_LUKS"
            | "jfs"
            | "reiserfs"
            | "f2fs"
            | "gfs2"
    )
}
