// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the kickstart's scripts.
//!
//! As in Anaconda: the text goes to `/tmp/ks-script-…` of the root it runs in and is given to its
//! interpreter as an argument; stdout and stderr are one stream; a failure ends the installation
//! only with `--erroronfail`.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::EngineError;
use super::root::Root;
use crate::plan::ScriptPlan;

/// What became of a script.
#[derive(Debug)]
pub(super) struct Outcome {
    /// `exit status: 0` and the like.
    pub(super) status: String,
    /// What it printed.
    pub(super) output: String,
    success: bool,
}

/// Runs a script, in `root` if it is for the installed system.
pub(super) fn run(script: &ScriptPlan, root: &Path) -> Result<Outcome, EngineError> {
    let outcome = attempt(script, root).map_err(|e| {
        EngineError::io(
            format!("running the kickstart's script of line {}", script.line),
            e,
        )
    })?;
    if script.erroronfail && !outcome.success {
        return Err(EngineError::Script {
            line: script.line,
            status: outcome.status,
            output: tail(&outcome.output),
        });
    }
    Ok(outcome)
}

fn attempt(script: &ScriptPlan, root: &Path) -> io::Result<Outcome> {
    let base = Root::open(if script.chroot { root } else { Path::new("/") })?;
    let name = format!("/tmp/ks-script-{}-{}", std::process::id(), script.line);
    base.create(&name, 0o700)?
        .write_all(script.body.as_bytes())?;
    let mut log = match &script.log {
        Some(path) => base.create(path, 0o600)?,
        None => Root::open(Path::new("/"))?.create(&format!("{name}.log"), 0o600)?,
    };
    let status = command(script, root)
        .arg(&name)
        .env("LC_ALL", "C")
        .env("HOME", "/tmp")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .status();
    base.remove(&name)?;
    let mut output = Vec::new();
    log.rewind()?;
    log.read_to_end(&mut output)?;
    let output = String::from_utf8_lossy(&output).into_owned();
    let status = status?;
    Ok(Outcome {
        status: status.to_string(),
        output,
        success: status.success(),
    })
}

fn command(script: &ScriptPlan, root: &Path) -> Command {
    if script.chroot {
        let mut command = Command::new("chroot");
        command.arg(root).arg(&script.interpreter);
        return command;
    }
    Command::new(&script.interpreter)
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
