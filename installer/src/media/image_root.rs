// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image as a directory that its programs run in.
//!
//! Takes an open image; imports it as for an installation, so that what can be installed and what media are made of is read
//! by the same code. Nothing that is written there changes the image. It deliberately does not know what is run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::MediaError;
use crate::engine::error::EngineError;
use crate::engine::import::{self, Progress};
use crate::engine::mount::{Mounts, point};
use crate::engine::namespace;
use crate::engine::repository::{self, Repository};
use crate::engine::root::Root;
use crate::engine::sysroot::make_devices;
use crate::engine::tool::{Run, Tool};
use crate::image::Image;

/// The ref of the import; nothing of it is kept.
const NAME: &str = "docker://localhost/environment:1";

/// The tree, writable, with the file systems that programs expect.
#[derive(Debug)]
pub(super) struct ImageRoot {
    path: PathBuf,
    tree: Root,
    // Before the directory that they are in.
    _mounts: Mounts,
    directory: TempDir,
}

impl ImageRoot {
    /// Unpacks `image` below `place`. From now on this process sees mounts of its own.
    pub(super) fn unpack(
        image: &Image,
        place: &Path,
        progress: Progress<'_>,
    ) -> Result<Self, MediaError> {
        let directory = tempfile::Builder::new()
            .prefix("landfall-")
            .tempdir_in(place)
            .map_err(|e| {
                EngineError::io(format!("making a directory in `{}`", place.display()), e)
            })?;
        let at = |name: &str| directory.path().join(name);
        let repo = Repository::create(&at("repo"), "")
            .map_err(|e| EngineError::io("making a repository for the image", e))?;
        let commit = import::import(&repo, image, NAME, progress).map_err(EngineError::from)?;
        repository::checkout(&repo, commit.checksum, &at("tree"))
            .map_err(|e| EngineError::io("checking the image's tree out", e))?;
        namespace::enter()?;
        let mut mounts = Mounts::default();
        let path = at("root");
        mounts.overlay((&at("tree"), &at("changes"), &at("work")), &path)?;
        let opened = Root::open(&path);
        let tree = opened.map_err(|e| EngineError::io("opening the image's tree", e))?;
        furnish(&path, &tree, &mut mounts)?;
        Ok(Self {
            path,
            tree,
            _mounts: mounts,
            directory,
        })
    }

    /// The tree. Links in it are the image's, and mean what they mean there.
    pub(super) const fn tree(&self) -> &Root {
        &self.tree
    }

    /// A temporary file, which no program of the image sees.
    pub(super) fn temporary(&self) -> io::Result<File> {
        tempfile::tempfile_in(self.directory.path())
    }

    /// Runs a program of the image.
    pub(super) fn run(&self, argv: &[&str]) -> Run {
        let root = [self.path.as_os_str()].into_iter();
        Tool::Chroot.with(root.chain(argv.iter().map(AsRef::as_ref)))
    }
}

/// What an image has only when it runs: `/etc`, what is in `/var`, devices, processes.
fn furnish(root: &Path, tree: &Root, mounts: &mut Mounts) -> Result<(), EngineError> {
    let etc = root.join("etc");
    if fs::symlink_metadata(&etc).is_err() {
        let defaults = point(root, "usr/etc")?;
        fs::create_dir(&etc).map_err(|e| EngineError::io("making the image's `/etc`", e))?;
        mounts.bind(&defaults, &etc)?;
    }
    for directory in ["run", "tmp", "var"] {
        // `/tmp` may be a link.
        if let Ok(directory) = point(root, directory) {
            mounts.special("tmpfs", &directory)?;
        }
    }
    let dev = point(root, "dev")?;
    mounts.special("tmpfs", &dev)?;
    make_devices(&dev)?;
    mounts.special("proc", &point(root, "proc")?)?;
    mounts.special("sysfs", &point(root, "sys")?)?;
    furnish_further(tree).map_err(|e| EngineError::io("furnishing the image's tree", e))
}

fn furnish_further(tree: &Root) -> io::Result<()> {
    for (path, target) in [
        ("dev/fd", "/proc/self/fd"),
        ("dev/stdin", "/proc/self/fd/0"),
        ("dev/stdout", "/proc/self/fd/1"),
        ("dev/stderr", "/proc/self/fd/2"),
    ] {
        tree.link(path, target)?;
    }
    ["var/tmp", "var/roothome"]
        .into_iter()
        .try_for_each(|directory| tree.make_directory_all(directory))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_mounted_and_mounted_on_is_the_images() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        fs::create_dir_all(at("bait")).unwrap();
        fs::create_dir_all(at("defaults/usr")).unwrap();
        symlink(at("bait"), at("defaults/usr/etc")).unwrap();
        fs::create_dir_all(at("system")).unwrap();
        fs::create_dir_all(at("elsewhere/etc")).unwrap();
        symlink(at("elsewhere"), at("system/usr")).unwrap();
        fs::create_dir_all(at("devices/etc")).unwrap();
        symlink(at("bait"), at("devices/dev")).unwrap();
        for (tree, lacked) in [
            ("defaults", "/usr/etc"),
            ("system", "/usr/etc"),
            ("devices", "/dev"),
        ] {
            let opened = Root::open(&at(tree)).unwrap();
            let furnished = furnish(&at(tree), &opened, &mut Mounts::default());
            assert_eq!(
                furnished.unwrap_err().chain().join("; "),
                format!("the image has no directory `{lacked}`")
            );
        }
        assert_eq!(fs::read_dir(at("bait")).unwrap().count(), 0);
    }
}
