// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree in memory, made objects of a repository.
//!
//! Takes a tree whose files are objects already; writes its directories and a commit of it. It deliberately does
//! not know what a commit is for.

use std::io;

use super::tree::{Directory, Node};
use crate::engine::repository::{Checksum, CommitObject, DirTree, Kind, Meta, Staging};

/// Writes the directories of `root`, and a commit with `metadata`, perhaps a parent, and a time in seconds since 1970.
pub(super) fn write(
    staging: &mut Staging,
    root: &Directory,
    (metadata, parent): (&[(&str, &str)], Option<Checksum>),
    time: u64,
) -> io::Result<Checksum> {
    let (tree, meta) = directory(staging, root)?;
    let commit = CommitObject {
        metadata: metadata.iter().copied().collect(),
        time,
        tree,
        meta,
        parent,
    };
    staging.metadata(Kind::Commit, &commit.to_bytes())
}

fn directory(staging: &mut Staging, from: &Directory) -> io::Result<(Checksum, Checksum)> {
    let mut tree = DirTree::default();
    for (name, node) in &from.entries {
        match node {
            Node::File(file) => drop(tree.files.insert(name.clone(), file.checksum)),
            Node::Directory(below) => {
                let below = directory(staging, below)?;
                tree.directories.insert(name.clone(), below);
            }
        }
    }
    let implied = Meta::implied();
    let meta = from.meta.as_deref().unwrap_or(&implied);
    Ok((
        staging.metadata(Kind::DirTree, &tree.to_bytes())?,
        staging.metadata(Kind::DirMeta, &meta.dirmeta())?,
    ))
}
