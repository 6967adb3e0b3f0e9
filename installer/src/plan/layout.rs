// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Places become partitions: numbers, names, UUIDs, the formatting command.
//!
//! Takes the disks and the places from [`super::allocate`], gives each changed disk before and
//! after. UUIDs are version 5 of the seed and the partition's role, so the same seed and input
//! give the same disk.

use uuid::Uuid;

use super::allocate::Placed;
use super::filesystem::FileSystem;
use super::select::{Usable, partition_name};
use super::size::{MIB, human};
use super::{DiskPlan, Partition, PartitionAction, PartitionBefore, Wipe};
use crate::inventory::{self, Disk};

/// The disks that change; a disk on which nothing is placed and nothing is removed is left out, but for the boot disk.
pub(super) fn disk_plans(
    disks: &[Usable<'_>],
    boot: Option<usize>,
    placed: Vec<Placed>,
    seed: Uuid,
) -> Vec<DiskPlan> {
    let mut by_disk: Vec<Vec<Placed>> = disks.iter().map(|_| Vec::new()).collect();
    for place in placed {
        by_disk[place.disk].push(place);
    }
    disks
        .iter()
        .zip(by_disk)
        .enumerate()
        .filter(|(index, (usable, placed))| {
            let is_changed = usable.relabel || usable.kept.len() < usable.disk.partitions.len();
            is_changed || !placed.is_empty() || Some(*index) == boot
        })
        .map(|(index, (usable, placed))| disk_plan(index, usable, placed, seed))
        .collect()
}

fn disk_plan(index: usize, usable: &Usable<'_>, mut placed: Vec<Placed>, seed: Uuid) -> DiskPlan {
    placed.sort_by_key(|place| place.start);
    let mut numbers = free_numbers(usable);
    let mut after: Vec<Partition> = usable.kept.iter().map(|kept| keep(kept)).collect();
    after.extend(
        placed
            .into_iter()
            .zip(&mut numbers)
            .map(|(place, number)| create(place, number, seed)),
    );
    after.sort_by_key(|partition| partition.start_bytes);
    let disk = usable.disk;
    DiskPlan {
        device: disk.device.clone(),
        by_id: disk.by_id().map(str::to_owned),
        image_file: disk.image_file,
        size_bytes: disk.size_bytes,
        sector_bytes: disk.sector_bytes,
        label: "gpt".to_owned(),
        label_uuid: usable
            .relabel
            .then(|| role_uuid(seed, &format!("disk {index}"))),
        wipes: wipes(usable, &after),
        before: before(usable),
        after,
    }
}

/// Heads and tails of what goes and of what comes, never a byte of what stays.
fn wipes(usable: &Usable<'_>, after: &[Partition]) -> Vec<Wipe> {
    let stays = |number| usable.kept.iter().any(|kept| kept.number == number);
    let gone = usable.disk.partitions.iter().filter(|p| !stays(p.number));
    let mut places: Vec<(u64, u64)> = gone.map(|p| (p.start_bytes, p.size_bytes)).collect();
    let created = after.iter().filter(|p| p.action == PartitionAction::Create);
    places.extend(created.map(|p| (p.start_bytes, p.size_bytes)));
    if usable.relabel {
        places.push((0, usable.disk.size_bytes));
    }
    let spares = |wipe: &Wipe| usable.kept.iter().all(|kept| !overlap(wipe, kept));
    let inside = |wipe: &Wipe| end_of(wipe.start_bytes, wipe.size_bytes) <= usable.disk.size_bytes;
    places
        .into_iter()
        .flat_map(ends)
        .filter(|wipe| spares(wipe) && inside(wipe))
        .collect()
}

/// The first and the last MiB of a place, or all of a smaller one.
fn ends((start_bytes, size): (u64, u64)) -> [Wipe; 2] {
    let size_bytes = size.min(MIB);
    let tail = start_bytes.saturating_add(size - size_bytes);
    [
        Wipe {
            start_bytes,
            size_bytes,
        },
        Wipe {
            start_bytes: tail,
            size_bytes,
        },
    ]
}

fn overlap(wipe: &Wipe, kept: &inventory::Partition) -> bool {
    wipe.start_bytes < end_of(kept.start_bytes, kept.size_bytes)
        && kept.start_bytes < end_of(wipe.start_bytes, wipe.size_bytes)
}

const fn end_of(start: u64, size: u64) -> u64 {
    start.saturating_add(size)
}

fn before(usable: &Usable<'_>) -> Vec<PartitionBefore> {
    let stays = |number| usable.kept.iter().any(|kept| kept.number == number);
    let fate = |number| {
        if stays(number) {
            PartitionAction::Keep
        } else {
            PartitionAction::Delete
        }
    };
    usable
        .disk
        .partitions
        .iter()
        .map(|partition| PartitionBefore {
            partition: partition.clone(),
            action: fate(partition.number),
        })
        .collect()
}

fn free_numbers(usable: &Usable<'_>) -> impl Iterator<Item = u32> {
    let taken: Vec<u32> = usable.kept.iter().map(|kept| kept.number).collect();
    (1..).filter(move |number| !taken.contains(number))
}

fn keep(kept: &inventory::Partition) -> Partition {
    Partition {
        number: kept.number,
        start_bytes: kept.start_bytes,
        size_bytes: kept.size_bytes,
        kind: kept.kind.parse().unwrap_or_default(),
        uuid: kept.uuid,
        name: kept.name.clone().unwrap_or_default(),
        no_auto: false,
        fs: kept.fs.as_deref().and_then(FileSystem::from_name),
        fs_uuid: kept.fs_uuid.clone(),
        fs_label: kept.label.clone(),
        features: Vec::new(),
        mkfs: None,
        mount: None,
        mount_options: None,
        action: PartitionAction::Keep,
    }
}

fn create(place: Placed, number: u32, seed: Uuid) -> Partition {
    let request = place.request;
    let role = request
        .mount
        .clone()
        .unwrap_or_else(|| format!("{} {} {}", request.fs.name(), place.disk, place.start));
    let fs_uuid = file_system_uuid(request.fs, role_uuid(seed, &format!("file system {role}")));
    Partition {
        number,
        start_bytes: place.start * MIB,
        size_bytes: place.size * MIB,
        kind: request.kind,
        uuid: Some(role_uuid(seed, &format!("partition {role}"))),
        name: request.name.to_owned(),
        no_auto: is_mounted_by_type(&role),
        fs: Some(request.fs),
        mkfs: request.fs.mkfs(&fs_uuid, request.label.as_deref()),
        fs_uuid: (request.fs != FileSystem::BiosBoot).then_some(fs_uuid),
        fs_label: request.label,
        features: request.fs.features(),
        mount: request.mount,
        mount_options: request.options,
        action: PartitionAction::Create,
    }
}

fn role_uuid(seed: Uuid, role: &str) -> Uuid {
    Uuid::new_v5(&seed, role.as_bytes())
}

/// systemd mounts partitions of these types by itself, at paths that are symbolic links in an
/// ostree system (`/home`), or others than the kickstart's (`/var/tmp` for a `/tmp`).
fn is_mounted_by_type(mount: &str) -> bool {
    matches!(mount, "/home" | "/srv" | "/var" | "/tmp")
}

/// FAT has a 32-bit serial in place of a UUID.
fn file_system_uuid(fs: FileSystem, uuid: Uuid) -> String {
    if fs != FileSystem::Vfat {
        return uuid.to_string();
    }
    let [a, b, c, d, ..] = *uuid.as_bytes();
    format!("{a:02X}{b:02X}-{c:02X}{d:02X}")
}

/// A line for each thing that is lost.
pub(super) fn destroys(disks: &[Usable<'_>]) -> Vec<String> {
    disks.iter().flat_map(losses).collect()
}

fn losses(usable: &Usable<'_>) -> Vec<String> {
    let disk = usable.disk;
    let whole = disk.fs.as_deref().filter(|_| usable.relabel);
    let mut lines: Vec<String> = whole
        .map(|fs| {
            format!(
                "{}: {fs} on the whole disk, {}",
                disk.device,
                human(disk.size_bytes)
            )
        })
        .into_iter()
        .collect();
    let stays = |number| usable.kept.iter().any(|kept| kept.number == number);
    lines.extend(
        disk.partitions
            .iter()
            .filter(|p| !stays(p.number))
            .map(|p| loss(disk, p)),
    );
    lines
}

fn loss(disk: &Disk, partition: &inventory::Partition) -> String {
    let what = partition.fs.as_deref().unwrap_or("unknown content");
    let label = partition
        .label
        .as_deref()
        .map(|l| format!(" `{l}`"))
        .unwrap_or_default();
    let name = partition_name(disk, partition.number);
    format!("{name}: {what}{label}, {}", human(partition.size_bytes))
}
