// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the output of a script or program goes, and what is to be had of it afterwards.
//!
//! A file that the kickstart names with `--log` may be a terminal or a pipe: then the output is there, and nowhere else.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use kickstart_parser::hidden;
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};

/// Bytes of a script's output that are kept.
const MOST_KEPT: u64 = 1 << 20;
/// Bytes that wait in memory for a script to end; of more the beginning is dropped.
const MOST_STORED: u64 = 64 << 20;
/// How often it is looked how many there are.
const INTERVAL: Duration = Duration::from_millis(20);

/// The output of one script or program.
#[derive(Debug)]
pub(super) struct Printed {
    file: File,
    in_memory: bool,
}

impl Printed {
    /// One that goes to `file`.
    pub(super) const fn to(file: File) -> Self {
        Self {
            file,
            in_memory: false,
        }
    }

    /// One that is kept in memory, until it has been looked at.
    pub(super) fn in_memory() -> io::Result<Self> {
        let file = memfd_create("output", MemfdFlags::CLOEXEC)?;
        Ok(Self {
            file: file.into(),
            in_memory: true,
        })
    }

    /// Does what prints, and meanwhile drops the beginning of what is in memory as far as it is too much. A pipe could be
    /// bounded as well, but breaks under what a script leaves running.
    pub(super) fn bounded<T>(&self, prints: impl FnOnce() -> T) -> T {
        let (done, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            if self.in_memory {
                scope.spawn(move || {
                    while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                        self.drop_beginning();
                    }
                });
            }
            let value = prints();
            drop(done);
            value
        })
    }

    /// Drops all but the end, if there is too much.
    fn drop_beginning(&self) {
        let Ok(metadata) = self.file.metadata() else {
            return;
        };
        if metadata.blocks() * 512 > MOST_STORED {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // Memory can always do it.
            let end = metadata.len().saturating_sub(MOST_KEPT);
            let _ = fallocate(&self.file, flags, 0, end);
        }
    }

    /// The file for a stream of the script.
    pub(super) fn stream(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// All that was printed.
    pub(super) fn all(mut self) -> io::Result<String> {
        self.file.rewind()?;
        let mut output = Vec::new();
        self.file.read_to_end(&mut output)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// The end of what was printed, which may be any amount, without secrets; nothing where that cannot be read.
    pub(super) fn end(mut self) -> io::Result<String> {
        if !self.file.metadata()?.is_file() {
            return Ok(String::new());
        }
        let length = self.file.seek(SeekFrom::End(0))?;
        let start = length.saturating_sub(MOST_KEPT);
        self.file.seek(SeekFrom::Start(start))?;
        let mut output = Vec::new();
        self.file.take(MOST_KEPT).read_to_end(&mut output)?;
        if start == 0 {
            return Ok(shown(&output));
        }
        let lines = whole_lines(&output);
        let left_out = length.saturating_sub(lines.len() as u64);
        Ok(format!(
            "{left_out} bytes before this are not kept\n{}",
            shown(lines)
        ))
    }
}

fn shown(output: &[u8]) -> String {
    hidden(&String::from_utf8_lossy(output)).into_owned()
}

/// Without the first line, which may have begun before: what a secret is known by may be cut off, but is on its line.
fn whole_lines(output: &[u8]) -> &[u8] {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let first = output.iter().position(is_break);
    first.map_or(&[], |at| &output[at + 1..])
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_a_script_prints_does_not_fill_the_memory() {
        let printed = Printed::in_memory().unwrap();
        let stored = || printed.file.metadata().unwrap().blocks() * 512;
        let part = [b"x".repeat(999), b"\n".to_vec()].concat().repeat(10_000);
        printed.bounded(|| {
            for _ in 0..20 {
                (&printed.file).write_all(&part).unwrap();
                let deadline = Instant::now() + Duration::from_secs(30);
                while stored() > MOST_STORED {
                    assert!(Instant::now() < deadline, "{} bytes are stored", stored());
                    thread::sleep(INTERVAL);
                }
            }
        });
        let end = printed.end().unwrap();
        assert!(end.starts_with("198952000 bytes before"), "{}", &end[..99]);
        assert!(end.ends_with("xxx\n") && !end.contains('\0'));
    }

    fn end_of(parts: &[&[u8]]) -> String {
        let mut printed = Printed::in_memory().unwrap();
        for part in parts {
            printed.file.write_all(part).unwrap();
        }
        printed.end().unwrap()
    }

    #[test]
    fn a_secret_at_the_cut_is_not_shown() {
        let kept = usize::try_from(MOST_KEPT).unwrap();
        let rest = vec![b'x'; kept - 10];
        let end = end_of(&[b"a\npassword=hunter2hunter2\n", &rest]);
        let told = end.split_once('\n').unwrap();
        assert_eq!(told.0, "26 bytes before this are not kept");
        assert!(!end.contains("hunter"), "{}", &end[..99]);
        assert_eq!(told.1.len(), rest.len());
        let end = end_of(&[b"password=", &vec![b'x'; kept]]);
        let all = kept + 9;
        assert_eq!(end, format!("{all} bytes before this are not kept\n"));
    }

    #[test]
    fn hashes_are_not_shown() {
        let hash = "$6$Eds9tFAA$GH7Kd0VAJoyCdoMQdSXAFuOlOJv8pmtsEGYkMEGj5RMVPuVqKSGmU9Mo";
        let end = end_of(&[b"+ usermod -p '", hash.as_bytes(), b"' root\n"]);
        assert_eq!(end, "+ usermod -p '***' root\n");
    }
}
