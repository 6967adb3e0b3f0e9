// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an earlier import left in the repository.
//!
//! Takes the digest of a layer; gives its content, if all of it is there, so that it need not be read again. Takes a
//! commit; gives its tree. It deliberately does not know why the earlier import ended.

use std::io;
use std::sync::Arc;

use super::Content;
use super::chunk::Objects;
use super::layer::{Files, MAX_ENTRIES};
use super::path::MAX_DEPTH;
use super::refs;
use super::role::Role;
use super::tree::{Directory, File, Label, Node};
use crate::engine::repository::{Checksum, DirTree, Repository};

/// The content of the layer `digest`. `None` if it is not there, or not whole.
pub(super) fn layer(repo: &Repository, digest: &str, role: Role) -> Option<Content> {
    let commit = repo.resolve(&refs::layer(digest)?).ok()??;
    match role {
        Role::Files => {
            let tree = tree(repo, commit).ok()?;
            Some(Content::Files(Files::of(tree)))
        }
        Role::Commit => {
            let root = repo.root_of(commit).ok()?;
            Walk::new(repo).directories(root, 0).ok()?;
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
    let root = repo.root_of(commit)?;
    Walk::new(repo).directory(root, 0)
}

/// Reads directories that may be hostile: each can stand in many places.
struct Walk<'r> {
    repo: &'r Repository,
    entries: u64,
}

impl<'r> Walk<'r> {
    const fn new(repo: &'r Repository) -> Self {
        Self { repo, entries: 0 }
    }

    /// What a directory lists, counted.
    fn list(&mut self, tree: Checksum, depth: usize) -> io::Result<DirTree> {
        let listed = self.repo.dirtree(tree)?;
        self.entries += (listed.files.len() + listed.directories.len()) as u64;
        if depth > MAX_DEPTH || self.entries > MAX_ENTRIES {
            let message = format!("more than {MAX_DEPTH} levels or {MAX_ENTRIES} entries");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(listed)
    }

    fn directory(
        &mut self,
        (tree, meta): (Checksum, Checksum),
        depth: usize,
    ) -> io::Result<Directory> {
        let listed = self.list(tree, depth)?;
        let mut found = Directory {
            meta: Some(Arc::new(self.repo.dirmeta(meta)?)),
            ..Directory::default()
        };
        for (name, checksum) in listed.files {
            let (size, symlink) = self.repo.file_size(checksum)?;
            let file = File {
                checksum,
                size,
                symlink,
                label: Label::InObject,
            };
            found.entries.insert(name, Node::File(file));
        }
        for (name, below) in listed.directories {
            let below = self.directory(below, depth + 1)?;
            found.entries.insert(name, Node::Directory(below));
        }
        Ok(found)
    }

    /// Reads all directories of a tree, without their files.
    fn directories(&mut self, (tree, meta): (Checksum, Checksum), depth: usize) -> io::Result<()> {
        self.repo.dirmeta(meta)?;
        let below = self.list(tree, depth)?.directories;
        below
            .into_values()
            .try_for_each(|below| self.directories(below, depth + 1))
    }
}
