// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A commit's tree as a directory of hard links to the repository's objects.
//!
//! Takes a repository, a commit and a path on the same file system; makes the tree there. The
//! links share inodes with the repository: nobody may write through them. It deliberately does not know what
//! the tree is for.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, XattrFlags, fchmod, fsetxattr, linkat, mkdirat, openat, readlinkat,
    symlinkat,
};
use rustix::io::Errno;

use super::object::{Checksum, Kind};
use super::{Repository, object_path};

/// Makes the tree of `commit` at `path`, which must not exist.
pub(crate) fn checkout(repo: &Repository, commit: Checksum, path: &Path) -> io::Result<()> {
    let (tree, meta) = repo.root_of(commit)?;
    fs::create_dir(path)?;
    let root = open(CWD.as_fd(), path)?;
    directory(repo, &root, (tree, meta))
}

/// Fills an empty directory, then gives it its owner, mode and attributes.
fn directory(
    repo: &Repository,
    at: &OwnedFd,
    (tree, meta): (Checksum, Checksum),
) -> io::Result<()> {
    let tree = repo.dirtree(tree)?;
    for (name, sum) in &tree.files {
        link(repo, *sum, at, name)?;
    }
    for (name, below) in &tree.directories {
        mkdirat(at, &**name, Mode::from_raw_mode(0o700))?;
        directory(repo, &open(at.as_fd(), Path::new(&**name))?, *below)?;
    }
    let meta = repo.dirmeta(meta)?;
    std::os::unix::fs::fchown(at, Some(meta.uid), Some(meta.gid))?;
    fchmod(at, Mode::from_raw_mode(meta.mode))?;
    for (name, value) in &meta.xattrs {
        fsetxattr(at, name.as_slice(), value, XattrFlags::empty())?;
    }
    Ok(())
}

/// Links a file. One that has all the links its file system allows is copied.
fn link(repo: &Repository, sum: Checksum, at: &OwnedFd, name: &str) -> io::Result<()> {
    let object = object_path(Kind::File, sum);
    match linkat(&repo.directory, &object, at, name, AtFlags::empty()) {
        Err(Errno::MLINK) => copy(repo, &object, at, name),
        other => other.map_err(Into::into),
    }
}

/// Only programs of the stage see a copy; it has the mode, and no attributes.
fn copy(repo: &Repository, object: &str, at: &OwnedFd, name: &str) -> io::Result<()> {
    if let Ok(target) = readlinkat(&repo.directory, object, Vec::new()) {
        return symlinkat(target, at, name).map_err(Into::into);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut from = fs::File::from(openat(&repo.directory, object, flags, Mode::empty())?);
    let mode = Mode::from_raw_mode(from.metadata()?.permissions().mode());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut to = fs::File::from(openat(at, name, flags, Mode::from_raw_mode(0o600))?);
    io::copy(&mut from, &mut to)?;
    fchmod(&to, mode).map_err(Into::into)
}

fn open(at: std::os::fd::BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty()).map_err(Into::into)
}
