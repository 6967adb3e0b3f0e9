// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Test images: from a recipe under `tests/images` to an OCI layout in the cache.
//!
//! Takes a recipe's name. Its `build` script makes a root as a tar file, its `recipe.toml` says which path goes to
//! which layer; gives the layout's directory. The key in the cache is a hash of the recipe's files, so a changed
//! recipe is a new image. Does not know what is inside the root.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::oci::{About, Layer, Layout, hex};
use crate::{cache, tool};

/// Part of every key: raise it when this module makes something else of the same recipe.
const BUILDER: u32 = 1;

/// Directories whose content is the running system's, never an image's.
const VOLATILE: [&str; 5] = ["dev", "proc", "sys", "run", "tmp"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Recipe {
    reference: String,
    created: String,
    source_date_epoch: u64,
    compression_level: i32,
    labels: HashMap<String, String>,
    layer: Vec<LayerRecipe>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerRecipe {
    comment: String,
    paths: Vec<String>,
}

/// The OCI layout of the image `name`, built when the cache does not have it.
pub fn layout(name: &str) -> Result<PathBuf> {
    let recipe_dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../images")
        .join(name);
    ensure!(
        recipe_dir.join("recipe.toml").is_file(),
        "there is no image `{name}` in tests/images"
    );
    let root = cache::dir()?;
    let key = format!("{name}-{}", &recipe_hash(&recipe_dir)?[..16]);
    cache::entry(&root, "images", &key, |dir| {
        build(&recipe_dir, &root.join("packages"), dir)
    })
}

/// SHA-256 over the paths, modes and contents of a recipe's files.
fn recipe_hash(dir: &Path) -> Result<String> {
    let mut files = BTreeMap::new();
    collect(dir, &mut files)?;
    let mut hash = Sha256::new();
    hash.update(BUILDER.to_le_bytes());
    for (path, (mode, content)) in files {
        let name = path.strip_prefix(dir)?.to_string_lossy().into_owned();
        hash.update(format!("{name}\0{mode:o}\0{}\0", content.len()));
        hash.update(content);
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

fn build(recipe_dir: &Path, packages: &Path, layout: &Path) -> Result<()> {
    let recipe: Recipe = toml::from_str(&fs::read_to_string(recipe_dir.join("recipe.toml"))?)?;
    let scratch = tempfile::Builder::new()
        .prefix("landfall-image-")
        .tempdir_in("/var/tmp")?;
    let tree = scratch.path().join("tree.tar");
    fs::create_dir_all(packages)?;
    tool::tool("mmdebstrap")?;
    let mut script = tool::tool("bash")?;
    script
        .arg(recipe_dir.join("build"))
        .arg(&tree)
        .arg(packages);
    script
        .env("TMPDIR", scratch.path())
        .env("SOURCE_DATE_EPOCH", recipe.source_date_epoch.to_string());
    tool::run(&mut script)?;
    let mut out = Layout::create(layout)?;
    let layers = split(&tree, &recipe, &out)?;
    for (layer, about) in layers.into_iter().zip(&recipe.layer) {
        out.push(layer.tar, &about.comment, &recipe.created)?;
    }
    let Recipe {
        labels,
        created,
        reference,
        ..
    } = recipe;
    let digest = out.finish(&About {
        labels,
        created,
        reference,
    })?;
    tool::log(&format!("image {digest}"));
    Ok(())
}

/// A layer, and the directories that it has.
struct Part {
    tar: Layer,
    dirs: Vec<PathBuf>,
}

/// Reads the root once and gives each entry to its layer; upper layers repeat the directories above their files.
fn split(tree: &Path, recipe: &Recipe, out: &Layout) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for _ in &recipe.layer {
        parts.push(Part {
            tar: out.layer(recipe.compression_level)?,
            dirs: Vec::new(),
        });
    }
    let mut dirs: HashMap<PathBuf, tar::Header> = HashMap::new();
    let mut place: HashMap<PathBuf, usize> = HashMap::new();
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, File::open(tree)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path: PathBuf = entry
            .path()?
            .components()
            .skip_while(|part| part.as_os_str() == ".")
            .collect();
        if volatile(&path) {
            continue;
        }
        let index = layer_of(&path, &recipe.layer);
        let part = &mut parts[index];
        if entry.header().entry_type().is_dir() {
            dirs.insert(path.clone(), clean(entry.header()));
        }
        for dir in path
            .ancestors()
            .skip(1)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            if let Some(header) = dirs
                .get(dir)
                .filter(|_| !part.dirs.iter().any(|known| known == dir))
            {
                part.tar
                    .append_data(&mut header.clone(), dir, std::io::empty())?;
                part.dirs.push(dir.to_owned());
            }
        }
        let link = copy(&mut entry, &path, part)?;
        if let Some(link) = link {
            ensure!(
                place.get(&link) == Some(&index),
                "{} is a hard link into another layer",
                path.display()
            );
        }
        place.insert(path, index);
    }
    Ok(parts)
}

fn volatile(path: &Path) -> bool {
    path.as_os_str().is_empty()
        || VOLATILE
            .iter()
            .any(|dir| path != Path::new(dir) && path.starts_with(dir))
}

fn layer_of(path: &Path, layers: &[LayerRecipe]) -> usize {
    layers
        .iter()
        .rposition(|layer| layer.paths.iter().any(|prefix| path.starts_with(prefix)))
        .unwrap_or(0)
}

/// Copies one entry with its extended attributes; gives the path a hard link points to.
fn copy(
    entry: &mut tar::Entry<'_, impl std::io::Read>,
    path: &Path,
    part: &mut Part,
) -> Result<Option<PathBuf>> {
    let mut header = clean(entry.header());
    if header.entry_type().is_dir() && part.dirs.iter().any(|known| known == path) {
        return Ok(None);
    }
    let attributes: Vec<(String, Vec<u8>)> = match entry.pax_extensions()? {
        Some(extensions) => extensions
            .filter_map(Result::ok)
            .filter_map(|one| Some((one.key().ok()?.to_owned(), one.value_bytes().to_owned())))
            .filter(|(key, _)| key.starts_with("SCHILY.xattr."))
            .collect(),
        None => Vec::new(),
    };
    part.tar.append_pax_extensions(
        attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_slice())),
    )?;
    match header.entry_type() {
        tar::EntryType::Symlink => {
            let target = entry
                .link_name()?
                .context("a symbolic link without target")?;
            part.tar.append_link(&mut header, path, target)?;
        }
        tar::EntryType::Link => {
            let target = entry.link_name()?.context("a hard link without target")?;
            let target: PathBuf = target
                .components()
                .skip_while(|one| one.as_os_str() == ".")
                .collect();
            part.tar.append_link(&mut header, path, &target)?;
            return Ok(Some(target));
        }
        tar::EntryType::Directory => {
            part.tar.append_data(&mut header, path, std::io::empty())?;
            part.dirs.push(path.to_owned());
        }
        tar::EntryType::Regular => part.tar.append_data(&mut header, path, entry)?,
        other => bail!(
            "{} is of type {other:?}, which no image should have",
            path.display()
        ),
    }
    Ok(None)
}

