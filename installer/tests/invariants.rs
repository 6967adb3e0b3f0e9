// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What holds for every plan, tried with random kickstarts on random machines.
//!
//! A [`Recipe`] becomes kickstart text, which is read and planned like a user's. Each property is
//! judged from the recipe and the inventory by rules written down here a second time, shorter and
//! without the planner's code. A property that saw too few plans fails.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

use kickstart_parser::{NoIncludes, read};
use landfall_installer::inventory::{Disk, Firmware, Inventory, Partition as Old};
use landfall_installer::plan::{
    Choices, DiskPlan, FileSystem, Partition, PartitionAction, Plan, Wipe, plan_disks,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use uuid::{Uuid, uuid};

const MIB: u64 = 1 << 20;
const SEED: Uuid = uuid!("6f1d3c52-0a4e-4c0b-9f57-2d8b7a1e5c90");
const CASES: u32 = 512;

const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const LVM: &str = "e6d6d379-f507-44c2-a23c-238f2a3df928";
const BASIC: &str = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7";

/// The storage part of a kickstart.
#[derive(Debug, Clone)]
struct Recipe {
    clear: Option<Clear>,
    zerombr: bool,
    /// `--only-use` or `--drives`, with names of disks.
    ignore: Option<(bool, Vec<String>)>,
    /// With `--add-boot`.
    reqpart: Option<bool>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Clear {
    /// `all`, `linux`, `none`; otherwise a list of partitions.
    mode: &'static str,
    list: Vec<String>,
    drives: Vec<String>,
    initlabel: bool,
}

#[derive(Debug, Clone)]
struct Part {
    mount: &'static str,
    size: Option<u64>,
    grow: bool,
    maxsize: Option<u64>,
    fstype: Option<&'static str>,
    ondisk: Option<&'static str>,
}

impl Part {
    fn base(&self) -> u64 {
        self.size.unwrap_or(500)
    }

    fn text(&self) -> String {
        let mut text = format!("part {}", self.mount);
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, " --{name}={value}");
            }
        };
        option("size", self.size.map(|size| size.to_string()));
        option("maxsize", self.maxsize.map(|size| size.to_string()));
        option("fstype", self.fstype.map(str::to_owned));
        option("ondisk", self.ondisk.map(str::to_owned));
        text + if self.grow { " --grow\n" } else { "\n" }
    }
}

impl Recipe {
    fn text(&self) -> String {
        let mut text = "ostreecontainer --url registry.example.com/lab/plain:v1\n".to_owned();
        if let Some(clear) = &self.clear {
            text += &clear.text();
        }
        if self.zerombr {
            text += "zerombr\n";
        }
        if let Some((only, disks)) = &self.ignore {
            let option = if *only { "only-use" } else { "drives" };
            let _ = writeln!(text, "ignoredisk --{option}={}", disks.join(","));
        }
        if let Some(add_boot) = self.reqpart {
            text += if add_boot {
                "reqpart --add-boot\n"
            } else {
                "reqpart\n"
            };
        }
        self.parts
            .iter()
            .fold(text, |text, part| text + &part.text())
    }

    /// The kickstart lets the installer use this disk at all.
    fn may_use(&self, disk: &Disk) -> bool {
        let named = |disks: &[String]| disks.iter().any(|name| name == disk.name());
        self.ignore
            .as_ref()
            .is_none_or(|(only, disks)| *only == named(disks))
    }

    /// The kickstart has this partition removed.
    fn removes(&self, disk: &Disk, old: &Old) -> bool {
        let Some(clear) = self.clear.as_ref().filter(|clear| clear.covers(disk)) else {
            return false;
        };
        if !clear.list.is_empty() {
            return clear
                .list
                .contains(&format!("{}{}", disk.name(), old.number));
        }
        match clear.mode {
            "all" => true,
            "linux" => old.kind == LVM || matches!(old.fs.as_deref(), Some("ext4" | "LVM2_member")),
            _ => false,
        }
    }

