// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall install`: plan, show the plan, carry it out, report.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kickstart_parser::{NoIncludes, ScriptKind};
use landfall_installer::engine::prepare::{Prepared, prepare, run_pre};
use landfall_installer::engine::{Failed, Stop, execute};
use landfall_installer::event::{Emitter, Sink, Step};
use landfall_installer::exit::Exit;
use landfall_installer::plan::{render_disks, render_target, render_waits};
use landfall_installer::report::Report;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use uuid::Uuid;

use crate::cli::InstallArgs;
use crate::input::{self, Files, Loaded};
use crate::plan::request;
use crate::terminal::{self, Console, JsonLines, Problem};

/// Only its presence waives `--yes`, and lets scripts run on this machine.
const ENVIRONMENT: &str = "/run/landfall/environment";

pub(crate) fn run(args: &InstallArgs) -> Result<Exit, Problem> {
    let mut console = Console::new(args.verbose);
    let mut json = JsonLines;
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut console];
    if args.json {
        sinks.push(&mut json);
    }
    let mut emitter = Emitter::new(Uuid::new_v4(), sinks);
    match install(args, &mut emitter) {
        Ok(report) => {
            drop(emitter);
            finish(args, &report)
        }
        // Whoever has seen an event is told of the end by one.
        Err(Ending::Refused(problem)) if emitter.has_begun() => {
            emitter.emit(problem.event(emitter.current()));
            Ok(problem.exit)
        }
        Err(Ending::Refused(problem)) => Err(problem),
        Err(Ending::Failed(failed)) => {
            emitter.emit(failed.event());
            drop(emitter);
            if failed.written {
                terminal::say(&hint_after_writes(&failed));
            }
            Ok(failed.exit())
        }
    }
}

fn hint_after_writes(failed: &Failed) -> String {
    let state = if failed.step == Step::Finalize {
        "the installation is not complete, and the disk may start all the same"
    } else {
        "the disk does not boot"
    };
    let again = "the same command can be run again";
    match failed.seed {
        Some(seed) => {
            format!("hint: {state}; {again}, with `--seed {seed}` it fetches only what is missing")
        }
        None => format!("hint: {state}; {again}"),
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

/// From now on signals are looked at between steps; a second one ends the process.
fn stop_on_signals() -> Result<Stop, Problem> {
    let stop = Stop::default();
    let failed = |e| Problem::new(Exit::Refused, format!("catching signals: {e}"));
    let again = Arc::new(AtomicBool::new(false));
    for (signal, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
        let code = exit.code().into();
        flag::register_conditional_shutdown(signal, code, Arc::clone(&again)).map_err(failed)?;
        flag::register(signal, Arc::clone(&again)).map_err(failed)?;
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, stop.signal(), number).map_err(failed)?;
    }
    Ok(stop)
}

/// Reads the kickstart; `%pre` runs before the files that it may write are included.
fn load(args: &InstallArgs, emitter: &mut Emitter<'_>) -> Result<Loaded, Ending> {
    let path = &args.source.kickstart;
    let syntax = args.source.syntax;
    let text = input::text(path)?;
    let first = Loaded::new(path, &text, syntax, &NoIncludes);
    let scripts = pre_scripts(&first);
    if scripts > 0 {
        if first.reading.has_errors() {
            return Ok(first.insist()?);
        }
        allow_host_scripts(args, "`%pre`")?;
        run_pre(&first.reading.kickstart, emitter).map_err(Ending::Failed)?;
    }
    let loaded = Loaded::new(path, &text, syntax, &Files).insist()?;
    if pre_scripts(&loaded) > scripts {
        let message = "a `%pre` script stands in an included file, where it is not run yet";
        return Err(Problem::new(Exit::Input, message)
            .hint("move it to the kickstart itself")
            .into());
    }
    Ok(loaded)
}

fn pre_scripts(loaded: &Loaded) -> usize {
    let scripts = &loaded.reading.kickstart.scripts;
    scripts
        .iter()
        .filter(|script| script.kind == ScriptKind::Pre)
        .count()
}

fn allow_host_scripts(args: &InstallArgs, which: &str) -> Result<(), Problem> {
    if args.allow_host_scripts || is_installer_environment() {
        return Ok(());
    }
    let message = format!("the kickstart's {which} scripts would run on this machine");
    Err(Problem::new(Exit::Refused, message).hint("`--allow-host-scripts` allows it"))
}

fn is_installer_environment() -> bool {
    Path::new(ENVIRONMENT).exists()
}

fn install(args: &InstallArgs, emitter: &mut Emitter<'_>) -> Result<Report, Ending> {
    let loaded = load(args, emitter)?;
    let stop = stop_on_signals()?;
    let mut request = request(&args.source, loaded);
    request.access.patience.stopped = stop.signal();
    let mut prepared = prepare(request, emitter, &stop).map_err(|error| {
        Ending::Failed(Failed::before_writes(emitter.current(), stop.cause(error)))
    })?;
    show_plan(args, &prepared);
    permit(args, &prepared)?;
    if let Some(path) = &args.report {
        open_report(path)?;
    }
    execute(&mut prepared, emitter, &stop).map_err(Ending::Failed)
}

/// A report that cannot be written is found before the disks are.
fn open_report(path: &Path) -> Result<File, Problem> {
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path);
    opened.map_err(|e| {
        Problem::new(
            Exit::Usage,
            format!("writing the report `{}`: {e}", path.display()),
        )
    })
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
    if prepared.has_host_scripts() {
        allow_host_scripts(args, "`--nochroot`")?;
    }
    let devices = prepared.block_devices();
    if devices.is_empty() || args.yes || is_installer_environment() {
        return Ok(());
    }
    let message = format!("the plan above writes to `{}`", devices.join("`, `"));
    Err(Problem::new(Exit::Refused, message).hint("`--yes` carries it out"))
}

fn finish(args: &InstallArgs, report: &Report) -> Result<Exit, Problem> {
    let text = report.to_string();
    if args.json {
        terminal::say(text.trim_end());
    } else {
        terminal::data(&text);
    }
    if let Some(path) = &args.report {
        serde_json::to_writer_pretty(open_report(path)?, report)
            .map_err(|e| Problem::new(Exit::Usage, e))?;
    }
    Ok(Exit::Done)
}
