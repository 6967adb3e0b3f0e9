// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Media: the installer environment as files, and what a machine starts it from.
//!
//! Takes a container image, and a kickstart where one is to be embedded; gives a tree of files for network boot, or an ISO.
//! Everything that boots comes from the image. It deliberately does not know what the environment does when it runs
//! ([`crate::environment`]).

mod area;
mod boot_files;
mod carried;
mod config_toml;
mod customize;
mod embedded;
mod environment;
mod error;
mod gate;
mod image_root;
mod initramfs;
mod iso;
mod iso9660;
mod layout;
mod netboot;

use std::path::Path;

pub use config_toml::{Configuration, ConfigurationError};
pub use customize::{Changes, MediumFile};
pub use embedded::{Basis, Embedded, embedded};
use environment::Environment;
pub use error::{Lack, MediaError};

use crate::engine::error::EngineError;
use crate::engine::import::Progress;
use crate::engine::tool::Tool;
use crate::image::Image;

/// Where files are that last, and those that do not.
#[derive(Debug, Clone, Copy)]
pub struct Directories<'d> {
    /// Environments that were made are kept here.
    pub cache: &'d Path,
    /// Temporary files.
    pub temporary: &'d Path,
}

/// A tree for network boot.
#[derive(Debug)]
pub struct NetbootRequest<'i> {
    /// The image that is installed, and that the environment is made of.
    pub image: &'i Image,
    /// Where the tree is made; the directory must be empty or missing.
    pub output: &'i Path,
    /// Where other files are.
    pub directories: Directories<'i>,
}

/// Makes a tree that a network boot server can serve.
///
/// # Errors
/// [`MediaError::Lacking`] if the image has not what the environment needs; else what reading the image, this machine or
/// dracut say.
pub fn netboot(request: &NetbootRequest<'_>, progress: Progress<'_>) -> Result<(), MediaError> {
    let environment = environment(request.image, request.directories, progress)?;
    netboot::write(&environment, request.output)
}

/// Takes the tree for network boot out of an ISO.
///
/// # Errors
/// What is no medium of ours; what reading and writing say.
pub fn extract(iso: &Path, output: &Path) -> Result<(), MediaError> {
    netboot::extract(&MediumFile::open(iso, false)?, output)
}

fn environment(
    image: &Image,
    directories: Directories<'_>,
    progress: Progress<'_>,
) -> Result<Environment, MediaError> {
    let places = (directories.cache, directories.temporary);
    Environment::of(image, places, progress)
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
    /// Where other files are.
    pub directories: Directories<'i>,
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
    let environment = environment(request.image, request.directories, progress)?;
    environment.insist_on_boot_files()?;
    let place = tempfile::tempdir_in(request.directories.temporary)
        .map_err(|e| EngineError::io("making a directory for the medium", e))?;
    let medium = iso::Medium {
        label: request.label,
        kickstart: request.kickstart.unwrap_or_default(),
        kernel_arguments: request.kernel_arguments,
        timeout: TIMEOUT,
        payload: request.payload.then_some(request.image),
        target_ref: request.target_ref,
    };
    iso::write(&medium, &environment, place.path(), request.output)
}