    /// The disk gets a new table: nothing stays on it, and the kickstart says so.
    fn relabels(&self, disk: &Disk) -> bool {
        let blank = disk.table.is_none() && disk.fs.is_none();
        let emptied = disk.partitions.iter().all(|old| self.removes(disk, old));
        let by_clear = self.clear.as_ref().is_some_and(|clear| {
            let ours = disk.fs.as_deref() == Some("LVM2_member");
            clear.covers(disk)
                && clear.list.is_empty()
                && match clear.mode {
                    "all" => true,
                    "linux" => emptied && (ours || (clear.initlabel && disk.fs.is_none())),
                    _ => disk.partitions.is_empty() && disk.fs.is_none() && clear.initlabel,
                }
        });
        (self.zerombr && blank) || by_clear
    }
}

impl Clear {
    fn covers(&self, disk: &Disk) -> bool {
        self.drives.is_empty() || self.drives.iter().any(|name| name == disk.name())
    }

    fn text(&self) -> String {
        let mut text = "clearpart".to_owned();
        if self.list.is_empty() {
            let _ = write!(text, " --{}", self.mode);
        } else {
            let _ = write!(text, " --list={}", self.list.join(","));
        }
        if !self.drives.is_empty() {
            let _ = write!(text, " --drives={}", self.drives.join(","));
        }
        text + if self.initlabel {
            " --initlabel\n"
        } else {
            "\n"
        }
    }
}

const NAMES: [&str; 3] = ["sda", "sdb", "sdc"];

fn disks(count: usize) -> impl Strategy<Value = Vec<Disk>> {
    let disks: Vec<_> = NAMES[..count].iter().map(|name| disk(name)).collect();
    disks
}

/// Sizes that are no multiple of anything larger than the sector.
fn disk(name: &'static str) -> impl Strategy<Value = Disk> {
    let sectors = prop_oneof![
        8 => 1u64 << 21..1 << 25,
        1 => 1u64 << 14..1 << 21,
        1 => 3u64 << 31..5 << 31
    ];
    let table = select(vec![
        Some("gpt"),
        Some("gpt"),
        Some("gpt"),
        Some("dos"),
        None,
    ]);
    let fs = select(vec![None, None, Some("ntfs"), Some("LVM2_member")]);
    let in_use = prop::bool::weighted(0.03);
    let gaps = prop::collection::vec((0u64..4000, 1u64..4000, 0usize..6, 0u64..2048), 0..6);
    (sectors, prop::bool::ANY, table, fs, in_use, gaps).prop_map(
        move |(sectors, large, table, fs, in_use, gaps)| {
            let sector_bytes = if large { 4096 } else { 512 };
            let size_bytes = sectors * 512 / u64::from(sector_bytes) * u64::from(sector_bytes);
            let partitions = if table.is_some() { gaps } else { Vec::new() };
            Disk {
                partitions: old_partitions(&partitions, size_bytes, sector_bytes),
                sector_bytes,
                size_bytes,
                table: table.map(str::to_owned),
                fs: fs.filter(|_| table.is_none()).map(str::to_owned),
                in_use: in_use.then(|| "dm-0".to_owned()),
                ..blank(name)
            }
        },
    )
}

fn blank(name: &str) -> Disk {
    Disk {
        device: format!("/dev/{name}"),
        image_file: false,
        links: vec![format!("/dev/disk/by-id/ata-{name}")],
        size_bytes: 0,
        sector_bytes: 512,
        model: None,
        serial: None,
        transport: None,
        removable: false,
        read_only: false,
        in_use: None,
        table: None,
        fs: None,
        partitions: Vec::new(),
    }
}

