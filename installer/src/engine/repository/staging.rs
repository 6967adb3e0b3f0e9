// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects on their way into a repository.
//!
//! Takes content and metadata; writes each object once into a directory of its own under the name it
//! will have, and gives its checksum. Several threads may write to different stagings of a repository at the same
//! time. Nothing here is durable: [`Repository::publish`](super::Repository::publish) makes it so.

use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, fchown};
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{
    AtFlags, Mode, OFlags, XattrFlags, chownat, fchmod, fsetxattr, fstat, ftruncate, lgetxattr,
    llistxattr, lsetxattr, mkdirat, openat, renameat, symlinkat,
};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use sha2::{Digest as _, Sha256};

use super::object::{Checksum, Kind, Meta, Xattrs};
use super::remove_directory;
use crate::hex::hex;

/// Files up to this size, in bytes, are hashed before they are written; it bounds the memory for content.
const INLINE: u64 = 1024 * 1024;
const CHUNK: usize = 256 * 1024;
/// Bytes of an attribute, or of the names of all (`xattr(7)`).
const MAX_XATTR: usize = 64 * 1024;
/// Runs of zeros of this length, in bytes, become holes.
const HOLE: usize = 64 * 1024;
/// Name of the file that is being written, its checksum not known yet.
const UNFINISHED: &str = "unfinished";

/// Why a file could not be written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its content could not be read.
    Content(io::Error),
    /// The repository did not take it.
    Repository(io::Error),
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Content(error) | Fault::Repository(error) => error,
        }
    }
}

/// A directory of objects that have no name in the repository yet.
#[derive(Debug)]
pub(crate) struct Staging {
    name: String,
    prefixes: Prefixes,
    buffer: Vec<u8>,
    /// Bytes of content that were written to files.
    pub(crate) bytes: u64,
    /// Files and links that were written.
    pub(crate) objects: u64,
}

/// A staging directory that is complete, and holds no file open.
#[derive(Debug)]
pub(crate) struct Staged {
    name: String,
    /// Which directories there are, by the first two digits of a checksum.
    prefixes: Vec<bool>,
    /// Bytes of content that were written to files.
    pub(crate) bytes: u64,
    /// Files and links that were written.
    pub(crate) objects: u64,
}

/// The directories by the first two digits of a checksum, made when needed. None is held open: with a few stagings at
/// a time they would be more than a process may have.
#[derive(Debug)]
struct Prefixes {
    directory: OwnedFd,
    made: Vec<bool>,
}

impl Prefixes {
    /// The path of an object below the staging directory.
    fn path(&mut self, kind: Kind, sum: Checksum) -> io::Result<String> {
        let prefix = hex(&sum.0[..1]);
        let made = &mut self.made[usize::from(sum.0[0])];
        if !*made {
            mkdirat(&self.directory, &prefix, Mode::from_raw_mode(0o755))?;
            *made = true;
        }
        Ok(format!("{prefix}/{}.{}", hex(&sum.0[1..]), kind.suffix()))
    }

    /// A new file for an object; `None` if it is here already.
    fn create(&mut self, kind: Kind, sum: Checksum, mode: u32) -> io::Result<Option<File>> {
        let path = self.path(kind, sum)?;
        create(self.directory.as_fd(), &path, mode)
    }
}

impl Staging {
    pub(super) fn new(repository: BorrowedFd<'_>, name: String) -> io::Result<Self> {
        let directory = open_directory(repository, &name)?;
        let made = vec![false; 256];
        Ok(Self {
            name,
            prefixes: Prefixes { directory, made },
            buffer: Vec::new(),
            bytes: 0,
            objects: 0,
        })
    }

