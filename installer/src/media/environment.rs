// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The files of an installer environment, made once.
//!
//! Takes an image; gives its kernel, the initramfs, and the boot loaders that the image has. They are kept by what they are
//! made of: the image's digest, and this executable with its libraries. It deliberately does not know media.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
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
        let reference = image.reference.to_string();
        Self::kept(&cache.join(key), &reference, |to| {
            make(image, place, to, watch)
        })
    }

    /// The environment in `directory`; `make` makes it in another directory if it is not there whole.
    fn kept(
        directory: &Path,
        reference: &str,
        make: impl FnOnce(&Path) -> Result<About, MediaError>,
    ) -> Result<Self, MediaError> {
        if let Some(found) = Self::load(directory, reference) {
            return Ok(found);
        }
        let context = || format!("keeping the environment in `{}`", directory.display());
        let keeping = |e| EngineError::io(context(), e);
        let cache = directory.parent().unwrap_or(directory);
        let fresh = fs::create_dir_all(cache).and_then(|()| tempfile::tempdir_in(cache));
        let fresh = fresh.map_err(keeping)?;
        let about = make(fresh.path())?;
        describe(&about, fresh.path()).map_err(keeping)?;
        let mut moved = fs::rename(fresh.path(), directory);
        // Whoever was faster made the same.
        if moved.is_err() && Self::load(directory, reference).is_none() {
            // What is there is not whole, and never will be.
            let broken = tempfile::tempdir_in(cache).map_err(keeping)?;
            let _ = fs::rename(directory, broken.path().join("broken"));
            moved = fs::rename(fresh.path(), directory);
        }
        Self::load(directory, reference).ok_or_else(|| {
            let unread = || io::Error::other("it cannot be read back");
            keeping(moved.err().unwrap_or_else(unread)).into()
        })
    }

    /// The environment in `directory`, if all of its files are there. What is in them is compared when they are used.
    pub(super) fn load(directory: &Path, reference: &str) -> Option<Self> {
        let text = fs::read(directory.join(ABOUT)).ok()?;
        let about: About = serde_json::from_slice(&text).ok()?;
        let is_there = |file: &MediumFile| {
            let found = fs::metadata(directory.join(&file.path));
            found.is_ok_and(|found| found.is_file() && found.len() == file.size)
        };
        about.files.iter().all(is_there).then(|| Self {
            directory: directory.to_owned(),
            reference: reference.to_owned(),
            about,
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
        pour(&mut File::open(path)?, |part| {
            hash.update(part);
            Ok(())
        })?;
    }
    Ok(hex(&hash.finalize()))
}

fn make(
    image: &Image,
    place: &Path,
    to: &Path,
    watch: &mut Watch<'_>,
) -> Result<About, MediaError> {
    let total = Some(image.total_bytes());
    let mut progress = |done| watch.tell(Phase::Unpack, done, total);
    let root = ImageRoot::unpack(image, place, &mut progress)?;
    let _ = watch.tell(Phase::Initramfs, 0, None);
    watch.check()?;
    let epoch = Epoch::of(image);
    let boot = initramfs::make(&root, &image.reference.to_string(), epoch)?;
    watch.check()?;
    let lacks = boot_files::lacks(root.tree());
    let mut files = vec![(boot.kernel, KERNEL), (boot.initramfs, INITRAMFS)];
    if lacks.is_empty() {
        files.extend(boot_files::make(&root, epoch)?);
    }
    Ok(About {
        digest: image.digest.clone(),
        kernel: boot.version,
        files: keep(files, to).map_err(|e| EngineError::io("keeping the environment", e))?,
        lacks,
        programs: initramfs::programs(root.tree()),
    })
}

fn keep(files: Vec<(File, &str)>, to: &Path) -> io::Result<Vec<MediumFile>> {
    let kept = files.into_iter().map(|(mut from, path)| {
        let (size, sha256) = copy(&mut from, &to.join(path))?;
        Ok(MediumFile {
            path: path.to_owned(),
            size,
            sha256,
        })
    });
    kept.collect()
}

/// Writes what is known of the files in `directory`; when that can be read, they are on the disk, too.
fn describe(about: &About, directory: &Path) -> io::Result<()> {
    fs::write(directory.join(ABOUT), serde_json::to_vec_pretty(about)?)?;
    let files = about.files.iter().map(|file| file.path.as_str());
    for path in files.chain([ABOUT, ""]) {
        File::open(directory.join(path))?.sync_all()?;
    }
    Ok(())
}

/// Gives all that `from` has to `take`, part by part; says how many bytes that were.
fn pour(from: &mut impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(size);
        }
        take(&buffer[..count])?;
        size += count as u64;
    }
}

