// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image as an OCI layout: what a medium carries.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde_json::json;

use super::error::MediaError;
use crate::engine::error::EngineError;
use crate::image::{Image, digest_of, from_io};

/// Writes `image` to the new directory `to`, every blob verified while it is read. Digests stay what they are.
pub(super) fn write(image: &Image, to: &Path) -> Result<(), MediaError> {
    let context = || format!("writing `{}`", to.display());
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(|e| EngineError::io(context(), e))?;
    let place = |digest: &str| blobs.join(digest.rsplit(':').next().unwrap_or(digest));
    for layer in &image.layers {
        let mut blob = image.blob(layer).map_err(EngineError::from)?;
        let copied =
            File::create(place(&layer.digest)).and_then(|mut file| io::copy(&mut blob, &mut file));
        copied.map_err(|e| EngineError::from(from_io(e, "reading a layer")))?;
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": manifest_type(image),
            "digest": image.digest,
            "size": image.manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": image.reference.to_string()},
        }],
    });
    fs::write(place(&image.digest), &image.manifest)
        .and_then(|()| fs::write(place(&digest_of(image.config.as_bytes())), &image.config))
        .and_then(|()| fs::write(to.join("index.json"), index.to_string()))
        .and_then(|()| fs::write(to.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}"))
        .map_err(|e| EngineError::io(context(), e))?;
    Ok(())
}

fn manifest_type(image: &Image) -> &'static str {
    if image.is_docker() {
        "application/vnd.docker.distribution.manifest.v2+json"
    } else {
        "application/vnd.oci.image.manifest.v1+json"
    }
}