/// Partitions after gaps (MiB), of sizes (MiB), kinds, and some sectors off the MiB; those that
/// would not be on the disk are left out.
fn old_partitions(gaps: &[(u64, u64, usize, u64)], size: u64, sector: u32) -> Vec<Old> {
    const KINDS: [(&str, Option<&str>); 6] = [
        (LINUX, Some("ext4")),
        (LVM, Some("LVM2_member")),
        (BASIC, Some("ntfs")),
        (LINUX, None),
        (LVM, None),
        (BASIC, Some("vfat")),
    ];
    let sector = u64::from(sector);
    let (mut end, mut old) = (34 * sector, Vec::new());
    for (index, (gap, length, kind, off)) in gaps.iter().enumerate() {
        let start = end + gap * MIB + off % 7 * sector;
        end = start + length * MIB + off * sector;
        if end > size - 33 * sector {
            break;
        }
        let (kind, fs) = KINDS[*kind];
        // Numbers in no order, with holes.
        let number = u32::try_from((index * 5 + 3) % 11 + 1).unwrap();
        old.push(Old {
            number,
            start_bytes: start,
            size_bytes: end - start,
            kind: kind.to_owned(),
            uuid: Some(Uuid::new_v5(
                &SEED,
                &[sector.to_le_bytes()[1], number.to_le_bytes()[0]],
            )),
            name: Some(format!("old {number}")),
            fs: fs.map(str::to_owned),
            label: Some(format!("label{number}")),
            fs_uuid: Some(format!("{number:04}-ABCD")),
        });
    }
    old
}

fn inventory(disks: Vec<Disk>) -> Inventory {
    Inventory {
        inventory: 1,
        arch: "amd64".to_owned(),
        firmware: Firmware::Uefi,
        memory_bytes: 4 << 30,
        disks,
        interfaces: Vec::new(),
        efi_variables: false,
        kernel_arguments: Vec::new(),
    }
}

/// A subset of the disks' names, not empty where `some`.
fn names(count: usize, some: bool) -> impl Strategy<Value = Vec<String>> {
    let names: Vec<String> = NAMES[..count].iter().map(ToString::to_string).collect();
    subsequence(names, usize::from(some)..=count)
}

fn clear(disks: &[Disk]) -> impl Strategy<Value = Clear> + use<> {
    let all: Vec<String> = disks
        .iter()
        .flat_map(|disk| {
            disk.partitions
                .iter()
                .map(|old| format!("{}{}", disk.name(), old.number))
        })
        .collect();
    let some = subsequence(all.clone(), 0..=all.len());
    let list = prop_oneof![5 => Just(Vec::new()), 1 => some];
    let drives = prop_oneof![2 => Just(Vec::new()), 1 => names(disks.len(), false)];
    let mode = select(vec!["all", "all", "all", "linux", "linux", "none"]);
    (mode, list, drives, prop::bool::ANY).prop_map(|(mode, list, drives, initlabel)| Clear {
        mode,
        list,
        drives,
        initlabel,
    })
}

fn part(mount: &'static str, disks: usize) -> impl Strategy<Value = Part> {
    let size = prop_oneof![1 => Just(None), 6 => (300u64..3000).prop_map(Some)];
    let fstype = if mount == "/" || mount == "/var" {
        select(vec![None, Some("ext4"), Some("xfs"), Some("btrfs")])
    } else {
        select(vec![None])
    };
    // Only swap has no mount point to tell two of its kind apart, so it is spread out.
    let weight = if mount == "swap" { 0.7 } else { 0.2 };
    let ondisk = prop::option::weighted(weight, select(NAMES[..disks].to_vec()));
    let max = prop::option::weighted(0.4, 0u64..5000);
    // Swap partitions cannot be told apart afterwards unless their sizes are fixed.
    let grow = prop::bool::weighted(if mount == "swap" { 0.0 } else { 0.6 });
    (size, grow, max, fstype, ondisk).prop_map(move |(size, grow, max, fstype, ondisk)| Part {
        mount,
        size,
        grow,
        maxsize: max.map(|max| size.unwrap_or(500) + max),
        fstype,
        ondisk,
    })
}

