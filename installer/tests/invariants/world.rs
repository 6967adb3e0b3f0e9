// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random machines, and random kickstarts for them that are often carried out.

use landfall_installer::inventory::{Disk, Firmware, Inventory, Partition as Old};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::recipe::{Clear, Part, Recipe, Take};
use super::{BASIC, LINUX, LVM, MIB, SEED};

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
        Some("dos"),
        Some("dos"),
        None,
    ]);
    let fs = select(vec![None, None, Some("ntfs"), Some("LVM2_member")]);
    let in_use = prop::bool::weighted(0.03);
    let gaps = prop::collection::vec((0u64..4000, 1u64..4000, 0usize..6, 0u64..2048), 0..8);
    (sectors, prop::bool::ANY, table, fs, in_use, gaps).prop_map(
        move |(sectors, large, table, fs, in_use, gaps)| {
            let sector_bytes = if large { 4096 } else { 512 };
            let size_bytes = sectors * 512 / u64::from(sector_bytes) * u64::from(sector_bytes);
            let partitions = if table.is_some() { gaps } else { Vec::new() };
            Disk {
                partitions: if table == Some("dos") {
                    old_mbr(&partitions, size_bytes, sector_bytes)
                } else {
                    old_partitions(&partitions, size_bytes, sector_bytes)
                },
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

pub(crate) fn blank(name: &str) -> Disk {
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
        source: false,
        table: None,
        table_entries: None,
        fs: None,
        label: None,
        fs_uuid: None,
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
        (LINUX, Some("ext4")),
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
            kind: kind.to_owned(),
            uuid: Some(Uuid::new_v5(
                &SEED,
                &[sector.to_le_bytes()[1], number.to_le_bytes()[0]],
            )),
            name: Some(format!("old {number}")),
            ..found(number, start, end - start, fs)
        });
    }
    old
}

fn found(number: u32, start_bytes: u64, size_bytes: u64, fs: Option<&str>) -> Old {
    Old {
        number,
        start_bytes,
        size_bytes,
        kind: String::new(),
        uuid: None,
        name: None,
        fs: fs.map(str::to_owned),
        label: Some(format!("label{number}")),
        fs_uuid: Some(format!("{number:04}-ABCD")),
        active: false,
        min_bytes: (fs == Some("ext4")).then_some(size_bytes / 3),
    }
}

/// The same on an MBR: from the fourth on in a container, each with its entry before it.
fn old_mbr(gaps: &[(u64, u64, usize, u64)], size: u64, sector: u32) -> Vec<Old> {
    const KINDS: [&str; 6] = ["83", "8e", "7", "83", "8e", "7"];
    let sector = u64::from(sector);
    let mut old = old_partitions(gaps, size.min(1 << 41), sector.try_into().unwrap());
    for (index, one) in old.iter_mut().enumerate() {
        let number = u32::try_from(index).unwrap() + if index < 3 { 1 } else { 2 };
        let kind = gaps[index].2;
        *one = Old {
            kind: KINDS[kind].to_owned(),
            ..found(number, one.start_bytes, one.size_bytes, one.fs.as_deref())
        };
        if index >= 3 && one.size_bytes > 4 * sector {
            one.start_bytes += 2 * sector;
            one.size_bytes -= 2 * sector;
        }
    }
    old.retain(|one| one.number < 4 || one.size_bytes > 4 * sector);
    let first = old.iter().position(|one| one.number > 4);
    let bounds = first.map(|first| (old[first].start_bytes - 2 * sector, old.last().unwrap()));
    let Some((start, last)) = bounds else {
        return old;
    };
    let end = last.start_bytes + last.size_bytes + (size - last.start_bytes - last.size_bytes) / 2;
    let end = end.min((1 << 41) - sector) / sector * sector;
    let container = Old {
        kind: "f".to_owned(),
        fs_uuid: None,
        label: None,
        ..found(4, start, end - start, None)
    };
    old.insert(first.unwrap(), container);
    old
}

pub(crate) fn inventory(disks: Vec<Disk>) -> Inventory {
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
    let mode = select(vec!["all", "all", "linux", "linux", "none", "none"]);
    let msdos = prop::bool::weighted(0.3);
    (mode, list, drives, prop::bool::ANY, msdos).prop_map(
        |(mode, list, drives, initlabel, msdos)| Clear {
            mode,
            list,
            drives,
            initlabel,
            msdos,
        },
    )
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
            takes: Vec::new(),
            reqpart,
            parts,
        },
    )
}

/// Lines about what stays, so that most of them can be carried out.
fn takes(recipe: &Recipe, disks: &[Disk]) -> impl Strategy<Value = Vec<Take>> + use<> {
    const MOUNTS: [&str; 3] = ["/opt/one", "/var/lib/two", "/three"];
    let stays = |disk: &&Disk| recipe.may_use(disk) && !recipe.relabels(disk);
    let of_disk = |disk: &Disk| -> Vec<(String, Old)> {
        let stays = |old: &&Old| !recipe.removes(disk, old) && old.fs.as_deref() == Some("ext4");
        let old = disk.partitions.iter().filter(stays);
        old.map(|old| (format!("{}{}", disk.name(), old.number), old.clone()))
            .collect()
    };
    let all: Vec<_> = disks.iter().filter(stays).flat_map(of_disk).collect();
    let most = all.len().min(MOUNTS.len());
    (
        subsequence(all, 0..=most),
        prop::collection::vec((prop::bool::ANY, 0u64..13), 3),
    )
        .prop_map(|(taken, ways)| {
            let with = taken.into_iter().zip(MOUNTS).zip(ways);
            with.map(|(((name, old), mount), (keep, tenths))| Take {
                name,
                mount,
                keep: keep || old.size_bytes < 400 * MIB,
                // From a half to nearly all of its size, or more if there happens to be room.
                resize: match tenths {
                    0..5 => None,
                    5..10 => Some((old.size_bytes / MIB * tenths / 10).max(1)),
                    _ => Some(old.size_bytes / MIB + 1),
                },
            })
            .collect()
        })
}

pub(crate) fn worlds() -> impl Strategy<Value = (Recipe, Inventory)> {
    (1..=NAMES.len())
        .prop_flat_map(disks)
        .prop_flat_map(|disks| (recipe(&disks), Just(disks)))
        .prop_flat_map(|(recipe, disks)| (takes(&recipe, &disks), Just(recipe), Just(disks)))
        .prop_flat_map(|(takes, recipe, disks)| {
            let recipe = Recipe { takes, ..recipe };
            // Only another firmware than a PC's starts from an MBR by UEFI.
            let arch = select(vec!["amd64", "arm64"]);
            (Just(recipe), Just(disks), arch)
        })
        .prop_map(|(recipe, disks, arch)| {
            let inventory = Inventory {
                arch: arch.to_owned(),
                ..inventory(disks)
            };
            (recipe, inventory)
        })
}
