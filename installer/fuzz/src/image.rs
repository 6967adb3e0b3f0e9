// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images in memory, in place of those in registries and layouts.

#[path = "access.rs"]
mod access;
#[path = "archive.rs"]
pub(crate) mod archive;
#[path = "documents.rs"]
mod documents;
#[path = "../../src/image/error.rs"]
mod error;
#[path = "../../src/image/file.rs"]
mod file;
#[path = "../../src/image/manifest.rs"]
mod manifest;
#[path = "../../src/image/policy.rs"]
mod policy;
#[path = "../../src/image/reference.rs"]
mod reference;
#[path = "registry.rs"]
mod registry;
#[path = "../../src/image/verify.rs"]
mod verify;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

pub(crate) use documents::shown;
pub use documents::{configuration, manifest};
pub(crate) use error::ImageError;
pub(crate) use reference::{ImageRef, RegistryRef};
use verify::{Verified, digest_of};

#[derive(Debug)]
pub struct Image {
    pub(crate) reference: &'static str,
    pub(crate) digest: String,
    pub(crate) manifest: String,
    pub(crate) config: String,
    pub(crate) layers: Vec<Layer>,
    diff_ids: Vec<String>,
    labels: BTreeMap<String, String>,
    blobs: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) media_type: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Layer {
    pub(crate) fn compression(&self) -> Result<Compression, ImageError> {
        let packing = self.media_type.rsplit_once(".tar").map(|(_, rest)| rest);
        match packing {
            Some("") => Ok(Compression::None),
            Some("+gzip" | ".gzip") => Ok(Compression::Gzip),
            Some("+zstd" | ".zstd") => Ok(Compression::Zstd),
            _ => Err(ImageError::unsupported("reading the layer", "its type")),
        }
    }
}

impl Image {
    /// An image with these archives as its layers. If it is encapsulated, the first is an ostree commit in objects.
    pub(crate) fn of(archives: &[&[u8]], encapsulated: bool) -> Self {
        let layer = |archive: &&[u8]| Layer {
            digest: digest_of(archive),
            size: archive.len() as u64,
            media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
        };
        let layers: Vec<_> = archives.iter().map(layer).collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.digest.clone()).collect();
        let label = || ("ostree.final-diffid".to_owned(), diff_ids[0].clone());
        Self {
            reference: "docker://localhost/image",
            digest: digest_of(b"{}"),
            manifest: "{}".to_owned(),
            config: "{}".to_owned(),
            labels: encapsulated.then(label).into_iter().collect(),
            blobs: archives.iter().map(|archive| archive.to_vec()).collect(),
            layers,
            diff_ids,
        }
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    pub(crate) fn diff_ids(&self) -> &[String] {
        &self.diff_ids
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    pub(crate) fn created(&self) -> Option<&str> {
        Some("2026-11-01T00:00:00Z")
    }

    pub(crate) fn is_docker(&self) -> bool {
        false
    }

    pub(crate) fn blob(&self, layer: &Layer) -> Result<Box<dyn Read + Send>, ImageError> {
        let at = self.layers.iter().position(|each| each == layer);
        let blob = Cursor::new(self.blobs[at.unwrap_or_default()].clone());
        Ok(Box::new(Verified::new(blob, &layer.digest, layer.size)))
    }
}

pub(crate) fn from_io(error: io::Error, doing: &str) -> ImageError {
    match error.downcast::<ImageError>() {
        Ok(carried) => carried,
        Err(error) => ImageError::unreachable(doing, error),
    }
}
