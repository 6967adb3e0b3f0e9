// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the kickstart's scripts.
//!
//! As in Anaconda: the text goes to `/tmp/ks-script-XXXXXXXX` of the root it runs in and is given to its
//! interpreter as an argument; stdout and stderr are one stream; a failure ends the installation
//! only with `--erroronfail`. Unlike there the file is removed afterwards. When which script runs is not known here.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use uuid::Uuid;

use super::Stop;
use super::error::EngineError;
use super::printed::Printed;
use super::process;
use super::root::Root;
use crate::event::Emitter;
use crate::plan::ScriptPlan;

/// Scripts of one kind, in their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scripts<'s> {
    /// The word of their section: `%post`.
    pub(super) section: &'static str,
    pub(super) plans: &'s [ScriptPlan],
    /// The root of those that are chrooted.
    pub(super) root: &'s Path,
}

impl Scripts<'_> {
    /// Runs them until one fails that must not, or the user wants an end.
    pub(super) fn run(&self, emitter: &mut Emitter<'_>, stop: &Stop) -> Result<(), EngineError> {
        for script in self.plans {
            stop.check()?;
            self.one(script, emitter)?;
            stop.check()?;
        }
        Ok(())
    }

    /// Runs all of them; that one fails is told, and nothing else.
    pub(super) fn run_whatever_happens(&self, emitter: &mut Emitter<'_>) {
        for script in self.plans {
            if let Err(error) = self.one(script, emitter) {
                emitter.warn(error.chain().join(": "));
            }
        }
    }

    fn one(&self, script: &ScriptPlan, emitter: &mut Emitter<'_>) -> Result<(), EngineError> {
        let title = format!("{} of line {}", self.section, script.line);
        emitter.log(format!("{title}: started ({})", script.interpreter));
        let outcome = attempt(script, self.root).map_err(|e| {
            EngineError::io(format!("running {title} by `{}`", script.interpreter), e)
        })?;
        outcome.tell(&title, script.erroronfail, emitter);
        if script.erroronfail && !outcome.success {
            return Err(EngineError::Script {
                script: title,
                status: outcome.status,
                output: outcome.last_lines,
            });
        }
        Ok(())
    }
}

/// What became of a script.
#[derive(Debug)]
struct Outcome {
    /// `exit status: 0` and the like.
    status: String,
    /// The name of a log for it: none where the script has its own.
    log: Option<String>,
    /// All that it printed, or the end of it.
    output: String,
    last_lines: String,
    success: bool,
}

/// Bytes and lines of a script's output that events and errors carry.
const MOST_TOLD: usize = 16 << 10;
const MOST_LINES: usize = 20;

impl Outcome {
    /// Tells what became of the script: a failure is worth a look even where it is allowed.
    fn tell(&self, title: &str, is_told_as_error: bool, emitter: &mut Emitter<'_>) {
        let text = format!("{title}: {}", self.status);
        if self.success || is_told_as_error {
            emitter.log(text);
            self.last_lines.lines().for_each(|line| emitter.log(line));
        } else {
            emitter.warn(format!("{text}: {}", self.last_lines));
        }
        if let Some(name) = &self.log {
            emitter.attach(name, title, &self.output);
        }
    }
}

fn attempt(script: &ScriptPlan, root: &Path) -> io::Result<Outcome> {
    let base = Root::open(if script.chroot { root } else { Path::new("/") })?;
    let printed = match &script.log {
        Some(path) => Printed::to(base.create(path, 0o600)?),
        None => Printed::in_memory()?,
    };
    let (name, mut file) = script_file(&base)?;
    file.write_all(script.body.as_bytes())?;
    // An interpreter does not start while its script is open for writing, where that is the program itself.
    drop(file);
    let mut command = command(script, root);
    process::end_with_this(&mut command);
    command
        .arg(&name)
        .env("LC_ALL", "C")
        .env("HOME", "/tmp")
        .stdin(Stdio::null())
        .stdout(printed.stream()?)
        .stderr(printed.stream()?);
    let status = printed.bounded(|| command.status());
    remove(&base, &name)?;
    let status = status?;
    let output = printed.end()?;
    Ok(Outcome {
        status: status.to_string(),
        log: script
            .log
            .is_none()
            .then(|| format!("{}.log", &name["/tmp/".len()..])),
        last_lines: last_lines(&output).to_owned(),
        output,
        success: status.success(),
    })
}

/// Removes the script's file, unless the script has done so: many clear `/tmp`.
fn remove(base: &Root, name: &str) -> io::Result<()> {
    match base.remove(name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// An empty file for the script under a name that nobody has.
fn script_file(base: &Root) -> io::Result<(String, File)> {
    loop {
        let random = Uuid::new_v4().simple().to_string();
        let name = format!("/tmp/ks-script-{}", &random[..8]);
        match base.create_new(&name, 0o700) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((name, made?)),
        }
    }
}

fn command(script: &ScriptPlan, root: &Path) -> Command {
    if script.chroot {
        let mut command = Command::new("chroot");
        command.arg(root).arg(&script.interpreter);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env_remove("TMPDIR");
        return command;
    }
    let mut command = Command::new(&script.interpreter);
    let mut path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    path.push(":/sbin:/usr/sbin");
    command.current_dir("/").env("PATH", path);
    command
}

/// The last lines of a text, with no more bytes than events carry.
fn last_lines(text: &str) -> &str {
    let text = text.trim_end_matches('\n');
    let mut start = text.len().saturating_sub(MOST_TOLD);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = &text[start..];
    let mut breaks = end.rmatch_indices('\n').skip(MOST_LINES - 1);
    breaks.next().map_or(end, |(at, _)| &end[at + 1..])
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// A script of this machine.
    fn script(body: &str) -> ScriptPlan {
        ScriptPlan {
            line: 1,
            interpreter: "/bin/sh".to_owned(),
            chroot: false,
            log: None,
            erroronfail: true,
            body: body.to_owned(),
        }
    }

    fn attempted(script: &ScriptPlan) -> Outcome {
        attempt(script, Path::new("/")).unwrap()
    }

    #[test]
    fn a_script_that_removes_its_own_file_is_no_failure() {
        let outcome = attempted(&script("rm -f \"$0\"; test ! -e \"$0\" && echo gone\n"));
        assert!(outcome.success);
        assert_eq!(outcome.output, "gone\n");
    }

    #[test]
    fn a_log_that_is_no_file_gets_the_output_and_is_not_read() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
        let mut pipe = File::options().read(true).write(true).open(&path).unwrap();
        let outcome = attempted(&ScriptPlan {
            log: path.to_str().map(str::to_owned),
            ..script("echo there\n")
        });
        assert!(outcome.success && outcome.log.is_none());
        assert_eq!(outcome.output, "");
        let mut line = [0; 6];
        pipe.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"there\n");
    }

    #[test]
    fn the_last_lines_are_bounded_in_lines_and_bytes() {
        let lines = (1..=30).map(|n| n.to_string() + "\n").collect::<String>();
        assert_eq!(last_lines(&lines).lines().count(), MOST_LINES);
        assert!(last_lines(&lines).starts_with("11\n"));
        assert_eq!(last_lines("one\ntwo\n"), "one\ntwo");
        let wide = "ä".repeat(MOST_TOLD);
        assert!(last_lines(&wide).len() <= MOST_TOLD && !last_lines(&wide).is_empty());
    }
}
