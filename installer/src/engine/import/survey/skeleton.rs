// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree without the content of most of its files. Pure.
//!
//! Takes a merged tree; answers what is at a path, with symbolic links followed inside the tree as the kernel follows
//! them below a root (`openat2(2)`, `RESOLVE_IN_ROOT`). It deliberately does not know layers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::super::merge::LITTER;
use super::super::tree::{self, Directory, Node};
use super::Places;

/// Symbolic links that are followed on one way, as in Linux.
const MAX_LINKS: usize = 40;
/// What the running system, and the tree when programs run in it, has something else at.
const COVERED: [&str; 2] = ["var", "sysroot"];

/// One regular file of one layer; hard links to it are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) layer: u32,
    /// The how manieth of the layer.
    pub(super) file: u32,
}

/// What stands for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    /// A regular file, and its bytes.
    File(Id, u64),
    Symlink(Box<str>),
}

/// What something in a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    /// A regular file of so many bytes.
    File(u64),
    /// A symbolic link, and what else there may be in a tree.
    Other,
}

impl Leaf {
    pub(super) fn id(&self) -> Option<Id> {
        match self {
            Self::File(id, _) => Some(*id),
            Self::Symlink(_) => None,
        }
    }
}

impl tree::Leaf for Leaf {
    fn is_symlink(&self) -> bool {
        matches!(self, Self::Symlink(_))
    }
}

/// The tree of an image. Paths are from its root.
#[derive(Debug)]
pub(crate) struct Skeleton {
    root: Directory<Leaf>,
    pub(super) contents: BTreeMap<Id, Vec<u8>>,
}

/// What a path leads to.
enum Found<'t> {
    Directory(&'t Directory<Leaf>),
    File(Id),
}

impl Skeleton {
    pub(super) fn of(mut root: Directory<Leaf>) -> Self {
        for name in COVERED {
            if let Some(Node::Directory(directory)) = root.entries.get_mut(name) {
                directory.entries.clear();
            }
        }
        Self {
            root,
            contents: BTreeMap::new(),
        }
    }

    /// Names in a directory, in their order.
    ///
    /// # Errors
    /// As the system's: `NotFound`, `NotADirectory`, too many links.
    pub(crate) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        match self.resolve(path)? {
            Found::Directory(found) => Ok(found.entries.keys().map(ToString::to_string).collect()),
            Found::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Whether a path leads to a directory.
    pub(crate) fn is_directory(&self, path: &str) -> bool {
        matches!(self.resolve(path), Ok(Found::Directory(_)))
    }

    /// Whether a path leads to a regular file.
    pub(crate) fn is_file(&self, path: &str) -> bool {
        matches!(self.resolve(path), Ok(Found::File(_)))
    }

    /// What a path is, whose last name may be a symbolic link: it is not followed.
    ///
    /// # Errors
    /// As the system's.
    pub(crate) fn kind(&self, path: &str) -> io::Result<Kind> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Found::Directory(parent) = self.resolve(parent)? else {
            return Err(io::ErrorKind::NotADirectory.into());
        };
        match parent.entries.get(name).ok_or(io::ErrorKind::NotFound)? {
            Node::Directory(_) => Ok(Kind::Directory),
            Node::File(Leaf::File(_, bytes)) => Ok(Kind::File(*bytes)),
            Node::File(Leaf::Symlink(_)) => Ok(Kind::Other),
        }
    }

    /// The content of a file that was asked for.
    ///
    /// # Errors
    /// As the system's; of files that are too large or were not asked for, too.
    pub(crate) fn content(&self, path: &str) -> io::Result<&[u8]> {
        let Found::File(id) = self.resolve(path)? else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let content = self.contents.get(&id).map(Vec::as_slice);
        content.ok_or_else(|| io::Error::other("it is too large to be looked into"))
    }

    /// Where the symbolic link `name` at the top leads to. `None` if it is none.
    pub(crate) fn top_link(&self, name: &str) -> Option<&str> {
        match self.root.entries.get(name)? {
            Node::File(Leaf::Symlink(target)) => Some(target),
            Node::File(Leaf::File(..)) | Node::Directory(_) => None,
        }
    }

    /// Drops what an import drops.
    pub(super) fn drop_build_litter(&mut self) {
        for path in LITTER {
            if let Some(Node::File(Leaf::File(id, _))) = self.root.get(path)
                && self.contents.get(id).is_some_and(Vec::is_empty)
            {
                self.root.remove(path);
            }
        }
    }

    /// The files at these places.
    pub(super) fn ids_at(&self, places: &Places) -> BTreeSet<Id> {
        let below = |directory: &String| {
            let names = self.names(directory).unwrap_or_default().into_iter();
            let directory = directory.clone();
            names.map(move |name| format!("{directory}/{name}"))
        };
        let deep = |(directory, name): &(&str, &str)| {
            let mut paths = Vec::new();
            if let Ok(Found::Directory(found)) = self.resolve(directory) {
                named(found, (directory, name), &mut paths);
            }
            paths
        };
        let litter = LITTER.into_iter().map(str::to_owned);
        litter
            .chain(places.files.iter().cloned())
            .chain(places.directories.iter().flat_map(below))
            .chain(places.below.iter().flat_map(deep))
            .filter_map(|path| match self.resolve(&path) {
                Ok(Found::File(id)) => Some(id),
                _ => None,
            })
            .collect()
    }

    fn resolve(&self, path: &str) -> io::Result<Found<'_>> {
        // Names yet to be gone through, the next one last; the directories gone through, the present one last.
        let mut names: Vec<&str> = path.rsplit('/').collect();
        let mut way = vec![&self.root];
        let mut file = None;
        let mut links = 0;
        while let Some(name) = names.pop() {
            if matches!(name, "" | ".") {
                continue;
            }
            if file.is_some() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            if name == ".." {
                way.truncate((way.len() - 1).max(1));
                continue;
            }
            let here = way.last().and_then(|here| here.entries.get(name));
            match here.ok_or(io::ErrorKind::NotFound)? {
                Node::Directory(below) => way.push(below),
                Node::File(Leaf::File(id, _)) => file = Some(*id),
                Node::File(Leaf::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("too many symbolic links"));
                    }
                    if target.starts_with('/') {
                        way.truncate(1);
                    }
                    names.extend(target.rsplit('/'));
                }
            }
        }
        let directory = way.last().copied().unwrap_or(&self.root);
        Ok(file.map_or(Found::Directory(directory), Found::File))
    }
}

/// Paths of what has this name below a directory, symbolic links not followed.
fn named(directory: &Directory<Leaf>, (at, name): (&str, &str), paths: &mut Vec<String>) {
    for (entry, node) in &directory.entries {
        let path = format!("{at}/{entry}");
        match node {
            Node::Directory(below) => named(below, (&path, name), paths),
            Node::File(Leaf::File(..)) if **entry == *name => paths.push(path),
            Node::File(_) => {}
        }
    }
}
