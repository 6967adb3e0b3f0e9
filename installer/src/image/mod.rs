// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A container image in a registry, an OCI layout or an archive, read and verified.
//!
//! Takes an [`ImageRef`], an architecture and how to reach it; gives an [`Image`]: its manifest and configuration,
//! both checked against their digests, and its layers as readers that fail rather than end when the
//! bytes are not those that the manifest names. It reads only. It deliberately does not know
//! what is inside a layer, or what will become of it.

mod access;
mod archive;
mod error;
mod file;
#[cfg(test)]
pub(crate) mod fixture;
mod layout;
mod manifest;
mod policy;
mod reference;
mod registry;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oci_spec::image::ImageManifest;

pub use access::{Access, Patience, Places};
pub use error::ImageError;
pub use reference::{ImageRef, RegistryRef};
pub use target::TargetAccessFiles;

use manifest::{Document, Facts};
use source::Source;
pub(crate) use verify::Verified;
pub(crate) use verify::digest_of;

/// Indexes that may lead to each other before an image comes.
const MAX_INDEXES: usize = 3;

/// How to choose and reach an image.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The OCI name of the architecture: `amd64`, `arm64`.
    pub arch: String,
    /// How registries are reached, and which images are let in.
    pub access: Access,
}

/// An image of one architecture.
#[derive(Debug)]
pub struct Image {
    /// Where it was found.
    pub reference: ImageRef,
    /// `sha256:…` of the manifest of this architecture, as served.
    pub digest: String,
    /// The exact text of that manifest.
    pub manifest: String,
    /// The exact text of the configuration.
    pub config: String,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    created: Option<String>,
    docker: bool,
    facts: Facts,
    source: Source,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `sha256:…` of the blob, compressed as it is.
    pub digest: String,
    /// Bytes of the blob.
    pub size: u64,
    /// As in the manifest.
    pub media_type: String,
}

/// How the tar archive of a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, one member or more.
    Gzip,
    /// RFC 8878, one frame or more; `zstd:chunked` is such a thing.
    Zstd,
}

impl Layer {
    /// How the layer is packed, by its media type (OCI image specification, and Docker's names).
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for a type that is not a plain layer, such as an encrypted one.
    pub fn compression(&self) -> Result<Compression, ImageError> {
        match self.media_type.as_str() {
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar" => Ok(Compression::None),
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Ok(Compression::Gzip),
            "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Ok(Compression::Zstd),
            other => Err(ImageError::unsupported(
                format!("reading the layer `{}`", self.digest),
                format!("content of the type `{other}`"),
            )),
        }
    }
}

impl Image {
    /// Finds the image for the architecture and reads its manifest and configuration. An image that the
    /// machine's `policy.json` keeps out is an error before anything is asked for.
    pub fn open(reference: &ImageRef, options: &OpenOptions) -> Result<Self, ImageError> {
        policy::check(reference, &options.access)?;
        let source = Source::new(reference, &options.access)?;
        let (digest, bytes, parsed) = resolve(&source, reference, options)?;
        let doing = format!("reading the manifest `{digest}`");
        let layers = manifest::layers(&parsed, &doing)?;
        let config = source.document(parsed.config())?;
        let doing = format!("reading the configuration `{}`", parsed.config().digest());
        let facts = manifest::config(&config, layers.len(), &doing)?;
        if facts.architecture != options.arch {
            return Err(wrong_architecture(
                reference,
                options,
                vec![facts.architecture],
            ));
        }
        Ok(Self {
            reference: reference.clone(),
            manifest: text(bytes, &digest)?,
            digest,
            config: text(config, parsed.config().digest().as_ref())?,
            layers,
            created: manifest::created(&parsed).or_else(|| facts.created.clone()),
            docker: manifest::is_docker(&parsed),
            facts,
            source,
        })
    }

    /// The OCI name of its architecture: `amd64`.
    pub fn architecture(&self) -> &str {
        &self.facts.architecture
    }