fn parts(disks: usize) -> impl Strategy<Value = Vec<Part>> {
    let optional = vec![
        "/boot",
        "/boot/efi",
        "/var",
        "/home",
        "/srv",
        "/data",
        "swap",
        "swap",
    ];
    subsequence(optional, 0..=5).prop_flat_map(move |mut mounts| {
        mounts.push("/");
        mounts
            .into_iter()
            .map(|mount| part(mount, disks))
            .collect::<Vec<_>>()
    })
}

fn recipe(disks: &[Disk]) -> impl Strategy<Value = Recipe> + use<> {
    let count = disks.len();
    let ignore = prop::option::weighted(0.2, (prop::bool::ANY, names(count, true)));
    let reqpart = prop::option::weighted(0.9, prop::bool::ANY);
    let clear = prop::option::weighted(0.9, clear(disks));
    (clear, prop::bool::ANY, ignore, reqpart, parts(count)).prop_map(
        |(clear, zerombr, ignore, reqpart, parts)| Recipe {
            clear,
            zerombr,
            ignore,
            reqpart,
            parts,
        },
    )
}

fn worlds() -> impl Strategy<Value = (Recipe, Inventory)> {
    (1..=NAMES.len())
        .prop_flat_map(disks)
        .prop_flat_map(|disks| (recipe(&disks), Just(inventory(disks))))
}

fn planned(text: &str, inventory: &Inventory) -> Option<Plan> {
    let reading = read("ks", text, None, &NoIncludes);
    let choices = Choices {
        seed: SEED,
        ..Choices::default()
    };
    let planned = plan_disks(&reading.kickstart, inventory, &choices);
    planned.ok().map(|planned| planned.plan)
}

/// Checks a property on the plans of random worlds, of which at least a third must be plans.
fn for_every_plan(check: impl Fn(&Recipe, &Inventory, &Plan)) {
    let plans = Cell::new(0);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&worlds(), |(recipe, inventory)| {
        if let Some(plan) = planned(&recipe.text(), &inventory) {
            plans.set(plans.get() + 1);
            check(&recipe, &inventory, &plan);
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(plans.get() > CASES / 3, "only {} plans", plans.get());
}

fn created(disk: &DiskPlan) -> impl Iterator<Item = &Partition> {
    disk.after
        .iter()
        .filter(|p| p.action == PartitionAction::Create)
}

fn end(partition: &Partition) -> u64 {
    partition.start_bytes + partition.size_bytes
}

/// The line that asked for a partition; none for those of `reqpart` and for swap.
fn line<'r>(recipe: &'r Recipe, partition: &Partition) -> Option<&'r Part> {
    let mount = partition.mount.as_deref()?;
    recipe.parts.iter().find(|part| part.mount == mount)
}

fn on<'i>(inventory: &'i Inventory, plan: &DiskPlan) -> &'i Disk {
    let mut disks = inventory.disks.iter();
    disks.find(|disk| disk.device == plan.device).unwrap()
}

#[test]
fn partitions_are_aligned_and_clear_of_both_tables() {
    for_every_plan(|_, _, plan| {
        for disk in &plan.disks {
            let sector = u64::from(disk.sector_bytes);
            let entries = (128u64 * 128).div_ceil(sector);
            let first = (2 + entries) * sector;
            let last = disk.size_bytes - (1 + entries) * sector;
            for partition in created(disk) {
                assert_eq!(partition.start_bytes % MIB, 0, "{partition:?}");
                assert_eq!(partition.size_bytes % MIB, 0, "{partition:?}");
                assert!(partition.size_bytes > 0, "{partition:?}");
                assert!(
                    partition.start_bytes >= first && end(partition) <= last,
                    "{partition:?}"
                );
            }
        }
    });
}

