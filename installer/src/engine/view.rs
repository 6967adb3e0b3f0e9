// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree of an image to be read from, wherever it is.
//!
//! Paths are from the tree's root; symbolic links, absolute ones too, are followed inside it. There are two trees: the
//! one that is checked out on the target ([`Root`]), and the one that is known from the image's layers before
//! anything is written ([`Skeleton`]). Neither has anything in `/var`.

use std::io::{self, Read as _};

use super::import::survey::Skeleton;
use super::root::Root;

/// Bytes that are read of a text.
const MAX_TEXT: u64 = 4 << 20;

pub(super) use super::import::survey::Kind;

/// What can be asked of a tree.
pub(super) trait View {
    /// Names in a directory, sorted; none where it is missing.
    fn names(&self, path: &str) -> io::Result<Vec<String>>;

    fn is_file(&self, path: &str) -> bool;

    fn is_directory(&self, path: &str) -> bool;

    /// A file's bytes; one that has more than `most` is an error.
    fn bytes(&self, path: &str, most: u64) -> io::Result<Vec<u8>>;

    /// What the symbolic link `name` at the top points to; none where it is something else.
    fn top_link(&self, name: &str) -> Option<String>;

    /// What a path is, whose last name may be a symbolic link: it is not followed.
    fn kind(&self, path: &str) -> io::Result<Kind>;

    /// A text file of at most 4 MiB.
    fn text(&self, path: &str) -> io::Result<String> {
        let bytes = self.bytes(path, MAX_TEXT)?;
        String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

fn bounded(bytes: usize, most: u64) -> io::Result<()> {
    if bytes as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(())
}

impl View for Root {
    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        Self::names(self, path)
    }

    fn is_file(&self, path: &str) -> bool {
        let file = self.file(path).and_then(|file| file.metadata());
        file.is_ok_and(|found| found.is_file())
    }

    fn is_directory(&self, path: &str) -> bool {
        self.directory(path).is_ok()
    }

    fn bytes(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(path)?.take(most + 1).read_to_end(&mut bytes)?;
        bounded(bytes.len(), most)?;
        Ok(bytes)
    }

    fn kind(&self, path: &str) -> io::Result<Kind> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("/", path));
        let found = self.directory(parent)?.symlink_metadata(name)?;
        Ok(if found.is_dir() {
            Kind::Directory
        } else if found.is_file() {
            Kind::File(found.len())
        } else {
            Kind::Other
        })
    }

    fn top_link(&self, name: &str) -> Option<String> {
        let link = self.directory("/").ok()?.read_link_contents(name).ok()?;
        Some(link.to_string_lossy().into_owned())
    }
}

impl View for Skeleton {
    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        match Self::names(self, path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            found => found,
        }
    }

    fn is_file(&self, path: &str) -> bool {
        Self::is_file(self, path)
    }

    fn is_directory(&self, path: &str) -> bool {
        Self::is_directory(self, path)
    }

    fn bytes(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let content = self.content(path)?;
        bounded(content.len(), most)?;
        Ok(content.to_vec())
    }

    fn kind(&self, path: &str) -> io::Result<Kind> {
        Self::kind(self, path)
    }

    fn top_link(&self, name: &str) -> Option<String> {
        Self::top_link(self, name).map(str::to_owned)
    }
}
