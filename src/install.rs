// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall install`: plan, show the plan, carry it out, report.

use std::fs::File;
use std::path::Path;

use kickstart_parser::{Includes, NoIncludes, ScriptKind};
use landfall_installer::engine::prepare::{Prepared, Request, prepare};
use landfall_installer::engine::{Failed, Installed, Stop, execute, host, logs};
use landfall_installer::event::{Emitter, Sink};
use landfall_installer::exit::Exit;
use landfall_installer::inventory::ENVIRONMENT;
use landfall_installer::journal::Journal;
use landfall_installer::plan::{render_disks, render_target, render_waits};
use serde::Serialize;
use uuid::Uuid;

use crate::cli::InstallArgs;
use crate::input::{self, Files, Loaded, PresentFiles};
use crate::plan::{request, saved};
use crate::signals;
use crate::terminal::{self, Console, JsonLines, Problem};

pub(crate) fn run(args: &InstallArgs) -> Result<Exit, Problem> {
    let mut console = Console::new(args.verbose);
    let mut json = JsonLines;
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut console];
    if args.json {
        sinks.push(&mut json);
    }
    let mut emitter = Emitter::new(Uuid::new_v4(), sinks);
    match install(args, &mut emitter) {
        Ok(installed) => {
            drop(emitter);
            finish(args, &installed);
            Ok(Exit::Done)
        }
        // Whoever has seen an event is told of the end by one.
        Err(Ending::Refused(problem)) if emitter.has_begun() => {
            emitter.emit(problem.event(emitter.current()));
            Ok(problem.exit)
        }
        Err(Ending::Refused(problem)) => Err(problem),
        Err(Ending::Failed(failed)) => {
            emitter.emit(failed.event());
            tell_log(emitter.journal());
            terminal::say(&format!("hint: {}", failed.state()));
            Ok(failed.exit())
        }
    }
}

/// Keeps the log of an installation that failed, and says where.
fn tell_log(journal: &Journal) {
    match logs::keep_here(journal) {
        Ok(path) => terminal::say(&format!("log: {}", path.display())),
        Err(error) => terminal::say(&format!("warning: writing the log: {error}")),
    }
}

/// How an installation ends without a report.
enum Ending {
    Refused(Problem),
    Failed(Failed),
}

impl From<Problem> for Ending {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// Reads the kickstart; `%pre` runs before the files that it may write are included.
fn load(args: &InstallArgs, emitter: &mut Emitter<'_>, stop: &Stop) -> Result<Loaded, Ending> {
    let path = &args.source.kickstart;
    let text = input::text(path)?;
    let read = |includes: &dyn Includes| Loaded::new(path, &text, args.source.syntax, includes);
    let first = read(&PresentFiles);
    let scripts = pre_scripts(&first);
    if scripts > 0 {
        let alone = read(&NoIncludes);
        if alone.reading.has_errors() {
            return Ok(alone.insist()?);
        }
        allow_host_scripts(args, &first)?;
        host::run_pre(&first.reading.kickstart, emitter, stop).map_err(Ending::Failed)?;
    }
    let mut loaded = read(&Files).insist()?;
    if let Some(end) = &mut loaded.reading.kickstart.end {
        end.kexec |= args.kexec;
    }
    if pre_scripts(&loaded) > scripts {
        emitter.warn("a `%pre` in a file that was not there before is not run");
    }
    allow_host_scripts(args, &loaded)?;
    Ok(loaded)
}

fn pre_scripts(loaded: &Loaded) -> usize {
    let scripts = &loaded.reading.kickstart.scripts;
    scripts
        .iter()
        .filter(|script| script.kind == ScriptKind::Pre)
        .count()
}

fn allow_host_scripts(args: &InstallArgs, loaded: &Loaded) -> Result<(), Problem> {
    let sections = host::sections(&loaded.reading.kickstart);
    if sections.is_empty() || args.allow_host_scripts || is_installer_environment() {
        return Ok(());
    }
    let message = format!(
        "the kickstart's `{}` scripts would run on this machine",
        sections.join("`, `")
    );
    Err(Problem::new(Exit::Refused, message).hint("`--allow-host-scripts` allows it"))
}

/// Only this waives `--yes`, and lets scripts run on this machine.
fn is_installer_environment() -> bool {
    Path::new(ENVIRONMENT).exists()
}

fn install(args: &InstallArgs, emitter: &mut Emitter<'_>) -> Result<Installed, Ending> {
    let stop = signals::listen()?;
    let saved = args.plan.as_deref().map(saved).transpose()?;
    let loaded = load(args, emitter, &stop)?;
    let mut wanted = request(&args.source, loaded);
    wanted.access.patience.stopped = stop.signal();
    let wanted = Request {
        seed: saved.as_ref().map_or(wanted.seed, |plan| plan.seed),
        saved,
        environment: is_installer_environment(),
        ..wanted
    };
    let mut prepared = prepare(wanted, emitter, &stop)
        .map_err(|error| Ending::Failed(Failed::before_writes(emitter.current(), error)))?;
    show_plan(args, &prepared);
    permit(args, &prepared)?;
    if let Some(path) = &args.report {
        open_report(path)?;
    }
    execute(&mut prepared, emitter, &stop).map_err(Ending::Failed)
}

/// What cannot be written is found before the disks are.
fn open_report(path: &Path) -> Result<File, Problem> {
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path);
    opened.map_err(|e| unwritten(path, &e))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Problem> {
    let file = open_report(path)?;
    serde_json::to_writer_pretty(file, value).map_err(|e| unwritten(path, &e))
}

fn unwritten(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    let message = format!("writing the report `{}`: {error}", path.display());
    Problem::new(Exit::Usage, message)
}

/// The plan is talk when stdout carries events.
fn show_plan(args: &InstallArgs, prepared: &Prepared) {
    let plan = &prepared.plan;
    let target = plan.target.as_ref().map(render_target);
    let text = render_disks(plan) + &target.unwrap_or_default() + &render_waits(plan);
    if args.json {
        terminal::say(text.trim_end());
    } else {
        terminal::data(&text);
    }
}

/// Nothing on a block device is erased without a word from the user.
fn permit(args: &InstallArgs, prepared: &Prepared) -> Result<(), Problem> {
    let devices = prepared.block_devices();
    if devices.is_empty() || args.yes || is_installer_environment() {
        return Ok(());
    }
    let message = format!("the plan above writes to `{}`", devices.join("`, `"));
    Err(Problem::new(Exit::Refused, message).hint("`--yes` carries it out"))
}

fn finish(args: &InstallArgs, installed: &Installed) {
    let text = installed.report.to_string();
    if args.json {
        terminal::say(text.trim_end());
    } else {
        terminal::data(&text);
    }
    if let Some(path) = &args.report {
        // The machine is installed all the same, and ends as the kickstart says.
        if let Err(problem) = write_json(path, &installed.report) {
            terminal::say(&format!("warning: {}", problem.chain.join(": ")));
        }
    }
    let Some(action) = installed.action else {
        return;
    };
    let ended = match &args.final_action {
        Some(path) => write_json(path, &action).map_err(|problem| problem.chain),
        None => action.carry_out().map_err(|error| error.chain()),
    };
    if let Err(chain) = ended {
        // The installation itself is complete.
        terminal::say(&format!("warning: {}", chain.join(": ")));
    }
}
