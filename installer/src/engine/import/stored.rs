// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an earlier import left in the repository.
//!
//! Takes a layer of an image; gives its content, if all of it is there and still what its objects' names say, so that it
//! need not be read again. Files of a deployment are links to objects: a script may have changed them. Takes a commit;
//! gives its tree. It deliberately does not know why the earlier import ended.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::Content;
use super::chunk::Objects;
use super::labels::label_in;
use super::layer::{Files, MAX_ENTRIES};
use super::path::MAX_DEPTH;
use super::pipe::Shared;
use super::refs;
use super::role::{self, Role};
use super::tree::{Directory, File, Label, Node};
use crate::engine::repository::{Checksum, DirTree, Repository};
use crate::image::Image;

/// The content of the layer `at`. `None` if it is not there, not whole, or not what it was.
pub(super) fn layer(
    files: &Intact<'_>,
    (image, at): (&Image, usize),
    role: Role,
) -> Option<Content> {
    let repo = files.repo;
    let commit = commit_of(repo, &image.layers[at].digest)?;
    let root = repo.root_of(commit).ok()?;
    match role {
        Role::Files => {
            let tree = Walk::new(repo, &|sum| files.get(sum)).directory(root, 0);
            let mut tree = tree.ok()?;
            tree.unmark_unsettled();
            Some(Content::Files(Files::of(tree)))
        }
        Role::Commit => {
            // Which of the commit's files are in this layer is not kept. Those that another may hold may be missing.
            let others = LazyCell::new(|| listed_by_others(repo, image));
            let is_of_another = |sum| others.as_ref().is_none_or(|listed| listed.contains(&sum));
            let there = |sum| match files.get(sum) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && is_of_another(sum) => {
                    Ok(missing(sum))
                }
                other => other,
            };
            Walk::new(repo, &there).directory(root, 0).ok()?;
            Some(Content::Objects(Objects {
                commit: Some(commit),
                ..Objects::default()
            }))
        }
        Role::Objects => {
            let tree = Walk::new(repo, &|sum| files.get(sum)).directory(root, 0);
            let listed = tree.ok()?.entries.into_values().map(|node| match node {
                Node::File(file) => Some(file.checksum),
                Node::Directory(_) => None,
            });
            Some(Content::Objects(Objects {
                commit: None,
                files: listed.collect::<Option<_>>()?,
            }))
        }
    }
}

/// The commit that an earlier import left of a layer.
fn commit_of(repo: &Repository, digest: &str) -> Option<Checksum> {
    repo.resolve(&refs::layer(digest)?).ok()?
}

/// The files of a commit that its layers above the first list. `None` if one of those is not there: it may hold any.
fn listed_by_others(repo: &Repository, image: &Image) -> Option<HashSet<Checksum>> {
    let mut listed = HashSet::new();
    for (layer, role) in image.layers.iter().zip(role::of_layers(image).ok()?) {
        if role == Role::Objects {
            let (tree, _) = repo.root_of(commit_of(repo, &layer.digest)?).ok()?;
            listed.extend(repo.dirtree(tree).ok()?.files.into_values());
        }
    }
    Some(listed)
}

/// The tree of a commit, all of which is there.
pub(super) fn tree(repo: &Repository, commit: Checksum) -> io::Result<Directory> {
    let root = repo.root_of(commit)?;
    let file = |checksum| {
        let (size, symlink) = repo.file_size(checksum)?;
        Ok(File {
            checksum,
            size,
            symlink,
            label: Label::InObject,
        })
    };
    Walk::new(repo, &file).directory(root, 0)
}

/// Stands for a file whose size nobody asks for.
fn missing(checksum: Checksum) -> File {
    File {
        checksum,
        size: 0,
        symlink: false,
        label: Label::InObject,
    }
}

/// Files of the repository that are what their names say. What was read is not read again for another layer, but by two
/// threads at the same time it may be.
#[derive(Debug)]
pub(super) struct Intact<'r> {
    repo: &'r Repository,
    shared: &'r Shared,
    known: Mutex<HashMap<Checksum, File>>,
}

impl<'r> Intact<'r> {
    pub(super) fn new(repo: &'r Repository, shared: &'r Shared) -> Self {
        Self {
            repo,
            shared,
            known: Mutex::default(),
        }
    }

    fn get(&self, sum: Checksum) -> io::Result<File> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = known().get(&sum) {
            return Ok(file.clone());
        }
        let file = self.read(sum)?;
        known().insert(sum, file.clone());
        Ok(file)
    }

    fn read(&self, checksum: Checksum) -> io::Result<File> {
        let (meta, target) = self.repo.file_meta(checksum)?;
        let (found, size) = if let Some(target) = &target {
            (meta.checksum_of_symlink(target), 0)
        } else {
            let mut content = Measured {
                file: self.repo.open_file(checksum)?,
                shared: self.shared,
                count: 0,
            };
            (meta.checksum_of_file(&mut content)?, content.count)
        };
        if found != checksum {
            let message = format!("the file `{checksum}` was changed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(File {
            checksum,
            size,
            symlink: target.is_some(),
            label: Label::Known(label_in(&meta)),
        })
    }
}

/// A file whose bytes are counted, and which ends early with the import.
struct Measured<'s> {
    file: std::fs::File,
    shared: &'s Shared,
    count: u64,
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.shared.has_given_up() {
            return Err(io::Error::other("stopped"));
        }
        let count = self.file.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

/// Reads directories that may be hostile: each can stand in many places.
struct Walk<'r> {
    repo: &'r Repository,
    file: &'r dyn Fn(Checksum) -> io::Result<File>,
    entries: u64,
}

impl<'r> Walk<'r> {
    const fn new(repo: &'r Repository, file: &'r dyn Fn(Checksum) -> io::Result<File>) -> Self {
        Self {
            repo,
            file,
            entries: 0,
        }
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
            found
                .entries
                .insert(name, Node::File((self.file)(checksum)?));
        }
        for (name, below) in listed.directories {
            let below = self.directory(below, depth + 1)?;
            found.entries.insert(name, Node::Directory(below));
        }
        Ok(found)
    }
}
