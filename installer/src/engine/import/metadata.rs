// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the commits of an image say about it. Pure, but for the clock.
//!
//! Takes an [`Image`]; gives the metadata that bootc and rpm-ostree read from the deployed commit,
//! and its time. It deliberately does not know how commits are written.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::image::Image;

/// Which version made a commit: for people, no program decides by it.
pub(super) const IMPORTER: (&str, &str) = ("ostree.importer.version", env!("CARGO_PKG_VERSION"));
pub(super) const MANIFEST_DIGEST: &str = "ostree.manifest-digest";
pub(super) const MANIFEST: &str = "ostree.manifest";
pub(super) const CONFIG: &str = "ostree.container.image-config";

/// The time of an image's commits, in seconds since 1970: when the image was made, else now.
pub(super) fn time(image: &Image) -> u64 {
    let made = image
        .created()
        .and_then(|text| text.parse::<jiff::Timestamp>().ok());
    made.and_then(|time| u64::try_from(time.as_second()).ok())
        .unwrap_or_else(now)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The manifest in the form that readers expect: an OCI one as it was served, a Docker one (schema
/// 2) with OCI's names of the types, which is all that differs.
pub(super) fn manifest(image: &Image) -> String {
    if !image.is_docker() {
        return image.manifest.clone();
    }
    serde_json::from_str(&image.manifest).map_or_else(
        |_| image.manifest.clone(),
        |manifest| renamed(manifest).to_string(),
    )
}

fn renamed(mut document: Value) -> Value {
    match &mut document {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(kind) if key == "mediaType" => oci_type(kind),
                    Value::Array(_) | Value::Object(_) => *value = renamed(value.take()),
                    _ => {}
                }
            }
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| *value = renamed(value.take())),
        _ => {}
    }
    document
}

fn oci_type(kind: &mut String) {
    let oci = match kind.as_str() {
        "application/vnd.docker.distribution.manifest.v2+json" => "manifest.v1+json",
        "application/vnd.docker.container.image.v1+json" => "config.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar" => "layer.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => "layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => "layer.v1.tar+zstd",
        _ => return,
    };
    *kind = format!("application/vnd.oci.image.{oci}");
}
