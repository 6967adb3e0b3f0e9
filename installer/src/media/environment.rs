// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The files of an installer environment, made once.
//!
//! Takes an image; gives its kernel, the initramfs, and the boot loaders that the image has. They are kept by what they are
//! made of: the image's digest, and this executable with its libraries. It deliberately does not know media.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::boot_files;
use super::carried::Carried;
use super::epoch::Epoch;
use super::error::{Lack, MediaError};
use super::image_root::ImageRoot;
use super::initramfs;
use super::verify::Known;
use super::watch::{Phase, Watch};
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::hex::hex;
use crate::image::Image;
use crate::medium::{EnvironmentSource, MediumFile};

/// What an environment says of itself, and where.
const ABOUT: &str = "environment.json";
/// Where the kernel and the initramfs are.
pub(super) const KERNEL: &str = "images/pxeboot/vmlinuz";
pub(super) const INITRAMFS: &str = "images/pxeboot/initrd.img";

/// The files, in a directory that stays.
#[derive(Debug)]
pub(super) struct Environment {
    directory: PathBuf,
    /// Of the image that it was asked for: others of the same digest have other names.
    reference: String,
    about: About,
}

/// What is known of an environment besides its files.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// Digest of the image.
    digest: String,
    /// Version of the kernel.
    kernel: String,
    /// All files, by the paths that they have on media.
    files: Vec<MediumFile>,
    /// What the image has not, of what media start from.
    lacks: Vec<Lack>,
    /// What it has, of what installations may need.
    programs: BTreeSet<String>,
}

impl Environment {
    /// The environment of `image`, from `cache` or made there; `place` is for temporary files.
    pub(super) fn of(
        image: &Image,
        (cache, place): (&Path, &Path),
        watch: &mut Watch<'_>,
    ) -> Result<Self, MediaError> {
        let key = key(image).map_err(|e| EngineError::io("reading this executable", e))?;
        let directory = cache.join(key);
        let reference = image.reference.to_string();
        if let Some(found) = Self::load(&directory, &reference) {
            return Ok(found);
        }
        let context = || format!("keeping the environment in `{}`", cache.display());
        let made = fs::create_dir_all(cache).and_then(|()| tempfile::tempdir_in(cache));
        let fresh = made.map_err(|e| EngineError::io(context(), e))?;
        make(image, place, fresh.path(), watch)?;
        // Whoever was faster made the same.
        if fs::rename(fresh.path(), &directory).is_ok() {
            let _ = fresh.keep();
        }
        Self::load(&directory, &reference).ok_or_else(|| {
            EngineError::io(context(), io::Error::other("it cannot be read back")).into()
        })
    }

    fn load(directory: &Path, reference: &str) -> Option<Self> {
        let text = fs::read(directory.join(ABOUT)).ok()?;
        Some(Self {
            directory: directory.to_owned(),
            reference: reference.to_owned(),
            about: serde_json::from_slice(&text).ok()?,
        })
    }

    /// A file by the path that it has on media.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// All of its files.
    pub(super) fn files(&self) -> &[MediumFile] {
        &self.about.files
    }

    /// All of its files, for somebody to compare with what they were when they were made.
    pub(super) fn known(&self) -> impl Iterator<Item = Known<'_>> {
        let files = self.about.files.iter();
        files.map(|file| Known::File(self.file(&file.path), file))
    }

    /// What it was made of.
    pub(super) fn source(&self) -> EnvironmentSource {
        EnvironmentSource {
            reference: self.reference.clone(),
            digest: self.about.digest.clone(),
            kernel: self.about.kernel.clone(),
        }
    }

    /// An error that names what the image lacks of these programs.
    pub(super) fn insist_on(&self, tools: &[Tool]) -> Result<(), MediaError> {
        let missing = |tool: &&Tool| !self.about.programs.contains(tool.program());
        let missing: BTreeSet<_> = tools.iter().filter(missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let lacks = missing.into_iter().map(|tool| Lack {
            what: format!("`{}`", tool.program()),
            package: tool.package().to_owned(),
        });
        Err(MediaError::Unfit {
            image: self.reference.clone(),
            lacks: lacks.collect(),
        })
    }

    /// An error that names what the image lacks for media that start without a network.
    pub(super) fn insist_on_boot_files(&self) -> Result<(), MediaError> {
        if self.about.lacks.is_empty() {
            return Ok(());
        }
        Err(MediaError::Lacking {
            image: self.reference.clone(),
            lacks: self.about.lacks.clone(),
        })
    }
}

fn key(image: &Image) -> io::Result<String> {
    let mut hash = Sha256::new();
    hash.update(&image.digest);
    // Our dracut module and all arguments are compiled into it.
    for path in Carried::this_executable()?.files() {
        feed(&mut hash, path)?;
    }
    Ok(hex(&hash.finalize()))
}

fn make(image: &Image, place: &Path, to: &Path, watch: &mut Watch<'_>) -> Result<(), MediaError> {
    let total = Some(image.total_bytes());
    let mut progress = |done| watch.tell(Phase::Unpack, done, total);
    let root = ImageRoot::unpack(image, place, &mut progress)?;
    let _ = watch.tell(Phase::Initramfs, 0, None);
    watch.check()?;
    let epoch = Epoch::of(image);
    let boot = initramfs::make(&root, &image.reference.to_string(), epoch)?;
    watch.check()?;
    let lacks = boot_files::lacks(root.path());
    let mut files = vec![(boot.kernel, KERNEL), (boot.initramfs, INITRAMFS)];
    if lacks.is_empty() {
        files.extend(boot_files::make(&root, epoch)?);
    }
    keep(&files, to)
        .and_then(|files| {
            let about = About {
                digest: image.digest.clone(),
                kernel: boot.version,
                files,
                lacks,
                programs: initramfs::programs(root.path()),
            };
            fs::write(to.join(ABOUT), serde_json::to_vec_pretty(&about)?)
        })
        .map_err(|e| EngineError::io("keeping the environment", e).into())
}

fn keep(files: &[(PathBuf, &str)], to: &Path) -> io::Result<Vec<MediumFile>> {
    let kept = files.iter().map(|(from, path)| {
        copy(from, &to.join(path))?;
        let (size, sha256) = sum(&to.join(path))?;
        Ok(MediumFile {
            path: (*path).to_owned(),
            size,
            sha256,
        })
    });
    kept.collect()
}

/// Adds the content of a file to a digest; gives its size.
fn feed(hash: &mut Sha256, path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(size);
        }
        hash.update(&buffer[..count]);
        size += count as u64;
    }
}

/// Size and digest of a file.
pub(super) fn sum(path: &Path) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let size = feed(&mut hash, path)?;
    Ok((size, hex(&hash.finalize())))
}

/// Copies a file, readable for everybody: nothing in it is secret.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(to)?;
    io::copy(&mut File::open(from)?, &mut file).map(drop)
}
