// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Resizing partitions that stay: how far, and the commands for their file systems.
//!
//! A file system shrinks before its partition and grows after it. What becomes a new file system
//! anyway has no command. Limits come from the inventory and from what lies behind the partition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim::Claim;
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::select::Usable;
use super::size::{MIB, human};
use super::spec::partition_name;
use super::table::is_logical;

/// A partition that gets another size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resize {
    /// Size in bytes before.
    pub from_bytes: u64,
    /// Commands for its file system, in order; none where a new one is made.
    pub commands: Vec<ResizeCommand>,
}

/// A command that resizes a file system, or prepares for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResizeCommand {
    /// Program and arguments; the word `{}` stands for the device, or for where it is mounted.
    pub argv: Vec<String>,
    /// Exit statuses besides 0 that are no failure.
    pub tolerate: Vec<i32>,
    /// The file system is mounted meanwhile.
    pub mounted: bool,
}

impl Resize {
    /// What brings `claim` to its size; none where it has it.
    pub(super) fn of(claim: &Claim<'_>) -> Option<Self> {
        let (from, to) = (claim.partition.size_bytes, claim.size_bytes);
        (from != to).then(|| Self {
            from_bytes: from,
            commands: if claim.format {
                Vec::new()
            } else {
                commands(claim.request.fs, from, to)
            },
        })
    }

    /// Whether the partition becomes smaller than it was.
    pub fn shrinks(&self, size_bytes: u64) -> bool {
        size_bytes < self.from_bytes
    }
}

fn commands(fs: FileSystem, from: u64, to: u64) -> Vec<ResizeCommand> {
    let command = |words: &[&str], tolerate: &[i32], mounted| ResizeCommand {
        argv: words.iter().map(ToString::to_string).collect(),
        tolerate: tolerate.to_vec(),
        mounted,
    };
    match fs {
        FileSystem::Ext4 => {
            // It resizes only what has just been checked; 1 says that something was mended.
            let check = command(&["e2fsck", "-f", "-p", "{}"], &[1], false);
            let kib = format!("{}K", to / 1024);
            let resize: &[&str] = if to < from {
                &["resize2fs", "{}", &kib]
            } else {
                &["resize2fs", "{}"]
            };
            vec![check, command(resize, &[], false)]
        }
        FileSystem::Xfs => vec![command(&["xfs_growfs", "-d", "{}"], &[], true)],
        FileSystem::Btrfs => {
            let size = if to < from {
                to.to_string()
            } else {
                "max".to_owned()
            };
            let words = ["btrfs", "filesystem", "resize", &size, "{}"];
            vec![command(&words, &[], true)]
        }
        _ => Vec::new(),
    }
}

/// The size in bytes that `--resize --size` asks for, if the partition can have it.
pub(super) fn target(
    claim: &Claim<'_>,
    mib: u64,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<u64> {
    let usable = &disks[claim.disk];
    let (size, to) = (claim.partition.size_bytes, mib.saturating_mul(MIB));
    let room = room(claim, usable);
    let (least, most) = limits(claim, room);
    if (least..=most).contains(&to) {
        return Some(to);
    }
    let name = partition_name(usable.disk, claim.partition.number);
    let help = match (least == size, most == size) {
        (true, true) => format!("its size can only stay {}", human(size)),
        _ => format!("from {} to {} is possible", human(least), human(most)),
    };
    let message = format!("`{name}` cannot be resized to {}", human(to));
    let issue = issues.error(Code::SizeInvalid, message).help(help);
    issue.location.clone_from(&claim.request.location);
    None
}

/// Smallest and largest size in bytes.
fn limits(claim: &Claim<'_>, room: u64) -> (u64, u64) {
    let size = claim.partition.size_bytes;
    let fs = claim.request.fs;
    if claim.format {
        return (fs.min_bytes(), room);
    }
    match fs {
        FileSystem::Ext4 => (claim.partition.min_bytes.unwrap_or(size), room),
        FileSystem::Btrfs => (fs.min_bytes(), room),
        FileSystem::Xfs => (size, room),
        _ => (size, size),
    }
}

/// Bytes from the partition's start to whatever comes behind it.
fn room(claim: &Claim<'_>, usable: &Usable<'_>) -> u64 {
    let (label, partition) = (usable.label, claim.partition);
    let start = partition.start_bytes;
    let inside = is_logical(label, partition);
    let sector = u64::from(usable.disk.sector_bytes);
    let mut end = label.end_mib(usable.disk) * MIB;
    for kept in &usable.kept {
        let begins = match (inside, is_logical(label, kept)) {
            // A logical partition has its entry before it.
            (true, true) => kept.start_bytes.saturating_sub(sector),
            (false, false) => kept.start_bytes,
            // The container that it lies in.
            (true, false) if kept.start_bytes < start => {
                let container_end = kept.start_bytes.saturating_add(kept.size_bytes);
                if container_end > start {
                    end = end.min(container_end);
                }
                continue;
            }
            _ => continue,
        };
        if begins > start {
            end = end.min(begins);
        }
    }
    // What is there already fits, however crooked it lies.
    end.saturating_sub(start).max(partition.size_bytes)
}
