// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The files of an installer environment, made once.
//!
//! Takes an image; gives its kernel, the initramfs, and the boot loaders that the image has. They are kept by what they are
//! made of: the image's digest, this executable's, and our dracut module. It deliberately does not know media.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::boot_files;
use super::error::{Lack, MediaError};
use super::image_root::ImageRoot;
use super::initramfs;
use crate::engine::error::EngineError;
use crate::engine::import::Progress;
use crate::hex::hex;
use crate::image::Image;
use crate::medium::EnvironmentSource;

/// What an environment says of itself, and where.
const ABOUT: &str = "environment.json";

/// The files, in a directory that stays.
#[derive(Debug)]
pub(super) struct Environment {
    directory: PathBuf,
    about: About,
}

/// What is known of an environment besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    source: EnvironmentSource,
    /// What the image has not, of what media start from.
    lacks: Vec<Lack>,
}

impl Environment {
    /// The environment of `image`, from `cache` or made there; `place` is for temporary files.
    pub(super) fn of(
        image: &Image,
        (cache, place): (&Path, &Path),
        progress: Progress<'_>,
    ) -> Result<Self, MediaError> {
        let key = key(image).map_err(|e| EngineError::io("reading this executable", e))?;
        let directory = cache.join(key);
        if let Some(found) = Self::load(&directory) {
            return Ok(found);
        }
        let context = || format!("keeping the environment in `{}`", cache.display());
        let made = fs::create_dir_all(cache).and_then(|()| tempfile::tempdir_in(cache));
        let fresh = made.map_err(|e| EngineError::io(context(), e))?;
        make(image, place, fresh.path(), progress)?;
        // Whoever was faster made the same.
        if fs::rename(fresh.path(), &directory).is_ok() {
            let _ = fresh.keep();
        }
        Self::load(&directory).ok_or_else(|| {
            EngineError::io(context(), io::Error::other("it cannot be read back")).into()
        })
    }

    fn load(directory: &Path) -> Option<Self> {
        let text = fs::read(directory.join(ABOUT)).ok()?;
        Some(Self {
            directory: directory.to_owned(),
            about: serde_json::from_slice(&text).ok()?,
        })
    }

    /// A file by the path that it has on media.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// What it was made of.
    pub(super) fn source(&self) -> EnvironmentSource {
        self.about.source.clone()
    }

    /// An error that names what the image lacks for media that start without a network.
    pub(super) fn insist_on_boot_files(&self) -> Result<(), MediaError> {
        if self.about.lacks.is_empty() {
            return Ok(());
        }
        Err(MediaError::Lacking {
            image: self.about.source.reference.clone(),
            lacks: self.about.lacks.clone(),
        })
    }
}

fn key(image: &Image) -> io::Result<String> {
    let mut hash = Sha256::new();
    hash.update(&image.digest);
    hash.update(initramfs::texts().concat());
    hash.update(fs::read("/proc/self/exe")?);
    Ok(hex(&hash.finalize()))
}

fn make(image: &Image, place: &Path, to: &Path, progress: Progress<'_>) -> Result<(), MediaError> {
    let name = image.reference.to_string();
    let root = ImageRoot::unpack(image, place, progress)?;
    let boot = initramfs::make(&root, &name)?;
    let lacks = boot_files::lacks(root.path());
    let mut files = vec![
        (boot.kernel, "images/pxeboot/vmlinuz"),
        (boot.initramfs, "images/pxeboot/initrd.img"),
    ];
    if lacks.is_empty() {
        files.extend(boot_files::make(&root)?);
    }
    let about = About {
        source: EnvironmentSource {
            reference: name,
            digest: image.digest.clone(),
            kernel: boot.version,
        },
        lacks,
    };
    let json = serde_json::to_vec_pretty(&about);
    files
        .iter()
        .try_for_each(|(from, path)| copy(from, &to.join(path)))
        .and_then(|()| fs::write(to.join(ABOUT), json?))
        .map_err(|e| EngineError::io("keeping the environment", e).into())
}

/// Copies a file, readable for everybody: nothing in it is secret.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(to)?;
    io::copy(&mut File::open(from)?, &mut file).map(drop)
}