#[test]
fn partitions_do_not_overlap_and_are_listed_by_place() {
    for_every_plan(|_, _, plan| {
        for disk in &plan.disks {
            for pair in disk.after.windows(2) {
                assert!(end(&pair[0]) <= pair[1].start_bytes, "{pair:#?}");
            }
        }
    });
}

#[test]
fn every_line_becomes_one_partition_of_a_size_it_allows() {
    for_every_plan(|recipe, _, plan| {
        let mut swaps = Vec::new();
        for (disk, partition) in plan.partitions().filter(|(_, p)| p.mkfs.is_some()) {
            let size = partition.size_bytes / MIB;
            let (smallest, largest) = match (line(recipe, partition), partition.mount.as_deref()) {
                (Some(part), _) if part.grow => (part.base(), part.maxsize.unwrap_or(u64::MAX)),
                (Some(part), _) => (part.base(), part.base()),
                (None, Some("/boot/efi")) => (500, 600),
                (None, Some("/boot")) => (2048, 2048),
                (None, _) => {
                    swaps.push(size);
                    continue;
                }
            };
            assert!(smallest <= size && size <= largest, "{partition:?}");
            let wanted = line(recipe, partition).and_then(|part| part.ondisk);
            assert!(wanted.is_none_or(|name| disk.device == format!("/dev/{name}")));
        }
        let is_swap = |part: &&Part| part.mount == "swap";
        let mut wanted: Vec<u64> = recipe
            .parts
            .iter()
            .filter(is_swap)
            .map(Part::base)
            .collect();
        wanted.sort_unstable();
        swaps.sort_unstable();
        assert_eq!(swaps, wanted);
    });
}

#[test]
fn every_mount_point_is_there_once() {
    for_every_plan(|recipe, _, plan| {
        let mut found: Vec<&str> = plan
            .partitions()
            .filter_map(|(_, p)| p.mount.as_deref())
            .collect();
        found.sort_unstable();
        let mut wanted: BTreeSet<&str> = recipe.parts.iter().map(|part| part.mount).collect();
        wanted.remove("swap");
        wanted.extend(recipe.reqpart.map(|_| "/boot/efi"));
        wanted.extend(recipe.reqpart.filter(|add_boot| *add_boot).map(|_| "/boot"));
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
    });
}

#[test]
fn numbers_and_uuids_are_unique() {
    for_every_plan(|_, _, plan| {
        let mut uuids = HashSet::new();
        for disk in &plan.disks {
            let numbers: HashSet<u32> = disk.after.iter().map(|p| p.number).collect();
            assert_eq!(numbers.len(), disk.after.len());
            assert!(numbers.iter().all(|number| (1..=128).contains(number)));
            uuids.extend(disk.label_uuid.map(|uuid| uuid.to_string()));
            let table = usize::from(disk.label_uuid.is_some());
            let before = uuids.len() - table;
            for partition in created(disk) {
                uuids.insert(partition.uuid.unwrap().to_string());
                uuids.insert(partition.fs_uuid.clone().unwrap());
            }
            assert_eq!(
                uuids.len() - table - before,
                2 * created(disk).count(),
                "{disk:#?}"
            );
        }
    });
}

/// Groups of created partitions with nothing kept between them, with the bytes at which the free
/// space around each begins and ends.
fn groups(disk: &DiskPlan) -> Vec<(u64, Vec<&Partition>, u64)> {
    let mut groups: Vec<(u64, Vec<&Partition>, u64)> = vec![(0, Vec::new(), disk.size_bytes)];
    for partition in &disk.after {
        let group = groups.last_mut().unwrap();
        if partition.action == PartitionAction::Create {
            group.1.push(partition);
        } else {
            group.2 = partition.start_bytes;
            groups.push((end(partition), Vec::new(), disk.size_bytes));
        }
    }
    groups
}

