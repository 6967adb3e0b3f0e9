// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an earlier import left in the repository.
//!
//! Takes the digest of a layer; gives its content, if all of it is there, so that it need not be read again. Takes a
//! commit; gives its tree. It deliberately does not know why the earlier import ended.

use std::io;
use std::sync::Arc;

use super::Content;
use super::chunk::Objects;
use super::layer::Files;
use super::refs;
use super::role::Role;
use super::tree::{Directory, File, Label, Node};
use crate::engine::repository::{Checksum, Repository};

/// The content of the layer `digest`. `None` if it is not there, or not whole.
pub(super) fn layer(repo: &Repository, digest: &str, role: Role) -> Option<Content> {
    let commit = repo.resolve(&refs::layer(digest)?).ok()??;
    match role {
        Role::Files => {
            let tree = tree(repo, commit).ok()?;
            Some(Content::Files(Files::of(tree)))
        }
        Role::Commit => {
            let (tree, meta) = repo.root_of(commit).ok()?;
            has_directories(repo, tree, meta).ok()?;
            Some(Content::Objects(Objects {
                commit: Some(commit),
                ..Objects::default()
            }))
        }
        Role::Objects => {
            let entries = tree(repo, commit).ok()?.entries.into_values();
            let files = entries.map(|node| match node {
                Node::File(file) => Some(file.checksum),
                Node::Directory(_) => None,
            });
            Some(Content::Objects(Objects {
                commit: None,
                files: files.collect::<Option<_>>()?,
            }))
        }
    }
}

/// The tree of a commit, all of which is there.
pub(super) fn tree(repo: &Repository, commit: Checksum) -> io::Result<Directory> {
    let (tree, meta) = repo.root_of(commit)?;
    directory(repo, tree, meta)
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
            label: Label::InObject,
        };
        found.entries.insert(name, Node::File(file));
    }
    for (name, (tree, meta)) in listed.directories {
        let below = directory(repo, tree, meta)?;
        found.entries.insert(name, Node::Directory(below));
    }
    Ok(found)
}

/// Reads all directories of a tree, without their files.
fn has_directories(repo: &Repository, tree: Checksum, meta: Checksum) -> io::Result<()> {
    repo.dirmeta(meta)?;
    let directories = repo.dirtree(tree)?.directories;
    directories
        .into_values()
        .try_for_each(|(tree, meta)| has_directories(repo, tree, meta))
}
