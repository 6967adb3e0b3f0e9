// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every plan of the planner's tests is written to an empty disk image, and `sfdisk` reads what the plan says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;
use tempfile::NamedTempFile;

use super::*;
use crate::engine::tool::Tool;
use crate::plan::{PartitionBefore, Plan};

#[derive(Deserialize)]
struct Sfdisk {
    partitiontable: Table,
}

#[derive(Deserialize)]
struct Table {
    label: String,
    id: String,
    #[serde(default)]
    partitions: Vec<Found>,
}

/// A partition as `sfdisk` tells it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Found {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    attrs: String,
    #[serde(default)]
    bootable: bool,
}

const SECTOR: u64 = 512;
const BOOT_CODE: [u8; 440] = [0xb0; 440];

fn plans() -> Vec<(String, Plan)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/plan");
    let mut plans = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".plan.json") {
            let text = fs::read_to_string(&path).unwrap();
            plans.push((name, serde_json::from_str(&text).unwrap()));
        }
    }
    plans
}

fn is_new(disk: &DiskPlan) -> bool {
    disk.label_uuid.is_some() || disk.label_id.is_some()
}

/// An image of the disk with the table that the plan was made for, and with boot code.
fn image(disk: &DiskPlan) -> NamedTempFile {
    let image = NamedTempFile::new().unwrap();
    image.as_file().set_len(disk.size_bytes).unwrap();
    if !is_new(disk) {
        let label = match disk.label {
            Label::Gpt => "gpt\nfirst-lba: 34",
            Label::Mbr => "dos\nlabel-id: 0x12345678",
        };
        let lines: String = disk
            .before
            .iter()
            .map(|before| line(before) + "\n")
            .collect();
        let script = format!("label: {label}\n\n{lines}");
        let path = image.path().as_os_str();
        Tool::Sfdisk
            .with(["--quiet".as_ref(), "--force".as_ref(), path])
            .feed(script.as_bytes())
            .unwrap();
    }
    image.as_file().write_all_at(&BOOT_CODE, 0).unwrap();
    image
}

/// A line of a script for `sfdisk`.
fn line(before: &PartitionBefore) -> String {
    let old = &before.partition;
    let (start, size) = (old.start_bytes / SECTOR, old.size_bytes / SECTOR);
    let mut line = format!(
        "{} : start={start}, size={size}, type={}",
        old.number, old.kind
    );
    if let Some(uuid) = old.uuid {
        let _ = write!(line, ", uuid={uuid}");
    }
    if let Some(name) = &old.name {
        let _ = write!(line, ", name=\"{name}\"");
    }
    if old.active {
        line += ", bootable";
    }
    line
}

fn table(image: &NamedTempFile) -> Table {
    let path = image.path().as_os_str();
    let json = Tool::Sfdisk
        .with(["--json".as_ref(), path])
        .output()
        .unwrap();
    serde_json::from_str::<Sfdisk>(&json)
        .unwrap()
        .partitiontable
}

fn found(table: Table) -> BTreeMap<u32, Found> {
    let number = |found: &Found| {
        let digits = found.node.rfind(|c: char| !c.is_ascii_digit()).unwrap();
        found.node[digits + 1..].parse().unwrap()
    };
    let with_number = |found: Found| {
        let node = String::new();
        (number(&found), Found { node, ..found })
    };
    table.partitions.into_iter().map(with_number).collect()
}

fn planned(disk: &DiskPlan) -> BTreeMap<u32, Found> {
    let of = |partition: &Partition| Found {
        node: String::new(),
        start: partition.start_bytes / SECTOR,
        size: partition.size_bytes / SECTOR,
        kind: match partition.kind {
            PartitionType::Guid(guid) => guid.to_string().to_ascii_uppercase(),
            PartitionType::Byte(byte) => format!("{byte:x}"),
        },
        uuid: partition
            .uuid
            .map(|uuid| uuid.to_string().to_ascii_uppercase()),
        name: partition.name.clone(),
        attrs: if partition.no_auto { "GUID:63" } else { "" }.to_owned(),
        bootable: partition.active,
    };
    disk.after.iter().map(|p| (p.number, of(p))).collect()
}

