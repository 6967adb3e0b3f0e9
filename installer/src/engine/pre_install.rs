// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The new file systems mounted at their mount points below the root file system, as `%pre-install` expects them.
//!
//! The deployment has its own `/var` and its own links, so these mounts, and the directories made for them, go again.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::EngineError;
use super::mount::Mounts;
use super::node::Nodes;
use super::root::Root;
use crate::plan::{FileSystem, Plan};

/// The mounted file systems.
#[derive(Debug)]
pub(super) struct Data {
    mounts: Mounts,
    physical: PathBuf,
    points: Vec<PathBuf>,
}

/// Mounts all but the root file system and `/boot`, which are mounted already. What this kernel cannot mount, as
/// FAT where it has no driver for it, is told.
pub(super) fn mount(
    plan: &Plan,
    nodes: &Nodes,
    physical: &Path,
    log: &mut dyn FnMut(String),
) -> Result<Data, EngineError> {
    let mut data = Data {
        mounts: Mounts::default(),
        physical: physical.to_owned(),
        points: Vec::new(),
    };
    if plan.pre_install.is_empty() {
        return Ok(data);
    }
    let mut wanted: Vec<_> = plan
        .partitions()
        .filter_map(|(disk, partition)| {
            let at = partition.mount.as_deref()?;
            (!matches!(at, "/" | "/boot")).then_some((at, disk, partition))
        })
        .collect();
    wanted.sort_by_key(|(at, ..)| *at);
    // A link in a file system that stays leads to nowhere else.
    let root = Root::open(physical)
        .map_err(|e| EngineError::io(format!("opening `{}`", physical.display()), e))?;
    for (at, disk, partition) in wanted {
        let point = root
            .make_directory_all(at)
            .and_then(|()| root.real_path(at))
            .map_err(|e| EngineError::io(format!("making the mount point `{at}`"), e))?;
        let node = nodes.of(&disk.device, partition.number)?;
        let fs = partition.fs.map_or("auto", FileSystem::name);
        data.points.push(point.clone());
        if let Err(error) = data.mounts.device(node, &point, fs) {
            log(format!(
                "%pre-install does without it: {}",
                error.chain().join(": ")
            ));
        }
    }
    Ok(data)
}

impl Data {
    /// Unmounts them, and removes the directories that hold nothing.
    pub(super) fn close(self) -> Result<(), EngineError> {
        self.mounts.unmount()?;
        for point in self.points.iter().rev() {
            let above = point.ancestors();
            for directory in above.take_while(|directory| *directory != self.physical) {
                // One that is not empty stays.
                if fs::remove_dir(directory).is_err() {
                    break;
                }
            }
        }
        Ok(())
    }
}
