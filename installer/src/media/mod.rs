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
mod contents;
mod customize;
mod embedded;
mod environment;
mod epoch;
mod error;
mod gate;
mod image_root;
mod includes;
mod initramfs;
mod iso;
mod iso9660;
mod layout;
mod netboot;
mod output;
mod verify;
mod watch;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kickstart_parser::Kickstart;

pub use config_toml::{Configuration, ConfigurationError};
pub use customize::{Changes, MediumFile};
use embedded::has_secrets;
pub use embedded::{Basis, Embedded, embedded, secret_arguments};
use environment::Environment;
pub use epoch::Epoch;
pub use error::{Lack, MediaError};
use output::{NewFile, PRIVATE, PUBLIC};
pub use watch::{Phase, Told, Watch};

use crate::engine::error::EngineError;
use crate::engine::judge::{self, Judgement, Question};
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
    /// The image that is installed.
    pub image: &'i Image,
    /// The image that the environment is made of.
    pub environment: &'i Image,
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
pub fn netboot(request: &NetbootRequest<'_>, watch: &mut Watch<'_>) -> Result<(), MediaError> {
    let made = environment(request.environment, request.directories, watch)
        .and_then(|environment| netboot::write(&environment, request.image, request.output));
    made.map_err(|error| watch.cause(error))
}

/// Takes the tree for network boot out of an ISO.
///
/// # Errors
/// What is no medium of ours; what reading and writing say.
pub fn extract(iso: &Path, output: &Path, watch: &mut Watch<'_>) -> Result<(), MediaError> {
    let extracted =
        MediumFile::open(iso, false).and_then(|medium| netboot::extract(&medium, output));
    extracted.map_err(|error| watch.cause(error))
}

/// What is copied between two looks at signals.
const COPIED: u64 = 64 << 20;

/// Copies an ISO to `to`, changed. The copy is there when it is whole.
///
/// # Errors
/// As for [`MediumFile::change`]; what copying says.
pub fn customized_copy(
    (from, to): (&Path, &Path),
    changes: &Changes<'_>,
    watch: &mut Watch<'_>,
) -> Result<(), MediaError> {
    // What is no medium, or cannot be changed so, is not copied.
    MediumFile::open(from, false)?.insist_on(changes)?;
    let file = NewFile::at(to, PRIVATE)?;
    copy((from, file.path()), watch).map_err(|error| watch.cause(error))?;
    MediumFile::open(file.path(), true)?.change(changes)?;
    file.permit(mode_of_copy(from, changes)?)?;
    watch.check()?;
    file.finish()
}

fn copy((from, to): (&Path, &Path), watch: &mut Watch<'_>) -> Result<(), MediaError> {
    let context = format!("copying `{}` to `{}`", from.display(), to.display());
    let failed = |e| EngineError::io(context.clone(), e);
    let mut from = File::open(from).map_err(failed)?;
    let mut to = File::create(to).map_err(failed)?;
    loop {
        watch.check()?;
        let copied = io::copy(&mut (&mut from).take(COPIED), &mut to).map_err(failed)?;
        if copied < COPIED {
            return Ok(());
        }
    }
}

/// The original's; nobody else reads secrets that are new.
fn mode_of_copy(from: &Path, changes: &Changes<'_>) -> Result<u32, EngineError> {
    let mode = std::fs::metadata(from)
        .map_err(|e| EngineError::io(format!("reading `{}`", from.display()), e))?
        .permissions()
        .mode()
        & 0o777;
    let kickstart = changes.kickstart.unwrap_or_default();
    let arguments = changes.kernel_arguments.unwrap_or_default();
    if has_secrets(kickstart, arguments) {
        Ok(mode & 0o700)
    } else {
        Ok(mode)
    }
}

fn environment(
    image: &Image,
    directories: Directories<'_>,
    watch: &mut Watch<'_>,
) -> Result<Environment, MediaError> {
    let places = (directories.cache, directories.temporary);
    Environment::of(image, places, watch)
}

