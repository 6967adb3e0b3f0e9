// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree in memory, made objects of a repository.
//!
//! Takes a tree whose files are objects already; writes its directories and a commit of it. It deliberately does
//! not know what a commit is for.

use std::io;

use super::labels::{Labels, with_label};
use super::tree::{Directory, Node};
use crate::engine::repository::{Checksum, CommitObject, DirTree, Kind, Meta, Staging};
use crate::selinux::FileKind;

/// Writes the directories of `root`, with labels if there are any, and a commit with `metadata`, perhaps a parent, and a time in seconds since 1970.
pub(super) fn write(
    staging: &mut Staging,
    (root, labels): (&Directory, Option<&Labels>),
    (metadata, parent): (&[(&str, &str)], Option<Checksum>),
    time: u64,
) -> io::Result<Checksum> {
    let (tree, meta) = directory(staging, (root, ""), labels)?;
    let commit = CommitObject {
        metadata: metadata.iter().copied().collect(),
        time,
        tree,
        meta,
        parent,
    };
    staging.metadata(Kind::Commit, &commit.to_bytes())
}

fn directory(
    staging: &mut Staging,
    (from, path): (&Directory, &str),
    labels: Option<&Labels>,
) -> io::Result<(Checksum, Checksum)> {
    let mut tree = DirTree::default();
    for (name, node) in &from.entries {
        match node {
            Node::File(file) => drop(tree.files.insert(name.clone(), file.checksum)),
            Node::Directory(below) => {
                let path = if path.is_empty() {
                    name.to_string()
                } else {
                    format!("{path}/{name}")
                };
                let below = directory(staging, (below, &path), labels)?;
                tree.directories.insert(name.clone(), below);
            }
        }
    }
    let implied = Meta::implied();
    let meta = from.meta.as_deref().unwrap_or(&implied);
    let dirmeta = match labels {
        None => meta.dirmeta(),
        Some(labels) => {
            let label = labels.of(path, FileKind::Directory);
            with_label(meta, label.as_deref()).dirmeta()
        }
    };
    Ok((
        staging.metadata(Kind::DirTree, &tree.to_bytes())?,
        staging.metadata(Kind::DirMeta, &dirmeta)?,
    ))
}
