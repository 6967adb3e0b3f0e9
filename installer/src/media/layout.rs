// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image as an OCI layout: what a medium carries.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde_json::json;

use super::contents::Contents;
use super::error::MediaError;
use super::verify::Known;
use super::watch::{Phase, Watch};
use crate::engine::error::EngineError;
use crate::image::{Image, Layer, digest_of, from_io};
use crate::medium::LAYOUT;

/// What is copied at once.
const BUFFER: usize = 256 << 10;

/// The layout of `image`, fetched to the directory `to` and verified on the way; none where each layer is a file already.
pub(super) fn at_hand(
    image: &Image,
    to: &Path,
    watch: &mut Watch<'_>,
) -> Result<Option<Image>, MediaError> {
    let mut layers = image.layers.iter();
    if layers.all(|layer| image.blob_file(layer).is_some()) {
        return Ok(None);
    }
    let mut fetch = Fetch {
        image,
        watch,
        done: 0,
        contents: Contents::new(to.to_owned()),
    };
    for layer in unique(image) {
        fetch.layer(layer)?;
    }
    documents(image, &mut fetch.contents).map_err(writing)?;
    Ok(Some(image.moved_to(&to.join(LAYOUT))))
}

/// Adds the layout of `image`, whose layers are files; gives them back for somebody to verify. Digests stay what they are.
pub(super) fn add<'i>(
    image: &'i Image,
    contents: &mut Contents,
) -> Result<Vec<Known<'i>>, EngineError> {
    let mut unread = Vec::new();
    for layer in unique(image) {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let file = image.blob_file(layer).ok_or_else(missing);
        let grafted = file.and_then(|file| contents.graft(&blob(&layer.digest), &file));
        grafted.map_err(|e| EngineError::io(format!("opening the blob `{}`", layer.digest), e))?;
        unread.push(Known::Layer(image, layer));
    }
    documents(image, contents).map_err(writing)?;
    Ok(unread)
}

/// The layers, each once.
fn unique(image: &Image) -> Vec<&Layer> {
    let mut seen = BTreeSet::new();
    let layers = image.layers.iter();
    layers.filter(|layer| seen.insert(&layer.digest)).collect()
}

fn writing(error: io::Error) -> EngineError {
    EngineError::io("putting the image's layout together", error)
}

fn blob(digest: &str) -> String {
    let name = digest.rsplit(':').next().unwrap_or(digest);
    format!("{LAYOUT}/blobs/sha256/{name}")
}

/// Layers on their way to files.
struct Fetch<'f, 'w> {
    image: &'f Image,
    watch: &'f mut Watch<'w>,
    done: u64,
    contents: Contents,
}

impl Fetch<'_, '_> {
    fn layer(&mut self, layer: &Layer) -> Result<(), EngineError> {
        let mut from = self.image.blob(layer)?;
        let to = self.contents.place(&blob(&layer.digest)).map_err(writing)?;
        let mut file = File::create(to).map_err(writing)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = from.read(&mut buffer);
            let count = count.map_err(|e| from_io(e, "reading a layer"))?;
            if count == 0 {
                return Ok(());
            }
            file.write_all(&buffer[..count]).map_err(writing)?;
            self.done += count as u64;
            let total = self.image.total_bytes();
            if self
                .watch
                .tell(Phase::Fetch, self.done, Some(total))
                .is_break()
            {
                self.watch.check()?;
            }
        }
    }
}

fn documents(image: &Image, contents: &mut Contents) -> io::Result<()> {
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
    let version = "{\"imageLayoutVersion\":\"1.0.0\"}";
    contents.write(&blob(&image.digest), image.manifest.as_bytes())?;
    let config = digest_of(image.config.as_bytes());
    contents.write(&blob(&config), image.config.as_bytes())?;
    contents.write(
        &format!("{LAYOUT}/index.json"),
        index.to_string().as_bytes(),
    )?;
    contents.write(&format!("{LAYOUT}/oci-layout"), version.as_bytes())
}

fn manifest_type(image: &Image) -> &'static str {
    if image.is_docker() {
        "application/vnd.docker.distribution.manifest.v2+json"
    } else {
        "application/vnd.oci.image.manifest.v1+json"
    }
}
