// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `recipe.toml`: what a test image is made of.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::Deserialize;

use crate::oci::Compression;

/// A recipe. An image has the layers of `base`, if it names one, and those of `layer` above them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Recipe {
    /// Another recipe, whose image is below this one's layers.
    #[serde(default)]
    pub(super) base: Option<String>,
    /// Other recipes that `build` takes files of: a change of theirs makes this image anew, too.
    #[serde(default)]
    pub(super) uses: Vec<String>,
    /// The base's tree becomes an ostree commit, and that the lower layers.
    #[serde(default)]
    pub(super) encapsulate: Option<Encapsulate>,
    pub(super) reference: String,
    pub(super) created: String,
    pub(super) source_date_epoch: u64,
    #[serde(default = "fast")]
    pub(super) compression_level: i32,
    #[serde(default)]
    pub(super) labels: HashMap<String, String>,
    #[serde(default)]
    pub(super) layer: Vec<LayerRecipe>,
}

fn fast() -> i32 {
    3
}

/// How a commit is encapsulated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encapsulate {
    /// A layer for the files at or under a path of the commit (`usr/etc`); with none, all is one layer.
    #[serde(default)]
    pub(super) chunks: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayerRecipe {
    pub(super) comment: String,
    #[serde(default = "zstd")]
    pub(super) compression: Compression,
    /// What of the built root is in the layer.
    #[serde(default)]
    pub(super) paths: Vec<PathBuf>,
    /// What is written into the layer besides.
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

fn zstd() -> Compression {
    Compression::Zstd
}

/// One thing in a layer: an empty file, unless it says otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    /// From the root, without a `/` before it; a whiteout is a file named `.wh.NAME`.
    pub(super) path: PathBuf,
    #[serde(default)]
    pub(super) text: String,
    /// Bytes of a hole before the text.
    #[serde(default)]
    pub(super) hole: u64,
    /// A directory.
    #[serde(default)]
    pub(super) directory: bool,
    /// The target of a symbolic link.
    #[serde(default)]
    pub(super) link: Option<PathBuf>,
    /// The path of which this is another name.
    #[serde(default)]
    pub(super) hard_link: Option<PathBuf>,
    /// Permission bits; 0755 for a directory and 0644 for a file without them.
    #[serde(default)]
    pub(super) mode: Option<u32>,
    /// User and group.
    #[serde(default)]
    pub(super) owner: (u64, u64),
    /// Extended attributes, values in hexadecimal digits.
    #[serde(default)]
    pub(super) xattrs: BTreeMap<String, String>,
}
