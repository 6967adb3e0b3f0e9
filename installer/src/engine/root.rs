// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A directory handle that stands for the root of an image or of an installed system.
//!
//! Absolute paths and symbolic links, absolute ones too, are resolved inside it as in a chroot
//! (`openat2` with `RESOLVE_IN_ROOT`), so no path of the image can lead out to this machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, chmodat, fchmod, open, openat2};

/// The root of a tree.
#[derive(Debug)]
pub(crate) struct Root {
    fd: OwnedFd,
}

impl Root {
    /// The tree below `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        Ok(Self {
            fd: open(path, flags, Mode::empty())?,
        })
    }

    fn resolve(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { "/" } else { path };
        let flags = flags | OFlags::CLOEXEC;
        openat2(&self.fd, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).map_err(Into::into)
    }

    /// Where a directory of the tree really is on this machine, every link resolved inside the tree.
    pub(crate) fn real_path(&self, path: &str) -> io::Result<PathBuf> {
        let fd = self.resolve(path, OFlags::DIRECTORY | OFlags::PATH)?;
        std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
    }

    /// A directory of the tree.
    pub(crate) fn directory(&self, path: &str) -> io::Result<Dir> {
        let fd = self.resolve(path, OFlags::DIRECTORY | OFlags::RDONLY)?;
        Ok(Dir::from_std_file(File::from(fd)))
    }

    /// A file of the tree, for reading.
    pub(crate) fn file(&self, path: &str) -> io::Result<File> {
        self.resolve(path, OFlags::RDONLY).map(File::from)
    }

    /// A regular file of the tree, for reading; whatever else has the name is not opened.
    pub(crate) fn regular(&self, path: &str) -> io::Result<File> {
        let found = File::from(self.resolve(path, OFlags::PATH)?);
        if !found.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))
    }

    /// Whether a path leads to a regular file.
    pub(crate) fn has(&self, path: &str) -> bool {
        let found = self.resolve(path, OFlags::PATH).map(File::from);
        found
            .and_then(|file| file.metadata())
            .is_ok_and(|metadata| metadata.is_file())
    }

    /// A text file of the tree, of which no more than 4 MiB are read.
    pub(crate) fn text(&self, path: &str) -> io::Result<String> {
        io::read_to_string(self.file(path)?.take(4 << 20))
    }

    /// Names in a directory; none where it is missing.
    pub(crate) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let directory = match self.directory(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names: Vec<String> = directory
            .entries()?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }

    fn parent<'p>(&self, path: &'p str) -> io::Result<(Dir, &'p str)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.directory(parent)?, name))
    }

    /// Replaces a file as a whole.
    pub(crate) fn write(&self, path: &str, mode: u32, text: &str) -> io::Result<()> {
        self.copy(&mut text.as_bytes(), path, mode)
    }

    /// Replaces a file as a whole by what `from` has. A link of its name is replaced, not followed.
    pub(crate) fn copy(&self, from: &mut impl Read, path: &str, mode: u32) -> io::Result<()> {
        self.make_parents(path)?;
        let (parent, name) = self.parent(path)?;
        let unfinished = format!(".{name}.landfall");
        let _ = parent.remove_file(&unfinished);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let mut file = parent.open_with(&unfinished, &options)?.into_std();
        io::copy(from, &mut file)?;
        fchmod(&file, Mode::from_raw_mode(mode))?;
        parent.rename(&unfinished, &parent, name)
    }

    /// Appends a line to a file, which is made if it is missing.
    pub(crate) fn append(&self, path: &str, mode: u32, line: &str) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(mode);
        let mut file = parent.open_with(name, &options)?;
        writeln!(file, "{line}")
    }

    /// An empty file for reading and writing, with the directories above it.
    pub(crate) fn create(&self, path: &str, mode: u32) -> io::Result<File> {
        self.make_parents(path)?;
        let (parent, name) = self.parent(path)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed());
        parent
            .open_with(name, &options)
            .map(cap_std::fs::File::into_std)
    }

    /// A new file for writing; it is an error if there is anything of this name.
    pub(crate) fn create_new(&self, path: &str, mode: u32) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        parent
            .open_with(name, &options)
            .map(cap_std::fs::File::into_std)
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        parent.remove_file(name)
    }

    /// Replaces whatever has the name by a symbolic link.
    pub(crate) fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.make_parents(path)?;
        let (parent, name) = self.parent(path)?;
        let unfinished = format!(".{name}.landfall");
        let _ = parent.remove_file(&unfinished);
        parent.symlink_contents(target, &unfinished)?;
        parent.rename(&unfinished, &parent, name)
    }

    /// Makes a directory unless it is there.
    pub(crate) fn make_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        match parent.create_dir(name) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
            Ok(()) => chmodat(&parent, name, Mode::from_raw_mode(mode), AtFlags::empty())
                .map_err(Into::into),
        }
    }

    /// Makes a directory with those above it.
    pub(crate) fn make_directory_all(&self, path: &str) -> io::Result<()> {
        self.make_parents(&format!("{path}/."))
    }

    /// Makes the directories above `path` that are missing.
    fn make_parents(&self, path: &str) -> io::Result<()> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let mut made = String::new();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            made = format!("{made}/{part}");
            if self.directory(&made).is_err() {
                self.make_directory(&made, 0o755)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_links_stay_inside() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("var/roothome")).unwrap();
        std::os::unix::fs::symlink("/var/roothome", top.path().join("root")).unwrap();
        let root = Root::open(top.path()).unwrap();
        root.make_directory("/root/.ssh", 0o700).unwrap();
        root.append("/root/.ssh/authorized_keys", 0o600, "one")
            .unwrap();
        root.append("/root/.ssh/authorized_keys", 0o600, "two")
            .unwrap();
        let text = std::fs::read_to_string(top.path().join("var/roothome/.ssh/authorized_keys"));
        assert_eq!(text.unwrap(), "one\ntwo\n");
    }

    #[test]
    fn parents_are_made_and_files_replaced() {
        let top = tempfile::tempdir().unwrap();
        let root = Root::open(top.path()).unwrap();
        root.write("/etc/a/b", 0o600, "old").unwrap();
        root.write("/etc/a/b", 0o640, "new").unwrap();
        root.link("/etc/a/l", "../b").unwrap();
        root.link("/etc/a/l", "../c").unwrap();
        assert_eq!(root.text("/etc/a/b").unwrap(), "new");
        assert_eq!(
            std::fs::read_link(top.path().join("etc/a/l")).unwrap(),
            Path::new("../c")
        );
        assert_eq!(root.names("/etc/a").unwrap(), ["b", "l"]);
        assert!(root.text("/../../../etc/passwd").is_err());
    }
}
