// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where partitions lie and how large they are.

use std::collections::{BTreeSet, HashSet};

use landfall_installer::plan::{DiskPlan, Label, Partition, PartitionAction};

use super::recipe::Part;
use super::{MIB, created, end, for_every_plan, is_logical, line};

#[test]
fn partitions_are_aligned_and_clear_of_both_tables() {
    for_every_plan(|_, _, plan| {
        for disk in &plan.disks {
            let sector = u64::from(disk.sector_bytes);
            let entries = (128u64 * 128).div_ceil(sector);
            let (first, last) = match disk.label {
                Label::Gpt => (
                    (2 + entries) * sector,
                    disk.size_bytes - (1 + entries) * sector,
                ),
                // Numbers of sectors have 32 bits.
                Label::Mbr => (sector, disk.size_bytes.min(sector << 32)),
            };
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
            let (inside, outside): (Vec<_>, Vec<_>) = disk
                .after
                .iter()
                .partition(|p| is_logical(disk.label, p.number));
            for pair in outside.windows(2) {
                assert!(end(pair[0]) <= pair[1].start_bytes, "{pair:#?}");
            }
            let sector = u64::from(disk.sector_bytes);
            for pair in inside.windows(2) {
                let entry = pair[1].start_bytes - sector;
                assert!(end(pair[0]) <= entry, "no room for an entry: {pair:#?}");
            }
            let container = outside.iter().find(|p| p.kind.is_container());
            for partition in inside {
                let container = container.unwrap();
                let first = container.start_bytes + sector;
                assert!(first <= partition.start_bytes, "{partition:#?}");
                assert!(
                    end(partition) <= end(container),
                    "{partition:#?} {container:#?}"
                );
            }
            assert!(disk.after.iter().filter(|p| p.kind.is_container()).count() < 2);
        }
    });
}

/// A container is made only when the fourth partition needs it.
#[test]
fn an_mbr_has_four_primary_partitions_at_most_and_a_chain_without_holes() {
    for_every_plan(|_, _, plan| {
        for disk in plan.disks.iter().filter(|disk| disk.label == Label::Mbr) {
            let numbers = disk.after.iter().map(|p| p.number);
            let mut logical: Vec<u32> = numbers.filter(|number| *number > 4).collect();
            logical.sort_unstable();
            let count = u32::try_from(logical.len()).unwrap();
            assert_eq!(logical, (5..5 + count).collect::<Vec<_>>());
            let primaries = disk.after.len() - logical.len();
            let is_new =
                |p: &&Partition| p.kind.is_container() && p.action == PartitionAction::Create;
            if disk.after.iter().any(|p| is_new(&p)) {
                assert_eq!(primaries, 4, "{:#?}", disk.after);
                assert!(count > 0);
            }
            assert!(disk.after.iter().filter(|p| p.active).count() <= 1);
        }
    });
}

#[test]
fn every_line_becomes_one_partition_of_a_size_it_allows() {
    for_every_plan(|recipe, _, plan| {
        let mut swaps = Vec::new();
        for (disk, partition) in plan
            .disks
            .iter()
            .flat_map(|disk| created(disk).map(move |p| (disk, p)))
        {
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
        wanted.extend(recipe.takes.iter().map(|take| take.mount));
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
                uuids.extend(partition.uuid.map(|uuid| uuid.to_string()));
                uuids.insert(partition.fs_uuid.clone().unwrap());
            }
            let each = if disk.label == Label::Gpt { 2 } else { 1 };
            assert_eq!(
                uuids.len() - table - before,
                each * created(disk).count(),
                "{disk:#?}"
            );
        }
    });
}

/// Groups of created partitions with nothing kept between them, with the bytes at which the free
/// space around each begins and ends.
fn groups(disk: &DiskPlan) -> Vec<(u64, Vec<&Partition>, u64)> {
    let is_kept = |p: &&Partition| p.action == PartitionAction::Keep;
    let container = disk
        .after
        .iter()
        .filter(is_kept)
        .find(|p| p.kind.is_container());
    let Some(container) = container else {
        // A new container only holds what is in line anyway.
        let all = disk.after.iter().filter(|p| !p.kind.is_container());
        return groups_of(all, (0, disk.size_bytes));
    };
    let (inside, outside): (Vec<&Partition>, Vec<&Partition>) = disk
        .after
        .iter()
        .partition(|p| is_logical(disk.label, p.number));
    let bounds = (container.start_bytes, end(container));
    let mut groups = groups_of(outside.into_iter(), (0, disk.size_bytes));
    groups.extend(groups_of(inside.into_iter(), bounds));
    groups
}

fn groups_of<'p>(
    partitions: impl Iterator<Item = &'p Partition>,
    (start, stop): (u64, u64),
) -> Vec<(u64, Vec<&'p Partition>, u64)> {
    let mut groups = vec![(start, Vec::new(), stop)];
    for partition in partitions {
        let group = groups.last_mut().unwrap();
        if partition.action == PartitionAction::Create {
            group.1.push(partition);
        } else {
            group.2 = partition.start_bytes;
            groups.push((end(partition), Vec::new(), stop));
        }
    }
    groups
}

#[test]
fn free_space_is_used_from_its_start_and_to_its_end_by_what_grows() {
    for_every_plan(|recipe, _, plan| {
        let of_disk = |disk| groups(disk).into_iter().map(move |group| (disk, group));
        for (disk, (start, partitions, stop)) in plan.disks.iter().flat_map(of_disk) {
            let entry = |p: &Partition| u64::from(is_logical(disk.label, p.number)) * MIB;
            let (Some(first), Some(last)) = (partitions.first(), partitions.last()) else {
                continue;
            };
            let hole = first.start_bytes - entry(first) - start;
            assert!(hole <= MIB, "a hole before {first:?}");
            for pair in partitions.windows(2) {
                assert_eq!(
                    end(pair[0]),
                    pair[1].start_bytes - entry(pair[1]),
                    "a hole after {:?}",
                    pair[0]
                );
            }
            let unlimited = |p: &&&Partition| {
                line(recipe, p).is_some_and(|part| part.grow && part.maxsize.is_none())
            };
            if partitions.iter().any(|p| unlimited(&p)) {
                // Less than the rounding, and at the disk's end the backup table.
                let stop = match disk.label {
                    Label::Gpt => stop,
                    Label::Mbr => stop.min(u64::from(u32::MAX) * u64::from(disk.sector_bytes)),
                };
                let left = stop - end(last);
                assert!(left < MIB + 33 * 4096, "{left} are left");
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
