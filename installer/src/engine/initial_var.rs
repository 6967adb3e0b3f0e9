// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a deployment brings for `/var`, added to what a partition has.
//!
//! A file system that stays holds the machine's own state: nothing of it is replaced, and no symbolic link in it is
//! followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::EngineError;
use super::tool::Tool;

/// Copies what is in `from` and not in `to`, in all directories that are in both.
pub(super) fn add_missing(from: &Path, to: &Path) -> Result<(), EngineError> {
    let context = |e| EngineError::io(format!("comparing `/var` with `{}`", to.display()), e);
    let mut missing: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(from).map_err(context)? {
        let entry = entry.map_err(context)?;
        let there = to.join(entry.file_name());
        let is_directory = entry.file_type().map_err(context)?.is_dir();
        match fs::symlink_metadata(&there) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(entry.path()),
            Err(e) => return Err(context(e)),
            Ok(found) if is_directory && found.is_dir() => add_missing(&entry.path(), &there)?,
            Ok(_) => {}
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let options = ["--archive", "--target-directory"].map(AsRef::as_ref);
    let paths = missing.iter().map(|path| path.as_os_str());
    let words = options.into_iter().chain([to.as_os_str()]);
    Tool::Cp.with(words.chain(paths)).run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_is_missing_comes_and_links_are_not_followed() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), text).unwrap();
        };
        write("host/passwd", "of this machine");
        write("brought/lib/new/file", "new");
        write("brought/lib/state", "of the image");
        write("brought/log/first", "brought");
        write("brought/mail", "brought");
        symlink("lib/state", path("brought/link")).unwrap();
        write("kept/lib/state", "of the machine");
        symlink(path("host"), path("kept/log")).unwrap();
        symlink(path("host/passwd"), path("kept/mail")).unwrap();
        add_missing(&path("brought"), &path("kept")).unwrap();
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        assert_eq!(read("kept/lib/state"), "of the machine");
        assert_eq!(read("kept/lib/new/file"), "new");
        assert_eq!(read("host/passwd"), "of this machine");
        assert!(!path("host/first").exists());
        assert_eq!(
            fs::read_link(path("kept/link")).unwrap(),
            Path::new("lib/state")
        );
        assert_eq!(fs::read_link(path("kept/log")).unwrap(), path("host"));
    }
}
