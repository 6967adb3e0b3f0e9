// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is expensive to make and the same every time: kept outside the checkout, by a key.
//!
//! Takes a kind, a key and a function that fills a directory; gives the filled directory's path. An entry appears
//! whole or not at all, and of several processes that want it one makes it while the others wait. Does not know what
//! the entries are, and never removes one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The cache's directory: `$LANDFALL_CACHE`, else `landfall` in the user's cache directory.
pub fn dir() -> Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("LANDFALL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("landfall")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/landfall")))
        .context(
            "finding the cache directory: none of LANDFALL_CACHE, XDG_CACHE_HOME and HOME is set",
        )
}

/// The directory of the entry `kind`/`key` under `root`, made by `fill` when it is not there yet.
pub fn entry(
    root: &Path,
    kind: &str,
    key: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let parent = root.join(kind);
    let entry = parent.join(key);
    fs::create_dir_all(&parent).with_context(|| format!("creating {}", parent.display()))?;
    let lock = File::create(parent.join(format!("{key}.lock")))
        .context("creating a lock file of the cache")?;
    lock.lock().context("waiting for a lock of the cache")?;
    if !entry.exists() {
        let partial = tempfile::Builder::new()
            .prefix(".partial-")
            .tempdir_in(&parent)?;
        let content = partial.path().join("content");
        fs::create_dir(&content)?;
        fill(&content)?;
        fs::rename(&content, &entry).with_context(|| format!("renaming to {}", entry.display()))?;
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_made_once_and_a_failed_one_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let failed = entry(root.path(), "k", "a", |_| anyhow::bail!("no"));
        assert!(failed.is_err());
        let made = entry(root.path(), "k", "a", |dir| {
            Ok(fs::write(dir.join("file"), "1")?)
        })
        .unwrap();
        let again = entry(root.path(), "k", "a", |_| anyhow::bail!("made twice")).unwrap();
        assert_eq!(made, again);
        assert_eq!(fs::read_to_string(made.join("file")).unwrap(), "1");
        assert_eq!(
            fs::read_dir(root.path().join("k")).unwrap().count(),
            2,
            "entry and lock only"
        );
    }
}
