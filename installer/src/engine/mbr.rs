// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An MBR as sectors: the first of the disk, and one before each logical partition.
//!
//! Takes a planned disk; gives every sector of its table, to be written or compared. Boot code is no
//! part of it. The logical partitions are a chain in the order of their numbers: the first entry lies
//! where the container begins, each other in the sector before its partition, which nothing else can use.

use std::io;

use crate::plan::{DiskPlan, Partition};

/// A sector's number and the bytes at [`AT`] of it.
pub(super) type Sector = (u64, [u8; LENGTH]);

/// Where the identifier of the disk lies; before it is boot code.
pub(super) const AT: usize = 440;
/// From there to the signature.
pub(super) const LENGTH: usize = 512 - AT;

const ENTRIES: usize = 446 - AT;
const SIGNATURE: usize = 510 - AT;
/// Type of the link from one logical partition to the next.
const LINK: u8 = 0x05;

/// One line of a table: sectors are counted from where the table says.
struct Entry {
    active: bool,
    kind: u8,
    start: u64,
    sectors: u64,
}

/// All sectors of the table, the disk's first one before all others. `identifier` is the disk's; a new table has
/// its own.
pub(super) fn sectors(disk: &DiskPlan, identifier: u32) -> io::Result<Vec<Sector>> {
    let sector = u64::from(disk.sector_bytes);
    let (logical, primary): (Vec<&Partition>, Vec<&Partition>) =
        disk.after.iter().partition(|p| is_logical(p));
    let mut first = table(disk.label_id.unwrap_or(identifier));
    for partition in &primary {
        let slot = (partition.number - 1) as usize;
        put(&mut first, slot, &entry(partition, sector, 0)?)?;
    }
    let mut all = vec![(0, first)];
    let container = primary.iter().find(|p| p.kind.is_container());
    let Some(container) = container else {
        return Ok(all);
    };
    let base = container.start_bytes / sector;
    all.extend(chain(base, logical, sector)?);
    Ok(all)
}

/// The sectors of the logical partitions; an empty container has one without entries.
fn chain(base: u64, mut logical: Vec<&Partition>, sector: u64) -> io::Result<Vec<Sector>> {
    logical.sort_by_key(|partition| partition.number);
    let place = |index: usize, partition: &Partition| match index {
        0 => base,
        _ => partition.start_bytes / sector - 1,
    };
    if logical.is_empty() {
        return Ok(vec![(base, table(0))]);
    }
    let mut all = Vec::new();
    for (index, partition) in logical.iter().enumerate() {
        let at = place(index, partition);
        let mut own = table(0);
        put(&mut own, 0, &entry(partition, sector, at)?)?;
        if let Some(next) = logical.get(index + 1) {
            let start = place(index + 1, next);
            let link = Entry {
                active: false,
                kind: LINK,
                start: start - base,
                sectors: (next.start_bytes + next.size_bytes) / sector - start,
            };
            put(&mut own, 1, &link)?;
        }
        all.push((at, own));
    }
    Ok(all)
}

/// Whether the partition lies in a container.
pub(super) fn is_logical(partition: &Partition) -> bool {
    partition.number > 4
}

fn table(identifier: u32) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..4].copy_from_slice(&identifier.to_le_bytes());
    bytes[SIGNATURE..].copy_from_slice(&[0x55, 0xaa]);
    bytes
}

fn entry(partition: &Partition, sector: u64, from: u64) -> io::Result<Entry> {
    let crate::plan::PartitionType::Byte(kind) = partition.kind else {
        return Err(invalid(partition.number));
    };
    let start = (partition.start_bytes / sector).checked_sub(from);
    Ok(Entry {
        active: partition.active,
        kind,
        start: start.ok_or_else(|| invalid(partition.number))?,
        sectors: partition.size_bytes / sector,
    })
}

fn invalid(number: u32) -> io::Error {
    let message = format!("partition {number} does not fit into an MBR");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Cylinders, heads and sectors are given as beyond their range: everything since 1995 reads the numbers behind them.
fn put(bytes: &mut [u8; LENGTH], slot: usize, entry: &Entry) -> io::Result<()> {
    const BEYOND: [u8; 3] = [0xfe, 0xff, 0xff];
    let wrong = || invalid(u32::try_from(slot).unwrap_or(0) + 1);
    let at = ENTRIES + slot * 16;
    let line = bytes.get_mut(at..at + 16).filter(|_| slot < 4);
    let line = line.ok_or_else(wrong)?;
    let number = |value: u64| u32::try_from(value).map_err(|_| wrong());
    line[0] = if entry.active { 0x80 } else { 0 };
    line[1..4].copy_from_slice(&BEYOND);
    line[4] = entry.kind;
    line[5..8].copy_from_slice(&BEYOND);
    line[8..12].copy_from_slice(&number(entry.start)?.to_le_bytes());
    line[12..].copy_from_slice(&number(entry.sectors)?.to_le_bytes());
    Ok(())
}
