// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Device nodes of the planned partitions.
//!
//! On a block device these are the kernel's partitions; on a disk image file each partition is a
//! loop device with its offset and size, so that no partition scan is needed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::EngineError;
use super::loop_device;
use super::tool::Tool;
use crate::plan::{DiskPlan, Partition, Plan};

/// The nodes of all planned partitions.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
}

/// The node of a partition, as long as this value lives.
#[derive(Debug)]
pub(super) struct Node {
    disk: String,
    number: u32,
    path: PathBuf,
    /// Keeps a loop device: the kernel frees it with its last user, however this process ends.
    _keeper: Option<File>,
}

impl Node {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Nodes {
    /// Makes a node for each partition of the plan, the tables being written.
    pub(super) fn attach(plan: &Plan) -> Result<Self, EngineError> {
        let mut nodes = Self::default();
        for disk in &plan.disks {
            if !disk.image_file {
                announce(disk)?;
            }
            for partition in disk.after.iter().filter(|p| is_needed(p)) {
                nodes.add(disk, partition)?;
            }
        }
        Ok(nodes)
    }

    fn add(&mut self, disk: &DiskPlan, partition: &Partition) -> Result<(), EngineError> {
        let node = if disk.image_file {
            attach_loop(disk, partition, partition.size_bytes)?
        } else {
            wait_for(disk, partition)?
        };
        self.nodes.push(node);
        Ok(())
    }

    /// The node of a partition.
    pub(super) fn of(&self, device: &str, number: u32) -> Result<&Path, EngineError> {
        let node = self
            .nodes
            .iter()
            .find(|node| node.disk == device && node.number == number);
        node.map(|node| node.path.as_path()).ok_or_else(|| {
            EngineError::Refused(format!(
                "partition {number} of `{device}` has no device node"
            ))
        })
    }
}

/// What is used, formatted or resized; nothing else is even opened.
fn is_needed(partition: &Partition) -> bool {
    let is_changed = partition.mkfs.is_some() || partition.resize.is_some();
    !partition.kind.is_container() && (partition.used || is_changed)
}

/// The node of a partition that still has its old size.
pub(super) fn before_tables(
    disk: &DiskPlan,
    partition: &Partition,
    size_bytes: u64,
) -> Result<Node, EngineError> {
    if disk.image_file {
        attach_loop(disk, partition, size_bytes)
    } else {
        wait_for(disk, partition)
    }
}

fn attach_loop(
    disk: &DiskPlan,
    partition: &Partition,
    size_bytes: u64,
) -> Result<Node, EngineError> {
    let start = partition.start_bytes;
    let attached = loop_device::attach(Path::new(&disk.device), start, size_bytes);
    let (path, keeper) = attached.map_err(|e| {
        let number = partition.number;
        let context = format!(
            "making a loop device of partition {number} of `{}`",
            disk.device
        );
        EngineError::io(context, e)
    })?;
    Ok(Node {
        disk: disk.device.clone(),
        number: partition.number,
        path,
        _keeper: Some(keeper),
    })
}

/// Tells the kernel, and whoever listens to it, about the new partitions.
fn announce(disk: &DiskPlan) -> Result<(), EngineError> {
    Tool::Partx.with(["--update", &disk.device]).run()?;
    settle()
}

/// Waits until udev, where it runs, has looked at what was changed.
pub(super) fn settle() -> Result<(), EngineError> {
    if Tool::Udevadm.is_present() && Path::new("/run/udev/control").exists() {
        Tool::Udevadm.with(["settle", "--timeout=30"]).run()?;
    }
    Ok(())
}

/// The kernel's node for the partition, which may take a moment to appear.
fn wait_for(disk: &DiskPlan, partition: &Partition) -> Result<Node, EngineError> {
    let separator = if disk.device.ends_with(|c: char| c.is_ascii_digit()) {
        "p"
    } else {
        ""
    };
    let path = PathBuf::from(format!("{}{separator}{}", disk.device, partition.number));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !path.exists() {
        if Instant::now() > deadline {
            let message = format!("the kernel did not make `{}`", path.display());
            return Err(EngineError::Refused(message));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(Node {
        disk: disk.device.clone(),
        number: partition.number,
        path,
        _keeper: None,
    })
}
