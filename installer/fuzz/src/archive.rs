// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Of images in archives, the archive.

#[path = "../../src/image/archive/tar_file.rs"]
mod tar_file;

pub(super) use tar_file::TarFile;

use std::io::{Read as _, sink};
use std::path::Path;

use super::ImageError;

/// Reads a member of an archive.
pub(crate) fn read(path: &Path, name: &str) -> Result<u64, ImageError> {
    let archive = TarFile::open(path)?;
    let mut member = archive.file(name)?;
    Ok(std::io::copy(&mut member, &mut sink()).unwrap_or_default())
}
