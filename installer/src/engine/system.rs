// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The installed system while it is configured: the deployment with its `/usr` read-only, its
//! `/var`, `/boot` and data partitions mounted, and the planned actions carried out in it.
//!
//! No action is chosen here; [`crate::plan::TargetPlan`] lists them in their order.

use std::io;
use std::path::{Path, PathBuf};

use kickstart_parser::Secret;

use super::error::EngineError;
use super::initial_var;
use super::mount::{Mounts, make_directory, point};
use super::node::Nodes;
use super::root::Root;
use super::tool::{Run, Tool, quote};
use crate::event::Emitter;
use crate::plan::{AccessFile, Action, MountPlan, Plan, Program, TargetPlan};

/// The mounted deployment.
#[derive(Debug)]
pub(super) struct System {
    pub(super) path: PathBuf,
    root: Root,
    mounts: Mounts,
    data: Vec<PathBuf>,
}

impl System {
    /// Mounts the deployment of the sysroot `physical` at `at`.
    pub(super) fn open(
        deployment: &Path,
        physical: &Path,
        at: &Path,
        stateroot: &str,
    ) -> Result<Self, EngineError> {
        make_directory(at)?;
        let mut mounts = Mounts::default();
        mounts.bind(deployment, at)?;
        mounts.bind_read_only(&deployment.join("usr"), &point(at, "usr")?)?;
        mounts.bind_recursive(Path::new("/dev"), &point(at, "dev")?)?;
        mounts.special("proc", &point(at, "proc")?)?;
        mounts.special("sysfs", &point(at, "sys")?)?;
        for name in ["run", "tmp"] {
            // `/tmp` may be a link into the sysroot.
            if let Ok(directory) = point(at, name) {
                mounts.special("tmpfs", &directory)?;
            }
        }
        mounts.bind(
            &physical.join(format!("ostree/deploy/{stateroot}/var")),
            &point(at, "var")?,
        )?;
        mounts.bind(&physical.join("boot"), &point(at, "boot")?)?;
        mounts.bind(physical, &point(at, "sysroot")?)?;
        let root = Root::open(at)
            .map_err(|e| EngineError::io(format!("opening `{}`", at.display()), e))?;
        Ok(Self {
            path: at.to_owned(),
            root,
            mounts,
            data: Vec::new(),
        })
    }

    /// Mounts the data partitions; a partition for `/var` takes over what ostree put there.
    pub(super) fn mount_data(
        &mut self,
        plan: &Plan,
        mounts: &[MountPlan],
        nodes: &Nodes,
    ) -> Result<(), EngineError> {
        for mount in mounts {
            let node = nodes.of(&mount.device, mount.number)?;
            let of = |p: &crate::plan::Partition| p.number == mount.number;
            let planned = plan
                .partitions()
                .find(|(d, p)| d.device == mount.device && of(p))
                .map(|(_, p)| p);
            let fs = planned
                .and_then(|p| p.fs)
                .map_or("auto", crate::plan::FileSystem::name);
            let made = self.root.make_directory_all(&mount.at);
            let point = made
                .and_then(|()| self.root.real_path(&mount.at))
                .map_err(|e| {
                    EngineError::io(format!("making the mount point `{}`", mount.at), e)
                })?;
            if mount.at == "/var" {
                self.move_var(node, fs)?;
            }
            self.mounts.device(node, &point, fs)?;
            self.data.push(point);
        }
        Ok(())
    }

    /// Copies the stateroot's initial `/var` to the partition that will be mounted over it.
    fn move_var(&self, node: &Path, fs: &str) -> Result<(), EngineError> {
        let scratch = self.path.join("run/landfall-var");
        let mut mounts = Mounts::default();
        mounts.device(node, &scratch, fs)?;
        initial_var::add_missing(&self.path.join("var"), &scratch)?;
        mounts.unmount()
    }

    /// Carries the planned actions out.
    pub(super) fn configure(
        &self,
        target: &TargetPlan,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), EngineError> {
        for action in &target.configure {
            self.act(action, emitter)?;
        }
        Ok(())
    }

    /// Writes the kickstart as it was given, for root alone.
    pub(super) fn keep_kickstart(&self, text: &Secret) -> Result<(), EngineError> {
        const FILE: &str = "/root/original-ks.cfg";
        let written = self.root.write(FILE, 0o600, text.expose());
        written.map_err(|e| EngineError::io(writing(FILE), e))
    }

    fn act(&self, action: &Action, emitter: &mut Emitter<'_>) -> Result<(), EngineError> {
        let mut log = |text: String| emitter.log(text);
        let failed = |path: &str| {
            let context = writing(path);
            move |e: io::Error| EngineError::io(context, e)
        };
        match action {
            Action::Write { path, mode, text } => {
                log(writing(path));
                self.root.write(path, *mode, text).map_err(failed(path))
            }
            Action::WriteSecret(AccessFile { path, mode, text }) => {
                log(writing(path));
                let written = self.root.write(path, *mode, text.expose());
                written.map_err(failed(path))
            }
            Action::Append { path, mode, line } => {
                log(writing(path));
                self.root.append(path, *mode, line).map_err(failed(path))
            }
            Action::Directory { path, mode } => {
                self.root.make_directory(path, *mode).map_err(failed(path))
            }
            Action::Link { path, target } => {
                log(writing(path));
                self.root.link(path, target).map_err(failed(path))
            }
            Action::Run(program) => self.run(program, emitter),
            Action::Try(program) => {
                if let Err(error) = self.run(program, emitter) {
                    emitter.warn(error.chain().join(": "));
                }
                Ok(())
            }
        }
    }

    /// Runs a program of the image.
    pub(super) fn run(
        &self,
        program: &Program,
        emitter: &mut Emitter<'_>,
    ) -> Result<(), EngineError> {
        let run = self.chroot(program);
        let words: Vec<String> = program.argv.iter().map(|word| quote(word)).collect();
        emitter.log(format!("in the installed system: {}", words.join(" ")));
        match &program.stdin {
            Some(text) => run.feed(text.expose().as_bytes()).map(drop),
            None => run.run(),
        }
    }

    fn chroot(&self, program: &Program) -> Run {
        let args =
            std::iter::once(self.path.as_os_str()).chain(program.argv.iter().map(AsRef::as_ref));
        Tool::Chroot
            .with(args)
            .tolerate(&program.tolerate)
            .env("HOME", "/root")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    }

    /// The installed system's root.
    pub(super) const fn root(&self) -> &Root {
        &self.root
    }

    /// Mount points of the data partitions.
    pub(super) fn file_systems(&self) -> Vec<&Path> {
        self.data.iter().map(PathBuf::as_path).collect()
    }

    /// Unmounts everything.
    pub(super) fn close(self) -> Result<(), EngineError> {
        let Self { root, mounts, .. } = self;
        // An open handle keeps the mount busy.
        drop(root);
        mounts.unmount()
    }
}

fn writing(path: &str) -> String {
    format!("writing `{path}` in the installed system")
}
