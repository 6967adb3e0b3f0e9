// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every terminal that the kernel was told to use: what is said goes to all of them, and somebody may answer at any.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::termios::{QueueSelector, tcflush};

/// Bytes of an answer; longer ones come in parts.
const ANSWER: usize = 4096;
/// Lines that wait for a terminal at most; more are left out there.
const WAITING: usize = 4096;
/// How long a terminal has for what was said before a question.
const PATIENCE: Duration = Duration::from_secs(10);

/// The terminals, open. Each has a thread that writes: one that takes nothing (Ctrl-S, a dead line) holds nobody up.
#[derive(Debug, Default)]
pub(super) struct Terminals {
    open: Vec<Terminal>,
}

#[derive(Debug)]
struct Terminal {
    device: PathBuf,
    lines: SyncSender<Said>,
    /// Where somebody could answer.
    input: Option<File>,
}

/// What a terminal is told.
enum Said {
    Line(String),
    /// Whoever waits for all before is told.
    Flush(Sender<()>),
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
        Self {
            open: devices.filter_map(Terminal::open).collect(),
        }
    }

    /// Waits until somebody answers. None where nobody can.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        self.flush();
        loop {
            let at = self.next_ready()?;
            let terminal = &mut self.open[at];
            let input = terminal.input.as_mut()?;
            let mut bytes = [0; ANSWER];
            match input.read(&mut bytes) {
                Ok(count) if count > 0 => {
                    let text = String::from_utf8_lossy(&bytes[..count]);
                    return Some(Answer {
                        device: terminal.device.clone(),
                        text: text.trim().to_owned(),
                    });
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                // A line that hung up.
                Ok(_) | Err(_) => terminal.input = None,
            }
        }
    }

    /// Index of a terminal with something to read.
    fn next_ready(&self) -> Option<usize> {
        let inputs = self.open.iter().enumerate();
        let inputs = inputs.filter_map(|(at, terminal)| Some((at, terminal.input.as_ref()?)));
        let (listening, mut wanted): (Vec<_>, Vec<_>) = inputs
            .map(|(at, input)| (at, PollFd::new(input, PollFlags::IN)))
            .unzip();
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

    /// Waits until all is shown, where it can be.
    pub(super) fn flush(&self) {
        let (done, all) = channel();
        for terminal in &self.open {
            let _ = terminal.lines.try_send(Said::Flush(done.clone()));
        }
        drop(done);
        while all.recv_timeout(PATIENCE).is_ok() {}
    }

    /// What was typed before is no answer to what is asked now.
    pub(super) fn forget_input(&self) {
        for input in self
            .open
            .iter()
            .filter_map(|terminal| terminal.input.as_ref())
        {
            // What is no terminal has nothing to forget.
            let _ = tcflush(input, QueueSelector::IFlush);
        }
    }

    /// Shows a line. A terminal that is away is nobody's concern.
    pub(super) fn say(&mut self, line: &str) {
        // Control characters of what is told must not steer a terminal.
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        for terminal in &self.open {
            let _ = terminal.lines.try_send(Said::Line(line.clone()));
        }
    }
}

impl Terminal {
    /// None of a terminal that is away.
    fn open(device: PathBuf) -> Option<Self> {
        // None becomes the terminal whose keys end this process.
        let flags = OFlags::NOCTTY.bits().cast_signed();
        let open =
            |options: &mut fs::OpenOptions, device: &Path| options.custom_flags(flags).open(device);
        // A pipe of a test is opened for both, since it would wait for somebody else.
        let output = open(File::options().read(true).write(true), &device)
            .or_else(|_| open(File::options().write(true), &device))
            .ok()?;
        let input = open(File::options().read(true).write(true), &device).ok();
        let (lines, said) = sync_channel(WAITING);
        thread::spawn(move || write_all(output, &said));
        Some(Self {
            device,
            lines,
            input,
        })
    }
}

fn write_all(mut output: File, said: &Receiver<Said>) {
    for said in said {
        match said {
            Said::Line(line) => {
                let _ = write!(output, "{line}\r\n");
            }
            Said::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }

    #[test]
    fn any_terminal_may_answer() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "gone/c"].map(|name| directory.path().join(name));
        paths[..2].iter().for_each(|path| pipe(path));
        let mut terminals = Terminals::at(paths.iter().cloned());
        assert_eq!(terminals.open.len(), 2);
        let mut person = File::options().write(true).open(&paths[1]).unwrap();
        person.write_all(b" 2 \n").unwrap();
        let answer = terminals.answer().unwrap();
        assert_eq!(
            (answer.device, answer.text.as_str()),
            (paths[1].clone(), "2")
        );
    }

    #[test]
    fn all_are_told_without_what_would_steer_a_terminal() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| directory.path().join(name));
        for path in &paths {
            fs::write(path, "").unwrap();
        }
        let mut terminals = Terminals::at(paths.iter().cloned());
        terminals.say("what\x1b[2Jis said");
        terminals.flush();
        for path in paths {
            assert_eq!(fs::read_to_string(path).unwrap(), "what [2Jis said\r\n");
        }
    }

    #[test]
    fn a_terminal_that_takes_nothing_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let full = directory.path().join("full");
        pipe(&full);
        let mut terminals = Terminals::at([full].into_iter());
        // More than a pipe and the queue hold.
        for _ in 0..2 * WAITING {
            terminals.say(&"x".repeat(100));
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
