// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the output of a script or program goes, and what is to be had of it afterwards.
//!
//! A file that the kickstart names with `--log` may be a terminal or a pipe: then the output is there, and nowhere else.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use kickstart_parser::hidden;
use rustix::fs::{MemfdFlags, memfd_create};

/// Bytes of a script's output that are kept.
const MOST_KEPT: u64 = 1 << 20;

/// The output of one script or program.
#[derive(Debug)]
pub(super) struct Printed {
    file: File,
}

impl Printed {
    /// One that goes to `file`.
    pub(super) const fn to(file: File) -> Self {
        Self { file }
    }

    /// One that is kept in memory, until it has been looked at.
    pub(super) fn in_memory() -> io::Result<Self> {
        let file = memfd_create("output", MemfdFlags::CLOEXEC)?;
        Ok(Self::to(file.into()))
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
        self.file
            .seek(SeekFrom::Start(length.saturating_sub(MOST_KEPT)))?;
        let mut output = Vec::new();
        self.file.take(MOST_KEPT).read_to_end(&mut output)?;
        Ok(hidden(&String::from_utf8_lossy(&output)).into_owned())
    }
}
