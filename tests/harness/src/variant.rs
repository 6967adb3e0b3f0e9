// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images that are wrong in one way, made from a good one.
//!
//! Takes an OCI layout and changes to its manifest or configuration, gives another layout whose blobs are links to
//! the first one's. Knows the image format only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::oci::hex;

/// Writes a copy of the layout `from` to `to`, with `change` applied to the image's configuration.
pub fn with_config(from: &Path, to: &Path, change: impl FnOnce(&mut Value)) -> Result<PathBuf> {
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("creating {}", blobs.display()))?;
    for entry in fs::read_dir(from.join("blobs/sha256"))? {
        let entry = entry?;
        fs::hard_link(entry.path(), blobs.join(entry.file_name()))
            .or_else(|_| fs::copy(entry.path(), blobs.join(entry.file_name())).map(drop))?;
    }
    fs::copy(from.join("oci-layout"), to.join("oci-layout"))?;
    let mut index = json(&from.join("index.json"))?;
    let mut manifest = json(&blob(from, &index["manifests"][0]))?;
    let mut config = json(&blob(from, &manifest["config"]))?;
    change(&mut config);
    put(to, &config, &mut manifest["config"])?;
    put(to, &manifest, &mut index["manifests"][0])?;
    fs::write(to.join("index.json"), index.to_string())?;
    Ok(to.to_owned())
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
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    layout
        .join("blobs/sha256")
        .join(digest.trim_start_matches("sha256:"))
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
