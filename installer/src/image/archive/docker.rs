// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An archive of `docker save` or `podman save --format docker-archive`, read as an OCI image.
//!
//! Takes the archive and perhaps a name in it; gives a manifest made of its `manifest.json`, always the same
//! for the same archive, and blobs by digest. The layers lie there uncompressed, so that their digests are the
//! `diff_ids` of the configuration; newer Dockers store blobs of an OCI layout, named by their digests.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use oci_spec::distribution::Reference;
use serde::Deserialize;
use serde_json::json;

use super::super::ImageError;
use super::super::manifest::{MAX_JSON, MAX_LAYERS, digest_hex};
use super::super::verify::digest_of;
use super::tar_file::{TarFile, Window};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image in an archive.
#[derive(Debug)]
pub(in super::super) struct DockerArchive {
    file: TarFile,
    manifest: Vec<u8>,
    /// Names of the members by digest.
    blobs: HashMap<String, String>,
}

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

impl DockerArchive {
    pub(in super::super) fn open(path: &Path, image: Option<&str>) -> Result<Self, ImageError> {
        let file = TarFile::open(path)?;
        let doing = format!("reading `manifest.json` in `{}`", file.name());
        let text = whole(&file, "manifest.json")?;
        let entries: Vec<Entry> = serde_json::from_slice(&text)
            .map_err(|error| ImageError::invalid(&doing, error.to_string()))?;
        let entry = choose(entries, image).map_err(|reason| ImageError::invalid(doing, reason))?;
        Self::assemble(file, &entry)
    }

    /// The manifest, made up.
    pub(in super::super) fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// A layer or the configuration, unverified.
    pub(in super::super) fn blob(&self, digest: &str) -> Result<Window, ImageError> {
        match self.blobs.get(digest) {
            Some(name) => self.file.file(name),
            None => Err(ImageError::invalid(
                format!("reading the blob `{digest}` in `{}`", self.file.name()),
                "the archive does not have it",
            )),
        }
    }

    fn assemble(file: TarFile, entry: &Entry) -> Result<Self, ImageError> {
        let doing = format!("reading `{}` in `{}`", entry.config, file.name());
        let refused = |reason: String| ImageError::invalid(&doing, reason);
        let config = whole(&file, &entry.config)?;
        let digest = digest_of(&config);
        check_name(&entry.config, &digest).map_err(refused)?;
        let parsed: Config =
            serde_json::from_slice(&config).map_err(|error| refused(error.to_string()))?;
        let (diff_ids, count) = (parsed.rootfs.diff_ids, entry.layers.len());
        if diff_ids.len() != count || count > MAX_LAYERS {
            let ids = diff_ids.len();
            return Err(refused(format!(
                "it lists {ids} diff_ids for {count} layers"
            )));
        }
        let mut blobs = HashMap::from([(digest.clone(), entry.config.clone())]);
        let mut layers = Vec::new();
        for (name, diff_id) in entry.layers.iter().zip(&diff_ids) {
            digest_hex(diff_id)?;
            let (digest, kind, size) = layer(&file, name, diff_id)?;
            layers.push(json!({"mediaType": kind, "digest": digest, "size": size}));
            blobs.insert(digest, name.clone());
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest,
                "size": config.len(),
            },
            "layers": layers,
        });
        Ok(Self {
            file,
            manifest: manifest.to_string().into_bytes(),
            blobs,
        })
    }
}

/// Digest, media type and size of a layer.
fn layer(file: &TarFile, name: &str, diff_id: &str) -> Result<(String, String, u64), ImageError> {
    let mut window = file.file(name)?;
    let size = window.size();
    let mut magic = Vec::new();
    let doing = || format!("reading `{name}` in `{}`", file.name());
    let head = window.by_ref().take(4).read_to_end(&mut magic);
    head.map_err(|error: io::Error| ImageError::unreachable(doing(), error))?;
    let suffix = match magic.as_slice() {
        [0x1f, 0x8b, ..] => "+gzip",
        [0x28, 0xb5, 0x2f, 0xfd] => "+zstd",
        _ => return Ok((diff_id.to_owned(), LAYER.to_owned(), size)),
    };
    match hex_in(name) {
        Some(hex) => Ok((format!("sha256:{hex}"), format!("{LAYER}{suffix}"), size)),
        None => Err(ImageError::unsupported(
            doing(),
            "a compressed layer that is not named by its digest",
        )),
    }
}

/// The digest that a name like `blobs/sha256/HEX` or `HEX.json` claims.
fn hex_in(name: &str) -> Option<&str> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let hex = last.strip_suffix(".json").unwrap_or(last);
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (hex.len() == 64 && hex.bytes().all(is_hex)).then_some(hex)
}

fn check_name(name: &str, digest: &str) -> Result<(), String> {
    match hex_in(name) {
        Some(hex) if !digest.ends_with(hex) => {
            Err(format!("its content has the digest `{digest}`"))
        }
        _ => Ok(()),
    }
}

fn whole(file: &TarFile, name: &str) -> Result<Vec<u8>, ImageError> {
    let doing = || format!("reading `{name}` in `{}`", file.name());
    let mut window = file.file(name)?;
    if window.size() > MAX_JSON {
        let reason = format!("its {} bytes are more than {MAX_JSON}", window.size());
        return Err(ImageError::invalid(doing(), reason));
    }
    let mut bytes = Vec::new();
    let read = window.read_to_end(&mut bytes);
    read.map_err(|error| ImageError::unreachable(doing(), error))?;
    Ok(bytes)
}

/// The image that was asked for: by name, by `@` and place, or the only one.
fn choose(mut entries: Vec<Entry>, image: Option<&str>) -> Result<Entry, String> {
    let at = match image {
        None if entries.len() == 1 => Some(0),
        None => {
            return Err(format!(
                "it has {} images, name one of: {}",
                entries.len(),
                names(&entries)
            ));
        }
        Some(image) => match image.strip_prefix('@') {
            Some(place) => place.parse().ok().filter(|at| *at < entries.len()),
            None => entries.iter().position(|entry| entry.is_named(image)),
        },
    };
    match at {
        Some(at) => Ok(entries.swap_remove(at)),
        None => Err(format!(
            "it has no image `{}`, only: {}",
            image.unwrap_or_default(),
            names(&entries)
        )),
    }
}

impl Entry {
    fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }

    /// `busybox` is `docker.io/library/busybox:latest`.
    fn is_named(&self, image: &str) -> bool {
        let full = |name: &str| name.parse::<Reference>().ok();
        let wanted = full(image);
        let mut tags = self.tags().iter();
        tags.any(|tag| tag == image || (wanted.is_some() && full(tag) == wanted))
    }
}

fn names(entries: &[Entry]) -> String {
    let names = entries.iter().enumerate().take(10).map(|(at, entry)| {
        let name = entry
            .tags()
            .first()
            .map_or_else(|| format!("@{at}"), Clone::clone);
        format!("`{name}`")
    });
    names.collect::<Vec<_>>().join(", ")
}