/// Copies to a file, readable for everybody: nothing in it is secret. Gives size and digest of what was copied.
pub(super) fn copy(from: &mut impl Read, to: &Path) -> io::Result<(u64, String)> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(to)?;
    let mut hash = Sha256::new();
    let size = pour(from, |part| {
        hash.update(part);
        file.write_all(part)
    })?;
    Ok((size, hex(&hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment of two files.
    fn made(to: &Path) -> Result<About, MediaError> {
        let mut files = Vec::new();
        for (path, content) in [(KERNEL, "kernel"), (INITRAMFS, "initramfs")] {
            let (size, sha256) = copy(&mut content.as_bytes(), &to.join(path))
                .map_err(|e| EngineError::io(path, e))?;
            files.push(MediumFile {
                path: path.to_owned(),
                size,
                sha256,
            });
        }
        Ok(About {
            digest: "sha256:1".to_owned(),
            kernel: "6.1".to_owned(),
            files,
            lacks: Vec::new(),
            programs: BTreeSet::new(),
        })
    }

    fn names(cache: &Path) -> Vec<String> {
        let names = fs::read_dir(cache).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn what_is_kept_is_not_made_again() {
        let cache = tempfile::tempdir().unwrap();
        let place = cache.path().join("key");
        Environment::kept(&place, "a", made).unwrap();
        let kept = Environment::kept(&place, "b", |_| panic!("it is made again")).unwrap();
        assert_eq!(kept.source().reference, "b");
        assert_eq!(names(cache.path()), ["key"]);
    }

    #[test]
    fn an_environment_that_is_not_whole_is_made_again() {
        type Damage = fn(&Path);
        let damages: [Damage; 4] = [
            |place| fs::write(place.join(ABOUT), "{").unwrap(),
            |place| fs::write(place.join(KERNEL), "ker").unwrap(),
            |place| fs::remove_file(place.join(INITRAMFS)).unwrap(),
            |place| {
                fs::remove_dir_all(place).unwrap();
                fs::write(place, "a file").unwrap();
            },
        ];
        for damage in damages {
            let cache = tempfile::tempdir().unwrap();
            let place = cache.path().join("key");
            Environment::kept(&place, "a", made).unwrap();
            damage(&place);
            assert!(Environment::load(&place, "a").is_none());
            let kept = Environment::kept(&place, "a", made).unwrap();
            assert_eq!(fs::read(kept.file(KERNEL)).unwrap(), b"kernel");
            assert_eq!(fs::read(kept.file(INITRAMFS)).unwrap(), b"initramfs");
            assert_eq!(names(cache.path()), ["key"]);
        }
    }

    #[test]
    fn who_was_faster_has_made_the_same() {
        let cache = tempfile::tempdir().unwrap();
        let place = cache.path().join("key");
        let slow = Environment::kept(&place, "slow", |to| {
            Environment::kept(&place, "fast", made).unwrap();
            fs::write(place.join("mark"), "").unwrap();
            made(to)
        });
        assert_eq!(slow.unwrap().source().reference, "slow");
        assert!(place.join("mark").exists());
        assert_eq!(names(cache.path()), ["key"]);
    }
}
