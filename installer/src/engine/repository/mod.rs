// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An ostree repository of mode `bare`, written and read by us.
//!
//! Takes content with its metadata, trees and commits; gives checksums, and on disk exactly what
//! libostree makes (`ostree-repo(5)`, `ostree-core.h`): the image's own libostree deploys from it. Objects go
//! into a [`Staging`] directory first; they get their names in `objects/` only when they are on stable storage,
//! because libostree believes any object that has its name. The caller is the only user of the repository: there
//! is no lock. It deliberately does not know images, layers or deployments.

mod checkout;
mod object;
mod staging;
mod variant;

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, mkdirat, openat, readlinkat, statat, syncfs, unlinkat,
};

pub(crate) use checkout::checkout;
pub(crate) use object::{
    Checksum, CommitObject, DirTree, Kind, Meta, Xattrs, commit_root, parse_xattrs,
};
pub(crate) use staging::{Fault, Staged, Staging};

/// The largest `dirtree`, `dirmeta` or `commit` that is read, in bytes; libostree's own limit.
const MAX_METADATA: u64 = 128 << 20;
/// What the names of staging directories begin with.
const STAGING: &str = "landfall-";
const DIRECTORIES: [&str; 9] = [
    "extensions",
    "objects",
    "refs",
    "refs/heads",
    "refs/mirrors",
    "refs/remotes",
    "state",
    "tmp",
    "tmp/cache",
];

/// An ostree repository.
#[derive(Debug)]
pub(crate) struct Repository {
    path: PathBuf,
    directory: File,
    /// How many staging directories were made.
    stagings: AtomicUsize,
}