#[test]
fn free_space_is_used_from_its_start_and_to_its_end_by_what_grows() {
    for_every_plan(|recipe, _, plan| {
        for (start, partitions, stop) in plan.disks.iter().flat_map(groups) {
            let (Some(first), Some(last)) = (partitions.first(), partitions.last()) else {
                continue;
            };
            assert!(first.start_bytes - start <= MIB, "a hole before {first:?}");
            for pair in partitions.windows(2) {
                assert_eq!(
                    end(pair[0]),
                    pair[1].start_bytes,
                    "a hole after {:?}",
                    pair[0]
                );
            }
            let unlimited = |p: &&&Partition| {
                line(recipe, p).is_some_and(|part| part.grow && part.maxsize.is_none())
            };
            if partitions.iter().any(|p| unlimited(&p)) {
                // Less than the rounding, and at the disk's end the backup table.
                assert!(
                    stop - end(last) < MIB + 33 * 4096,
                    "{} are left",
                    stop - end(last)
                );
            }
        }
    });
}

#[test]
fn growth_is_in_proportion_to_the_size_asked_for() {
    for_every_plan(|recipe, _, plan| {
        for (_, partitions, _) in plan.disks.iter().flat_map(groups) {
            let open: Vec<(u64, u64)> = partitions
                .iter()
                .filter_map(|p| Some((line(recipe, p)?, p.size_bytes / MIB)))
                .filter(|(part, _)| part.grow && part.maxsize.is_none())
                .map(|(part, size)| (part.base(), size - part.base()))
                .collect();
            let (bases, grown) = open.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
            for (base, growth) in &open {
                // In each round every one may lose 1 MiB, and the first gets what is left.
                let slack = 4 * u64::try_from(partitions.len()).unwrap() + 4;
                let share = grown * base / bases;
                assert!(growth.abs_diff(share) <= slack, "{open:?}");
            }
        }
    });
}

#[test]
fn only_what_the_kickstart_names_is_touched() {
    for_every_plan(|recipe, inventory, plan| {
        for disk_plan in &plan.disks {
            let disk = on(inventory, disk_plan);
            assert!(recipe.may_use(disk) && disk.in_use.is_none());
            let relabels = recipe.relabels(disk);
            assert_eq!(disk_plan.label_uuid.is_some(), relabels, "{disk_plan:#?}");
            assert!(relabels || disk.table.as_deref() == Some("gpt"));
            assert_eq!(disk_plan.before.len(), disk.partitions.len());
            for (before, old) in disk_plan.before.iter().zip(&disk.partitions) {
                assert_eq!(&before.partition, old);
                let goes = recipe.removes(disk, old);
                assert_eq!(before.action == PartitionAction::Delete, goes, "{old:?}");
            }
        }
    });
}

#[test]
fn disks_that_are_cleared_are_in_the_plan() {
    for_every_plan(|recipe, inventory, plan| {
        for disk in inventory.disks.iter().filter(|disk| recipe.may_use(disk)) {
            let removed = disk.partitions.iter().any(|old| recipe.removes(disk, old));
            // A disk that keeps a table that is not GPT cannot be used, so it stays as it is.
            let usable = disk.table.as_deref() == Some("gpt");
            if recipe.relabels(disk) || (removed && usable) {
                assert!(
                    plan.disks.iter().any(|p| p.device == disk.device),
                    "{disk:?}"
                );
            }
        }
    });
}

#[test]
fn what_is_kept_stays_as_it_is() {
    for_every_plan(|_, inventory, plan| {
        for disk_plan in &plan.disks {
            let kept = disk_plan.before.iter();
            let kept: Vec<&Old> = kept
                .filter(|before| before.action == PartitionAction::Keep)
                .map(|before| &before.partition)
                .collect();
            let after = disk_plan.after.iter();
            let after: Vec<&Partition> = after
                .filter(|p| p.action == PartitionAction::Keep)
                .collect();
            assert_eq!(kept.len(), after.len());
            for (old, new) in kept.into_iter().zip(after) {
                assert_same(old, new);
                assert!(on(inventory, disk_plan).partitions.contains(old));
            }
        }
    });
}

