// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which disks may be used, and what is removed from them: `ignoredisk`, `clearpart`, `zerombr`.
//!
//! The rules are Anaconda's: a disk is relabelled only if the kickstart says so, a partition goes
//! only if its mode covers it, and a disk without a readable label is left alone without
//! `zerombr` or `clearpart --all`. Where new partitions go is decided in [`super::allocate`].

use kickstart_parser::commands::ClearMode;
use kickstart_parser::{Kickstart, Location};

use super::issue::{Code, Issues};
use super::spec::{find_all, matches, matches_partition};
use super::table::{Label, is_container, is_logical};
use crate::inventory::{Disk, Inventory, Partition};

/// A disk that may be used, with what stays on it.
#[derive(Debug)]
pub(super) struct Usable<'i> {
    pub(super) disk: &'i Disk,
    /// Its table afterwards.
    pub(super) label: Label,
    /// The disk gets a new, empty partition table.
    pub(super) relabel: bool,
    /// Partitions that stay, by place; a container comes before what lies in it.
    pub(super) kept: Vec<&'i Partition>,
}

impl Usable<'_> {
    /// Whether the partition with this number stays.
    pub(super) fn keeps(&self, number: u32) -> bool {
        self.kept.iter().any(|kept| kept.number == number)
    }

    /// How many partitions its table holds; one that stays may have few.
    pub(super) fn entries(&self) -> usize {
        let own = self.disk.table_entries.filter(|_| !self.relabel);
        own.map_or(self.label.entries(), |entries| entries as usize)
    }
}

/// New tables are of the kind `label` where the kickstart does not say which.
pub(super) fn select<'i>(
    kickstart: &Kickstart,
    inventory: &'i Inventory,
    label: Option<Label>,
    issues: &mut Issues,
) -> Vec<Usable<'i>> {
    let clear = Clearing::new(kickstart, inventory, label, issues);
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
                "a disk whose partition table is neither GPT nor MBR is used only with `clearpart --all`",
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
    let others = inventory.disks.iter().filter(|disk| !disk.source);
    let Some(command) = &kickstart.ignoredisk else {
        return others.collect();
    };
    let at = &command.location;
    let only = find_all(&command.only_use, inventory, ("ignoredisk", at), issues);
    let ignored = find_all(&command.drives, inventory, ("ignoredisk", at), issues);
    for disk in only.iter().filter(|disk| disk.source) {
        let message = format!(
            "`{}` cannot be used: this machine is installed from it",
            disk.device
        );
        issues.error(Code::DiskInUse, message).at(at);
    }
    let is_in = |list: &[&Disk], disk: &Disk| list.iter().any(|d| d.device == disk.device);
    others
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
    /// Of new tables.
    label: Label,
}

impl<'k, 'i> Clearing<'k, 'i> {
    fn new(
        kickstart: &'k Kickstart,
        inventory: &'i Inventory,
        default: Option<Label>,
        issues: &mut Issues,
    ) -> Self {
        let default = default.unwrap_or(Label::Gpt);
        let zerombr = kickstart.zerombr.is_some();
        let Some(command) = &kickstart.clearpart else {
            return Self {
                mode: ClearMode::None,
                list: &[],
                drives: None,
                initlabel: false,
                zerombr,
                label: default,
            };
        };
        let wanted = command.disklabel.as_deref().filter(|name| !name.is_empty());
        let label = wanted.map_or(default, |name| new_label(name, &command.location, issues));
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
            label,
        }
    }

    fn apply(&self, disk: &'i Disk, issues: &mut Issues) -> Option<Usable<'i>> {
        let covered = self
            .drives
            .as_ref()
            .is_none_or(|list| list.iter().any(|d| d.device == disk.device));
        let goes = |p: &Partition| covered && self.removes(disk, p);
        let mut kept: Vec<&Partition> = disk.partitions.iter().filter(|p| !goes(p)).collect();
        if kept.len() < disk.partitions.len() {
            drop_empty_container(disk, &mut kept);
        }
        let blank = disk.table.is_none() && disk.fs.is_none();
        let relabel = (self.zerombr && blank) || (covered && self.relabels(disk, &kept));
        let label = if relabel {
            self.label
        } else {
            Label::of(disk)?
        };
        let usable = Usable {
            disk,
            label,
            relabel,
            kept: if relabel { Vec::new() } else { kept },
        };
        (check_span(&usable, issues) && check_writable(disk, issues)).then_some(usable)
    }

    fn removes(&self, disk: &Disk, partition: &Partition) -> bool {
        if is_container(partition) {
            return false;
        }
        if !self.list.is_empty() {
            return self
                .list
                .iter()
                .any(|item| matches_partition(item, disk, partition));
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

/// The label that `--disklabel` names.
fn new_label(name: &str, at: &Location, issues: &mut Issues) -> Label {
    Label::from_name(name).unwrap_or_else(|| {
        let message =
            format!("the disk label `{name}` given in the `clearpart` command is not supported");
        issues
            .error(Code::LabelUnsupported, message)
            .at(at)
            .help("write `gpt`, or `msdos` for machines that start by BIOS");
        Label::Gpt
    })
}

/// A new table that could not name the whole disk is most likely not meant.
fn check_span(usable: &Usable<'_>, issues: &mut Issues) -> bool {
    let fits = !usable.relabel || usable.label.spans(usable.disk);
    if !fits {
        let message = format!(
            "`{}` is too large for the disk label `msdos`",
            usable.disk.device
        );
        issues
            .error(Code::LabelUnsupported, message)
            .help("leave `--disklabel` out, the default is `gpt`");
    }
    fits
}

/// A container goes with the last partition in it.
fn drop_empty_container(disk: &Disk, kept: &mut Vec<&Partition>) {
    let is_empty = Label::of(disk) == Some(Label::Mbr)
        && !kept.iter().any(|kept| is_logical(Label::Mbr, kept));
    kept.retain(|kept| !(is_empty && is_container(kept)));
}

/// What `clearpart --list` names must exist: partitions, or whole disks.
fn check_list(list: &[String], inventory: &Inventory, at: &Location, issues: &mut Issues) {
    let exists = |item: &String| {
        inventory.disks.iter().any(|disk| {
            let mut partitions = disk.partitions.iter();
            matches(item, disk) || partitions.any(|p| matches_partition(item, disk, p))
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
