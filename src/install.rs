// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall install`: plan, show the plan, carry it out, report.

use std::path::Path;

use kickstart_parser::{NoIncludes, ScriptKind};
use landfall_installer::engine::prepare::{Prepared, prepare, run_pre};
use landfall_installer::engine::{Failed, Stop, execute};
use landfall_installer::event::{Emitter, Sink};
use landfall_installer::exit::Exit;
use landfall_installer::plan::render_disks;
use landfall_installer::report::Report;
use signal_hook::consts::{SIGINT, SIGTERM};
use uuid::Uuid;

use crate::cli::InstallArgs;
use crate::kickstart::{self, Loaded};
use crate::plan::request;
use crate::terminal::{self, Console, JsonLines, Problem};

/// Only its presence waives `--yes`, and lets scripts run on this machine.
const ENVIRONMENT: &str = "/run/landfall/environment";

pub(crate) fn run(args: &InstallArgs) -> Result<Exit, Problem> {
    let stop = stop_on_signals()?;
    let mut console = Console::new(args.verbose);
    let mut json = JsonLines;
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut console];
    if args.json {
        sinks.push(&mut json);
    }
    let mut emitter = Emitter::new(Uuid::new_v4(), sinks);
    let loaded = load(args, &mut emitter)?;
    let outcome = install(args, loaded, &mut emitter, &stop);
    match outcome {
        Ok(report) => {
            drop(emitter);
            finish(args, &report)
        }
        Err(Ending::Refused(problem)) => Err(problem),
        Err(Ending::Failed(failed)) => {
            emitter.emit(failed.event());
            drop(emitter);
            if failed.written {
                terminal::say("hint: the disk does not boot; the same command can be run again");
            }
            Ok(failed.exit())
        }
    }
}

/// How an installation ends without a report.
enum Ending {
    Refused(Problem),
    Failed(Failed),
}

fn stop_on_signals() -> Result<Stop, Problem> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM] {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, stop.signal(), number)
            .map_err(|e| Problem::new(Exit::Refused, format!("catching signals: {e}")))?;
    }
    Ok(stop)
}

/// Reads the kickstart; `%pre` runs before the files that it may write are included.
fn load(args: &InstallArgs, emitter: &mut Emitter<'_>) -> Result<Loaded, Problem> {
    let path = &args.source.kickstart;
    let text = kickstart::text(path)?;
    let first = kickstart::with_includes(path, &text, &NoIncludes);
    if first
        .reading
        .kickstart
        .scripts
        .iter()
        .any(|script| script.kind == ScriptKind::Pre)
    {
        allow_host_scripts(args, "`%pre`")?;
        run_pre(&first.reading.kickstart, emitter)?;
    }
    kickstart::insist(kickstart::load(path, &text))
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

fn install(
    args: &InstallArgs,
    loaded: Loaded,
    emitter: &mut Emitter<'_>,
    stop: &Stop,
) -> Result<Report, Ending> {
    let mut prepared = prepare(request(&args.source, loaded), emitter)
        .map_err(|error| Ending::Failed(Failed::before_writes(emitter.current(), error)))?;
    show_plan(args, &prepared);
    permit(args, &prepared).map_err(Ending::Refused)?;
    execute(&mut prepared, emitter, stop).map_err(Ending::Failed)
}

/// The plan is talk when stdout carries events.
fn show_plan(args: &InstallArgs, prepared: &Prepared) {
    let text = render_disks(&prepared.plan);
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
        let json =
            serde_json::to_string_pretty(report).map_err(|e| Problem::new(Exit::Usage, e))?;
        std::fs::write(path, json + "\n").map_err(|e| {
            Problem::new(
                Exit::Usage,
                format!("writing the report `{}`: {e}", path.display()),
            )
        })?;
    }
    Ok(Exit::Done)
}
