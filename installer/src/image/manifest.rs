// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Manifests, indexes and configurations: bytes to checked values. Pure.
//!
//! Takes the JSON that a source served; gives an index's entries or an image's layers and labels,
//! or says what is wrong. Parsed with the types that bootc uses on the installed system, so that what
//! passes here can be read there. It deliberately does not know where the bytes came from.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, Os};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ImageError, Layer};

/// The longest manifest, index or configuration, in bytes: what registries accept at least, and
/// what skopeo and containerd allow at most.
pub(super) const MAX_JSON: u64 = 4 * 1024 * 1024;
/// More layers than any image has.
pub(super) const MAX_LAYERS: usize = 1000;
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What a reference led to.
pub(super) enum Document {
    Index(Box<ImageIndex>),
    Image(Box<ImageManifest>),
}

/// Just enough to tell the kinds apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: u32,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
}

/// Tells an index from an image by what it holds; a document that claims to be both is refused.
pub(super) fn parse(bytes: &[u8], doing: &str) -> Result<Document, ImageError> {
    let invalid = |error: serde_json::Error| ImageError::invalid(doing, error.to_string());
    let kind: Kind = serde_json::from_slice(bytes).map_err(invalid)?;
    if kind.schema_version == 1 {
        return Err(ImageError::unsupported(
            doing,
            "an image of Docker's schema version 1 (push it again with a newer tool)",
        ));
    }
    if kind.schema_version != 2 {
        let feature = format!("a manifest of schema version {}", kind.schema_version);
        return Err(ImageError::unsupported(doing, feature));
    }
    match (kind.manifests, kind.layers) {
        (Some(_), None) => Ok(Document::Index(
            serde_json::from_slice(bytes).map_err(invalid)?,
        )),
        (None, Some(_)) => Ok(Document::Image(
            serde_json::from_slice(bytes).map_err(invalid)?,
        )),
        (Some(_), Some(_)) => Err(ImageError::invalid(
            doing,
            "it is an index and an image at once",
        )),
        (None, None) => Err(ImageError::invalid(
            doing,
            "it is neither an index nor an image",
        )),
    }
}

/// The entry for Linux on `arch`, for any machine of that architecture where there is one, else the lowest
/// variant; on failure, the architectures that there are.
pub(super) fn choose<'a>(
    entries: &'a [Descriptor],
    arch: &str,
) -> Result<&'a Descriptor, Vec<String>> {
    if let Some(found) = suitable(entries, arch).min_by_key(|entry| variant(entry, arch)) {
        return Ok(found);
    }
    if let [only] = entries
        && only.platform().is_none()
    {
        return Ok(only);
    }
    let mut found: Vec<_> = entries.iter().filter_map(platform).collect();
    found.sort_unstable();
    found.dedup();
    Err(found)
}

/// The entries that could as well have been chosen: each image once, the chosen one first. One that does not tell its
/// platform may be for this one.
pub(super) fn equals<'a>(
    entries: &'a [Descriptor],
    chosen: &'a Descriptor,
    arch: &str,
) -> Vec<&'a Descriptor> {
    let wanted = variant(chosen, arch);
    let mut found = vec![chosen];
    let untold = entries.iter().filter(|entry| entry.platform().is_none());
    let suitable = suitable(entries, arch).filter(|entry| variant(entry, arch) == wanted);
    for entry in suitable.chain(untold) {
        if found.iter().all(|known| known.digest() != entry.digest()) {
            found.push(entry);
        }
    }
    found
}

fn suitable<'a>(entries: &'a [Descriptor], arch: &str) -> impl Iterator<Item = &'a Descriptor> {
    entries
        .iter()
        .filter(move |entry| platform(entry).as_deref() == Some(arch))
}

/// The architecture of an entry for Linux.
fn platform(entry: &Descriptor) -> Option<String> {
    let platform = entry.platform().as_ref()?;
    (*platform.os() == Os::Linux).then(|| platform.architecture().to_string())
}

