// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An OCI image layout, in a directory or a tar archive, read as a source of manifests and blobs.
//!
//! Takes the place and perhaps a name in it; gives the descriptors its `index.json` offers and
//! the blobs as readers. It deliberately does not know architectures (the caller chooses) and does
//! not verify (the caller wraps).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use oci_spec::image::{ANNOTATION_REF_NAME, Descriptor, ImageIndex};

use super::ImageError;
use super::archive::TarFile;
use super::manifest::{MAX_JSON, digest_hex};

/// Names that a message lists at most.
const MAX_SHOWN: usize = 10;

/// An OCI layout.
#[derive(Debug)]
pub(super) struct Layout {
    files: Files,
    tag: Option<String>,
}

/// Where the files of a layout are.
#[derive(Debug)]
enum Files {
    Directory(PathBuf),
    Archive(TarFile),
}

impl Layout {
    pub(super) fn in_directory(dir: &Path, tag: Option<&str>) -> Self {
        Self {
            files: Files::Directory(dir.to_owned()),
            tag: tag.map(str::to_owned),
        }
    }

    pub(super) fn in_archive(file: &Path, tag: Option<&str>) -> Result<Self, ImageError> {
        Ok(Self {
            files: Files::Archive(TarFile::open(file)?),
            tag: tag.map(str::to_owned),
        })
    }

    /// The entries of `index.json`: those of the name that was asked for, or all of them.
    pub(super) fn descriptors(&self) -> Result<Vec<Descriptor>, ImageError> {
        let tag = self.tag.as_deref();
        let doing = format!("reading {}", self.files.name("index.json"));
        let mut bytes = Vec::new();
        let file = self.files.open("index.json", &doing)?;
        file.take(MAX_JSON + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| ImageError::unreachable(&doing, error))?;
        if bytes.len() as u64 > MAX_JSON {
            return Err(ImageError::invalid(
                doing,
                format!("it is longer than {MAX_JSON} bytes"),
            ));
        }
        let index: ImageIndex = serde_json::from_slice(&bytes)
            .map_err(|error| ImageError::invalid(&doing, error.to_string()))?;
        let entries = index.manifests().iter();
        let found: Vec<_> = entries
            .filter(|entry| tag.is_none_or(|tag| name(entry) == Some(tag)))
            .cloned()
            .collect();
        if found.is_empty() {
            return Err(ImageError::invalid(doing, missing(&index, tag)));
        }
        if found.len() > 1 && found.iter().all(|entry| entry.platform().is_none()) {
            let reason = format!("it lists several images, name one of: {}", names(&index));
            return Err(ImageError::invalid(doing, reason));
        }
        Ok(found)
    }

    /// Without a name that was asked for, several images that suit alike are an error.
    pub(super) fn refuse_equals(&self, entries: &[&Descriptor]) -> Result<(), ImageError> {
        if self.tag.is_some() || entries.len() < 2 {
            return Ok(());
        }
        let shown = entries
            .iter()
            .take(MAX_SHOWN)
            .map(|entry| match name(entry) {
                Some(name) => format!("`{name}`"),
                None => format!("`{}` (without a name)", entry.digest()),
            });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let doing = format!("reading {}", self.files.name("index.json"));
        let reason = format!("it lists several images for this architecture, name one of: {shown}");
        Err(ImageError::invalid(doing, reason))
    }

    /// The file that is the blob; none in an archive, or where it is not there.
    pub(super) fn blob_file(&self, digest: &str) -> Option<PathBuf> {
        let Files::Directory(dir) = &self.files else {
            return None;
        };
        let path = dir.join("blobs/sha256").join(digest_hex(digest).ok()?);
        path.is_file().then_some(path)
    }

    /// A blob as it lies there, unverified.
    pub(super) fn blob(&self, digest: &str) -> Result<Box<dyn Read + Send>, ImageError> {
        let path = format!("blobs/sha256/{}", digest_hex(digest)?);
        let doing = format!("opening {}", self.files.name(&path));
        self.files.open(&path, &doing)
    }
}

impl Files {
    /// What a file is called in messages.
    fn name(&self, path: &str) -> String {
        match self {
            Self::Directory(dir) => format!("`{}`", dir.join(path).display()),
            Self::Archive(archive) => format!("`{path}` in `{}`", archive.name()),
        }
    }

    fn open(&self, path: &str, doing: &str) -> Result<Box<dyn Read + Send>, ImageError> {
        match self {
            Self::Directory(dir) => Ok(Box::new(regular(&dir.join(path), doing)?)),
            Self::Archive(archive) => Ok(Box::new(archive.file(path)?)),
        }
    }
}

fn regular(path: &Path, doing: &str) -> Result<File, ImageError> {
    let file = File::open(path).map_err(|error| ImageError::unreachable(doing, error))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(ImageError::invalid(doing, "it is not a regular file")),
        Err(error) => Err(ImageError::unreachable(doing, error)),
    }
}

fn name(entry: &Descriptor) -> Option<&str> {
    entry
        .annotations()
        .as_ref()?
        .get(ANNOTATION_REF_NAME)
        .map(String::as_str)
}

fn missing(index: &ImageIndex, tag: Option<&str>) -> String {
    match tag {
        None => "it lists no image".to_owned(),
        Some(tag) => format!("it lists no image named `{tag}`, only: {}", names(index)),
    }
}

fn names(index: &ImageIndex) -> String {
    let mut names: Vec<_> = index.manifests().iter().filter_map(name).collect();
    names.sort_unstable();
    names.truncate(MAX_SHOWN);
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