    /// Writes a regular file of `size` bytes of `content`.
    pub(crate) fn regular(
        &mut self,
        meta: &Meta,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Checksum, Fault> {
        self.bytes = self.bytes.saturating_add(size);
        self.objects += 1;
        if size > INLINE {
            return self.stream(meta, content);
        }
        self.buffer.clear();
        content
            .read_to_end(&mut self.buffer)
            .map_err(Fault::Content)?;
        let mut hash = Sha256::new_with_prefix(meta.file_header());
        hash.update(&self.buffer);
        let sum = Checksum(hash.finalize().into());
        self.inline(meta, sum).map_err(Fault::Repository)?;
        Ok(sum)
    }

    /// Writes the buffer as the object `sum`, unless it is here.
    fn inline(&mut self, meta: &Meta, sum: Checksum) -> io::Result<()> {
        let Some(mut file) = self.prefixes.create(Kind::File, sum, meta.mode)? else {
            return Ok(());
        };
        file.write_all(&self.buffer)?;
        set_metadata(&file, meta)
    }

    /// Writes content that is too long for memory; its name is known at its end.
    fn stream(&mut self, meta: &Meta, content: &mut dyn Read) -> Result<Checksum, Fault> {
        let file = self.unfinished().map_err(Fault::Repository)?;
        let mut hash = Sha256::new_with_prefix(meta.file_header());
        self.buffer.resize(CHUNK, 0);
        let mut at = 0;
        loop {
            let count = fill(content, &mut self.buffer).map_err(Fault::Content)?;
            if count == 0 {
                break;
            }
            let bytes = &self.buffer[..count];
            hash.update(bytes);
            write_with_holes(&file, bytes, at).map_err(Fault::Repository)?;
            at += count as u64;
        }
        let sum = Checksum(hash.finalize().into());
        let finish = || {
            ftruncate(&file, at)?;
            set_metadata(&file, meta)
        };
        finish().map_err(Fault::Repository)?;
        self.name_unfinished(sum).map_err(Fault::Repository)?;
        Ok(sum)
    }

    fn unfinished(&self) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        Ok(File::from(openat(
            &self.prefixes.directory,
            UNFINISHED,
            flags,
            mode,
        )?))
    }

    fn name_unfinished(&mut self, sum: Checksum) -> io::Result<()> {
        let path = self.prefixes.path(Kind::File, sum)?;
        let directory = &self.prefixes.directory;
        renameat(directory, UNFINISHED, directory, path).map_err(Into::into)
    }

    /// Writes a symbolic link. Its mode is always 0777: Linux reads back nothing else.
    pub(crate) fn symlink(&mut self, meta: &Meta, target: &str) -> io::Result<Checksum> {
        self.objects += 1;
        let sum = meta.checksum_of_symlink(target);
        let path = self.prefixes.path(Kind::File, sum)?;
        let directory = &self.prefixes.directory;
        match symlinkat(target, directory, &path) {
            Err(Errno::EXIST) => return Ok(sum),
            other => other?,
        }
        let (uid, gid) = (Uid::from_raw(meta.uid), Gid::from_raw(meta.gid));
        chownat(
            directory,
            &path,
            Some(uid),
            Some(gid),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
        for (key, value) in &meta.xattrs {
            let path = format!("/proc/self/fd/{}/{path}", directory.as_raw_fd());
            lsetxattr(path, key.as_slice(), value, XattrFlags::empty())?;
        }
        Ok(sum)
    }

    /// Writes an object of metadata.
    pub(crate) fn metadata(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<Checksum> {
        let sum = Checksum::of(bytes);
        self.write_named(kind, sum, bytes)?;
        Ok(sum)
    }

    /// Writes an object of metadata whose name is known.
    pub(crate) fn write_named(
        &mut self,
        kind: Kind,
        sum: Checksum,
        bytes: &[u8],
    ) -> io::Result<()> {
        if let Some(mut file) = self.prefixes.create(kind, sum, 0o644)? {
            file.write_all(bytes)?;
            set_mode(&file, 0o644)?;
        }
        Ok(())
    }

    /// Closes what is open: stagings wait in numbers.
    pub(crate) fn close(self) -> Staged {
        Staged {
            name: self.name,
            prefixes: self.prefixes.made,
            bytes: self.bytes,
            objects: self.objects,
        }
    }
}

impl Staged {
    /// The path of the directory below the repository.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Moves every object to `objects/` of the repository, and removes the directory.
    pub(super) fn rename_into(self, repository: &File) -> io::Result<()> {
        let directory = open_directory(repository.as_fd(), &self.name)?;
        let objects = open_directory(repository.as_fd(), "objects")?;
        let made = self.prefixes.iter().enumerate().filter(|(_, made)| **made);
        for (at, _) in made {
            let name = format!("{at:02x}");
            // In a new repository the whole directory takes the place, where none or an empty one is.
            match renameat(&directory, &name, &objects, &name) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => {
                    let from = open_directory(directory.as_fd(), &name)?;
                    let to = open_directory(objects.as_fd(), &name)?;
                    rename_all(&from, &to)?;
                    remove_directory(&directory, &name)?;
                }
                other => other?,
            }
        }
        remove_directory(repository, &self.name)
    }
}

/// Moves every file of one directory to another, in place of those of the same name.
fn rename_all(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(from)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            renameat(from, entry.file_name(), to, entry.file_name())?;
        }
    }
    Ok(())
}

