// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An installation by the same plan that did not come to its end.
//!
//! Takes a plan; finds out whether the disks carry exactly its tables and the root file system its mark, and clears
//! that file system of all but the repository's objects and layers: whole ones need not be fetched again. Before that it
//! only looks (a journal that was left open is replayed). It deliberately does not know what is in the repository.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use gptman::GPT;
use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, open};
use sha2::{Digest as _, Sha256};

use super::error::EngineError;
use super::mount::Mounts;
use super::node::Nodes;
use super::partition;
use crate::hex::hex;
use crate::plan::{DiskPlan, PartitionAction, Plan};

/// The file that says by which plan a root file system was made. It is gone when the installation is complete.
const MARK: &str = "ostree/.landfall-plan";
/// What stays of a root file system.
const REPOSITORY: [&str; 2] = ["ostree", "repo"];

/// Whether an installation by `plan` ended early on its disks. `at` is a mount point to look from. The disks must not
/// be open exclusively: the kernel would refuse the mount. Why tables of the plan are not taken up is logged.
pub(super) fn is_there(plan: &Plan, at: &Path, log: &mut dyn FnMut(String)) -> bool {
    let tables = |disk: &DiskPlan| has_table(disk).unwrap_or(false);
    if !plan.disks.iter().all(tables) {
        return false;
    }
    match has_mark(plan, at) {
        Ok(found) => found,
        Err(error) => {
            let chain = error.chain().join(": ");
            log(format!(
                "the tables of this plan are there, and are not taken up: {chain}"
            ));
            false
        }
    }
}

/// Whether the disk has the planned table, to the last byte that is planned.
fn has_table(disk: &DiskPlan) -> gptman::Result<bool> {
    let mut file = File::open(&disk.device)?;
    if disk.label_id.is_some() {
        return Ok(partition::has_mbr(&file, disk)?);
    }
    let Some(label) = disk.label_uuid else {
        return Ok(false);
    };
    let sector = u64::from(disk.sector_bytes);
    let table = GPT::read_from(&mut file, sector)?;
    let used = table.iter().filter(|(_, entry)| entry.is_used()).count();
    let is_planned = |partition: &crate::plan::Partition| {
        let planned = partition::entry(partition, sector);
        let mut found = table.iter();
        partition.action == PartitionAction::Create
            && found.any(|(number, entry)| number == partition.number && same(entry, &planned))
    };
    Ok(table.header.disk_guid == label.to_bytes_le()
        && used == disk.after.len()
        && disk.after.iter().all(is_planned))
}

fn same(found: &gptman::GPTPartitionEntry, planned: &gptman::GPTPartitionEntry) -> bool {
    let about = |entry: &gptman::GPTPartitionEntry| {
        (
            entry.partition_type_guid,
            entry.unique_partition_guid,
            entry.starting_lba,
            entry.ending_lba,
            entry.attribute_bits,
            entry.partition_name.as_str().to_owned(),
        )
    };
    about(found) == about(planned)
}

fn has_mark(plan: &Plan, at: &Path) -> Result<bool, EngineError> {
    let Some((disk, root)) = plan.mounted_at("/") else {
        return Ok(false);
    };
    let nodes = Nodes::attach(plan)?;
    let fs = root.fs.map_or("auto", crate::plan::FileSystem::name);
    let mut mounts = Mounts::default();
    mounts.device_read_only(nodes.of(&disk.device, root.number)?, at, fs)?;
    let found = fs::read_to_string(at.join(MARK));
    mounts.unmount()?;
    Ok(found.is_ok_and(|text| text == mark(plan)))
}

/// Everything of the plan that its file systems are made by, and the image: a layer is kept as it lies over others.
fn mark(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{:?}\n", plan.image.digest));
    for disk in &plan.disks {
        hash.update(format!("{:?}\n{:?}\n", disk.label_uuid, disk.after));
    }
    format!("{}\n", hex(&hash.finalize()))
}

/// Marks a root file system as made by `plan`.
pub(super) fn set_mark(plan: &Plan, root: &Path) -> Result<(), EngineError> {
    let path = root.join(MARK);
    let context = |e| EngineError::io(format!("writing `{}`", path.display()), e);
    fs::create_dir_all(root.join("ostree")).map_err(context)?;
    fs::write(&path, mark(plan)).map_err(context)
}

/// Takes the mark away from a complete installation.
pub(super) fn clear_mark(root: &Path) -> Result<(), EngineError> {
    let path = root.join(MARK);
    fs::remove_file(&path).map_err(|e| EngineError::io(format!("removing `{}`", path.display()), e))
}

