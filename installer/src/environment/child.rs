// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the environment starts besides tools: Landfall itself, for one installation, and shells for people.
//!
//! An installation is a process of its own: whatever becomes of it, the machine can say so.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::BootOptions;
use crate::engine::error::EngineError;
use crate::inventory::MEDIUM;

/// Where the command is in every environment.
const LANDFALL: &str = "/usr/bin/landfall";
/// Lines that wait at most.
const WAITING: usize = 64;
/// Bytes of a line; a longer one becomes several.
const LONGEST: u64 = 64 << 10;

/// Where a command has printed a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// stdout.
    Data,
    /// stderr.
    Talk,
}

/// A command of ours for this machine.
#[derive(Debug)]
pub(super) struct Landfall {
    name: &'static str,
    command: Command,
}

impl Landfall {
    /// `landfall NAME` with a kickstart.
    pub(super) fn new(name: &'static str, kickstart: &str) -> Self {
        let mut command = Command::new(LANDFALL);
        command.arg(name);
        // `check` takes files, the others one kickstart.
        if name != "check" {
            command.arg("--kickstart");
        }
        command.arg(kickstart);
        Self { name, command }
    }

    /// With one more argument.
    pub(super) fn arg(mut self, argument: impl AsRef<str>) -> Self {
        self.command.arg(argument.as_ref());
        self
    }

    /// With what the kernel's command line says about planning and pulling.
    pub(super) fn with(mut self, options: &BootOptions) -> Self {
        if options.medium.is_some() {
            self.command.args(["--medium", MEDIUM]);
        }
        if let Some(label) = options.disk_label {
            self.command.args(["--disklabel", label]);
        }
        if !options.verify_tls {
            self.command.arg("--insecure");
        }
        for what in &options.nosave {
            self.command.arg(format!("--nosave={}", what.name()));
        }
        // Anaconda's names, which scripts and the programs that they start know.
        if let Some(proxy) = &options.proxy {
            for name in ["PROXY", "http_proxy", "ftp_proxy", "HTTPS_PROXY"] {
                self.command.env(name, proxy.expose());
            }
        }
        self
    }

    /// Runs it to its end; each line that it prints goes to `each`. Gives the exit code, none after a signal.
    pub(super) fn run(
        mut self,
        mut each: impl FnMut(Stream, &str),
    ) -> Result<Option<i32>, EngineError> {
        let context = |what| format!("{what} `landfall {}`", self.name);
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .map_err(|e| EngineError::io(context("starting"), e))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (lines, printed) = sync_channel(WAITING);
        thread::scope(|scope| {
            let to_talk = lines.clone();
            scope.spawn(move || each_line(stdout, |line| lines.send((Stream::Data, line))));
            scope.spawn(move || each_line(stderr, |line| to_talk.send((Stream::Talk, line))));
            for (stream, line) in printed {
                each(stream, &line);
            }
        });
        let status = child
            .wait()
            .map_err(|e| EngineError::io(context("waiting for"), e))?;
        Ok(status.code())
    }
}

/// Lines of a pipe, until it ends or nobody takes them.
fn each_line<E>(pipe: Option<impl Read>, mut each: impl FnMut(String) -> Result<(), E>) {
    let Some(pipe) = pipe else {
        return;
    };
    let mut reader = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line);
        if !read.is_ok_and(|count| count > 0) {
            return;
        }
        let line = String::from_utf8_lossy(&line);
        if each(line.trim_end_matches('\n').to_owned()).is_err() {
            return;
        }
    }
}

/// A shell on a terminal, until it ends.
pub(super) fn shell(device: &Path) -> Result<(), EngineError> {
    let failed = |e| EngineError::io(format!("starting a shell on `{}`", device.display()), e);
    let open = || File::options().read(true).write(true).open(device);
    let stream = || open().map(Stdio::from).map_err(failed);
    // A session of its own, so that Ctrl-C goes to what runs in the shell.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", "bash", "--login"]);
    command.stdin(stream()?).stdout(stream()?).stderr(stream()?);
    command.env("TERM", "linux").current_dir("/");
    command.status().map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(landfall: &Landfall) -> Vec<String> {
        let arguments = landfall.command.get_args();
        arguments
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn what_the_kernel_was_told_is_handed_on() {
        let line = "landfall.medium=LABEL=A inst.gpt inst.noverifyssl inst.nosave=logs inst.proxy=http://u:p@host:1";
        let (options, _) = BootOptions::parse(line);
        let landfall = Landfall::new("install", "/ks.cfg").with(&options);
        assert_eq!(
            arguments(&landfall),
            [
                "install",
                "--kickstart",
                "/ks.cfg",
                "--medium",
                "/run/install/repo",
                "--disklabel",
                "gpt",
                "--insecure",
                "--nosave=logs",
            ]
        );
        let proxies = landfall.command.get_envs().filter_map(|(_, value)| value);
        assert_eq!(
            proxies
                .filter(|value| *value == "http://u:p@host:1")
                .count(),
            4
        );
        let plain = Landfall::new("check", "/ks.cfg").with(&BootOptions::default());
        assert_eq!(arguments(&plain), ["check", "/ks.cfg"]);
    }

    #[test]
    fn both_streams_are_read_to_their_end() {
        let mut command = Command::new("sh");
        let script = "i=0; while [ $i -lt 9000 ]; do echo event $i; echo talk $i >&2; i=$((i+1)); done; exit 3";
        command.args(["-c", script]);
        let landfall = Landfall {
            name: "install",
            command,
        };
        let (mut events, mut lines) = (0, Vec::new());
        let each = |stream, line: &str| match stream {
            Stream::Data => events += 1,
            Stream::Talk => lines.push(line.to_owned()),
        };
        let code = landfall.run(each).unwrap();
        assert_eq!((code, events, lines.len()), (Some(3), 9000, 9000));
        assert_eq!(lines[8999], "talk 8999");
    }
}
