// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images made from others: wrong in one way, or the same in another form.
//!
//! Takes OCI layouts and changes to manifest or configuration, gives another layout whose blobs are links to the
//! first ones'. Knows the image format only.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::oci::{Compression, Layout, hex};

/// Writes a copy of the layout `from` to `to`, with `change` applied to the image's configuration.
pub fn with_config(from: &Path, to: &Path, change: impl FnOnce(&mut Value)) -> Result<PathBuf> {
    link_blobs(from, to)?;
    let mut image = Image::read(from)?;
    change(&mut image.config);
    image.write(to)?;
    Ok(to.to_owned())
}

/// Writes the image that has the layers of `lower` and, above them, those of `upper` to `to`. Its name, creation time
/// and labels are those of `upper`, and labels that only `lower` has. Gives its digest.
pub fn stack(lower: &Path, upper: &Path, to: &Path) -> Result<String> {
    link_blobs(lower, to)?;
    link_blobs(upper, to)?;
    let below = Image::read(lower)?;
    let mut image = Image::read(upper)?;
    let (diff_ids, history) = (
        &below.config["rootfs"]["diff_ids"],
        &below.config["history"],
    );
    image.config["rootfs"]["diff_ids"] = joined(diff_ids, &image.config["rootfs"]["diff_ids"]);
    image.config["history"] = joined(history, &image.config["history"]);
    image.manifest["layers"] = joined(&below.manifest["layers"], &image.manifest["layers"]);
    add_missing(
        &mut image.config["config"]["Labels"],
        &below.config["config"]["Labels"],
    );
    add_missing(
        &mut image.manifest["annotations"],
        &below.manifest["annotations"],
    );
    image.write(to)
}

fn joined(first: &Value, second: &Value) -> Value {
    let lists = [first, second].into_iter().filter_map(Value::as_array);
    Value::Array(lists.flatten().cloned().collect())
}

/// Adds to an object what only the other has.
fn add_missing(object: &mut Value, other: &Value) {
    for (key, value) in other.as_object().into_iter().flatten() {
        if object[key].is_null() {
            object[key] = value.clone();
        }
    }
}

/// Writes the image with its layers compressed otherwise, each as the list says, which starts again at its end; the
/// tree is the same. Gives the image's digest.
pub fn repacked(from: &Path, to: &Path, compressions: &[Compression]) -> Result<String> {
    let mut image = Image::read(from)?;
    let packed = Layout::create(to)?;
    for (layer, compression) in image
        .layers_mut()
        .iter_mut()
        .zip(compressions.iter().cycle())
    {
        let mut out = packed.stream(*compression, 1)?;
        std::io::copy(&mut open(from, layer)?, &mut out)?;
        *layer = serde_json::to_value(out.finish()?.0)?;
    }
    image.write(to)
}

/// The layers of the image as tar files in `dir`, the lowest first.
pub fn unpacked(layout: &Path, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut image = Image::read(layout)?;
    let layers = image.layers_mut().iter().enumerate();
    let files = layers.map(|(number, layer)| {
        let file = dir.join(format!("layer-{number}.tar"));
        std::io::copy(&mut open(layout, layer)?, &mut fs::File::create(&file)?)?;
        Ok(file)
    });
    files.collect()
}

