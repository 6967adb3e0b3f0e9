// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The scripts of a kickstart that run on the installing machine beside the installation: `%pre`, `%onerror`,
//! `%traceback`; and where those that run while there is a target find it, as Anaconda's scripts expect.
//!
//! Whether they may run at all is decided by the caller. `%pre-install` and `%post` are steps of the execution.

use std::fs;
use std::path::{Path, PathBuf};

use kickstart_parser::{Kickstart, ScriptKind};

use super::error::EngineError;
use super::mount::{Mounts, make_directory};
use super::script::Scripts;
use super::{Failed, Stop};
use crate::event::{Emitter, Step};
use crate::plan::ScriptPlan;

/// Where scripts find the root file system with `/boot` in it.
const PHYSICAL: &str = "/mnt/sysimage";
/// Where scripts find the installed system's root: the deployment, once there is one.
const SYSTEM: &str = "/mnt/sysroot";

/// Runs the kickstart's `%pre` scripts.
pub fn run_pre(
    kickstart: &Kickstart,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<(), Failed> {
    let plans = ScriptPlan::of_kind(kickstart, ScriptKind::Pre);
    if plans.is_empty() {
        return Ok(());
    }
    let scripts = Scripts {
        section: "%pre",
        plans: &plans,
        root: Path::new("/"),
    };
    emitter
        .step(Step::Pre, |emitter| scripts.run(emitter, stop))
        .map_err(|error| Failed::before_writes(Step::Pre, stop.cause(error)))
}

/// Runs the scripts for a failed installation. Whoever stopped it himself wants no more to happen.
pub(super) fn on_failure(kickstart: &Kickstart, error: &EngineError, emitter: &mut Emitter<'_>) {
    if matches!(error, EngineError::Stopped(_)) {
        return;
    }
    let kinds = [
        ("%onerror", ScriptKind::OnError),
        ("%traceback", ScriptKind::Traceback),
    ];
    for (section, kind) in kinds {
        let plans = ScriptPlan::of_kind(kickstart, kind);
        if plans.is_empty() {
            continue;
        }
        emitter.warn(format!("the installation failed, {section} runs: {error}"));
        Scripts {
            section,
            plans: &plans,
            root: Path::new("/"),
        }
        .run_whatever_happens(emitter);
    }
}

/// Sections of the kickstart whose scripts run on the installing machine.
pub fn sections(kickstart: &Kickstart) -> Vec<&'static str> {
    let mut found = Vec::new();
    for script in &kickstart.scripts {
        let section = match script.kind {
            ScriptKind::Pre => "%pre",
            ScriptKind::PreInstall => "%pre-install",
            ScriptKind::Post if script.nochroot => "%post --nochroot",
            ScriptKind::Post => continue,
            ScriptKind::OnError => "%onerror",
            ScriptKind::Traceback => "%traceback",
        };
        if !found.contains(&section) {
            found.push(section);
        }
    }
    found
}

/// Whether a script may look for the target on the installing machine.
pub(super) fn needs_view(kickstart: &Kickstart) -> bool {
    sections(kickstart).iter().any(|section| *section != "%pre")
}

/// The target where scripts on the installing machine look for it. Only this mount namespace sees it; the empty
/// directories that it is mounted on stay.
#[derive(Debug)]
pub(super) struct View {
    physical: Mounts,
    system: Mounts,
    system_at: PathBuf,
}

impl View {
    /// Shows the root file system in both places: there is no deployment yet.
    pub(super) fn open(physical: &Path) -> Result<Self, EngineError> {
        let mut view = Self {
            physical: Mounts::default(),
            system: Mounts::default(),
            system_at: place(SYSTEM)?,
        };
        view.physical.bind_recursive(physical, &place(PHYSICAL)?)?;
        view.system.bind_recursive(physical, &view.system_at)?;
        Ok(view)
    }

    /// Shows the mounted deployment as the installed system.
    pub(super) fn show(&mut self, system: &Path) -> Result<(), EngineError> {
        std::mem::take(&mut self.system).unmount()?;
        self.system.bind_recursive(system, &self.system_at)
    }

    /// Takes both away.
    pub(super) fn close(&mut self) -> Result<(), EngineError> {
        std::mem::take(&mut self.system).unmount()?;
        std::mem::take(&mut self.physical).unmount()
    }
}

/// The directory, made if it is missing; `/mnt` may be a link.
fn place(path: &str) -> Result<PathBuf, EngineError> {
    make_directory(Path::new(path))?;
    fs::canonicalize(path).map_err(|e| EngineError::io(format!("looking for `{path}`"), e))
}
