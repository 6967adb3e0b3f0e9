// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of a machine through the installer environment.
//!
//! The installation itself is a process of its own, `landfall install`, whose events are shown here: whatever becomes of it,
//! the machine can say so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::display::Display;
use super::kickstart;
use super::machine::Machine;
use super::terminals::Terminals;
use super::volume::Volume;
use super::{BootOptions, Device};
use crate::engine::error::EngineError;
use crate::event::Event;
use crate::inventory::ENVIRONMENT;

/// Where the medium is, as Anaconda has it.
const MEDIUM: &str = "/run/install/repo";
/// The kickstart of this installation, as Anaconda has it.
const KICKSTART: &str = "/run/install/ks.cfg";
/// How long the medium is waited for: a USB stick behind hubs takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Installs this machine, or says why not.
///
/// # Errors
/// What kept it from being installed; it was shown, too.
pub fn run() -> Result<(), EngineError> {
    let mut terminals = Terminals::of_kernel();
    let result = install(&mut terminals);
    if let Err(error) = &result {
        for (index, message) in error.chain().iter().enumerate() {
            let word = if index == 0 { "error" } else { "  because" };
            terminals.say(&format!("{word}: {message}"));
        }
        if let Some(hint) = error.hint() {
            terminals.say(&format!("hint: {hint}"));
        }
    }
    result
}

fn install(terminals: &mut Terminals) -> Result<(), EngineError> {
    mark()?;
    let line = fs::read_to_string("/proc/cmdline")
        .map_err(|e| EngineError::io("reading `/proc/cmdline`", e))?;
    let (options, warnings) = BootOptions::parse(&line);
    terminals.say(concat!("Landfall ", env!("CARGO_PKG_VERSION")));
    for warning in warnings {
        terminals.say(&format!("warning: {warning}"));
    }
    let medium = options.medium.as_ref().map(find_medium).transpose()?;
    let found = kickstart::find(&options, medium.as_ref(), &Machine)?
        .ok_or_else(|| EngineError::Refused("this machine has no kickstart".to_owned()))?;
    terminals.say(&format!("kickstart: {}", found.from));
    write(KICKSTART, &found.text)?;
    carry_out(&options, medium.as_ref(), terminals)
}

/// From here on nobody is asked.
fn mark() -> Result<(), EngineError> {
    write(ENVIRONMENT, b"")
}

fn write(path: &str, content: &[u8]) -> Result<(), EngineError> {
    let made = Path::new(path).parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, content))
        .map_err(|e| EngineError::io(format!("writing `{path}`"), e))
}

fn find_medium(device: &Device) -> Result<Volume, EngineError> {
    Volume::find(device, Path::new(MEDIUM), PATIENCE)?.ok_or_else(|| {
        EngineError::Refused(format!(
            "the medium `{device}` that this machine was started from is not found after {} s",
            PATIENCE.as_secs()
        ))
    })
}

fn carry_out(
    options: &BootOptions,
    medium: Option<&Volume>,
    terminals: &mut Terminals,
) -> Result<(), EngineError> {
    let context = || "starting the installation".to_owned();
    let mut command = Command::new("/usr/bin/landfall");
    command.args(["install", "--json", "--kickstart", KICKSTART]);
    command.args(medium.map(|_| format!("--medium={MEDIUM}")));
    command.args(
        options
            .nosave
            .iter()
            .map(|what| format!("--nosave={}", what.name())),
    );
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| EngineError::io(context(), e))?;
    let began = Instant::now();
    let mut display = Display::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(event) = serde_json::from_str::<Event>(&line) {
                for line in display.lines(&event.body, began.elapsed()) {
                    terminals.say(&line);
                }
            }
        }
    }
    let status = child.wait().map_err(|e| EngineError::io(context(), e))?;
    if status.success() {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "the installation ended with {status}"
    )))
}