/// An ISO.
#[derive(Debug)]
pub struct IsoRequest<'i> {
    /// The image that is installed.
    pub image: &'i Image,
    /// The image that the environment is made of.
    pub environment: &'i Image,
    /// The kickstart that is embedded; none: the machine looks elsewhere.
    pub kickstart: Option<&'i [u8]>,
    /// The same as it was read; none where there is none, or where parts of it are not here.
    pub judged: Option<&'i Kickstart>,
    /// More kernel arguments of the environment.
    pub kernel_arguments: &'i str,
    /// The medium's label: at most 32 of `A-Z0-9_-`.
    pub label: &'i str,
    /// What the installed system follows, if not the kickstart's reference.
    pub target_ref: Option<&'i str>,
    /// Whether the image is on the medium.
    pub payload: bool,
    /// When all of it was made; none: when the image was.
    pub epoch: Option<Epoch>,
    /// The file to write.
    pub output: &'i Path,
    /// Where other files are.
    pub directories: Directories<'i>,
}

/// Seconds that the menu of a medium waits.
const TIMEOUT: u32 = 5;

/// Whether this can be among the kernel arguments of a medium: in quotes of GRUB's script, in one line.
pub fn is_kernel_argument(text: &str) -> bool {
    area::is_argument(text)
}

/// Whether a medium may have this label: `volume identifiers` of ISO 9660 have 32 characters, and these need no quotes in a
/// boot menu or on a kernel command line.
pub fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    (1..=32).contains(&text.len()) && text.chars().all(fits)
}

/// Makes an ISO. The file is there when it is whole, and not before. Gives what the user should know.
///
/// # Errors
/// As for [`netboot`]; a kickstart that could not be carried out with the image.
pub fn iso(request: &IsoRequest<'_>, watch: &mut Watch<'_>) -> Result<Vec<String>, MediaError> {
    make_iso(request, watch).map_err(|error| watch.cause(error))
}

fn make_iso(request: &IsoRequest<'_>, watch: &mut Watch<'_>) -> Result<Vec<String>, MediaError> {
    Tool::require(&[
        Tool::Xorriso,
        Tool::MkfsVfat,
        Tool::Mcopy,
        Tool::Mmd,
        Tool::Mren,
    ])?;
    // Before the minutes that an image and an environment take.
    let kickstart = request.kickstart.unwrap_or_default();
    let areas = iso::Filled::with(kickstart, request.kernel_arguments)?;
    let file = NewFile::at(request.output, mode(request))?;
    let place = tempfile::Builder::new()
        .prefix("landfall-")
        .tempdir_in(request.directories.temporary)
        .map_err(|e| EngineError::io("making a directory for the medium", e))?;
    let needed = request.payload || request.judged.is_some();
    let fetched = if needed {
        layout::at_hand(request.image, &place.path().join("image"), watch)?
    } else {
        None
    };
    let image = fetched.as_ref().unwrap_or(request.image);
    let judgement = judge(request, image, watch)?;
    // The same image need not be fetched twice.
    let of = if request.environment.digest == image.digest {
        image
    } else {
        request.environment
    };
    let environment = environment(of, request.directories, watch)?;
    environment.insist_on_boot_files()?;
    environment.insist_on(&judgement.tools)?;
    let medium = iso::Medium {
        label: request.label,
        areas: &areas,
        timeout: TIMEOUT,
        image,
        payload: request.payload,
        target_ref: request.target_ref,
        epoch: request.epoch.unwrap_or_else(|| Epoch::of(request.image)),
    };
    iso::write(&medium, &environment, (place.path(), file.path()), watch)?;
    watch.check()?;
    file.finish()?;
    Ok(judgement.warnings)
}

fn mode(request: &IsoRequest<'_>) -> u32 {
    let kickstart = request.kickstart.unwrap_or_default();
    if has_secrets(kickstart, request.kernel_arguments) {
        PRIVATE
    } else {
        PUBLIC
    }
}

fn judge(
    request: &IsoRequest<'_>,
    image: &Image,
    watch: &mut Watch<'_>,
) -> Result<Judgement, MediaError> {
    let Some(kickstart) = request.judged else {
        return Ok(Judgement::default());
    };
    let question = Question {
        kickstart,
        image,
        target_ref: request.target_ref,
        payload: request.payload,
    };
    let total = Some(image.total_bytes());
    let mut progress = |done| watch.tell(Phase::Judge, done, total);
    Ok(judge::judge(&question, &mut progress)?)
}

#[cfg(test)]
mod tests;
