// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The parts of an execution in which scripts of the kickstart run, and what the machine does after the last of them.
//!
//! Scripts of the installing machine see the target at the places that [`super::host`] knows; what any script leaves running
//! is ended before the target is unmounted.

use std::path::Path;

use super::error::EngineError;
use super::final_action::FinalAction;
use super::host::{self, View};
use super::node::Nodes;
use super::prepare::Prepared;
use super::script::Scripts;
use super::system::System;
use super::{Deployed, Execution, Stop, pre_install, process};
use crate::event::{Emitter, Step};
use crate::plan::Unsaved;

impl Execution<'_, '_> {
    /// The scripts for a failure, while the target is still to be seen, and the end of whatever still runs in it.
    pub(super) fn fail(&mut self, error: &EngineError) {
        let kickstart = &self.prepared.kickstart;
        host::on_failure(kickstart, error, self.emitter);
        self.end_left_behind();
        self.view = None;
    }

    fn end_left_behind(&mut self) {
        let emitter = &mut *self.emitter;
        let (family, outer) = (self.stop.family(), self.outer.as_ref());
        process::end_left_behind(family, outer, &mut |line| emitter.warn(line));
    }

    /// `%pre-install` with every new file system mounted, and then the target as later scripts of this machine see it.
    pub(super) fn pre_install(
        &mut self,
        nodes: &Nodes,
        physical: &Path,
    ) -> Result<(), EngineError> {
        let Prepared {
            kickstart, plan, ..
        } = &*self.prepared;
        if !plan.pre_install.is_empty() {
            let scripts = Scripts {
                section: "%pre-install",
                plans: &plan.pre_install,
                root: Path::new("/"),
            };
            let (stop, view, outer) = (self.stop, &mut self.view, self.outer.as_ref());
            self.emitter.step(Step::Pre, |emitter| {
                let data = pre_install::mount(plan, nodes, physical, &mut |l| emitter.log(l))?;
                let view = view.insert(View::open(physical)?);
                scripts.run(emitter, stop)?;
                process::end_left_behind(stop.family(), outer, &mut |line| emitter.warn(line));
                view.close()?;
                data.close()
            })?;
        }
        if host::needs_view(kickstart) {
            self.view = Some(View::open(physical)?);
        }
        Ok(())
    }

    pub(super) fn post(&mut self, deployed: &Deployed, system: &System) -> Result<(), EngineError> {
        self.stop.check()?;
        let scripts = Scripts {
            section: "%post",
            plans: &deployed.target.post,
            root: &system.path,
        };
        let (stop, view, outer) = (self.stop, &mut self.view, self.outer.as_ref());
        let Prepared {
            plan,
            kickstart_text,
            ..
        } = &*self.prepared;
        self.emitter.step(Step::Post, |emitter| {
            view.as_mut()
                .map_or(Ok(()), |view| view.show(&system.path))?;
            scripts.run(emitter, stop)?;
            process::end_left_behind(stop.family(), outer, &mut |line| emitter.warn(line));
            if plan.unsaved(Unsaved::InputKs) {
                return Ok(());
            }
            system.keep_kickstart(kickstart_text)
        })
    }
}

/// What the machine does after the installation, which is up to the user outside the installer environment, and if he
/// sent a signal that came too late to end the installation.
pub(super) fn last_action(
    prepared: &Prepared,
    stop: &Stop,
    at: &Path,
    emitter: &mut Emitter<'_>,
) -> Option<FinalAction> {
    let end = prepared
        .kickstart
        .end
        .as_ref()
        .filter(|_| prepared.environment);
    let is_wanted = || stop.check().is_ok();
    let warn = &mut |line| emitter.warn(line);
    let action = end
        .filter(|_| is_wanted())
        .map(|end| FinalAction::prepare(end, &prepared.plan, at, warn));
    if is_wanted() {
        return action;
    }
    emitter.warn(
        "a signal came when the installation was being completed: it is complete, and the machine goes on",
    );
    if let Some(action) = action {
        action.give_up();
    }
    None
}
