// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a commit to an image as Fedora, CentOS and RHEL publish them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use clap::Args;
use ostree_ext::chunking::ObjectMetaSized;
use ostree_ext::container::{Config, ExportOpts, ImageReference, encapsulate};
use ostree_ext::gio::{self, Cancellable, File, FileQueryInfoFlags, FileType};
use ostree_ext::objectsource::{ObjectMeta, ObjectSourceMeta};
use ostree_ext::ostree::{Repo, RepoFile};
use ostree_ext::prelude::{Cast as _, FileExt as _};
use serde_json::{Value, json};

const NONE: Option<&Cancellable> = None;

/// What no `--chunk` names.
const REST: &str = "rest";

/// Arguments of `encapsulate`.
#[derive(Debug, Args)]
pub(crate) struct Encapsulate {
    #[arg(long)]
    repo: PathBuf,
    /// A ref or commit.
    commit: String,
    /// Where the image goes: `oci:DIR`.
    image: String,
    /// A layer of its own for what is at or under a path (`usr/lib/modules`); with none, the image is one layer.
    #[arg(long = "chunk", value_name = "NAME=PATH", value_parser = pair)]
    chunks: Vec<(String, String)>,
    /// A label of the image.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Compress at gzip's level 1.
    #[arg(long)]
    fast: bool,
}

fn pair(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').context("there is no `=`")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Encapsulate {
    pub(crate) async fn run(&self) -> Result<Value> {
        let repo = Repo::new(&File::for_path(&self.repo));
        repo.open(NONE)
            .with_context(|| format!("opening {}", self.repo.display()))?;
        let chunks = match self.chunks.as_slice() {
            [] => None,
            chunks => Some(contents(&repo, &self.commit, chunks)?),
        };
        let config = Config {
            labels: Some(BTreeMap::from_iter(self.labels.iter().cloned())),
            cmd: Some(vec!["/sbin/init".to_owned()]),
        };
        let mut options = ExportOpts::default();
        options.skip_compression = self.fast;
        options.contentmeta = chunks.as_ref();
        let image = ImageReference::try_from(self.image.as_str())?;
        let digest = encapsulate(&repo, &self.commit, &config, Some(options), &image).await?;
        Ok(json!({ "digest": digest.to_string() }))
    }
}

/// Which chunk each object of a commit belongs to.
fn contents(repo: &Repo, commit: &str, chunks: &[(String, String)]) -> Result<ObjectMetaSized> {
    let (root, _) = repo.read_commit(commit, NONE)?;
    let mut found = ObjectMeta::default();
    walk(&root, Path::new(""), &mut |path, checksum| {
        let chunk = chunks.iter().rfind(|(_, prefix)| path.starts_with(prefix));
        let name: Rc<str> = chunk.map_or(REST, |(name, _)| name).into();
        found.set.insert(ObjectSourceMeta {
            identifier: Rc::clone(&name),
            name: Rc::clone(&name),
            srcid: Rc::clone(&name),
            change_time_offset: 1,
            change_frequency: 1,
        });
        found.map.entry(checksum).or_insert(name);
    })?;
    ObjectMetaSized::compute_sizes(repo, found)
}

/// Calls `file` with the path and the checksum of each file below `dir`.
fn walk(dir: &gio::File, path: &Path, file: &mut dyn FnMut(&Path, String)) -> Result<()> {
    let flags = FileQueryInfoFlags::NOFOLLOW_SYMLINKS;
    for child in dir.enumerate_children("standard::name,standard::type", flags, NONE)? {
        let child = child?;
        let path = path.join(child.name());
        let entry = dir.child(child.name());
        if child.file_type() == FileType::Directory {
            walk(&entry, &path, file)?;
        } else {
            let entry = entry.downcast_ref::<RepoFile>();
            let entry = entry.context("a file of a commit that is no repository file")?;
            file(&path, entry.checksum().to_string());
        }
    }
    Ok(())
}
