// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What becomes a medium: its paths, and the files that have the content now.
//!
//! Files that are there already are taken from where they are; only what is made for this medium is written, into a directory
//! of its own. It deliberately does not know what the files are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::environment::copy;

/// The files of a medium.
#[derive(Debug)]
pub(super) struct Contents {
    place: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl Contents {
    /// Nothing yet; `place` is a directory for what has to be written.
    pub(super) fn new(place: PathBuf) -> Self {
        Self {
            place,
            files: BTreeMap::new(),
        }
    }

    /// A new file at `path`, to be written by the caller.
    pub(super) fn place(&mut self, path: &str) -> io::Result<PathBuf> {
        let file = self.place.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        self.files.insert(path.to_owned(), file.clone());
        Ok(file)
    }

    /// A file of this content at `path`.
    pub(super) fn write(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        fs::write(self.place(path)?, content)
    }

    /// The file `from` at `path`, links followed.
    pub(super) fn graft(&mut self, path: &str, from: &Path) -> io::Result<()> {
        let from = fs::canonicalize(from)?;
        if from.as_os_str().as_bytes().contains(&b'\n') {
            // A list has a file a line.
            let copied = copy(&mut File::open(from)?, &self.place(path)?);
            return copied.map(drop);
        }
        self.files.insert(path.to_owned(), from);
        Ok(())
    }

    /// The list that xorriso takes with `-graft-points -path-list`.
    pub(super) fn list(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for (path, from) in &self.files {
            list.push(b'/');
            escape(path.as_bytes(), &mut list);
            list.push(b'=');
            escape(from.as_os_str().as_bytes(), &mut list);
            list.push(b'\n');
        }
        list
    }
}

/// As xorrisofs(1) says of `-graft-points`.
fn escape(path: &[u8], list: &mut Vec<u8>) {
    for byte in path {
        if matches!(byte, b'=' | b'\\') {
            list.push(b'\\');
        }
        list.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_file_once_in_one_order() {
        let dir = tempfile::tempdir().unwrap();
        let dir = fs::canonicalize(dir.path()).unwrap();
        let odd = dir.join("a=b\\c d");
        fs::write(&odd, "odd").unwrap();
        let mut contents = Contents::new(dir.join("place"));
        contents.graft("z/odd", &odd).unwrap();
        contents.write("a/made", b"first").unwrap();
        contents.write("a/made", b"made").unwrap();
        let dir = dir.display();
        assert_eq!(
            String::from_utf8(contents.list()).unwrap(),
            format!("/a/made={dir}/place/a/made\n/z/odd={dir}/a\\=b\\\\c d\n")
        );
    }

    #[test]
    fn a_file_whose_name_would_end_a_line_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a\nb");
        fs::write(&odd, "odd").unwrap();
        let mut contents = Contents::new(dir.path().join("place"));
        contents.graft("odd", &odd).unwrap();
        let copy = dir.path().join("place/odd");
        assert_eq!(fs::read(&copy).unwrap(), b"odd");
        let list = format!("/odd={}\n", copy.display());
        assert_eq!(String::from_utf8(contents.list()).unwrap(), list);
    }
}