    /// The labels of the configuration.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.facts.labels
    }

    /// The digests of the uncompressed layers, one for each of [`Image::layers`].
    pub fn diff_ids(&self) -> &[String] {
        &self.facts.diff_ids
    }

    /// When the image was made, RFC 3339: the manifest's annotation, else the configuration's.
    pub fn created(&self) -> Option<&str> {
        self.created.as_deref()
    }

    /// Whether the manifest is Docker's schema 2 instead of OCI's.
    pub fn is_docker(&self) -> bool {
        self.docker
    }

    /// Bytes of all layers, compressed as they are.
    pub fn total_bytes(&self) -> u64 {
        self.layers
            .iter()
            .fold(0, |sum, layer| sum.saturating_add(layer.size))
    }

    /// Whether the image says that it is made to be booted: the label `containers.bootc` or
    /// `ostree.bootable`.
    pub fn is_bootable(&self) -> bool {
        self.labels().contains_key("containers.bootc")
            || self.labels().contains_key("ostree.bootable")
    }

    /// Whether the image holds an ostree commit in objects instead of a plain tree: the label
    /// `ostree.final-diffid`.
    pub fn is_encapsulated(&self) -> bool {
        self.labels().contains_key("ostree.final-diffid")
    }

    /// The same image in the OCI layout in the directory `dir`, under the name that it has.
    pub(crate) fn moved_to(&self, dir: &Path) -> Self {
        Self {
            reference: self.reference.clone(),
            digest: self.digest.clone(),
            manifest: self.manifest.clone(),
            config: self.config.clone(),
            layers: self.layers.clone(),
            created: self.created.clone(),
            docker: self.docker,
            facts: self.facts.clone(),
            source: Source::layout(dir),
        }
    }

    /// The file that holds a layer and nothing else, where there is one; what is in it is not verified.
    pub(crate) fn blob_file(&self, layer: &Layer) -> Option<PathBuf> {
        self.source.blob_file(&layer.digest)
    }

    /// The bytes of a layer, packed as they are. Reading fails, instead of ending, where size or
    /// digest differ; such an [`io::Error`] carries an [`ImageError`].
    pub fn blob(&self, layer: &Layer) -> Result<Box<dyn Read + Send>, ImageError> {
        let blob = self.source.blob(&layer.digest, layer.size)?;
        Ok(Box::new(Verified::new(blob, &layer.digest, layer.size)))
    }
}

/// Follows indexes from the reference to the one image for the architecture.
fn resolve(
    source: &Source,
    reference: &ImageRef,
    options: &OpenOptions,
) -> Result<(String, Vec<u8>, ImageManifest), ImageError> {
    let mut bytes = source.root(&options.arch).map_err(|error| match error {
        source::RootError::Architecture(found) => wrong_architecture(reference, options, found),
        source::RootError::Image(error) => error,
    })?;
    for _ in 0..=MAX_INDEXES {
        let digest = digest_of(&bytes);
        let index = match manifest::parse(&bytes, &format!("reading the manifest `{digest}`"))? {
            Document::Image(parsed) => return Ok((digest, bytes, *parsed)),
            Document::Index(index) => index,
        };
        let child = manifest::choose(index.manifests(), &options.arch)
            .map_err(|found| wrong_architecture(reference, options, found))?;
        bytes = source.manifest(child)?;
    }
    Err(ImageError::invalid(
        format!("reading `{reference}`"),
        "its indexes lead to no image",
    ))
}

fn wrong_architecture(
    reference: &ImageRef,
    options: &OpenOptions,
    found: Vec<String>,
) -> ImageError {
    let wanted = options.arch.clone();
    ImageError::WrongArchitecture {
        reference: reference.to_string(),
        wanted,
        found,
    }
}

fn text(bytes: Vec<u8>, digest: &str) -> Result<String, ImageError> {
    String::from_utf8(bytes)
        .map_err(|_| ImageError::invalid(format!("reading `{digest}`"), "it is not UTF-8"))
}

/// The [`ImageError`] that a read error carries, or one made of it.
pub(crate) fn from_io(error: io::Error, doing: &str) -> ImageError {
    match error.downcast::<ImageError>() {
        Ok(carried) => carried,
        Err(error) => ImageError::unreachable(doing, error),
    }
}