/// Removes what an earlier installation left in `root`, but for the objects of its repository and the refs of layers.
pub(super) fn clear(root: &Path) -> Result<(), EngineError> {
    let [ostree, repo] = REPOSITORY;
    clear_all_but(root, ostree)
        .and_then(|()| clear_all_but(&root.join(ostree), repo))
        .and_then(|()| clear_all_but(&root.join("ostree/repo/refs/heads"), ostree))
        .and_then(|()| clear_all_but(&root.join("ostree/repo/refs/heads/ostree"), "container"))
        // Another reference may be the target now, and an image that bootc finds is one that is installed.
        .and_then(|()| {
            clear_all_but(
                &root.join("ostree/repo/refs/heads/ostree/container"),
                "blob",
            )
        })
        .map_err(|e| EngineError::io("clearing what an earlier installation left", e))
}

/// Removes everything in a directory but one entry.
fn clear_all_but(directory: &Path, kept: &str) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    make_mutable(directory, OFlags::DIRECTORY)?;
    for entry in entries {
        let entry = entry?;
        if entry.file_name() != kept {
            remove(&entry.path(), entry.file_type()?.is_dir())?;
        }
    }
    Ok(())
}

/// Removes a file or a tree. ostree makes the root of a deployment immutable, and scripts whatever they like.
fn remove(path: &Path, is_directory: bool) -> io::Result<()> {
    if !is_directory {
        return match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                make_mutable(path, OFlags::NONBLOCK)?;
                fs::remove_file(path)
            }
            other => other,
        };
    }
    make_mutable(path, OFlags::DIRECTORY)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        remove(&entry.path(), entry.file_type()?.is_dir())?;
    }
    fs::remove_dir(path)
}

/// Lets a file or directory, never what a symbolic link leads to, be changed and removed.
fn make_mutable(path: &Path, how: OFlags) -> io::Result<()> {
    let how = how | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, how, Mode::empty())?;
    let flags = ioctl_getflags(&file)?;
    let fixed = IFlags::IMMUTABLE | IFlags::APPEND;
    if flags.intersects(fixed) {
        ioctl_setflags(&file, flags - fixed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn of_an_earlier_installation_objects_and_refs_of_layers_stay() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        let kept = [
            "ostree/repo/config",
            "ostree/repo/objects/ab/cd.file",
            "ostree/repo/refs/heads/ostree/container/blob/sha256_3A_ab",
        ];
        let gone = [
            "boot/loader/entries/ostree-1.conf",
            "ostree/deploy/default/deploy/ab.0/usr/x",
            "ostree/repo/refs/heads/other",
            "ostree/repo/refs/heads/ostree/0/1/0",
            "ostree/repo/refs/heads/ostree/container/image/docker_3A__2F__2F_example_2E_org/os_3A_1",
            MARK,
        ];
        kept.iter().chain(&gone).for_each(|path| put(path));
        clear(root.path()).unwrap();
        for path in kept {
            assert!(root.path().join(path).exists(), "{path}");
        }
        for path in gone {
            assert!(!root.path().join(path).exists(), "{path}");
        }
        assert!(
            !root
                .path()
                .join("ostree/repo/refs/heads/ostree/container/image")
                .exists()
        );
    }

    fn chattr(mode: &str, path: &Path) {
        let status = Command::new("chattr").arg(mode).arg(path).status();
        assert!(status.unwrap().success(), "chattr {mode} {path:?}");
    }

    #[test]
    fn files_and_directories_that_scripts_made_immutable_are_cleared() {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("ostree/deploy/default/deploy/ab.0/etc");
        let object = root.path().join("ostree/repo/objects/ab/cd.file");
        for directory in [&etc, object.parent().unwrap()] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(&object, "object").unwrap();
        fs::hard_link(&object, etc.join("linked")).unwrap();
        let names = ["resolv.conf", "log", "both", "linked"];
        for (name, mode) in names.iter().zip(["+i", "+a", "+ia", "+i"]) {
            let path = etc.join(name);
            if !path.exists() {
                fs::write(&path, "x").unwrap();
            }
            chattr(mode, &path);
        }
        // What a link leads to stays as it is.
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        chattr("+i", elsewhere.path());
        std::os::unix::fs::symlink(elsewhere.path(), etc.join("away")).unwrap();
        chattr("+a", &etc);
        chattr("+i", root.path());
        let cleared = clear(root.path());
        let removed = fs::remove_file(elsewhere.path());
        chattr("-i", elsewhere.path());
        cleared.unwrap();
        assert_eq!(removed.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(!root.path().join("ostree/deploy").exists());
        assert_eq!(fs::read(&object).unwrap(), b"object");
        fs::remove_file(object).unwrap();
    }
}