impl Repository {
    /// Makes an empty repository in the directory `path`, or opens the one that is there.
    /// `settings` are appended to its configuration file.
    pub(crate) fn create(path: &Path, settings: &str) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        for name in DIRECTORIES {
            fs::create_dir_all(path.join(name))?;
        }
        let config = format!("[core]\nrepo_version=1\nmode=bare\n{settings}");
        fs::write(path.join("config"), config)?;
        Self::open(path)
    }

    /// Opens a repository.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            directory: File::open(path)?,
            stagings: AtomicUsize::new(0),
        })
    }

    /// The commit that a ref names. `None` if there is no such ref.
    pub(crate) fn resolve(&self, name: &str) -> io::Result<Option<Checksum>> {
        match fs::read_to_string(self.ref_path(name)) {
            Ok(text) => Checksum::parse(text.trim_end())
                .map(Some)
                .ok_or_else(|| damaged(&format!("the ref `{name}`"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Points a ref to a commit.
    pub(crate) fn set_ref(&self, name: &str, commit: Checksum) -> io::Result<()> {
        let path = self.ref_path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let unfinished = self.path.join("tmp/ref");
        fs::write(&unfinished, format!("{commit}\n"))?;
        fs::rename(unfinished, path)
    }

    fn ref_path(&self, name: &str) -> PathBuf {
        self.path.join("refs/heads").join(name)
    }

    /// Reads an object of metadata and checks it against its name.
    pub(crate) fn metadata(&self, kind: Kind, sum: Checksum) -> io::Result<Vec<u8>> {
        let file = File::from(openat(
            &self.directory,
            object_path(kind, sum),
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?);
        let mut bytes = Vec::new();
        file.take(MAX_METADATA).read_to_end(&mut bytes)?;
        if Checksum::of(&bytes) == sum {
            Ok(bytes)
        } else {
            Err(damaged(&format!("the object `{sum}.{}`", kind.suffix())))
        }
    }

    /// Reads a `dirtree`.
    pub(crate) fn dirtree(&self, sum: Checksum) -> io::Result<DirTree> {
        DirTree::parse(&self.metadata(Kind::DirTree, sum)?)
            .ok_or_else(|| damaged(&format!("the directory `{sum}`")))
    }

    /// Reads a `dirmeta`.
    pub(crate) fn dirmeta(&self, sum: Checksum) -> io::Result<Meta> {
        Meta::parse_dirmeta(&self.metadata(Kind::DirMeta, sum)?)
            .ok_or_else(|| damaged(&format!("the directory metadata `{sum}`")))
    }

    /// `dirtree` and `dirmeta` of a commit's root.
    pub(crate) fn root_of(&self, commit: Checksum) -> io::Result<(Checksum, Checksum)> {
        commit_root(&self.metadata(Kind::Commit, commit)?)
            .ok_or_else(|| damaged(&format!("the commit `{commit}`")))
    }

    /// The content of a regular file, to be read.
    pub(crate) fn open_file(&self, sum: Checksum) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = object_path(Kind::File, sum);
        Ok(File::from(openat(
            &self.directory,
            path,
            flags,
            Mode::empty(),
        )?))
    }

    /// The content of a regular file, its first `most` bytes.
    pub(crate) fn content(&self, sum: Checksum, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_file(sum)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Owner, mode and attributes of a file, and the target of a symbolic link.
    pub(crate) fn file_meta(&self, sum: Checksum) -> io::Result<(Meta, Option<String>)> {
        let path = object_path(Kind::File, sum);
        let stat = statat(&self.directory, &path, AtFlags::SYMLINK_NOFOLLOW)?;
        let meta = Meta {
            uid: stat.st_uid,
            gid: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            xattrs: staging::xattrs_of(&self.path.join(&path))?,
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return Ok((meta, None)),
            FileType::Symlink => {}
            // It is not to be opened: that may wait forever.
            _ => return Err(damaged(&format!("the file `{sum}`"))),
        }
        let target = readlinkat(&self.directory, path, Vec::new())?;
        let target = target
            .into_string()
            .map_err(|_| damaged("a symbolic link"))?;
        Ok((meta, Some(target)))
    }

    /// Bytes of a file's content, and whether it is a symbolic link, which has none.
    pub(crate) fn file_size(&self, sum: Checksum) -> io::Result<(u64, bool)> {
        let path = object_path(Kind::File, sum);
        let stat = statat(&self.directory, path, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_symlink = FileType::from_raw_mode(stat.st_mode).is_symlink();
        let size = if is_symlink { 0 } else { stat.st_size };
        Ok((u64::try_from(size).unwrap_or_default(), is_symlink))
    }

    /// Waits until everything that was written is on stable storage.
    pub(crate) fn sync(&self) -> io::Result<()> {
        syncfs(&self.directory).map_err(Into::into)
    }

    /// Gives the objects of `stagings` their names. All that they hold becomes durable first.
    pub(crate) fn publish(&self, stagings: Vec<Staged>) -> io::Result<()> {
        self.sync()?;
        for staging in stagings {
            staging.rename_into(&self.directory)?;
        }
        Ok(())
    }

    /// Removes the staging directories that an interrupted import left.
    pub(crate) fn clear_stagings(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.path.join("tmp"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes a staging directory with all that is in it.
    pub(crate) fn discard(&self, staging: Staging) -> io::Result<()> {
        fs::remove_dir_all(self.path.join(staging.close().name()))
    }

    /// A new, empty staging directory.
    pub(crate) fn stage(&self) -> io::Result<Staging> {
        let number = self.stagings.fetch_add(1, Ordering::Relaxed);
        let name = format!("tmp/{STAGING}{number}");
        mkdirat(&self.directory, &name, Mode::from_raw_mode(0o700))?;
        Staging::new(self.directory.as_fd(), name)
    }
}

/// Where an object is, below the repository.
fn object_path(kind: Kind, sum: Checksum) -> String {
    let hex = sum.to_string();
    format!("objects/{}/{}.{}", &hex[..2], &hex[2..], kind.suffix())
}

fn damaged(what: &str) -> io::Error {
    let message = format!("{what} of the repository is damaged");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Removes an empty directory below `at`.
fn remove_directory(at: impl AsFd, name: &str) -> io::Result<()> {
    unlinkat(at, name, AtFlags::REMOVEDIR).map_err(Into::into)
}
