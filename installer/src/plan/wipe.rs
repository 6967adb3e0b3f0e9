// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is lost: the stretches of a disk that are overwritten with zeros, and the same in words.
//!
//! Takes a disk with what stays on it and what comes; never a byte of what stays is wiped.

use super::claim::Claim;
use super::select::Usable;
use super::size::{MIB, human};
use super::spec::partition_name;
use super::table::is_container;
use super::{DiskPlan, Partition, PartitionAction, Wipe};
use crate::inventory::{self, Disk};

/// Heads and tails of what goes and of what comes, never a byte of what stays.
pub(super) fn wipes(usable: &Usable<'_>, after: &[Partition]) -> Vec<Wipe> {
    let goes = |p: &&inventory::Partition| !usable.keeps(p.number) && !is_container(p);
    let gone = usable.disk.partitions.iter().filter(goes);
    let mut places: Vec<(u64, u64)> = gone.map(|p| (p.start_bytes, p.size_bytes)).collect();
    let stays = |p: &&Partition| p.action == PartitionAction::Keep;
    let is_new = |p: &&Partition| !stays(p) && !p.kind.is_container();
    let created = after.iter().filter(is_new);
    places.extend(created.map(|p| (p.start_bytes, p.size_bytes)));
    if usable.relabel {
        places.push((0, usable.disk.size_bytes));
    }
    let spares = |wipe: &Wipe| {
        let mut kept = after.iter().filter(stays);
        kept.all(|kept| kept.kind.is_container() || !overlap(wipe, kept))
    };
    let inside = |wipe: &Wipe| end_of(wipe.start_bytes, wipe.size_bytes) <= usable.disk.size_bytes;
    places
        .into_iter()
        .flat_map(ends)
        .filter(|wipe| spares(wipe) && inside(wipe))
        .collect()
}

/// The code in the first sector of the boot disk, which a new one replaces as the last thing of all: until then the
/// disk does not start by an old one.
pub(super) fn boot_code(disks: &mut [DiskPlan], boot_disk: Option<&str>) {
    const CODE: Wipe = Wipe {
        start_bytes: 0,
        size_bytes: 440,
    };
    let disk = disks
        .iter_mut()
        .find(|disk| Some(disk.device.as_str()) == boot_disk);
    // A disk with a new table loses its beginning as a whole.
    if let Some(disk) = disk.filter(|disk| disk.wipes.iter().all(|wipe| wipe.start_bytes > 0)) {
        disk.wipes.push(CODE);
    }
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

fn overlap(wipe: &Wipe, kept: &Partition) -> bool {
    wipe.start_bytes < end_of(kept.start_bytes, kept.size_bytes)
        && kept.start_bytes < end_of(wipe.start_bytes, wipe.size_bytes)
}

const fn end_of(start: u64, size: u64) -> u64 {
    start.saturating_add(size)
}

/// A line for each thing that is lost.
pub(super) fn destroys(disks: &[Usable<'_>], claims: &[Claim<'_>]) -> Vec<String> {
    let all = disks.iter().enumerate();
    all.flat_map(|(index, usable)| {
        let of_disk = move |claim: &&Claim<'_>| claim.disk == index && claim.format;
        let formatted = claims.iter().filter(of_disk);
        let formatted = formatted.map(|claim| loss(usable.disk, claim.partition));
        losses(usable)
            .into_iter()
            .chain(formatted)
            .collect::<Vec<_>>()
    })
    .collect()
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
    let goes = |p: &&inventory::Partition| !usable.keeps(p.number) && !is_container(p);
    lines.extend(disk.partitions.iter().filter(goes).map(|p| loss(disk, p)));
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
