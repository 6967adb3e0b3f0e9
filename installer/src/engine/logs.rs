// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes the log of an installation: into the installed system when it succeeds, beside it when it fails.
//!
//! The place in the installed system is Anaconda's, where those look who look for the log of an installation.

use std::io::{self, Write as _};
use std::path::PathBuf;

use super::error::EngineError;
use super::root::Root;
use crate::journal::Journal;

/// Where logs are in the installed system.
const DIRECTORY: &str = "/var/log/anaconda";

/// Keeps the events until now, and what scripts printed, in the installed system.
pub(super) fn keep(journal: &Journal, system: &Root) -> Result<(), EngineError> {
    let write = |name: &str, text: &str| {
        let path = format!("{DIRECTORY}/{name}");
        system
            .write(&path, 0o600, text)
            .map_err(|e| EngineError::io(format!("writing `{path}` in the installed system"), e))
    };
    write("anaconda.log", &journal.text())?;
    write("events.json", &journal.json_lines())?;
    for output in journal.outputs() {
        write(&output.name, &output.text)?;
    }
    Ok(())
}

/// Keeps the log of an installation that failed in a new file of this machine, readable by its user only.
pub fn keep_here(journal: &Journal) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("landfall-")
        .suffix(".log")
        .tempfile()?;
    file.write_all(journal.whole().as_bytes())?;
    let (_, path) = file.keep().map_err(|e| e.error)?;
    Ok(path)
}
