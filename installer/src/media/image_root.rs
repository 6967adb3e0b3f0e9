// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image as a directory that its programs run in.
//!
//! Takes an open image; imports it as for an installation, so that what can be installed and what media are made of is read
//! by the same code. Nothing that is written there changes the image. It deliberately does not know what is run.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::MediaError;
use crate::engine::error::EngineError;
use crate::engine::import::{self, Progress};
use crate::engine::mount::{Mounts, point};
use crate::engine::namespace;
use crate::engine::repository::{self, Repository};
use crate::engine::sysroot::make_devices;
use crate::engine::tool::{Run, Tool};
use crate::image::Image;

/// The ref of the import; nothing of it is kept.
const NAME: &str = "docker://localhost/environment:1";

/// The tree, writable, with the file systems that programs expect.
#[derive(Debug)]
pub(super) struct ImageRoot {
    path: PathBuf,
    // Before the directory that they are in.
    _mounts: Mounts,
    _directory: TempDir,
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
        furnish(&path, &mut mounts)?;
        Ok(Self {
            path,
            _mounts: mounts,
            _directory: directory,
        })
    }

    /// Where the tree is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a program of the image.
    pub(super) fn run(&self, argv: &[&str]) -> Run {
        let root = [self.path.as_os_str()].into_iter();
        Tool::Chroot.with(root.chain(argv.iter().map(AsRef::as_ref)))
    }
}

/// What an image has only when it runs: `/etc`, what is in `/var`, devices, processes.
fn furnish(root: &Path, mounts: &mut Mounts) -> Result<(), EngineError> {
    let etc = root.join("etc");
    if !etc.exists() {
        fs::create_dir(&etc).map_err(|e| EngineError::io("making the image's `/etc`", e))?;
        mounts.bind(&root.join("usr/etc"), &etc)?;
    }
    for directory in ["run", "tmp", "var", "dev"] {
        // `/tmp` may be a link.
        if let Ok(directory) = point(root, directory) {
            mounts.special("tmpfs", &directory)?;
        }
    }
    make_devices(&root.join("dev"))?;
    mounts.special("proc", &point(root, "proc")?)?;
    mounts.special("sysfs", &point(root, "sys")?)?;
    furnish_further(root).map_err(|e| EngineError::io("furnishing the image's tree", e))
}

fn furnish_further(root: &Path) -> io::Result<()> {
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, root.join("dev").join(name))?;
    }
    for directory in ["var/tmp", "var/roothome"] {
        fs::create_dir_all(root.join(directory))?;
    }
    Ok(())
}
