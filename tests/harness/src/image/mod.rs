// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Test images: from a recipe under `tests/images` to an OCI layout in the cache.
//!
//! Takes a recipe's name. Its `recipe.toml` says what the layers are made of: another image, a root that its `build`
//! script makes as a tar file, single files; gives the layout's directory. The key in the cache is a hash of the
//! recipe's files, so a changed recipe is a new image. Does not know what is inside the root.

mod entry;
mod recipe;
mod split;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::oci::{About, Layout, hex};
use crate::oracle::{self, Encapsulation};
use crate::{cache, tool, variant};
use recipe::{Encapsulate, Recipe};
use split::Part;

/// Part of every key: raise it when this module makes something else of the same recipe.
const BUILDER: u32 = 1;

/// The OCI layout of the image `name`, built when the cache does not have it, and those below it.
pub fn layout(name: &str) -> Result<PathBuf> {
    let root = cache::dir()?;
    let key = format!("{name}-{}", &key(name)?[..16]);
    cache::entry(&root, "images", &key, |dir| {
        build(name, &root.join("packages"), dir)
    })
}

fn directory(name: &str) -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../images")
        .join(name);
    ensure!(
        dir.join("recipe.toml").is_file(),
        "there is no image `{name}` in tests/images"
    );
    Ok(dir)
}

fn read(dir: &Path) -> Result<Recipe> {
    let text = fs::read_to_string(dir.join("recipe.toml"))?;
    toml::from_str(&text).with_context(|| format!("reading the recipe in {}", dir.display()))
}

/// SHA-256 over the paths, modes and contents of a recipe's files, and the keys of those that it is made from.
fn key(name: &str) -> Result<String> {
    let dir = directory(name)?;
    let recipe = read(&dir)?;
    let mut files = BTreeMap::new();
    collect(&dir, &mut files)?;
    let mut hash = Sha256::new();
    hash.update(BUILDER.to_le_bytes());
    for (path, (mode, content)) in files {
        let name = path.strip_prefix(&dir)?.to_string_lossy().into_owned();
        hash.update(format!("{name}\0{mode:o}\0{}\0", content.len()));
        hash.update(content);
    }
    for other in recipe.base.iter().chain(&recipe.uses) {
        hash.update(key(other)?);
    }
    Ok(hex(&hash.finalize()))
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            // Only whether a file is executable survives a checkout.
            let mode = path.metadata()?.permissions().mode() & 0o100;
            files.insert(path.clone(), (mode, fs::read(&path)?));
        }
    }
    Ok(())
}

fn build(name: &str, packages: &Path, to: &Path) -> Result<()> {
    let dir = directory(name)?;
    let recipe = read(&dir)?;
    let base = recipe.base.as_deref().map(layout).transpose()?;
    let scratch = tempfile::Builder::new()
        .prefix("landfall-image-")
        .tempdir_in("/var/tmp")?;
    let base = match (base, &recipe.encapsulate) {
        (Some(base), Some(how)) => Some(encapsulated(&base, how, scratch.path())?),
        (base, _) => base,
    };
    let tree = scratch.path().join("tree.tar");
    if dir.join("build").is_file() {
        fs::create_dir_all(packages)?;
        // One at a time: they share the packages, and apt has locks that it does not wait for.
        let lock = File::create(packages.with_extension("lock"))?;
        lock.lock().context("waiting for another build")?;
        tool::tool("mmdebstrap")?;
        let mut script = tool::tool("bash")?;
        script.arg(dir.join("build")).arg(&tree).arg(packages);
        script
            .env("TMPDIR", scratch.path())
            .env("SOURCE_DATE_EPOCH", recipe.source_date_epoch.to_string());
        tool::run(&mut script)?;
    }
    let digest = match &base {
        None => own_layers(&recipe, &tree, to)?,
        Some(base) => {
            let upper = scratch.path().join("upper");
            own_layers(&recipe, &tree, &upper)?;
            variant::stack(base, &upper, to)?
        }
    };
    tool::log(&format!("image {digest}"));
    Ok(())
}

/// Writes the layers that a recipe itself has as an image; gives its digest.
fn own_layers(recipe: &Recipe, tree: &Path, layout: &Path) -> Result<String> {
    let mut out = Layout::create(layout)?;
    let mut parts = Vec::new();
    for layer in &recipe.layer {
        parts.push(Part {
            tar: out.layer(layer.compression, recipe.compression_level)?,
            dirs: Vec::new(),
        });
    }
    if tree.exists() {
        split::split(tree, &recipe.layer, &mut parts)?;
    }
    for (mut part, layer) in parts.into_iter().zip(&recipe.layer) {
        for entry in &layer.entry {
            entry::add(&mut part, entry, recipe.source_date_epoch)?;
        }
        out.push(part.tar, &layer.comment, &recipe.created)?;
    }
    out.finish(&About {
        labels: recipe.labels.clone(),
        created: recipe.created.clone(),
        reference: recipe.reference.clone(),
    })
}

/// The image `base` as a commit, and that as an image; its layers must have no whiteouts.
fn encapsulated(base: &Path, how: &Encapsulate, scratch: &Path) -> Result<PathBuf> {
    let trees = variant::unpacked(base, scratch)?;
    let repo = scratch.join("repo");
    let trees: Vec<String> = trees
        .iter()
        .map(|tree| format!("tar={}", tree.display()))
        .collect();
    let commit = oracle::commit(&repo, &trees)?;
    let chunks = how.chunks.iter();
    let how = Encapsulation {
        chunks: chunks
            .map(|(name, path)| (name.clone(), path.display().to_string()))
            .collect(),
        ..Encapsulation::default()
    };
    let layout = scratch.join("encapsulated");
    oracle::encapsulate(&repo, &commit, &how, &layout)?;
    Ok(layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipes() -> Vec<(String, Recipe)> {
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images");
        let names = fs::read_dir(images).unwrap().map(Result::unwrap);
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names
            .map(|name| (name.clone(), read(&directory(&name).unwrap()).unwrap()))
            .collect()
    }

    #[test]
    fn every_recipe_parses_and_without_a_base_its_first_layer_takes_what_no_other_does() {
        for (name, recipe) in recipes() {
            key(&name).unwrap();
            if recipe.base.is_some() {
                continue;
            }
            assert!(
                recipe.layer.len() >= 2,
                "one layer proves little about layers"
            );
            let found = split::layer_of(Path::new("usr/bin/true"), &recipe.layer);
            assert_eq!(found, Some(0), "{name}");
        }
    }

    #[test]
    fn every_kind_of_image_has_a_second_version() {
        let names: Vec<String> = recipes().into_iter().map(|(name, _)| name).collect();
        // What other images have more than these is installed, and not updated.
        for kind in ["plain", "encapsulated", "composefs", "selinux", "nasty"] {
            for name in [kind.to_owned(), format!("{kind}-v2")] {
                assert!(names.contains(&name), "{name}");
            }
        }
    }
}
