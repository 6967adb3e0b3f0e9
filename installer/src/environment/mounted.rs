// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The medium that this machine was started from.
//!
//! Takes the device that the kernel's command line names; gives what the medium says of itself, once what starts and what
//! decides is proved to be what was written. The image is verified while it is read.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Device;
use super::volume::Volume;
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::hex::hex;
use crate::inventory::MEDIUM;
use crate::medium::{self, Medium};

/// How long it is waited for: a USB stick behind hubs takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A medium, mounted.
#[derive(Debug)]
pub(super) struct MountedMedium {
    pub(super) volume: Volume,
    /// What it says of itself.
    pub(super) medium: Medium,
}

impl MountedMedium {
    /// Finds it by what the menu has told the kernel.
    pub(super) fn find(device: &Device) -> Result<Self, EngineError> {
        let volume = Volume::find(device, Path::new(MEDIUM), PATIENCE)?.ok_or_else(|| {
            EngineError::Refused(format!(
                "the medium `{device}` that this machine was started from is not found after {} s",
                PATIENCE.as_secs()
            ))
        })?;
        if let Device::Label(label) = device {
            insist_on_one(&disks_with(label)?, label)?;
        }
        let bytes = volume.read(medium::FILE, medium::FILE_BYTES)?;
        let medium = Medium::from_bytes(&bytes).map_err(|_| damaged(medium::FILE))?;
        Ok(Self { volume, medium })
    }

    /// Reads what has started this machine, and the kickstart, once more.
    pub(super) fn verify(&self) -> Result<(), EngineError> {
        for file in &self.medium.files {
            self.verify_file(&file.path, &file.sha256)?;
        }
        self.verify_file(medium::KICKSTART, &self.medium.kickstart_sha256)
    }

    /// Reads the image, too; tells of each file. Gives how many there were.
    pub(super) fn verify_all(&self, tell: &mut dyn FnMut(&str)) -> Result<usize, EngineError> {
        self.verify()?;
        let directory = format!("{}/blobs/sha256", medium::LAYOUT);
        let path = self.volume.at.join(&directory);
        let mut names = Vec::new();
        if self.medium.image.is_some() {
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let entries = entries.map_err(|_| damaged(&directory))?;
            names.extend(
                entries
                    .iter()
                    .map(|entry| entry.file_name().to_string_lossy().into_owned()),
            );
        }
        for name in &names {
            let path = format!("{directory}/{name}");
            tell(&path);
            self.verify_file(&path, name)?;
        }
        Ok(self.medium.files.len() + 1 + names.len())
    }

    fn verify_file(&self, path: &str, sha256: &str) -> Result<(), EngineError> {
        match digest(&self.volume.at.join(path)) {
            Ok(found) if found == sha256 => Ok(()),
            // What cannot be read is damaged as well.
            Ok(_) | Err(_) => Err(damaged(path)),
        }
    }
}

/// Disks that have a volume of this label.
fn disks_with(label: &str) -> Result<BTreeSet<String>, EngineError> {
    let label = format!("LABEL={label}");
    let found = Tool::Blkid
        .with(["-c", "/dev/null", "-o", "device", "-t", &label])
        .tolerate(&[2])
        .output()?;
    let disk = |device: &str| {
        let at = fs::canonicalize(Path::new("/sys/class/block").join(device.rsplit('/').next()?));
        let at = at.ok()?;
        // Those of partitions are in the directory of their disk.
        let disk = if at.join("partition").exists() {
            at.parent()?
        } else {
            &at
        };
        Some(disk.file_name()?.to_string_lossy().into_owned())
    };
    Ok(found.lines().filter_map(disk).collect())
}

/// Of two media nobody knows which one has started the machine, and the other one would be a disk like any.
fn insist_on_one(disks: &BTreeSet<String>, label: &str) -> Result<(), EngineError> {
    if disks.len() < 2 {
        return Ok(());
    }
    let names: Vec<_> = disks.iter().map(|disk| format!("`/dev/{disk}`")).collect();
    Err(EngineError::Refused(format!(
        "{} have the label `{label}` of the medium: leave one of them in the machine, or make a medium with another label",
        names.join(" and ")
    )))
}

fn damaged(path: &str) -> EngineError {
    EngineError::Refused(format!(
        "the medium is damaged: `{path}` is not what was written; write it again, or use another one"
    ))
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_medium_with_the_same_label_is_refused() {
        let disks = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        assert!(insist_on_one(&disks(&["sr0"]), "A").is_ok());
        let error = insist_on_one(&disks(&["sda", "sr0"]), "A").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`/dev/sda` and `/dev/sr0` have the label `A`")
        );
    }
}
