// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layers that an earlier import left in the repository.
//!
//! Takes the digest of a layer; gives its tree, if all of it is there, so that it need not be read again. It
//! deliberately does not know why the earlier import ended.

use std::io;
use std::sync::Arc;

use super::refs;
use super::tree::{Directory, File, Node};
use crate::engine::repository::{Checksum, Repository};

/// The tree of the layer `digest`. `None` if it is not there, or not whole.
pub(super) fn layer(repo: &Repository, digest: &str) -> Option<Directory> {
    let commit = repo.resolve(&refs::layer(digest)?).ok()??;
    let (tree, meta) = repo.root_of(commit).ok()?;
    directory(repo, tree, meta).ok()
}

fn directory(repo: &Repository, tree: Checksum, meta: Checksum) -> io::Result<Directory> {
    let listed = repo.dirtree(tree)?;
    let mut found = Directory {
        meta: Some(Arc::new(repo.dirmeta(meta)?)),
        ..Directory::default()
    };
    for (name, checksum) in listed.files {
        let (size, symlink) = repo.file_size(checksum)?;
        let file = File {
            checksum,
            size,
            symlink,
        };
        found.entries.insert(name, Node::File(file));
    }
    for (name, (tree, meta)) in listed.directories {
        let below = directory(repo, tree, meta)?;
        found.entries.insert(name, Node::Directory(below));
    }
    Ok(found)
}
