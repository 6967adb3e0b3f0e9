// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the parts of an image come from, whichever kind of place it is.
//!
//! Takes a reference; gives the first document, and further documents and blobs by their descriptors. Documents are
//! verified and bounded, blobs are not: the caller wraps.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::Descriptor;

use super::access::Access;
use super::archive::DockerArchive;
use super::layout::Layout;
use super::manifest::{self, MAX_JSON};
use super::registry::Registry;
use super::verify::{digest_of, read_all};
use super::{ImageError, ImageRef, from_io};

#[derive(Debug)]
pub(super) enum Source {
    Layout(Layout),
    DockerArchive(DockerArchive),
    Registry {
        registry: Arc<Registry>,
        /// The digest in the reference, if there is one.
        digest: Option<String>,
    },
}

/// Why there is no first document.
pub(super) enum RootError {
    /// There are images, for these architectures.
    Architecture(Vec<String>),
    Image(ImageError),
}

impl From<ImageError> for RootError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl Source {
    /// The OCI layout in a directory.
    pub(super) fn layout(dir: &Path) -> Self {
        Self::Layout(Layout::in_directory(dir, None))
    }

    pub(super) fn new(reference: &ImageRef, access: &Access) -> Result<Self, ImageError> {
        Ok(match reference {
            ImageRef::Layout { dir, tag } => {
                Self::Layout(Layout::in_directory(dir, tag.as_deref()))
            }
            ImageRef::OciArchive { file, tag } => {
                Self::Layout(Layout::in_archive(file, tag.as_deref())?)
            }
            ImageRef::DockerArchive { file, image } => {
                Self::DockerArchive(DockerArchive::open(file, image.as_deref())?)
            }
            ImageRef::Registry(name) => {
                let digest = name.parsed().digest().map(str::to_owned);
                digest.as_deref().map(manifest::digest_hex).transpose()?;
                Self::Registry {
                    registry: Arc::new(Registry::new(name, access)?),
                    digest,
                }
            }
        })
    }

    /// The first document: what the reference itself names.
    pub(super) fn root(&self, arch: &str) -> Result<Vec<u8>, RootError> {
        match self {
            Self::Layout(layout) => {
                let entries = layout.descriptors()?;
                let chosen = manifest::choose(&entries, arch).map_err(RootError::Architecture)?;
                layout.refuse_equals(&manifest::equals(&entries, chosen, arch))?;
                Ok(self.document(chosen)?)
            }
            Self::DockerArchive(archive) => Ok(archive.manifest().to_vec()),
            Self::Registry { registry, digest } => {
                let bytes = registry.manifest(None)?;
                match digest {
                    Some(digest) => Ok(checked(bytes, digest)?),
                    None => Ok(bytes),
                }
            }
        }
    }

    /// A manifest or index that another document names.
    pub(super) fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let Self::Registry { registry, .. } = self else {
            return self.document(descriptor);
        };
        let digest = descriptor.digest().as_ref();
        manifest::digest_hex(digest)?;
        let bytes = registry.manifest(Some(digest))?;
        verified(bytes.as_slice(), descriptor)
    }

    /// A small blob that another document names: verified, bounded.
    pub(super) fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
        let digest = descriptor.digest().as_ref();
        verified(self.blob(digest, descriptor.size())?, descriptor)
    }

    /// A blob, not verified.
    /// The file that is the blob, unverified; none of what is within another file, or elsewhere.
    pub(super) fn blob_file(&self, digest: &str) -> Option<PathBuf> {
        match self {
            Self::Layout(layout) => layout.blob_file(digest),
            _ => None,
        }
    }

    pub(super) fn blob(&self, digest: &str, size: u64) -> Result<Box<dyn Read + Send>, ImageError> {
        manifest::digest_hex(digest)?;
        Ok(match self {
            Self::Layout(layout) => layout.blob(digest)?,
            Self::DockerArchive(archive) => Box::new(archive.blob(digest)?),
            Self::Registry { registry, .. } => Box::new(registry.blob(digest, size)),
        })
    }
}

fn checked(bytes: Vec<u8>, digest: &str) -> Result<Vec<u8>, ImageError> {
    let found = digest_of(&bytes);
    if found == digest {
        return Ok(bytes);
    }
    let doing = format!("verifying the manifest `{digest}`");
    Err(ImageError::invalid(
        doing,
        format!("its content has the digest `{found}`"),
    ))
}

fn verified(source: impl Read, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    let digest = descriptor.digest().as_ref();
    read_all(source, (digest, descriptor.size()), MAX_JSON)
        .map_err(|error| from_io(error, &format!("reading the blob `{digest}`")))
}
