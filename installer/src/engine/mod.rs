// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Carrying a plan out: the only code that changes the world.
//!
//! [`prepare::prepare`] looks and plans, [`execute`] writes. The order is: tables, file systems,
//! import, deployment, configuration, boot loader, `%post`, and last of all what firmware looks
//! for (two files on the ESP, or GRUB's core image and boot sector), so that whatever fails before leaves a disk that no
//! firmware starts. Everything happens in a mount namespace of its own that ends with the
//! process. What is to be done is decided in [`crate::plan`].

mod bios;
mod boot_facts;
mod bootloader;
mod earlier;
pub mod error;
mod esp;
mod facts;
mod finalize;
mod format;
pub mod import;
mod label;
mod mount;
mod namespace;
mod node;
mod partition;
pub mod prepare;
mod repository;
mod root;
mod script;
mod stop;
mod sysroot;
mod system;
pub mod tool;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kickstart_parser::commands::EndAction;
use thiserror::Error;
use uuid::Uuid;

use crate::event::{Body, Emitter, Failure, Step};
use crate::exit::Exit;
use crate::inventory::Firmware;
use crate::plan::{Partition, TargetPlan, plan_target, render_target, size};
use crate::report::{Report, StepReport};

use bootloader::Reachable;
use error::EngineError;
use mount::Mounts;
use node::Nodes;
use prepare::Prepared;
use repository::{Checksum, Repository};
pub use stop::Stop;
use sysroot::Stage;
use system::System;

/// An installation that failed.
#[derive(Debug, Error)]
#[error("the step `{}` failed", .step.name())]
pub struct Failed {
    /// The step that failed.
    pub step: Step,
    /// Whether a disk had been written to.
    pub written: bool,
    /// Seed of the plan that was being carried out: with it another run takes up what is there.
    pub seed: Option<Uuid>,
    /// Why.
    #[source]
    pub error: EngineError,
}

impl Failed {
    /// An error before the first write.
    pub fn before_writes(step: Step, error: EngineError) -> Self {
        Self {
            step,
            written: false,
            seed: None,
            error,
        }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match &self.error {
            EngineError::Stopped(exit) => *exit,
            _ if self.written => Exit::Broken,
            error => error.exit_before_writes(),
        }
    }

    /// The event for it.
    pub fn event(&self) -> Body {
        let hint = self.error.hint();
        Body::Failed {
            step: self.step,
            error: Failure {
                code: self.exit().code(),
                chain: self.error.chain(),
                hint,
            },
        }
    }
}