#[test]
fn no_wiped_byte_lies_in_what_is_kept_or_beyond_the_disk() {
    for_every_plan(|_, _, plan| {
        for disk in &plan.disks {
            for wipe in &disk.wipes {
                let end = wipe.start_bytes + wipe.size_bytes;
                assert!(end <= disk.size_bytes && wipe.size_bytes <= MIB, "{wipe:?}");
                for kept in disk
                    .after
                    .iter()
                    .filter(|p| p.action == PartitionAction::Keep)
                {
                    let kept_end = kept.start_bytes + kept.size_bytes;
                    assert!(
                        end <= kept.start_bytes || kept_end <= wipe.start_bytes,
                        "{wipe:?} {kept:?}"
                    );
                }
            }
            for new in disk
                .after
                .iter()
                .filter(|p| p.action == PartitionAction::Create)
            {
                let head = |w: &&Wipe| w.start_bytes == new.start_bytes;
                assert!(
                    disk.wipes.iter().any(|w| head(&w)),
                    "{new:?} keeps its old head"
                );
            }
        }
    });
}

fn assert_same(old: &Old, new: &Partition) {
    assert_eq!((old.number, old.start_bytes), (new.number, new.start_bytes));
    assert_eq!((old.size_bytes, old.uuid), (new.size_bytes, new.uuid));
    assert_eq!(old.kind, new.kind.to_string());
    assert_eq!(old.name.as_deref(), Some(new.name.as_str()));
    assert_eq!((&old.fs_uuid, &old.label), (&new.fs_uuid, &new.fs_label));
    assert_eq!(new.fs, old.fs.as_deref().and_then(FileSystem::from_name));
    assert!(new.mkfs.is_none() && new.mount.is_none() && new.features.is_empty());
}

#[test]
fn destroys_lists_exactly_what_goes() {
    for_every_plan(|recipe, inventory, plan| {
        let mut expected = Vec::new();
        for disk in inventory.disks.iter().filter(|disk| recipe.may_use(disk)) {
            let relabels = recipe.relabels(disk);
            if !relabels && disk.table.as_deref() != Some("gpt") {
                continue;
            }
            if let (Some(fs), true) = (&disk.fs, relabels) {
                expected.push(format!("{}: {fs} on the whole disk, ", disk.device));
            }
            for old in disk
                .partitions
                .iter()
                .filter(|old| recipe.removes(disk, old))
            {
                let fs = old.fs.as_deref().unwrap_or("unknown content");
                let (name, label) = (disk.name(), old.label.as_ref().unwrap());
                expected.push(format!("{name}{}: {fs} `{label}`, ", old.number));
            }
        }
        assert_eq!(plan.destroys.len(), expected.len(), "{:#?}", plan.destroys);
        for (line, start) in plan.destroys.iter().zip(expected) {
            assert!(line.starts_with(&start), "`{line}` is not about `{start}`");
        }
    });
}

#[test]
fn the_same_input_gives_the_same_plan() {
    for_every_plan(|recipe, inventory, plan| {
        assert_eq!(planned(&recipe.text(), inventory).as_ref(), Some(plan));
    });
}

