// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree in memory, made objects of a repository.
//!
//! Takes a tree whose files are objects already; writes its directories and a commit of it. It deliberately does
//! not know what a commit is for.

use std::collections::HashSet;
use std::io;

use super::labels::{Labels, with_label};
use super::tree::{Directory, Node};
use crate::engine::repository::{Checksum, CommitObject, DirTree, Kind, Meta, Staging};
use crate::selinux::FileKind;

/// Directories that were written already, to this staging or to one that gets its names no later: those of a layer are
/// often those of the image, too.
#[derive(Debug, Default)]
pub(super) struct Known {
    trees: HashSet<Checksum>,
    metas: HashSet<Checksum>,
}

/// Writes the directories of `root`, with labels if there are any, and a commit with `metadata`, perhaps a parent, and a time in seconds since 1970.
pub(super) fn write(
    (staging, known): (&mut Staging, &mut Known),
    (root, labels): (&Directory, Option<&Labels>),
    (metadata, parent): (&[(&str, &str)], Option<Checksum>),
    time: u64,
) -> io::Result<Checksum> {
    let mut writing = Writing {
        staging,
        known,
        labels,
    };
    let (tree, meta) = writing.directory(root, "")?;
    let commit = CommitObject {
        metadata: metadata.iter().copied().collect(),
        time,
        tree,
        meta,
        parent,
    };
    staging.metadata(Kind::Commit, &commit.to_bytes())
}

/// What writing directories takes.
struct Writing<'w> {
    staging: &'w mut Staging,
    known: &'w mut Known,
    labels: Option<&'w Labels>,
}

impl Writing<'_> {
    fn directory(&mut self, from: &Directory, path: &str) -> io::Result<(Checksum, Checksum)> {
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
                    let below = self.directory(below, &path)?;
                    tree.directories.insert(name.clone(), below);
                }
            }
        }
        let implied = Meta::implied();
        let meta = from.meta.as_deref().unwrap_or(&implied);
        let dirmeta = match self.labels {
            None => meta.dirmeta(),
            Some(labels) => {
                let label = labels.of(path, FileKind::Directory);
                with_label(meta.clone(), label.as_deref()).dirmeta()
            }
        };
        Ok((
            self.object(Kind::DirTree, &tree.to_bytes())?,
            self.object(Kind::DirMeta, &dirmeta)?,
        ))
    }

    fn object(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<Checksum> {
        let sum = Checksum::of(bytes);
        let known = match kind {
            Kind::DirMeta => &mut self.known.metas,
            _ => &mut self.known.trees,
        };
        if known.insert(sum) {
            self.staging.write_named(kind, sum, bytes)?;
        }
        Ok(sum)
    }
}
