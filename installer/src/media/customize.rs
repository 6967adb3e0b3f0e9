// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Changes a medium that is there: its kickstart, kernel arguments, what installed systems follow.
//!
//! Only reserved areas are written, in place: however large a medium is, it takes no longer. It deliberately does not know
//! what a good kickstart is.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::MediaError;
use super::{area, iso9660};
use crate::engine::error::EngineError;
use crate::hex::hex;
use crate::medium::{Area, Areas, FILE, FILE_BYTES, KICKSTART, Medium};

/// What is changed; what is none stays.
#[derive(Debug, Default)]
pub struct Changes<'c> {
    /// The kickstart; an empty one takes it away.
    pub kickstart: Option<&'c [u8]>,
    /// More kernel arguments of the installer: all of them.
    pub kernel_arguments: Option<&'c str>,
    /// What installed systems follow.
    pub target_ref: Option<&'c str>,
}

/// An area, and all of its content.
type Write = (Area, Vec<u8>);

/// A medium in a file.
#[derive(Debug)]
pub struct MediumFile {
    file: File,
    name: String,
    at: Area,
    /// What it says of itself.
    pub medium: Medium,
}

impl MediumFile {
    /// Opens a medium of ours, to be changed or only to be looked at.
    ///
    /// # Errors
    /// What opening says; what is no medium of ours.
    pub fn open(path: &Path, write: bool) -> Result<Self, MediaError> {
        let name = path.display().to_string();
        let failed = |e| EngineError::io(format!("opening `{name}`"), e);
        let file = File::options()
            .read(true)
            .write(write)
            .open(path)
            .map_err(failed)?;
        let wrong = |e| EngineError::io(format!("reading `{name}`"), e);
        let at = iso9660::find(&file, FILE)
            .and_then(|at| at.ok_or_else(|| io::Error::other("it is no medium of Landfall's")))
            .map_err(wrong)?;
        let bytes = read(&file, at).map_err(wrong)?;
        let medium = Medium::from_bytes(&bytes).map_err(|e| wrong(e.into()))?;
        Ok(Self {
            file,
            name,
            at,
            medium,
        })
    }

    /// The file itself.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// The embedded kickstart; empty if there is none.
    ///
    /// # Errors
    /// What reading says.
    pub fn kickstart(&self) -> Result<Vec<u8>, MediaError> {
        let area = self.read(self.medium.areas.kickstart)?;
        Ok(area::content(&area).to_vec())
    }

    /// The kernel arguments that were added.
    ///
    /// # Errors
    /// What reading says.
    pub fn kernel_arguments(&self) -> Result<String, MediaError> {
        let area = self.read(self.medium.areas.kernel_arguments)?;
        Ok(area::arguments(&area).unwrap_or_default())
    }

    /// Writes what is changed, in place. The description comes last, and is whole before and after.
    ///
    /// # Errors
    /// What does not fit into its area, and areas that cannot be: nothing is written then. What writing says.
    pub fn change(&mut self, changes: &Changes<'_>) -> Result<(), MediaError> {
        let (medium, writes) = self.prepared(changes)?;
        for (area, content) in &writes {
            self.write(*area, content)?;
        }
        self.flush_device()
            .map_err(|e| EngineError::io(format!("writing `{}`", self.name), e))?;
        self.medium = medium;
        Ok(())
    }

    /// Whether it could be changed so. Nothing is written.
    ///
    /// # Errors
    /// As for [`Self::change`].
    pub(super) fn insist_on(&self, changes: &Changes<'_>) -> Result<(), MediaError> {
        Ok(self.prepared(changes).map(drop)?)
    }

