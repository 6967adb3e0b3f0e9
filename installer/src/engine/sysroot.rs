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

use ostree::gio::{Cancellable, File as GFile};
use rustix::fs::{FileType, Mode, makedev, mknodat};

use super::error::EngineError;
use super::mount::{Mounts, make_directory, point, submounts};
use super::tool::Tool;
use crate::plan::TargetPlan;

fn failed(context: impl Into<String>) -> impl FnOnce(ostree::glib::Error) -> EngineError {
    let context = context.into();
    move |source| EngineError::Ostree { context, source }
}

/// Makes an empty sysroot in `root`, with the configuration that bootc gives it, and its
/// repository.
pub(super) fn create(root: &Path, stateroot: &str) -> Result<ostree::Repo, EngineError> {
    let none = Cancellable::NONE;
    make_directory(&root.join("boot"))?;
    let sysroot = ostree::Sysroot::new(Some(&GFile::for_path(root)));
    sysroot
        .ensure_initialized(none)
        .map_err(failed("making the ostree sysroot"))?;
    sysroot
        .load(none)
        .map_err(failed("loading the ostree sysroot"))?;
    let repo = sysroot.repo();
    let config = repo.copy_config();
    // The boot menu is ours and static; a boot loader of ostree's would be run at each deployment.
    config.set_string("sysroot", "bootloader", "none");
    config.set_boolean("sysroot", "bootprefix", true);
    config.set_boolean("sysroot", "readonly", true);
    repo.write_config(&config)
        .map_err(failed("configuring the ostree repository"))?;
    repo.reload_config(none)
        .map_err(failed("configuring the ostree repository"))?;
    sysroot
        .init_osname(stateroot, none)
        .map_err(failed(format!("making the stateroot `{stateroot}`")))?;
    // One syncfs at the end replaces a flush for each object.
    repo.set_disable_fsync(true);
    Ok(repo)
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
        repo: &ostree::Repo,
        commit: &str,
        root: &Path,
        at: &Path,
    ) -> Result<Self, EngineError> {
        let checkout = root.join("ostree/.landfall-stage");
        let options = ostree::RepoCheckoutAtOptions::default();
        let directory = fs::File::open(root)
            .map_err(|e| EngineError::io(format!("opening `{}`", root.display()), e))?;
        repo.checkout_at(
            Some(&options),
            raw(&directory),
            "ostree/.landfall-stage",
            commit,
            Cancellable::NONE,
        )
        .map_err(failed("checking the image's tree out"))?;
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

fn raw(file: &fs::File) -> i32 {
    use std::os::fd::AsRawFd;
    file.as_raw_fd()
}

/// The devices that libostree's child processes need.
fn make_devices(dev: &Path) -> Result<(), EngineError> {
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
    commit: &str,
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
    let mut argv: Vec<String> = ["ostree", "admin", "deploy", "--sysroot=/sysroot"]
        .map(str::to_owned)
        .to_vec();
    argv.push(format!("--os={}", target.stateroot));
    argv.push(format!("--origin-file={origin}"));
    argv.extend(
        target
            .kargs
            .iter()
            .map(|karg| format!("--karg-append={karg}")),
    );
    argv.push(commit.to_owned());
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