fn open_directory(at: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty()).map_err(Into::into)
}

/// A new file, with the permission bits of `mode` that the process may give; `None` if there is one of the name.
fn create(at: BorrowedFd<'_>, name: &str, mode: u32) -> io::Result<Option<File>> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match openat(at, name, flags, Mode::from_raw_mode(mode & 0o777)) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::EXIST) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// To look is cheaper than to change, which the file system logs.
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if fstat(file)?.st_mode & 0o7777 != mode {
        fchmod(file, Mode::from_raw_mode(mode))?;
    }
    Ok(())
}

/// In this order: a change of owner clears set-id bits and capabilities.
fn set_metadata(file: &File, meta: &Meta) -> io::Result<()> {
    if (meta.uid, meta.gid) != (0, 0) {
        fchown(file, Some(meta.uid), Some(meta.gid))?;
    }
    set_mode(file, meta.mode)?;
    for (name, value) in &meta.xattrs {
        fsetxattr(file, name.as_slice(), value, XattrFlags::empty())?;
    }
    // A deployed file is a link to this one, and shows its time.
    file.set_times(FileTimes::new().set_modified(UNIX_EPOCH))
}

/// The extended attributes of a file or of a symbolic link itself.
pub(super) fn xattrs_of(path: &Path) -> io::Result<Xattrs> {
    let mut names = vec![0; MAX_XATTR];
    let length = llistxattr(path, &mut names)?;
    let mut xattrs = Xattrs::new();
    for name in names[..length].split(|&byte| byte == 0) {
        if !name.is_empty() {
            let mut value = vec![0; MAX_XATTR];
            let length = lgetxattr(path, name, &mut value)?;
            value.truncate(length);
            xattrs.insert(name.to_vec(), value);
        }
    }
    Ok(xattrs)
}

/// Reads until the buffer is full or the content ends.
fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match content.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}

/// Writes what is not zero; the file has its length set at the end.
fn write_with_holes(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    for (block, offset) in bytes.chunks(HOLE).zip((at..).step_by(HOLE)) {
        if block.iter().any(|&byte| byte != 0) {
            file.write_all_at(block, offset)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Repository;
    use super::*;

    /// How many files at and below a directory this process has open.
    fn open_below(path: &Path) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        targets.filter(|target| target.starts_with(path)).count()
    }

    #[test]
    fn many_objects_hold_no_more_files_open_than_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let repo = Repository::create(&path, "").unwrap();
        let mut staging = repo.stage().unwrap();
        let before = open_below(&path);
        for number in 0..2000_u32 {
            let object = number.to_be_bytes();
            staging.metadata(Kind::DirMeta, &object).unwrap();
        }
        assert!(staging.prefixes.made.iter().all(|made| *made));
        assert_eq!((before, open_below(&path)), (2, 2));
    }
}