    /// The description afterwards, and what is to be written where.
    fn prepared(&self, changes: &Changes<'_>) -> Result<(Medium, Vec<Write>), EngineError> {
        let mut medium = self.medium.clone();
        let mut writes = Vec::new();
        if let Some(text) = changes.kickstart {
            let area = area::kickstart(text)?;
            medium.kickstart_sha256 = hex(&Sha256::digest(&area));
            writes.push((medium.areas.kickstart, area));
        }
        if let Some(arguments) = changes.kernel_arguments {
            let area = area::kernel_arguments(arguments)?;
            writes.push((medium.areas.kernel_arguments, area));
        }
        if let Some(target) = changes.target_ref {
            medium.target = Some(target.to_owned());
        }
        let described = medium
            .to_bytes()
            .ok_or_else(|| area::too_large("description of the medium", FILE_BYTES))?;
        writes.push((self.at, described));
        self.insist_on_areas(&medium.areas)
            .map_err(|e| EngineError::io(format!("looking at the areas of `{}`", self.name), e))?;
        Ok((medium, writes))
    }

    /// The description may say anything, and is believed only where the medium bears it out: what is written there is gone.
    fn insist_on_areas(&self, areas: &Areas) -> io::Result<()> {
        let all = [
            (areas.kickstart, area::KICKSTART),
            (areas.kernel_arguments, area::KERNEL_ARGUMENTS),
            (areas.initramfs, area::EXTRA),
            (self.at, FILE_BYTES),
        ];
        if all.iter().any(|(area, size)| area.size != *size as u64) {
            return Err(wrong("a reserved area has not the size that it must have"));
        }
        let volume = iso9660::volume_bytes(&self.file)?;
        let is_within = |area: &Area| end(area).is_some_and(|end| end <= volume);
        if !all.iter().all(|(area, _)| is_within(area)) {
            return Err(wrong("a reserved area lies behind the file system"));
        }
        let mut sorted = all.map(|(area, _)| area);
        sorted.sort_unstable_by_key(|area| area.offset);
        let mut pairs = sorted.windows(2);
        if pairs.any(|pair| end(&pair[0]) > Some(pair[1].offset)) {
            return Err(wrong("two reserved areas overlap"));
        }
        if iso9660::find(&self.file, KICKSTART)? != Some(areas.kickstart) {
            return Err(wrong("the area of the kickstart is not where that file is"));
        }
        let mut start = [0; area::ARGUMENTS.len()];
        self.file
            .read_exact_at(&mut start, areas.kernel_arguments.offset)?;
        if start != area::ARGUMENTS.as_bytes() {
            return Err(wrong("the area of kernel arguments does not begin as one"));
        }
        Ok(())
    }

    /// A stick is pulled out soon. A file that was just made has gigabytes to write first, and is no safer than any other.
    fn flush_device(&self) -> io::Result<()> {
        if self.file.metadata()?.file_type().is_block_device() {
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Says where the areas are, in a medium that was just made.
    pub(super) fn settle(
        &mut self,
        find: impl Fn(&File) -> io::Result<Medium>,
    ) -> Result<(), MediaError> {
        let found = find(&self.file)
            .map_err(|e| EngineError::io(format!("reading `{}` back", self.name), e))?;
        self.medium = found;
        self.change(&Changes::default())
    }

    fn read(&self, area: Area) -> Result<Vec<u8>, MediaError> {
        let read = read(&self.file, area);
        Ok(read.map_err(|e| EngineError::io(format!("reading `{}`", self.name), e))?)
    }

    fn write(&self, area: Area, content: &[u8]) -> Result<(), MediaError> {
        let written = self.file.write_all_at(content, area.offset);
        Ok(written.map_err(|e| EngineError::io(format!("writing `{}`", self.name), e))?)
    }
}

/// The largest area that is read.
const MAX_AREA: u64 = 4 << 20;

fn read(file: &File, area: Area) -> io::Result<Vec<u8>> {
    if area.size > MAX_AREA {
        return Err(io::Error::other(
            "a reserved area is larger than any real one",
        ));
    }
    let mut bytes = vec![0; usize::try_from(area.size).unwrap_or_default()];
    file.read_exact_at(&mut bytes, area.offset)?;
    Ok(bytes)
}

fn end(area: &Area) -> Option<u64> {
    area.offset.checked_add(area.size)
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
