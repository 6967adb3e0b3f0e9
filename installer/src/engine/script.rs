// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the kickstart's scripts.
//!
//! As in Anaconda: the text goes to `/tmp/ks-script-…` of the root it runs in and is given to its
//! interpreter as an argument; stdout and stderr are one stream; a failure ends the installation
//! only with `--erroronfail`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};

use uuid::Uuid;

use super::error::EngineError;
use super::root::Root;
use crate::event::Emitter;
use crate::plan::ScriptPlan;

/// What became of a script.
#[derive(Debug)]
pub(super) struct Outcome {
    /// `exit status: 0` and the like.
    pub(super) status: String,
    /// The last lines that it printed.
    pub(super) output: String,
    success: bool,
}

/// Bytes and lines of a script's output that events and errors carry.
const MAX_OUTPUT: u64 = 16 << 10;
const MAX_LINES: usize = 20;

impl Outcome {
    /// Tells what became of the script: a failure is worth a look even where it is allowed.
    pub(super) fn tell(&self, section: &str, line: u32, emitter: &mut Emitter<'_>) {
        let text = format!("{section} of line {line}: {}", self.status);
        if self.success {
            emitter.log(text);
            self.output.lines().for_each(|line| emitter.log(line));
        } else {
            emitter.warn(format!("{text}: {}", self.output));
        }
    }
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
            output: outcome.output,
        });
    }
    Ok(outcome)
}

fn attempt(script: &ScriptPlan, root: &Path) -> io::Result<Outcome> {
    let base = Root::open(if script.chroot { root } else { Path::new("/") })?;
    let mut log = match &script.log {
        Some(path) => base.create(path, 0o600)?,
        None => tempfile::tempfile()?,
    };
    // A name that nobody can have made before.
    let name = format!("/tmp/ks-script-{}", Uuid::new_v4());
    base.write(&name, 0o700, &script.body)?;
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
    let status = status?;
    Ok(Outcome {
        status: status.to_string(),
        output: tail(&mut log)?,
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

/// The end of what a script printed, which may be any amount.
fn tail(log: &mut File) -> io::Result<String> {
    let length = log.seek(SeekFrom::End(0))?;
    log.seek(SeekFrom::Start(length.saturating_sub(MAX_OUTPUT)))?;
    let mut output = Vec::new();
    log.take(MAX_OUTPUT).read_to_end(&mut output)?;
    let text = String::from_utf8_lossy(&output);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(MAX_LINES)..].join("\n"))
}
