// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Small local files, read whole and never beyond a limit.
//!
//! Takes a path; gives the bytes, or nothing if there is no such file. It does not know what is in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::ImageError;

/// The content of a configuration file of at most `limit` bytes; `None` if it does not exist.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ImageError> {
    let refused = |reason: String| Err(ImageError::configuration(path, reason));
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)) {
        Ok(_) if bytes.len() as u64 > limit => refused(format!("it is longer than {limit} bytes")),
        Ok(_) => Ok(Some(bytes)),
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => refused(e.to_string()),
    }
}

/// The content of a file that somebody named, so that it must be there.
pub(super) fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, ImageError> {
    read_bounded(path, limit)?
        .ok_or_else(|| ImageError::configuration(path, "there is no such file"))
}

/// Files of a directory with this extension, sorted; none if there is no such directory.
pub(super) fn list(
    directory: &Path,
    extension: &str,
) -> Result<Vec<std::path::PathBuf>, ImageError> {
    let refused = |e: io::Error| ImageError::configuration(directory, e.to_string());
    let entries = match std::fs::read_dir(directory) {
        Err(e) if is_absent(&e) => return Ok(Vec::new()),
        other => other.map_err(refused)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(refused)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