/// A word of storage commands, or something that looks like one.
fn word() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "part",
        "partition",
        "clearpart",
        "reqpart",
        "zerombr",
        "ignoredisk",
        "bootloader",
        "network",
        "ostreecontainer --url=x",
        "bootc --source-imgref=",
        "--all",
        "--linux",
        "--list=",
        "--drives=",
        "--only-use=",
        "--initlabel",
        "--disklabel=gpt",
        "--add-boot",
        "--size=",
        "--grow",
        "--maxsize=",
        "--ondisk=",
        "--fstype=",
        "--label=",
        "--fsoptions=",
        "--onpart=",
        "/",
        "/boot",
        "/boot/efi",
        "/var",
        "//",
        "/..",
        "swap",
        "pv.1",
        "sda",
        "sda1",
        "sdb",
        "*",
        "?|*a",
        "-1",
        "0",
        "1",
        "500",
        "17592186044415",
        "9223372036854775807",
        "xfs",
        "ext4",
        "vfat",
        "\"",
        "'",
        "\\",
        "ä",
        "=",
        ",",
        "%post",
        "%end",
        "reboot",
    ];
    prop_oneof![9 => select(WORDS.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn any_text() -> impl Strategy<Value = String> {
    let joined = (word(), select(vec!["", " ", " ", " ", "\n"])).prop_map(|(word, by)| word + by);
    prop::collection::vec(joined, 0..60).prop_map(|words| words.concat())
}

/// Numbers as a broken or hostile inventory file may have them.
fn any_disks() -> impl Strategy<Value = Vec<Disk>> {
    let number = || prop_oneof![any::<u64>(), 0u64..4096, u64::MAX - 4096..=u64::MAX];
    let old = (
        number(),
        number(),
        select(vec![ESP, LINUX, LVM, "83", ""]),
        any::<u32>(),
    );
    let old = old.prop_map(|(start_bytes, size_bytes, kind, number)| Old {
        number,
        start_bytes,
        size_bytes,
        kind: kind.to_owned(),
        uuid: None,
        name: None,
        fs: None,
        label: None,
        fs_uuid: None,
    });
    let table = select(vec![Some("gpt"), None]);
    let disk = (number(), table, prop::collection::vec(old, 0..4));
    let disk = disk.prop_map(|(size_bytes, table, partitions)| Disk {
        size_bytes,
        partitions,
        table: table.map(str::to_owned),
        ..blank("sda")
    });
    prop::collection::vec(disk, 0..3)
}

proptest! {
    #![proptest_config(Config { cases: CASES, failure_persistence: None, ..Config::default() })]

    #[test]
    fn planning_never_panics(text in any_text(), disks in any_disks(), (recipe, _) in worlds()) {
        let inventory = inventory(disks);
        let _ = planned(&text, &inventory);
        let _ = planned(&(recipe.text() + &text), &inventory);
        let _ = planned(&recipe.text(), &inventory);
    }
}

/// A table in which one partition lies within another, as some hybrid media have it.
#[test]
fn nested_partitions_are_not_written_over() {
    let old = |number, start: u64, size: u64| Old {
        number,
        start_bytes: start * MIB,
        size_bytes: size * MIB,
        kind: BASIC.to_owned(),
        uuid: None,
        name: None,
        fs: None,
        label: None,
        fs_uuid: None,
    };
    let disk = Disk {
        size_bytes: 8192 * MIB,
        table: Some("gpt".to_owned()),
        partitions: vec![old(1, 1, 4000), old(2, 100, 200)],
        ..blank("sda")
    };
    let text = "ostreecontainer --url=x/y:1\nreqpart\npart / --grow\n";
    let plan = planned(text, &inventory(vec![disk])).unwrap();
    assert!(created(&plan.disks[0]).all(|p| p.start_bytes >= 4001 * MIB));
}

/// A pattern with many stars once took time exponential in their number.
#[test]
fn a_glob_of_many_stars_is_decided_at_once() {
    let disk = Disk {
        links: vec![format!("/dev/disk/by-id/{}", "a".repeat(200))],
        ..blank("sda")
    };
    let stars = "*a".repeat(60);
    let text = format!("ignoredisk --only-use=disk/by-id/{stars}b\npart /\n");
    let begun = std::time::Instant::now();
    assert_eq!(planned(&text, &inventory(vec![disk])), None);
    assert!(begun.elapsed().as_secs() < 5);
}
