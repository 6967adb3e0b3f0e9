// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every terminal that the kernel was told to use: what is said goes to all of them, and somebody may answer at any.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;

use crate::display;
use crate::engine::error::EngineError;

/// Bytes of an answer; longer ones come in parts.
const ANSWER: usize = 4096;

/// The terminals, open.
#[derive(Debug)]
pub(super) struct Terminals {
    open: Vec<Terminal>,
}

#[derive(Debug)]
struct Terminal {
    device: PathBuf,
    file: File,
    /// Somebody could be there.
    listens: bool,
}

/// What somebody has typed.
#[derive(Debug)]
pub(super) struct Answer {
    /// The terminal's device.
    pub(super) device: PathBuf,
    /// Without blanks around it.
    pub(super) text: String,
}

impl Terminals {
    /// Those that the kernel uses (`/sys/class/tty/console/active`).
    pub(super) fn of_kernel() -> Self {
        let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
        Self::at(
            active
                .split_whitespace()
                .map(|name| PathBuf::from("/dev").join(name)),
        )
    }

    fn at(devices: impl Iterator<Item = PathBuf>) -> Self {
        let open = |listens, device: &PathBuf| {
            // None becomes the terminal whose keys end this process.
            let flags = OFlags::NOCTTY.bits().cast_signed();
            let mut options = File::options();
            options
                .read(listens)
                .write(true)
                .custom_flags(flags)
                .open(device)
        };
        let terminals = devices.filter_map(|device| {
            let (file, listens) = match open(true, &device) {
                Ok(file) => (file, true),
                Err(_) => (open(false, &device).ok()?, false),
            };
            Some(Terminal {
                device,
                file,
                listens,
            })
        });
        Self {
            open: terminals.collect(),
        }
    }

    /// Waits until somebody answers. None where nobody can.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        loop {
            let at = self.next_ready()?;
            let terminal = &mut self.open[at];
            let mut bytes = [0; ANSWER];
            match terminal.file.read(&mut bytes) {
                Ok(count) if count > 0 => {
                    let text = String::from_utf8_lossy(&bytes[..count]);
                    return Some(Answer {
                        device: terminal.device.clone(),
                        text: text.trim().to_owned(),
                    });
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                // A line that hung up.
                Ok(_) | Err(_) => terminal.listens = false,
            }
        }
    }

    /// Index of a terminal with something to read.
    fn next_ready(&self) -> Option<usize> {
        let listening: Vec<_> = (0..self.open.len())
            .filter(|at| self.open[*at].listens)
            .collect();
        let of = |at: &usize| PollFd::new(&self.open[*at].file, PollFlags::IN);
        let mut wanted: Vec<_> = listening.iter().map(of).collect();
        while !wanted.is_empty() {
            match poll(&mut wanted, None) {
                Ok(_) => {
                    let ready = wanted.iter().position(|fd| !fd.revents().is_empty())?;
                    return Some(listening[ready]);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Shows an error with its causes, and what to do about it.
    pub(super) fn fail(&mut self, error: &EngineError) {
        for line in display::reasons(&error.chain(), error.hint().as_deref()) {
            self.say(&line);
        }
    }

    /// Shows a line. A terminal that is away is nobody's concern.
    pub(super) fn say(&mut self, line: &str) {
        // Control characters of what is told must not steer a terminal.
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        for terminal in &mut self.open {
            let _ = write!(terminal.file, "{line}\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_terminal_may_answer_and_all_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let pipes: Vec<_> = ["a", "b", "gone"]
            .map(|name| directory.path().join(name))
            .into();
        for pipe in &pipes[..2] {
            let made = std::process::Command::new("mkfifo").arg(pipe).status();
            assert!(made.unwrap().success());
        }
        let mut terminals = Terminals::at(pipes.iter().cloned());
        assert_eq!(terminals.open.len(), 2);
        terminals.open[1].file.write_all(b" 2 \n").unwrap();
        let answer = terminals.answer().unwrap();
        assert_eq!(
            (answer.device, answer.text.as_str()),
            (pipes[1].clone(), "2")
        );
        terminals.say("what\x1b[2Jis said");
        for terminal in &mut terminals.open {
            let mut said = [0; 64];
            let count = terminal.file.read(&mut said).unwrap();
            assert_eq!(&said[..count], b"what [2Jis said\r\n");
        }
    }

    #[test]
    fn nobody_answers_where_nothing_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("empty");
        fs::write(&file, "").unwrap();
        assert!(Terminals::at([file].into_iter()).answer().is_none());
        assert!(Terminals::at(std::iter::empty()).answer().is_none());
    }
}