#[test]
fn sfdisk_reads_every_planned_table_from_what_is_written() {
    let mut kinds = BTreeMap::new();
    for (name, plan) in plans() {
        for disk in plan
            .disks
            .iter()
            .filter(|disk| u64::from(disk.sector_bytes) == SECTOR)
        {
            let image = image(disk);
            write(disk, image.reopen().unwrap()).unwrap();
            let table = table(&image);
            let (label, id) = match disk.label {
                Label::Gpt => (
                    "gpt",
                    disk.label_uuid
                        .map(|uuid| uuid.to_string().to_ascii_uppercase()),
                ),
                Label::Mbr => (
                    "dos",
                    Some(format!("0x{:08x}", disk.label_id.unwrap_or(0x1234_5678))),
                ),
            };
            assert_eq!(table.label, label, "{name} {}", disk.device);
            assert!(
                id.is_none_or(|id| id == table.id),
                "{name} {}: {}",
                disk.device,
                table.id
            );
            assert_eq!(found(table), planned(disk), "{name} {}", disk.device);
            let mut code = [0; BOOT_CODE.len()];
            image.as_file().read_exact_at(&mut code, 0).unwrap();
            // On the disk that a BIOS starts from, GRUB's code comes as the last thing of all.
            let is_wiped = disk.wipes.iter().any(|wipe| wipe.start_bytes == 0);
            let expected = if is_new(disk) || is_wiped {
                [0; BOOT_CODE.len()]
            } else {
                BOOT_CODE
            };
            assert_eq!(code, expected, "{name}: boot code");
            *kinds.entry((label, is_new(disk))).or_insert(0) += 1;
        }
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 3), "{kinds:?}");
}

/// What is taken up after a failure is found by these bytes.
#[test]
fn a_written_mbr_is_known_again_and_a_changed_one_is_not() {
    let is_mbr = |disk: &DiskPlan| disk.label_id.is_some();
    let all: Vec<DiskPlan> = plans()
        .into_iter()
        .flat_map(|(_, plan)| plan.disks)
        .filter(is_mbr)
        .collect();
    assert!(!all.is_empty());
    for disk in &all {
        let image = image(disk);
        write(disk, image.reopen().unwrap()).unwrap();
        image.as_file().write_all_at(&BOOT_CODE, 0).unwrap();
        assert!(has_mbr(image.as_file(), disk).unwrap());
        for (number, _) in mbr::sectors(disk, 0).unwrap() {
            let (mut byte, at) = ([0], place_of(disk, number) + 20);
            image.as_file().read_exact_at(&mut byte, at).unwrap();
            image.as_file().write_all_at(&[byte[0] ^ 1], at).unwrap();
            assert!(!has_mbr(image.as_file(), disk).unwrap(), "sector {number}");
            image.as_file().write_all_at(&byte, at).unwrap();
        }
    }
}

#[test]
fn a_disk_that_udev_looks_at_after_a_change_is_waited_for() {
    let (_, plan) = plans().remove(0);
    let file = NamedTempFile::new().unwrap();
    let disk = DiskPlan {
        device: file.path().to_str().unwrap().to_owned(),
        image_file: true,
        ..plan.disks[0].clone()
    };
    let disks = [disk];
    flock(file.as_file(), FlockOperation::LockShared).unwrap();
    let error = open_all(&disks).unwrap_err();
    assert!(is_busy(&error), "{error}");
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| open_again(&disks));
        sleep(Duration::from_millis(500));
        flock(file.as_file(), FlockOperation::Unlock).unwrap();
        opened.join().unwrap().unwrap();
    });
}
