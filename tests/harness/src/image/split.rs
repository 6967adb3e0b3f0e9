// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One root as layers: each entry of a tar file goes to the layer of the recipe that names its path.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::recipe::LayerRecipe;
use crate::oci::Layer;

/// Directories whose content is the running system's, never an image's.
const VOLATILE: [&str; 5] = ["dev", "proc", "sys", "run", "tmp"];

/// A layer, and the directories that it has.
pub(super) struct Part {
    pub(super) tar: Layer,
    pub(super) dirs: Vec<PathBuf>,
}

/// Reads the root once and gives each entry to its layer, if it is of one; upper layers repeat the directories above
/// their files.
pub(super) fn split(tree: &Path, layers: &[LayerRecipe], parts: &mut [Part]) -> Result<()> {
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
        if entry.header().entry_type().is_dir() {
            dirs.insert(path.clone(), clean(entry.header()));
        }
        let Some(index) = layer_of(&path, layers) else {
            continue;
        };
        let part = &mut parts[index];
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
    Ok(())
}

fn volatile(path: &Path) -> bool {
    path.as_os_str().is_empty()
        || VOLATILE
            .iter()
            .any(|dir| path != Path::new(dir) && path.starts_with(dir))
}

/// The last layer that names the path or a directory above it.
pub(super) fn layer_of(path: &Path, layers: &[LayerRecipe]) -> Option<usize> {
    let names = |layer: &LayerRecipe| layer.paths.iter().any(|prefix| path.starts_with(prefix));
    layers.iter().rposition(names)
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
    fn the_content_of_volatile_directories_is_left_out_and_they_are_not() {
        assert!(!volatile(Path::new("dev")) && volatile(Path::new("dev/null")));
        assert!(!volatile(Path::new("usr/lib/dev/x")));
    }
}
