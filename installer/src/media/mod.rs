// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Media: the installer environment as files, and what a machine starts it from.
//!
//! Takes a container image, and a kickstart where one is to be embedded; gives a tree of files for network boot, or an ISO.
//! Everything that boots comes from the image. It deliberately does not know what the environment does when it runs
//! ([`crate::environment`]).

mod area;
mod boot_files;
mod carried;
mod error;
mod image_root;
mod initramfs;
mod iso;
mod layout;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::{Lack, MediaError};
use image_root::ImageRoot;

use crate::engine::error::EngineError;
use crate::engine::import::Progress;
use crate::engine::tool::Tool;
use crate::image::Image;

/// A tree for network boot.
#[derive(Debug)]
pub struct NetbootRequest<'i> {
    /// The image that is installed, and that the environment is made of.
    pub image: &'i Image,
    /// Where the tree is made; the directory must be empty or missing.
    pub output: &'i Path,
    /// Where temporary files are.
    pub place: PathBuf,
}

/// Makes a tree that a network boot server can serve.
///
/// # Errors
/// [`MediaError::Lacking`] if the image has not what the environment needs; else what reading the image, this machine or
/// dracut say.
pub fn netboot(request: &NetbootRequest<'_>, progress: Progress<'_>) -> Result<(), MediaError> {
    let name = request.image.reference.to_string();
    let root = ImageRoot::unpack(request.image, &request.place, progress)?;
    let boot = initramfs::make(&root, &name)?;
    fs::create_dir_all(request.output)
        .and_then(|()| copy(&boot.kernel, &request.output.join("vmlinuz")))
        .and_then(|()| copy(&boot.initramfs, &request.output.join("initrd.img")))
        .map_err(|e| EngineError::io(format!("writing `{}`", request.output.display()), e))?;
    Ok(())
}

/// An ISO.
#[derive(Debug)]
pub struct IsoRequest<'i> {
    /// The image that is installed, and that the environment is made of.
    pub image: &'i Image,
    /// The kickstart that is embedded; none: the machine looks elsewhere.
    pub kickstart: Option<&'i [u8]>,
    /// More kernel arguments of the environment.
    pub kernel_arguments: &'i str,
    /// The medium's label: at most 32 of `A-Z0-9_-`.
    pub label: &'i str,
    /// What the installed system follows, if not the kickstart's reference.
    pub target_ref: Option<&'i str>,
    /// Whether the image is on the medium.
    pub payload: bool,
    /// The file to write.
    pub output: &'i Path,
    /// Where temporary files are.
    pub place: PathBuf,
}

/// Seconds that the menu of a medium waits.
const TIMEOUT: u32 = 5;

/// Makes an ISO.
///
/// # Errors
/// As for [`netboot`].
pub fn iso(request: &IsoRequest<'_>, progress: Progress<'_>) -> Result<(), MediaError> {
    Tool::require(&[
        Tool::Xorriso,
        Tool::MkfsVfat,
        Tool::Mcopy,
        Tool::Mmd,
        Tool::Mren,
    ])?;
    let name = request.image.reference.to_string();
    let root = ImageRoot::unpack(request.image, &request.place, progress)?;
    let lacks = boot_files::lacks(root.path());
    if !lacks.is_empty() {
        return Err(MediaError::Lacking { image: name, lacks });
    }
    let boot = initramfs::make(&root, &name)?;
    let files = boot_files::make(&root)?;
    let place = tempfile::tempdir_in(&request.place)
        .map_err(|e| EngineError::io("making a directory for the medium", e))?;
    let medium = iso::Medium {
        label: request.label,
        kickstart: request.kickstart.unwrap_or_default(),
        kernel_arguments: request.kernel_arguments,
        timeout: TIMEOUT,
        payload: request.payload.then_some(request.image),
        target_ref: request.target_ref,
    };
    iso::write(&medium, (&boot, &files), place.path(), request.output)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}