/// Carries the plan out. Before the first write it makes sure of its mount namespace.
pub fn execute(
    prepared: &mut Prepared,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<Report, Failed> {
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
        written: false,
        resumed: false,
        marked: false,
    };
    let outcome = execution.run();
    let (written, marked) = (execution.written, execution.marked);
    outcome.map_err(|error| Failed {
        step: emitter.current(),
        written,
        seed: marked.then_some(seed),
        error: stop.cause(error),
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
    /// Whether a disk has been written to.
    written: bool,
    /// Whether the root file system is that of an earlier run by the same plan.
    resumed: bool,
    /// Whether another run by the same plan can take up what is there.
    marked: bool,
}

/// What a deployed, not yet configured target consists of.
struct Deployed {
    commit: Checksum,
    deployment: PathBuf,
    target: TargetPlan,
}

impl Execution<'_, '_> {
    fn run(&mut self) -> Result<Report, EngineError> {
        self.partition()?;
        let nodes = self.format()?;
        let physical = self.top.join("physical");
        let mounts = self.mount(&nodes, &physical)?;
        self.marked = true;
        let (repo, commit) = self.import(&physical)?;
        let deployed = self.deploy(&repo, commit, &physical)?;
        drop(repo);
        let system = self.configure(&deployed, &nodes, &physical)?;
        let reachable = self.boot_loader(&deployed, &system, &nodes)?;
        self.post(&deployed, &system)?;
        self.marked = false;
        self.emitter.step(Step::Finalize, |_| {
            finalize::record(
                &physical,
                &self.prepared.plan,
                &deployed.target,
                &self.prepared.image,
            )?;
            label::all(&system.path, &physical, &deployed.target.mounts)?;
            finalize::flush(&system.file_systems())?;
            system.close()?;
            finalize::flush(&[&physical.join("boot"), &physical])?;
            earlier::clear_mark(&physical)?;
            mounts.unmount()?;
            bootloader::make_reachable(&reachable, &deployed.target.boot, &nodes)?;
            drop(nodes);
            finalize::sync_disks(&self.prepared.plan)
        })?;
        let report = self.report(&deployed);
        self.emitter.emit(Body::Finished {
            message: format!("{} is installed", report.source),
        });
        Ok(report)
    }

    /// Opens every disk before the first is written.
    fn partition(&mut self) -> Result<(), EngineError> {
        self.stop.check()?;
        let plan = &self.prepared.plan;
        let (written, resumed) = (&mut self.written, &mut self.resumed);
        let point = self.top.join("earlier");
        self.emitter.step(Step::Partition, |emitter| {
            *resumed = earlier::is_there(plan, &point, &mut |line| emitter.log(line));
            let files = partition::open_all(&plan.disks)?;
            *written = true;
            if *resumed {
                emitter.log("an earlier installation by the same plan is taken up".to_owned());
                return Ok(());
            }
            plan.disks
                .iter()
                .zip(files)
                .try_for_each(|(disk, file)| partition::write(disk, file))
        })
    }

    fn format(&mut self) -> Result<Nodes, EngineError> {
        self.stop.check()?;
        let resumed = self.resumed;
        let plan = &self.prepared.plan;
        self.emitter.step(Step::Format, |emitter| {
            let nodes = Nodes::attach(plan)?;
            let wanted =
                |partition: &Partition| !(resumed && partition.mount.as_deref() == Some("/"));
            format::all(plan, &nodes, wanted, &mut |line| emitter.log(line))?;
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
                if stop.check().is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
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
            let (target, issues) =
                plan_target(kickstart, plan, &facts).map_err(EngineError::Plan)?;
            for issue in &issues.0 {
                emitter.warn(issue.with_help());
            }
            for line in render_target(&target).lines() {
                emitter.log(line);
            }
            let deployment = sysroot::deploy(&stage, commit, &target, physical)?;
            stage.close()?;
            plan.target = Some(target.clone());
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
            system.configure(target, &mut |line| emitter.log(line))?;
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
            let mut log = |line| emitter.log(line);
            bootloader::prepare(&deployed.target.boot, system, nodes, &mut log)
        })
    }

    fn post(&mut self, deployed: &Deployed, system: &System) -> Result<(), EngineError> {
        self.stop.check()?;
        self.emitter.step(Step::Post, |emitter| {
            for post in &deployed.target.post {
                script::run(post, &system.path)?.tell("%post", post.line, emitter);
            }
            Ok(())
        })
    }

    fn report(&self, deployed: &Deployed) -> Report {
        let Prepared {
            kickstart,
            plan,
            image,
        } = &*self.prepared;
        let bytes = |step| (step == Step::Import).then(|| image.total_bytes());
        let steps = self
            .emitter
            .timings()
            .iter()
            .map(|(step, seconds)| StepReport {
                step: *step,
                seconds: *seconds,
                bytes: bytes(*step),
            });
        let action = kickstart.end.as_ref().map(|end| final_action(end.action));
        Report {
            report: 1,
            install: self.emitter.install(),
            seed: plan.seed,
            source: plan.image.source.clone(),
            target: plan.image.target.clone(),
            digest: image.digest.clone(),
            commit: deployed.commit.to_string(),
            disks: plan.disks.iter().map(|disk| disk.device.clone()).collect(),
            steps: steps.collect(),
            final_action: action.map(str::to_owned),
            next: next(plan, action),
        }
    }
}

const fn final_action(action: EndAction) -> &'static str {
    match action {
        EndAction::Reboot => "reboot",
        EndAction::PowerOff => "poweroff",
        EndAction::Halt => "halt",
        EndAction::Shutdown => "shutdown",
    }
}

/// What the user does now.
fn next(plan: &crate::plan::Plan, action: Option<&str>) -> Vec<String> {
    let mut next = Vec::new();
    if plan.disks.iter().all(|disk| disk.image_file) {
        let kind = match plan.firmware {
            Firmware::Uefi => "UEFI",
            Firmware::Bios => "BIOS",
        };
        next.push(format!("Start a {kind} machine from the disk image"));
    } else {
        next.push("Start the machine from its disk".to_owned());
    }
    if let Some(action) = action {
        next.push(format!(
            "The kickstart's `{action}` is left to you outside the installer environment"
        ));
    }
    next
}
