// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file, or a directory, that is there when it is whole, and not before.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::error::MediaError;
use crate::engine::error::EngineError;

/// Permissions of what everybody may read, and of what has secrets in it.
pub(super) const PUBLIC: u32 = 0o666;
pub(super) const PRIVATE: u32 = 0o600;

/// A file in the making, beside its place. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct NewFile {
    file: NamedTempFile,
    place: PathBuf,
}

impl NewFile {
    /// One that will be at `path`, where a regular file may be already, with these permissions as far as the process's mask
    /// leaves them.
    pub(super) fn at(path: &Path, mode: u32) -> Result<Self, MediaError> {
        let failed = |e| EngineError::io(format!("writing `{}`", path.display()), e);
        // A link stays a link.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if place.exists() && !place.is_file() {
            let error = io::Error::other("it is there already, and is not a regular file");
            return Err(failed(error).into());
        }
        let directory = place.parent().filter(|parent| *parent != Path::new(""));
        let file = tempfile::Builder::new()
            .prefix(".landfall-")
            .suffix(".part")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory.unwrap_or(Path::new(".")));
        let file = file.map_err(failed)?;
        Ok(Self { file, place })
    }

    /// Where it is until it is whole.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives it these permissions, whatever the mask says.
    pub(super) fn permit(&self, mode: u32) -> Result<(), MediaError> {
        let given = self
            .file
            .as_file()
            .set_permissions(Permissions::from_mode(mode));
        Ok(given.map_err(|e| EngineError::io(format!("writing `{}`", self.place.display()), e))?)
    }

    /// Puts it in its place.
    pub(super) fn finish(self) -> Result<(), MediaError> {
        let context = format!("writing `{}`", self.place.display());
        let finished = self.file.persist(&self.place);
        finished
            .map(drop)
            .map_err(|e| EngineError::io(context, e.error).into())
    }
}

/// A directory in the making, beside its place. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct NewTree {
    directory: TempDir,
    place: PathBuf,
}

impl NewTree {
    /// One that will be at `path`, where an empty directory may be already.
    pub(super) fn at(path: &Path) -> Result<Self, MediaError> {
        let failed = |e| EngineError::io(format!("writing `{}`", path.display()), e);
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if place.exists() && fs::read_dir(&place).map_err(failed)?.next().is_some() {
            return Err(failed(io::Error::other("it is not empty")).into());
        }
        let parent = place.parent().filter(|parent| *parent != Path::new(""));
        let parent = parent.unwrap_or(Path::new("."));
        let directory = fs::create_dir_all(parent).and_then(|()| {
            tempfile::Builder::new()
                .prefix(".landfall-")
                .permissions(Permissions::from_mode(0o777))
                .tempdir_in(parent)
        });
        let directory = directory.map_err(failed)?;
        Ok(Self { directory, place })
    }

    /// Where it is until it is whole.
    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts it in its place.
    pub(super) fn finish(self) -> Result<(), MediaError> {
        let moved = fs::rename(self.directory.path(), &self.place);
        moved.map_err(|e| EngineError::io(format!("writing `{}`", self.place.display()), e))?;
        let _ = self.directory.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_there_until_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.iso");
        let names = || fs::read_dir(dir.path()).unwrap().count();
        let file = NewFile::at(&path, PUBLIC).unwrap();
        fs::write(file.path(), "half").unwrap();
        drop(file);
        assert_eq!(names(), 0);
        let file = NewFile::at(&path, PUBLIC).unwrap();
        fs::write(file.path(), "whole").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names()), (b"whole".to_vec(), 1));
    }

    #[test]
    fn only_its_owner_reads_what_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.iso");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&path, "public").unwrap();
        let file = NewFile::at(&path, PRIVATE).unwrap();
        assert_eq!(mode(file.path()), 0o600);
        file.finish().unwrap();
        assert_eq!(mode(&path), 0o600);
        let file = NewFile::at(&path, PRIVATE).unwrap();
        file.permit(0o640).unwrap();
        file.finish().unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let error = NewFile::at(dir.path(), PUBLIC)
            .unwrap_err()
            .chain()
            .join(": ");
        assert!(
            error.ends_with("it is there already, and is not a regular file"),
            "{error}"
        );
    }
}
