// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a script's output goes, and what is to be had of it afterwards.
//!
//! A file that the kickstart names with `--log` may be a terminal or a pipe: then the output is there, and nowhere else.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use kickstart_parser::hidden;

/// Bytes of a script's output that are kept.
const MOST_KEPT: u64 = 1 << 20;

/// The output of one script.
#[derive(Debug)]
pub(super) struct Printed {
    file: File,
}

impl Printed {
    /// One that goes to `file`.
    pub(super) const fn to(file: File) -> Self {
        Self { file }
    }

    /// The file for a stream of the script.
    pub(super) fn stream(&self) -> io::Result<File> {
        self.file.try_clone()
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
