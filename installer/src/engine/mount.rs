// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mounts that undo themselves, the last first.
//!
//! [`Mounts::unmount`] is strict: what is still in use is an error, so that everything is written
//! when it returns. Dropping without it, after a failure, detaches instead.

use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount,
};

use super::error::EngineError;

/// A stack of mount points.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    at: Vec<PathBuf>,
}

impl Mounts {
    /// Mounts the file system of type `fs` on `device`.
    pub(crate) fn device(&mut self, device: &Path, at: &Path, fs: &str) -> Result<(), EngineError> {
        make_directory(at)?;
        let mounted = mount(device, at, fs, MountFlags::empty(), None::<&CStr>);
        self.push(mounted, at, || {
            format!(
                "mounting `{}` ({fs}) on `{}`",
                device.display(),
                at.display()
            )
        })
    }

    /// Mounts a file system to look at. A journal that was left open is replayed all the same.
    pub(crate) fn device_read_only(
        &mut self,
        device: &Path,
        at: &Path,
        fs: &str,
    ) -> Result<(), EngineError> {
        make_directory(at)?;
        let mounted = mount(device, at, fs, MountFlags::RDONLY, None::<&CStr>);
        self.push(mounted, at, || {
            format!("mounting `{}` ({fs}) read-only", device.display())
        })
    }

    /// Mounts a file system of somebody else's to look at: nothing is written to it, an open journal is left as it is.
    pub(crate) fn device_untouched(
        &mut self,
        device: &Path,
        at: &Path,
        fs: &str,
    ) -> Result<(), EngineError> {
        make_directory(at)?;
        let mounted = mount(device, at, fs, MountFlags::RDONLY, without_replay(fs));
        self.push(mounted, at, || {
            format!("mounting `{}` ({fs}) read-only", device.display())
        })
    }

    /// Mounts a file system without a device: `tmpfs`, `proc`, `sysfs`.
    pub(crate) fn special(&mut self, fs: &str, at: &Path) -> Result<(), EngineError> {
        let mounted = mount(fs, at, fs, MountFlags::empty(), None::<&CStr>);
        self.push(mounted, at, || {
            format!("mounting {fs} on `{}`", at.display())
        })
    }

    /// Shows the directory `from` at `at` too.
    pub(crate) fn bind(&mut self, from: &Path, at: &Path) -> Result<(), EngineError> {
        let mounted = mount_bind(from, at);
        self.push(mounted, at, || {
            format!("binding `{}` on `{}`", from.display(), at.display())
        })
    }

    /// Shows `from` with everything mounted below it at `at` too.
    pub(crate) fn bind_recursive(&mut self, from: &Path, at: &Path) -> Result<(), EngineError> {
        let mounted = mount_bind_recursive(from, at);
        self.push(mounted, at, || {
            format!("binding `{}` on `{}`", from.display(), at.display())
        })
    }

    /// Shows `from` at `at` too, where it cannot be written.
    pub(crate) fn bind_read_only(&mut self, from: &Path, at: &Path) -> Result<(), EngineError> {
        self.bind(from, at)?;
        mount_remount(at, MountFlags::BIND | MountFlags::RDONLY, "")
            .map_err(|e| EngineError::io(format!("making `{}` read-only", at.display()), e.into()))
    }

    /// Shows the directory `tree` at `at`, where changes go to a directory of their own; `work` is the kernel's. The
    /// directories are made.
    pub(crate) fn overlay(
        &mut self,
        (tree, changes, work): (&Path, &Path, &Path),
        at: &Path,
    ) -> Result<(), EngineError> {
        for directory in [changes, work, at] {
            make_directory(directory)?;
        }
        let context = || format!("mounting an overlay of `{}`", tree.display());
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            tree.display(),
            changes.display(),
            work.display()
        );
        let options = CString::new(options).map_err(|e| EngineError::io(context(), e.into()))?;
        let mounted = mount("overlay", at, "overlay", MountFlags::empty(), &*options);
        self.push(mounted, at, context)
    }

    fn push(
        &mut self,
        mounted: rustix::io::Result<()>,
        at: &Path,
        context: impl FnOnce() -> String,
    ) -> Result<(), EngineError> {
        mounted.map_err(|e| EngineError::io(context(), e.into()))?;
        self.at.push(at.to_owned());
        Ok(())
    }

    /// Takes all of them away again.
    pub(crate) fn unmount(mut self) -> Result<(), EngineError> {
        while let Some(at) = self.at.last().cloned() {
            let context = || format!("unmounting `{}`", at.display());
            // Below a recursive bind there are mounts that this stack does not know.
            let tree = submounts(&at)?;
            for inner in tree.iter().rev() {
                unmount(inner, UnmountFlags::NOFOLLOW)
                    .or_else(|_| unmount(inner, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH))
                    .map_err(|e| EngineError::io(context(), e.into()))?;
            }
            unmount(&at, UnmountFlags::NOFOLLOW)
                .map_err(|e| EngineError::io(context(), e.into()))?;
            self.at.pop();
        }
        Ok(())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        while let Some(at) = self.at.pop() {
            // Nothing more can be done about it here, and the namespace ends with the process.
            let _ = unmount(&at, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH);
        }
    }
}

/// Mount options that keep a file system's driver from replaying its journal, which writes even where a mount is read-only
/// (ext4(5), xfs(5), btrfs(5), the kernel's `f2fs.rst`).
fn without_replay(fs: &str) -> Option<&'static CStr> {
    match fs {
        "ext3" | "ext4" => Some(c"noload"),
        "xfs" | "f2fs" => Some(c"norecovery"),
        // Kernels know this one since 5.9, `norecovery` not all of them.
        "btrfs" => Some(c"rescue=nologreplay"),
        _ => None,
    }
}

/// A directory of an image's tree that something is mounted on, or that is mounted elsewhere. A symbolic link on the way
/// would be resolved on this machine, so there must be directories all the way.
pub(crate) fn point(tree: &Path, name: &str) -> Result<PathBuf, EngineError> {
    let mut path = tree.to_owned();
    for part in name.split('/') {
        path.push(part);
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            let message = format!("the image has no directory `/{name}`");
            return Err(EngineError::Refused(message));
        }
    }
    Ok(path)
}

/// Mount points strictly below `top`, outer first.
pub(crate) fn submounts(top: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let table = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|e| EngineError::io("reading `/proc/self/mountinfo`", e))?;
    let points = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescape);
    Ok(points
        .filter(|point| point != top && point.starts_with(top))
        .collect())
}

/// mountinfo writes blanks and backslashes in octal.
fn unescape(point: &str) -> PathBuf {
    point
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\134", "\\")
        .into()
}

/// Makes a directory and its parents.
pub(crate) fn make_directory(path: &Path) -> Result<(), EngineError> {
    fs::create_dir_all(path)
        .map_err(|e| EngineError::io(format!("making the directory `{}`", path.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_to_look_at_has_its_journal_left_alone() {
        for (fs, options) in [
            ("ext3", Some(c"noload")),
            ("ext4", Some(c"noload")),
            ("xfs", Some(c"norecovery")),
            ("f2fs", Some(c"norecovery")),
            ("btrfs", Some(c"rescue=nologreplay")),
            ("ext2", None),
            ("vfat", None),
            ("iso9660", None),
        ] {
            assert_eq!(without_replay(fs), options, "{fs}");
        }
    }
}
