// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes the planned partition tables.
//!
//! Here the first byte of an installation is written. Old contents lose their signatures before
//! the new table appears, so that an interrupted installation leaves no file system, and no boot
//! loader, that could be taken for a valid one. Which bytes those are is in the plan.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gptman::{GPT, GPTPartitionEntry};
use rustix::fs::{FlockOperation, OFlags, flock};

use super::error::EngineError;
use super::mbr;
use super::node;
use crate::plan::{DiskPlan, Label, Partition, PartitionAction, PartitionType};

/// Opens every disk for writing. Image files that are not there are made, sparse, and removed
/// again if another disk cannot be opened.
pub(super) fn open_all(disks: &[DiskPlan]) -> Result<Vec<File>, EngineError> {
    let mut files = Vec::new();
    let mut made: Vec<&str> = Vec::new();
    for disk in disks {
        let is_new = disk.image_file && !Path::new(&disk.device).exists();
        let opened = open(disk, is_new);
        if is_new && Path::new(&disk.device).exists() {
            made.push(&disk.device);
        }
        match opened {
            Ok(file) => files.push(file),
            Err(e) => {
                for path in made {
                    // The error that is told is the first one.
                    let _ = std::fs::remove_file(path);
                }
                return Err(EngineError::io(format!("opening `{}`", disk.device), e));
            }
        }
    }
    Ok(files)
}

/// Opens them once more after something on them was changed: udev, and whoever else listens to it, looks at that, and
/// locks the disk meanwhile.
pub(super) fn open_again(disks: &[DiskPlan]) -> Result<Vec<File>, EngineError> {
    const PATIENCE: Duration = Duration::from_secs(10);
    const INTERVAL: Duration = Duration::from_millis(100);
    node::settle()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match open_all(disks) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => sleep(INTERVAL),
            opened => return opened,
        }
    }
}

fn is_busy(error: &EngineError) -> bool {
    use std::io::ErrorKind::{ResourceBusy, WouldBlock};
    let EngineError::Io { source, .. } = error else {
        return false;
    };
    matches!(source.kind(), ResourceBusy | WouldBlock)
}

fn open(disk: &DiskPlan, is_new: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(is_new);
    if !disk.image_file {
        // The kernel refuses a block device that anything else has mounted or holds.
        options.custom_flags(OFlags::EXCL.bits().cast_signed());
    }
    let file = options.open(&disk.device)?;
    if is_new {
        file.set_len(disk.size_bytes)?;
    }
    // udev leaves a locked block device alone.
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Brings the disk's table into the planned state.
pub(super) fn write(disk: &DiskPlan, mut file: File) -> Result<(), EngineError> {
    let context = |doing: &str| format!("{doing} `{}`", disk.device);
    wipe(&mut file, disk).map_err(|e| EngineError::io(context("wiping old contents of"), e))?;
    write_table(&mut file, disk)
        .map_err(|e| EngineError::io(context("writing the partition table of"), e))?;
    file.sync_all()
        .map_err(|e| EngineError::io(context("flushing"), e))
}

fn wipe(file: &mut File, disk: &DiskPlan) -> std::io::Result<()> {
    for wipe in &disk.wipes {
        file.seek(SeekFrom::Start(wipe.start_bytes))?;
        std::io::copy(&mut std::io::repeat(0).take(wipe.size_bytes), file)?;
    }
    file.flush()
}

fn write_table(file: &mut File, disk: &DiskPlan) -> std::io::Result<()> {
    match disk.label {
        Label::Gpt => write_gpt(file, disk).map_err(|e| std::io::Error::other(e.to_string())),
        Label::Mbr => write_mbr(file, disk),
    }
}

fn write_gpt(file: &mut File, disk: &DiskPlan) -> gptman::Result<()> {
    let sector = u64::from(disk.sector_bytes);
    let mut table = match disk.label_uuid {
        Some(uuid) => GPT::new_from(file, sector, uuid.to_bytes_le())?,
        None => read_table(file, sector)?,
    };
    let stays = |p: &&Partition| p.action != PartitionAction::Create;
    let stays = |number| disk.after.iter().filter(stays).any(|p| p.number == number);
    let all: Vec<u32> = table.iter().map(|(number, _)| number).collect();
    for number in all.into_iter().filter(|number| !stays(*number)) {
        table[number] = GPTPartitionEntry::empty();
    }
    for partition in &disk.after {
        let new = entry(partition, sector);
        let before = table[partition.number].clone();
        table[partition.number] = match partition.action {
            PartitionAction::Create => new,
            // Its identity and name stay, and so do attributes that others have set.
            action => GPTPartitionEntry {
                partition_type_guid: if action == PartitionAction::Format {
                    new.partition_type_guid
                } else {
                    before.partition_type_guid
                },
                ending_lba: new.ending_lba,
                attribute_bits: before.attribute_bits | new.attribute_bits,
                ..before
            },
        };
    }
    if disk.label_uuid.is_some() {
        GPT::write_protective_mbr_into(file, sector)?;
    }
    table.write_into(file).map(drop)
}

/// Boot code stays, and so does the identifier of a table that stays.
fn write_mbr(file: &mut File, disk: &DiskPlan) -> std::io::Result<()> {
    let identifier = identifier(file)?;
    for (number, bytes) in mbr::sectors(disk, identifier)? {
        file.write_all_at(&bytes, place_of(disk, number))?;
    }
    Ok(())
}

/// Whether the disk has the planned MBR, which is a new one.
pub(super) fn has_mbr(file: &File, disk: &DiskPlan) -> std::io::Result<bool> {
    for (number, planned) in mbr::sectors(disk, 0)? {
        let mut found = [0; mbr::LENGTH];
        file.read_exact_at(&mut found, place_of(disk, number))?;
        if found != planned {
            return Ok(false);
        }
    }
    Ok(true)
}

fn place_of(disk: &DiskPlan, number: u64) -> u64 {
    number * u64::from(disk.sector_bytes) + mbr::AT as u64
}

fn identifier(file: &File) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, mbr::AT as u64)?;
    Ok(u32::from_le_bytes(bytes))
}

/// The table that stays, with its backup at the disk's real end.
fn read_table(file: &mut File, sector: u64) -> gptman::Result<GPT> {
    let mut table = GPT::read_from(file, sector)?;
    table.header.update_from(file, sector)?;
    Ok(table)
}

/// Bit of a GPT entry's attributes that keeps systemd from mounting the partition by its type.
const NO_AUTO: u32 = 63;

pub(super) fn entry(partition: &Partition, sector: u64) -> GPTPartitionEntry {
    GPTPartitionEntry {
        partition_type_guid: match partition.kind {
            PartitionType::Guid(guid) => guid.to_bytes_le(),
            PartitionType::Byte(_) => [0; 16],
        },
        unique_partition_guid: partition.uuid.unwrap_or_default().to_bytes_le(),
        starting_lba: partition.start_bytes / sector,
        ending_lba: (partition.start_bytes + partition.size_bytes) / sector - 1,
        attribute_bits: u64::from(partition.no_auto) << NO_AUTO,
        partition_name: partition.name.as_str().into(),
    }
}

#[cfg(test)]
mod tests;
