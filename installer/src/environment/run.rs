// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a machine through the installer environment.
//!
//! The installation itself is a process of its own, `landfall install`, whose events are shown here: whatever becomes of it,
//! the machine can say so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::display::Display;
use super::ending::{self, Choice};
use super::kickstart::{self, Found};
use super::machine::Machine;
use super::mounted::MountedMedium;
use super::reporter::Reporter;
use super::syslog::Sender;
use super::terminals::Terminals;
use super::{BootOptions, KickstartOption, KickstartSource};
use crate::engine::error::EngineError;
use crate::event::Event;
use crate::inventory::{ENVIRONMENT, MEDIUM};

/// The kickstart of this installation, as Anaconda has it.
const KICKSTART: &str = "/run/install/ks.cfg";

/// Does what this machine was started for.
///
/// # Errors
/// What kept it from that; it was shown, too.
pub fn run() -> Result<(), EngineError> {
    let mut terminals = Terminals::of_kernel();
    let options = begin(&mut terminals).inspect_err(|error| terminals.fail(error))?;
    let result = serve(&options, &mut terminals);
    if let Err(error) = &result {
        terminals.fail(error);
        ending::after_failure(&options, &mut terminals);
    }
    result
}

/// From here on nobody is asked whether a disk may be written.
fn begin(terminals: &mut Terminals) -> Result<BootOptions, EngineError> {
    write(ENVIRONMENT, b"")?;
    let line = fs::read_to_string("/proc/cmdline")
        .map_err(|e| EngineError::io("reading `/proc/cmdline`", e))?;
    let (options, warnings) = BootOptions::parse(&line);
    terminals.say(concat!("Landfall ", env!("CARGO_PKG_VERSION")));
    for warning in warnings {
        terminals.say(&format!("warning: {warning}"));
    }
    Ok(options)
}

fn serve(options: &BootOptions, terminals: &mut Terminals) -> Result<(), EngineError> {
    if options.rescue {
        ending::shell(terminals)?;
        return ending::reboot();
    }
    let medium = options
        .medium
        .as_ref()
        .map(MountedMedium::find)
        .transpose()?;
    if options.check_medium {
        return check(medium.as_ref(), terminals);
    }
    if let Some(medium) = &medium {
        medium.verify()?;
    }
    let volume = medium.as_ref().map(|medium| &medium.volume);
    match kickstart::find(options, volume, Machine)? {
        Some(found) => follow(options, (&found, options.plan_only), terminals),
        None => follow_choice(options, terminals),
    }
}

fn check(medium: Option<&MountedMedium>, terminals: &mut Terminals) -> Result<(), EngineError> {
    let medium = medium.ok_or_else(|| {
        EngineError::Refused("this machine was not started from a medium".to_owned())
    })?;
    let count = medium.verify_all(&mut |path| terminals.say(&format!("checking {path}")))?;
    terminals.say(&format!(
        "all {count} files of the medium are what was written"
    ));
    ending::reboot()
}

/// Without a kickstart nothing is ever written.
fn follow_choice(options: &BootOptions, terminals: &mut Terminals) -> Result<(), EngineError> {
    match ending::ask(options, terminals) {
        Some(Choice::Kickstart { address, plan_only }) => {
            let source = KickstartSource::parse(&address).map_err(EngineError::Refused)?;
            let options = BootOptions {
                kickstart: KickstartOption::At(vec![source]),
                ..options.clone()
            };
            match kickstart::find(&options, None, Machine)? {
                Some(found) => follow(&options, (&found, plan_only), terminals),
                None => Ok(()),
            }
        }
        Some(Choice::Shell) => {
            ending::shell(terminals)?;
            ending::reboot()
        }
        Some(Choice::Reboot) => ending::reboot(),
        None => Err(EngineError::Refused(
            "this machine has no kickstart".to_owned(),
        )),
    }
}

/// Does what a kickstart says, or shows it.
fn follow(
    options: &BootOptions,
    (found, plan_only): (&Found, bool),
    terminals: &mut Terminals,
) -> Result<(), EngineError> {
    terminals.say(&format!("kickstart: {}", found.from));
    write(KICKSTART, &found.text)?;
    if plan_only {
        let child = start(options, "plan", &[])?;
        return end(child, |line| terminals.say(line));
    }
    let (began, mut display) = (Instant::now(), Display::default());
    let reporter = options
        .report
        .clone()
        .map(|url| Reporter::start(url, options.token.clone()));
    let syslog = options.syslog.as_ref().and_then(Sender::to);
    let child = start(options, "install", &["--json"])?;
    end(child, |line| {
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            return;
        };
        if let Some(reporter) = &reporter {
            reporter.accept(&event);
        }
        for line in display.lines(&event.body, began.elapsed()) {
            terminals.say(&line);
            if let Some(syslog) = &syslog {
                syslog.say(&line);
            }
        }
    })
}

fn write(path: &str, content: &[u8]) -> Result<(), EngineError> {
    let made = Path::new(path).parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, content))
        .map_err(|e| EngineError::io(format!("writing `{path}`"), e))
}

/// Starts a command of ours for this machine.
fn start(options: &BootOptions, command: &str, more: &[&str]) -> Result<Child, EngineError> {
    let mut landfall = Command::new("/usr/bin/landfall");
    landfall
        .args([command, "--kickstart", KICKSTART])
        .args(more);
    if options.medium.is_some() {
        landfall.args(["--medium", MEDIUM]);
    }
    landfall.args(
        options
            .nosave
            .iter()
            .map(|what| format!("--nosave={}", what.name())),
    );
    landfall
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| EngineError::io(format!("starting `landfall {command}`"), e))
}

/// Hands on what a command prints, until its end.
fn end(mut child: Child, mut each: impl FnMut(&str)) -> Result<(), EngineError> {
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            each(&line);
        }
    }
    let status = child
        .wait()
        .map_err(|e| EngineError::io("waiting for the installation", e))?;
    if status.success() {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "this machine is not installed: {status}"
    )))
}