/// What an entry needs beyond any machine of the architecture.
fn variant(entry: &Descriptor, arch: &str) -> Option<String> {
    let variant = entry.platform().as_ref()?.variant().clone();
    variant.filter(|variant| variant != baseline(arch))
}

/// The variant of an architecture that all its 64-bit machines have.
fn baseline(arch: &str) -> &'static str {
    match arch {
        "arm64" => "v8",
        "amd64" => "v1",
        _ => "",
    }
}

/// The layers of a manifest, each of a kind that can be read.
pub(super) fn layers(manifest: &ImageManifest, doing: &str) -> Result<Vec<Layer>, ImageError> {
    let config = manifest.config().media_type().to_string();
    if !matches!(
        config.as_str(),
        "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
    ) {
        return Err(ImageError::unsupported(
            doing,
            format!("content of the type `{config}`"),
        ));
    }
    let count = manifest.layers().len();
    if count == 0 || count > MAX_LAYERS {
        return Err(ImageError::invalid(doing, format!("it has {count} layers")));
    }
    manifest.layers().iter().map(layer).collect()
}

fn layer(descriptor: &Descriptor) -> Result<Layer, ImageError> {
    let layer = Layer {
        digest: descriptor.digest().to_string(),
        size: descriptor.size(),
        media_type: descriptor.media_type().to_string(),
    };
    digest_hex(&layer.digest)?;
    layer.compression()?;
    if i64::try_from(layer.size).is_err() {
        let doing = format!("reading the layer `{}`", layer.digest);
        return Err(ImageError::invalid(doing, "its size is absurd"));
    }
    Ok(layer)
}

/// What of the configuration is needed.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) architecture: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) diff_ids: Vec<String>,
    pub(super) created: Option<String>,
}

/// Reads the configuration of an image with `layers` layers.
pub(super) fn config(bytes: &[u8], layers: usize, doing: &str) -> Result<Facts, ImageError> {
    let config: ImageConfiguration = serde_json::from_slice(bytes)
        .map_err(|error| ImageError::invalid(doing, error.to_string()))?;
    let diff_ids = config.rootfs().diff_ids().clone();
    if diff_ids.len() != layers {
        let reason = format!("it lists {} diff_ids for {layers} layers", diff_ids.len());
        return Err(ImageError::invalid(doing, reason));
    }
    for diff_id in &diff_ids {
        digest_hex(diff_id)?;
    }
    if *config.os() != Os::Linux {
        let feature = format!("an image for the operating system `{}`", config.os());
        return Err(ImageError::unsupported(doing, feature));
    }
    let labels = config.labels_of_config().into_iter().flatten();
    Ok(Facts {
        architecture: config.architecture().to_string(),
        labels: labels
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        diff_ids,
        created: config.created().clone(),
    })
}

/// The manifest's own creation time, if it tells one.
pub(super) fn created(manifest: &ImageManifest) -> Option<String> {
    manifest
        .annotations()
        .as_ref()?
        .get(oci_spec::image::ANNOTATION_CREATED)
        .cloned()
}

/// Whether the manifest is Docker's schema 2 and not OCI's.
pub(super) fn is_docker(manifest: &ImageManifest) -> bool {
    manifest
        .media_type()
        .as_ref()
        .is_some_and(|kind| kind.to_string() == DOCKER_MANIFEST)
}

/// The 64 hexadecimal digits of a SHA-256 digest, which is the only kind in use.
pub(super) fn digest_hex(digest: &str) -> Result<&str, ImageError> {
    let doing = || format!("reading the digest `{digest}`");
    let Some(hex) = digest.strip_prefix("sha256:") else {
        return Err(ImageError::unsupported(
            doing(),
            "a digest other than SHA-256",
        ));
    };
    if hex.len() != 64
        || !hex
            .bytes()
            .all(|each| matches!(each, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(ImageError::invalid(
            doing(),
            "it is not 64 lower-case hexadecimal digits",
        ));
    }
    Ok(hex)
}
