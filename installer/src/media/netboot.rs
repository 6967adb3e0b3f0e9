// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree of files that any boot server can serve.
//!
//! The same from an environment that was made for it, and from an ISO.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use super::customize::MediumFile;
use super::environment::{Environment, copy};
use super::error::MediaError;
use super::iso9660;
use crate::engine::error::EngineError;

/// Files on a medium, and where they are in the tree.
const FILES: [(&str, &str); 5] = [
    ("images/pxeboot/vmlinuz", "vmlinuz"),
    ("images/pxeboot/initrd.img", "initrd.img"),
    ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTX64.EFI"),
    ("EFI/BOOT/grubx64.efi", "EFI/BOOT/grubx64.efi"),
    ("EFI/BOOT/mmx64.efi", "EFI/BOOT/mmx64.efi"),
];

/// Writes the tree of `environment` into the directory `output`.
pub(super) fn write(environment: &Environment, output: &Path) -> Result<(), MediaError> {
    for (from, to) in FILES {
        let from = environment.file(from);
        // An image without a boot chain can be served by a server that has its own.
        if from.exists() {
            copy(&from, &output.join(to)).map_err(|e| writing(output, e))?;
        }
    }
    Ok(())
}

/// Writes the tree of an ISO into the directory `output`.
pub(super) fn extract(medium: &MediumFile, output: &Path) -> Result<(), MediaError> {
    for (from, to) in FILES {
        let found = iso9660::find(medium.file(), from).and_then(|at| match at {
            Some(at) => part(medium.file(), (at.offset, at.size), &output.join(to)),
            None => Ok(()),
        });
        found.map_err(|e| writing(output, e))?;
    }
    Ok(())
}

fn part(file: &File, (offset, size): (u64, u64), to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut file.take(size), &mut File::create(to)?)?;
    if copied == size {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the medium ends too early",
    ))
}

fn writing(output: &Path, error: io::Error) -> MediaError {
    EngineError::io(format!("writing `{}`", output.display()), error).into()
}
