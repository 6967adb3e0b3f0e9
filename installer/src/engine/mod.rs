// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Carrying a plan out: the only code that changes the world.
//!
//! [`prepare::prepare`] looks and plans, [`execute`] writes. The order is: tables, file systems,
//! import, deployment, configuration, boot loader, `%post`, and last of all what firmware looks
//! for (two files on the ESP, or GRUB's core image and boot sector), so that whatever fails before leaves a disk that no
//! firmware starts. Everything happens in a mount namespace of its own that ends with the
//! process. What is to be done is decided in [`crate::plan`].

mod bios;
mod boot_entry;
mod boot_facts;
mod bootloader;
mod bootupd;
mod bootupd_facts;
mod earlier;
pub mod error;
pub(crate) mod esp;
mod facts;
mod failed;
pub mod final_action;
mod finalize;
mod format;
pub mod host;
pub mod import;
mod initial_var;
mod install_config;
pub(crate) mod judge;
mod label;
pub mod logs;
mod loop_device;
mod mbr;
pub(crate) mod mount;
pub(crate) mod namespace;
mod node;
mod partition;
mod pre_install;
pub mod prepare;
mod printed;
pub mod process;
pub(crate) mod repository;
mod resize;
pub(crate) mod root;
mod script;
mod scripted;
mod stop;
mod summary;
pub(crate) mod sysroot;
mod system;
mod target;
pub mod tool;
mod view;

use std::path::{Path, PathBuf};

use crate::event::{Body, Emitter, Step};
use crate::plan::{Partition, TargetPlan, Unsaved, render_target, size};
use crate::report::Report;

use bootloader::Reachable;
use error::EngineError;
pub use failed::Failed;
use final_action::FinalAction;
use host::View;
use mount::Mounts;
use node::Nodes;
use prepare::Prepared;
use repository::{Checksum, Repository};
use resize::Resizing;
pub use stop::Stop;
use sysroot::Stage;
use system::System;

/// An installation that succeeded.
#[derive(Debug)]
pub struct Installed {
    /// What was done.
    pub report: Report,
    /// What the machine does now; none where that is left to the user.
    pub action: Option<FinalAction>,
}