/// A header with what an image keeps of one: no names of users, no access times.
fn clean(old: &tar::Header) -> tar::Header {
    let mut new = tar::Header::new_gnu();
    new.set_entry_type(old.entry_type());
    new.set_mode(old.mode().unwrap_or(0o755));
    new.set_uid(old.uid().unwrap_or(0));
    new.set_gid(old.gid().unwrap_or(0));
    new.set_mtime(old.mtime().unwrap_or(0));
    new.set_size(if old.entry_type().is_file() {
        old.size().unwrap_or(0)
    } else {
        0
    });
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_parses_and_its_first_layer_takes_what_no_other_does() {
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../images");
        for image in fs::read_dir(images).unwrap() {
            let text = fs::read_to_string(image.unwrap().path().join("recipe.toml")).unwrap();
            let recipe: Recipe = toml::from_str(&text).unwrap();
            assert!(
                recipe.layer.len() >= 2,
                "one layer proves little about layers"
            );
            assert_eq!(layer_of(Path::new("usr/bin/true"), &recipe.layer), 0);
        }
    }

    #[test]
    fn the_content_of_volatile_directories_is_left_out_and_they_are_not() {
        assert!(!volatile(Path::new("dev")) && volatile(Path::new("dev/null")));
        assert!(!volatile(Path::new("usr/lib/dev/x")));
    }
}
