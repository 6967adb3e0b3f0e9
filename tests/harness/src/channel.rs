// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an installed system follows: one name in a registry, under which one image after the other is published.
//!
//! Takes names of recipes, gives the reference for this machine and the one for its guests. The registry lives as long
//! as the value. The first image is served as it was built; later ones in the form that the reference importer takes.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::registry::Registry;
use crate::variant::{self, Parts};
use crate::{image, oracle};

/// A name in a registry of its own.
#[derive(Debug)]
pub struct Channel {
    registry: Registry,
    /// Repository and tag.
    name: String,
    /// Images by their recipes' names, the latest last.
    published: Vec<(String, Parts)>,
}

impl Channel {
    /// Starts a registry and publishes the image.
    pub fn open(image: &str) -> Result<Self> {
        let mut channel = Self {
            registry: Registry::http()?,
            name: format!("landfall/{image}:latest"),
            published: Vec::new(),
        };
        channel.push(image, &image::layout(image)?)?;
        Ok(channel)
    }

    /// Publishes an image under the same name; one without an ostree base gets a tiny one.
    pub fn publish(&mut self, image: &str) -> Result<()> {
        let layout = image::layout(image)?;
        if variant::label(&layout, "ostree.final-diffid")?.is_some() {
            return self.push(image, &layout);
        }
        let scratch = tempfile::Builder::new()
            .prefix("landfall-channel-")
            .tempdir_in("/var/tmp")?;
        let based = scratch.path().join("image");
        oracle::with_tiny_base(&layout, &based)?;
        self.push(image, &based)
    }

    fn push(&mut self, image: &str, layout: &Path) -> Result<()> {
        self.registry.push(layout, &self.name)?;
        self.published
            .push((image.to_owned(), variant::parts(layout)?));
        Ok(())
    }

    /// The full reference.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.registry.address(), self.name)
    }

    /// The full reference, for a guest.
    pub fn reference_in_guest(&self) -> String {
        format!("{}/{}", self.registry.address_in_guest(), self.name)
    }

    /// What a guest needs to know to reach the registry: that it has no TLS.
    pub fn registries_conf(&self) -> String {
        let location = self.registry.address_in_guest();
        format!("[[registry]]\nlocation = \"{location}\"\ninsecure = true\n")
    }

    /// What an image that was published is made of.
    pub fn parts(&self, image: &str) -> Result<&Parts> {
        let found = self.published.iter().rev().find(|(name, _)| name == image);
        let (_, parts) = found.with_context(|| format!("`{image}` has not been published"))?;
        Ok(parts)
    }

    /// The layers of the latest image that no earlier one has.
    pub fn new_layers(&self) -> Vec<String> {
        let Some(((_, latest), earlier)) = self.published.split_last() else {
            return Vec::new();
        };
        let is_new = |digest: &&String| !earlier.iter().any(|(_, old)| old.layers.contains(digest));
        latest.layers.iter().filter(is_new).cloned().collect()
    }

    /// The blobs that clients have got so far, in that order.
    pub fn served(&self) -> Result<Vec<String>> {
        self.registry.served()
    }
}