/// The tar stream of a layer.
fn open(layout: &Path, layer: &Value) -> Result<Box<dyn Read>> {
    let path = blob(layout, layer);
    let file = fs::File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    let kind = layer["mediaType"].as_str().unwrap_or_default();
    Ok(match kind.rsplit_once('+') {
        Some((_, "zstd")) => Box::new(zstd::Decoder::new(file)?),
        Some((_, "gzip")) => Box::new(flate2::read::MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// The documents of a layout's one image.
struct Image {
    index: Value,
    manifest: Value,
    config: Value,
}

impl Image {
    fn read(layout: &Path) -> Result<Self> {
        let index = json(&layout.join("index.json"))?;
        let manifest = json(&blob(layout, &index["manifests"][0]))?;
        let config = json(&blob(layout, &manifest["config"]))?;
        Ok(Self {
            index,
            manifest,
            config,
        })
    }

    fn layers_mut(&mut self) -> &mut [Value] {
        let layers = self.manifest["layers"].as_array_mut();
        layers.map_or(&mut [], Vec::as_mut_slice)
    }

    /// Writes the documents to a layout that has the layers; gives the manifest's digest.
    fn write(mut self, layout: &Path) -> Result<String> {
        put(layout, &self.config, &mut self.manifest["config"])?;
        let descriptor = &mut self.index["manifests"][0];
        put(layout, &self.manifest, descriptor)?;
        let digest = digest(descriptor);
        fs::write(layout.join("index.json"), self.index.to_string())?;
        Ok(digest)
    }
}

/// Starts a layout with the blobs of another, or adds them to it.
fn link_blobs(from: &Path, to: &Path) -> Result<()> {
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("creating {}", blobs.display()))?;
    for entry in fs::read_dir(from.join("blobs/sha256"))? {
        let entry = entry?;
        let blob = blobs.join(entry.file_name());
        if !blob.exists() {
            fs::hard_link(entry.path(), &blob)
                .or_else(|_| fs::copy(entry.path(), &blob).map(drop))?;
        }
    }
    fs::copy(from.join("oci-layout"), to.join("oci-layout"))?;
    Ok(())
}

/// The digests that an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Of its manifest.
    pub manifest: String,
    /// Of its configuration.
    pub config: String,
    /// Of its layers, the lowest first.
    pub layers: Vec<String>,
}

/// What the one image of a layout is made of.
pub fn parts(layout: &Path) -> Result<Parts> {
    let mut image = Image::read(layout)?;
    Ok(Parts {
        manifest: digest(&image.index["manifests"][0]),
        config: digest(&image.manifest["config"]),
        layers: image.layers_mut().iter().map(digest).collect(),
    })
}

fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap_or_default().to_owned()
}

/// A label of the image's configuration.
pub fn label(layout: &Path, name: &str) -> Result<Option<String>> {
    let config = Image::read(layout)?.config;
    let label = config["config"]["Labels"][name].as_str();
    Ok(label.map(str::to_owned))
}

/// Flips one byte in the middle of the image's lowest layer in `layout`.
pub fn damage_layer(layout: &Path) -> Result<()> {
    let index = json(&layout.join("index.json"))?;
    let manifest = json(&blob(layout, &index["manifests"][0]))?;
    let path = blob(layout, &manifest["layers"][0]);
    let mut bytes = fs::read(&path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    // The blob is a link to the good layout's.
    fs::remove_file(&path)?;
    fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
}

fn json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))
}

fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    layout
        .join("blobs/sha256")
        .join(digest(descriptor).trim_start_matches("sha256:"))
}

/// Writes a document as a blob and makes the descriptor point to it.
fn put(layout: &Path, document: &Value, descriptor: &mut Value) -> Result<()> {
    let bytes = document.to_string();
    let digest = hex(&Sha256::digest(bytes.as_bytes()));
    descriptor["digest"] = format!("sha256:{digest}").into();
    descriptor["size"] = bytes.len().into();
    fs::write(layout.join("blobs/sha256").join(digest), bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::About;

    #[test]
    fn a_layer_packed_in_any_way_has_the_same_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut image = Layout::create(&path("image")).unwrap();
        let mut layer = image.layer(Compression::Zstd, 3).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(3 << 20);
        let content = vec![7; 3 << 20];
        layer
            .append_data(&mut header, "usr/file", content.as_slice())
            .unwrap();
        image.push(layer, "", "").unwrap();
        let about = About {
            labels: std::collections::HashMap::new(),
            created: "2026-01-01T00:00:00Z".to_owned(),
            reference: "small:1".to_owned(),
        };
        image.finish(&about).unwrap();
        let content = |layout: &Path| fs::read(&unpacked(layout, dir.path()).unwrap()[0]).unwrap();
        let expected = content(&path("image"));
        for kind in [
            Compression::None,
            Compression::Gzip,
            Compression::ZstdChunked,
        ] {
            let packed = path(&format!("{kind:?}"));
            repacked(&path("image"), &packed, &[kind]).unwrap();
            assert!(content(&packed) == expected, "{kind:?}");
        }
    }
}
