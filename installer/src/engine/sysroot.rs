// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ostree sysroot on the target: its making, the stage, the deployment.
//!
//! The *stage* is a hard-linked checkout of the merged tree, mounted read-only, in which the
//! image's own `ostree admin deploy` runs, so that the libostree that writes the deployment is
//! the one that will boot it. Its links share inodes with the repository: nothing writes through
//! them.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, makedev, mknodat};

use super::error::EngineError;
use super::mount::{Mounts, make_directory, point, submounts};
use super::repository::{self, Checksum, Repository};
use super::tool::Tool;
use crate::plan::TargetPlan;

/// As bootc has it. The boot menu is ours and static; a boot loader of ostree's would be run at each deployment.
const SETTINGS: &str = "[sysroot]\nbootloader=none\nbootprefix=true\nreadonly=true\n";

/// Makes an empty sysroot in `root`, with the configuration that bootc gives it, and its
/// repository.
pub(super) fn create(root: &Path) -> Result<Repository, EngineError> {
    make_directory(&root.join("boot"))?;
    make_directory(&root.join("ostree/deploy"))?;
    Repository::create(&root.join("ostree/repo"), SETTINGS)
        .map_err(|e| EngineError::io("making the ostree repository", e))
}

/// The image's merged tree, ready to run the image's programs in.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) path: PathBuf,
    checkout: PathBuf,
    mounts: Mounts,
}

impl Stage {
    /// Checks `commit` out beside the repository and mounts it at `at`, with the target's
    /// physical root at its `/sysroot`.
    pub(super) fn open(
        repo: &Repository,
        commit: Checksum,
        root: &Path,
        at: &Path,
    ) -> Result<Self, EngineError> {
        let checkout = root.join("ostree/.landfall-stage");
        repository::checkout(repo, commit, &checkout)
            .map_err(|e| EngineError::io("checking the image's tree out", e))?;
        make_directory(at)?;
        let mut mounts = Mounts::default();
        mounts.bind_read_only(&checkout, at)?;
        for directory in ["run", "tmp", "var", "dev"] {
            // `/tmp` may be a link into the sysroot.
            if let Ok(directory) = point(at, directory) {
                mounts.special("tmpfs", &directory)?;
            }
        }
        make_devices(&point(at, "dev")?)?;
        mounts.special("proc", &point(at, "proc")?)?;
        mounts.bind_recursive(root, &point(at, "sysroot")?)?;
        Ok(Self {
            path: at.to_owned(),
            checkout,
            mounts,
        })
    }

    /// Runs a program of the image.
    pub(super) fn run(&self, argv: &[String]) -> super::tool::Run {
        let args = std::iter::once(self.path.as_os_str()).chain(argv.iter().map(AsRef::as_ref));
        Tool::Chroot.with(args)
    }

    /// Unmounts it and removes the checkout, of which the repository keeps every object.
    pub(super) fn close(self) -> Result<(), EngineError> {
        self.mounts.unmount()?;
        if let Some(left) = submounts(&self.checkout)?.first() {
            let message = format!("`{}` is still mounted in the stage", left.display());
            return Err(EngineError::Refused(message));
        }
        fs::remove_dir_all(&self.checkout)
            .map_err(|e| EngineError::io(format!("removing `{}`", self.checkout.display()), e))
    }
}

/// The devices that libostree's child processes need.
pub(crate) fn make_devices(dev: &Path) -> Result<(), EngineError> {
    const DEVICES: [(&str, u32); 5] = [
        ("null", 3),
        ("zero", 5),
        ("full", 7),
        ("random", 8),
        ("urandom", 9),
    ];
    let context = |name: &str| format!("making the device `{}/{name}`", dev.display());
    let directory = fs::File::open(dev).map_err(|e| EngineError::io(context(""), e))?;
    for (name, minor) in DEVICES {
        let mode = Mode::from_raw_mode(0o666);
        mknodat(
            directory.as_fd(),
            name,
            FileType::CharacterDevice,
            mode,
            makedev(1, minor),
        )
        .map_err(|e| EngineError::io(context(name), e.into()))?;
    }
    Ok(())
}

/// Lets the image's own ostree make the deployment; gives its directory.
pub(super) fn deploy(
    stage: &Stage,
    commit: Checksum,
    target: &TargetPlan,
    root: &Path,
) -> Result<PathBuf, EngineError> {
    let origin = "/run/landfall.origin";
    let text = format!(
        "[origin]\ncontainer-image-reference={}\n",
        target.origin.container_image_reference
    );
    fs::write(stage.path.join(&origin[1..]), text)
        .map_err(|e| EngineError::io("writing the deployment's origin", e))?;
    let admin = |verb| ["ostree", "admin", verb, "--sysroot=/sysroot"].map(str::to_owned);
    let mut argv = admin("os-init").to_vec();
    argv.push(target.stateroot.clone());
    stage.run(&argv).run()?;
    let mut argv = admin("deploy").to_vec();
    argv.push(format!("--os={}", target.stateroot));
    argv.push(format!("--origin-file={origin}"));
    argv.extend(
        target
            .kargs
            .iter()
            .map(|karg| format!("--karg-append={karg}")),
    );
    argv.push(commit.to_string());
    stage.run(&argv).run()?;
    find_deployment(root, &target.stateroot)
}

fn find_deployment(root: &Path, stateroot: &str) -> Result<PathBuf, EngineError> {
    let directory = root.join(format!("ostree/deploy/{stateroot}/deploy"));
    let context = || format!("looking for the deployment in `{}`", directory.display());
    let entries = fs::read_dir(&directory).map_err(|e| EngineError::io(context(), e))?;
    let found = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.is_dir());
    found.ok_or_else(|| {
        EngineError::Refused(format!(
            "ostree made no deployment in `{}`",
            directory.display()
        ))
    })
}