/// Carries the plan out. Before the first write it makes sure of its mount namespace. What scripts leave running in it
/// ends with the installation.
pub fn execute(
    prepared: &mut Prepared,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<Installed, Failed> {
    let outer = process::Namespace::outer();
    namespace::enter().map_err(|error| Failed::before_writes(Step::Partition, error))?;
    let mut own = Mounts::default();
    let top =
        work_directory(&mut own).map_err(|error| Failed::before_writes(Step::Partition, error))?;
    let seed = prepared.plan.seed;
    let mut execution = Execution {
        prepared,
        emitter,
        stop,
        top: &top,
        outer,
        written: false,
        resumed: false,
        marked: false,
        completing: false,
        view: None,
    };
    execution.run().map_err(|error| {
        let error = if execution.completing {
            error
        } else {
            stop.cause(error)
        };
        execution.fail(&error);
        Failed {
            step: execution.emitter.current(),
            written: execution.written,
            seed: execution.marked.then_some(seed),
            error,
        }
    })
}

/// A directory for this installation's mount points, which only this mount namespace sees.
fn work_directory(mounts: &mut Mounts) -> Result<PathBuf, EngineError> {
    let top = PathBuf::from("/run/landfall/target");
    mount::make_directory(&top)?;
    mounts.special("tmpfs", &top)?;
    Ok(top)
}

/// One installation on its way.
struct Execution<'e, 'a> {
    prepared: &'e mut Prepared,
    emitter: &'e mut Emitter<'a>,
    stop: &'e Stop,
    /// Directory of this installation's mount points.
    top: &'e Path,
    /// The mount namespace of everybody else.
    outer: Option<process::Namespace>,
    /// Whether a disk has been written to.
    written: bool,
    /// Whether the root file system is that of an earlier run by the same plan.
    resumed: bool,
    /// Whether another run by the same plan can take up what is there.
    marked: bool,
    /// Whether signals are too late.
    completing: bool,
    /// The target as scripts of this machine see it.
    view: Option<View>,
}

/// What a deployed, not yet configured target consists of.
struct Deployed {
    commit: Checksum,
    deployment: PathBuf,
    target: TargetPlan,
}

impl Execution<'_, '_> {
    fn run(&mut self) -> Result<Installed, EngineError> {
        self.partition()?;
        let nodes = self.format()?;
        let physical = self.top.join("physical");
        let mounts = self.mount(&nodes, &physical)?;
        self.marked = true;
        self.pre_install(&nodes, &physical)?;
        let (repo, commit) = self.import(&physical)?;
        let deployed = self.deploy(&repo, commit, &physical)?;
        drop(repo);
        let system = self.configure(&deployed, &nodes, &physical)?;
        let reachable = self.boot_loader(&deployed, &system, &nodes)?;
        self.post(&deployed, &system)?;
        self.stop.check()?;
        self.marked = false;
        let stop = self.stop;
        let (view, completing) = (&mut self.view, &mut self.completing);
        let action = self.emitter.step(Step::Finalize, |emitter| {
            if !self.prepared.plan.unsaved(Unsaved::Logs) {
                logs::keep(emitter.journal(), system.root())?;
            }
            finalize::record(
                &physical,
                &self.prepared.plan,
                &deployed.target,
                &self.prepared.image,
            )?;
            label::all(&system.path, &physical, &deployed.target.mounts)?;
            finalize::flush(&system.file_systems())?;
            view.as_mut().map_or(Ok(()), View::close)?;
            system.close()?;
            finalize::flush(&[&physical.join("boot"), &physical])?;
            earlier::clear_mark(&physical)?;
            mounts.unmount()?;
            // From here on the installation is completed: a disk that half starts is worse than a moment's delay.
            let _shelter = stop.shelter()?;
            *completing = true;
            let warn = &mut |line| emitter.warn(line);
            bootloader::make_reachable(&reachable, &deployed.target.boot, &nodes, warn)?;
            drop(nodes);
            finalize::sync_disks(&self.prepared.plan)?;
            // Whatever fails before must not leave a kernel that waits to be started.
            let action = scripted::last_action(self.prepared, stop, &physical, emitter);
            Ok::<_, EngineError>(action)
        })?;
        let follows = action.is_some();
        let commit = deployed.commit.to_string();
        let report = summary::report(self.prepared, commit, follows, self.emitter);
        self.emitter.emit(Body::Finished {
            message: format!("{} is installed", report.source),
        });
        Ok(Installed { report, action })
    }

    /// Opens every disk before the first is written.
    fn partition(&mut self) -> Result<(), EngineError> {
        self.stop.check()?;
        let plan = &self.prepared.plan;
        let (written, resumed) = (&mut self.written, &mut self.resumed);
        let stop = self.stop;
        let point = self.top.join("earlier");
        self.emitter.step(Step::Partition, |emitter| {
            *resumed = earlier::is_there(plan, &point, &mut |line| emitter.log(line));
            let mut files = partition::open_all(&plan.disks)?;
            *written = true;
            if *resumed {
                emitter.log("an earlier installation by the same plan is taken up".to_owned());
                return Ok(());
            }
            if resize::shrinks_any(plan) {
                // The kernel lets nobody else at a disk that is held.
                drop(files);
                Resizing {
                    at: &point,
                    stop,
                    log: &mut |line| emitter.log(line),
                }
                .shrink(plan)?;
                stop.check()?;
                files = partition::open_again(&plan.disks)?;
            }
            plan.disks
                .iter()
                .zip(files)
                .try_for_each(|(disk, file)| partition::write(disk, file))
        })
    }

    fn format(&mut self) -> Result<Nodes, EngineError> {
        self.stop.check()?;
        let (stop, resumed) = (self.stop, self.resumed);
        let plan = &self.prepared.plan;
        let point = self.top.join("resized");
        self.emitter.step(Step::Format, |emitter| {
            let nodes = Nodes::attach(plan)?;
            let wanted =
                |partition: &Partition| !(resumed && partition.mount.as_deref() == Some("/"));
            format::all(plan, &nodes, wanted, &mut |line| emitter.log(line))?;
            Resizing {
                at: &point,
                stop,
                log: &mut |line| emitter.log(line),
            }
            .grow(plan, &nodes)?;
            Ok(nodes)
        })
    }

    /// Mounts the root file system and `/boot`.
    fn mount(&self, nodes: &Nodes, physical: &Path) -> Result<Mounts, EngineError> {
        let plan = &self.prepared.plan;
        let mut mounts = Mounts::default();
        for (at, point) in [("/", physical.to_owned()), ("/boot", physical.join("boot"))] {
            if let Some((disk, partition)) = plan.mounted_at(at) {
                let fs = partition.fs.map_or("auto", crate::plan::FileSystem::name);
                mounts.device(nodes.of(&disk.device, partition.number)?, &point, fs)?;
            }
            if self.resumed && at == "/" {
                earlier::clear(physical)?;
            }
        }
        earlier::set_mark(plan, physical)?;
        Ok(mounts)
    }

    fn import(&mut self, physical: &Path) -> Result<(Repository, Checksum), EngineError> {
        self.stop.check()?;
        let stop = self.stop;
        let Prepared { plan, image, .. } = &*self.prepared;
        self.emitter.step(Step::Import, |emitter| {
            let repo = sysroot::create(physical)?;
            let total = image.total_bytes();
            let mut progress = |done| {
                emitter.bytes(done, Some(total));
                stop.go_on()
            };
            let commit = import::import(&repo, image, &plan.image.target, &mut progress)?;
            emitter.log(format!(
                "{} of layers unpacked to {} in {} objects; {} of layers were there already",
                size::human(total - commit.reused_bytes),
                size::human(commit.content_bytes),
                commit.objects,
                size::human(commit.reused_bytes),
            ));
            Ok((repo, commit.checksum))
        })
    }

    fn deploy(
        &mut self,
        repo: &Repository,
        commit: Checksum,
        physical: &Path,
    ) -> Result<Deployed, EngineError> {
        self.stop.check()?;
        let Prepared {
            kickstart, plan, ..
        } = &mut *self.prepared;
        let point = self.top.join("stage");
        self.emitter.step(Step::Deploy, |emitter| {
            let stage = Stage::open(repo, commit, physical, &point)?;
            let facts = facts::read(&stage, &plan.arch)?;
            let (target, issues) = target::settle(kickstart, plan, facts)?;
            for issue in &issues.0 {
                emitter.warn(issue.with_help());
            }
            for line in render_target(&target).lines() {
                emitter.log(line);
            }
            let deployment = sysroot::deploy(&stage, commit, &target, physical)?;
            stage.close()?;
            Ok(Deployed {
                commit,
                deployment,
                target,
            })
        })
    }

    fn configure(
        &mut self,
        deployed: &Deployed,
        nodes: &Nodes,
        physical: &Path,
    ) -> Result<System, EngineError> {
        self.stop.check()?;
        let plan = &self.prepared.plan;
        let point = self.top.join("system");
        let target = &deployed.target;
        self.emitter.step(Step::Configure, |emitter| {
            let mut system =
                System::open(&deployed.deployment, physical, &point, &target.stateroot)?;
            system.mount_data(plan, &target.mounts, nodes)?;
            system.configure(target, emitter)?;
            Ok(system)
        })
    }

    fn boot_loader(
        &mut self,
        deployed: &Deployed,
        system: &System,
        nodes: &Nodes,
    ) -> Result<Reachable, EngineError> {
        self.stop.check()?;
        self.emitter.step(Step::Bootloader, |emitter| {
            bootloader::prepare(&deployed.target.boot, system, nodes, emitter)
        })
    }
}
