// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trees of objects in memory: one for each layer, and the merge of them all. Pure.
//!
//! Takes files and directories by path; gives the tree, and lays one tree over another by the rules of
//! OCI layers (`.wh.NAME` hides, `.wh..wh..opq` hides everything below, a directory and a file replace each
//! other). It deliberately does not know content: a file is the checksum of an object that exists, or what else its
//! reader made of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::engine::repository::{Checksum, Meta};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node<F = File> {
    File(F),
    Directory(Directory<F>),
}

/// What stands for a file in a tree.
pub(super) trait Leaf: Clone {
    fn is_symlink(&self) -> bool;

    /// The same file under another name.
    fn renamed(&self) -> Self {
        self.clone()
    }
}

/// A regular file or a symbolic link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) checksum: Checksum,
    /// Bytes of content; 0 for a link.
    pub(super) size: u64,
    pub(super) symlink: bool,
    pub(super) label: Label,
}

impl Leaf for File {
    fn is_symlink(&self) -> bool {
        self.symlink
    }

    fn renamed(&self) -> Self {
        let label = match &self.label {
            Label::Placed(label) => Label::Known(label.clone()),
            other => other.clone(),
        };
        Self { label, ..*self }
    }
}

/// The SELinux label among an object's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// This one, or none.
    Known(Option<Arc<str>>),
    /// What the policy that was found first has for the path where the file is.
    Placed(Option<Arc<str>>),
    /// To be read from the object.
    InObject,
}

impl Label {
    /// The label, as far as it is known without the object.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Known(label) | Self::Placed(label) => label.as_deref(),
            Self::InObject => None,
        }
    }
}

/// A directory. One that no layer mentions, but that has something in it, has no `meta`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory<F = File> {
    pub(super) meta: Option<Arc<Meta>>,
    pub(super) entries: BTreeMap<Box<str>, Node<F>>,
}

impl<F> Default for Directory<F> {
    fn default() -> Self {
        Self {
            meta: None,
            entries: BTreeMap::new(),
        }
    }
}

impl<F: Leaf> Directory<F> {
    /// What is at `path`; never the directory itself.
    pub(super) fn get(&self, path: &str) -> Option<&Node<F>> {
        let Some((top, rest)) = path.split_once('/') else {
            return self.entries.get(path);
        };
        match self.entries.get(top)? {
            Node::Directory(directory) => directory.get(rest),
            Node::File(_) => None,
        }
    }

    /// Puts a file at `path`, in place of anything there. `None` if a parent is a file.
    pub(super) fn put_file(&mut self, path: &str, file: F) -> Option<()> {
        let (parent, name) = self.parent(path)?;
        parent.entries.insert(name.into(), Node::File(file));
        Some(())
    }

    /// Puts a directory at `path`, in place of a file; one that is there keeps its entries.
    /// `None` if a parent is a file.
    pub(super) fn put_directory(&mut self, path: &str, meta: Arc<Meta>) -> Option<()> {
        let (parent, name) = self.parent(path)?;
        parent.directory(name).meta = Some(meta);
        Some(())
    }

    /// Removes what is at `path`, if anything is.
    pub(super) fn remove(&mut self, path: &str) {
        let Some((top, rest)) = path.split_once('/') else {
            self.entries.remove(path);
            return;
        };
        if let Some(Node::Directory(directory)) = self.entries.get_mut(top) {
            directory.remove(rest);
        }
    }

    /// Lays the tree of the next layer over this one. Whiteouts take effect and are not kept; those
    /// of a layer hide only what lies below it, whatever else the layer holds under the name.
    pub(super) fn overlay(&mut self, upper: Self) {
        if upper.is_opaque() {
            self.entries.clear();
        }
        self.meta = upper.meta.or(self.meta.take());
        for (name, node) in &upper.entries {
            if let Some(hidden) = hidden(name, node) {
                self.entries.remove(hidden);
            }
        }
        for (name, node) in upper.entries {
            match node {
                _ if hidden(&name, &node).is_some() => {}
                Node::File(_) => drop(self.entries.insert(name, node)),
                Node::Directory(above) => self.directory(&name).overlay(above),
            }
        }
    }

    /// Gives directories without metadata what they have in `merged`, which has this tree as its top layer.
    pub(super) fn settle(&mut self, merged: &Self) {
        if self.meta.is_none() {
            self.meta.clone_from(&merged.meta);
        }
        for (name, node) in &mut self.entries {
            if let (Node::Directory(below), Some(Node::Directory(same))) =
                (node, merged.entries.get(name))
            {
                below.settle(same);
            }
        }
    }

    /// Gives directories without metadata what stands for none, for a layer that is kept before it is merged.
    pub(super) fn mark_unsettled(&mut self) {
        self.meta.get_or_insert_with(|| Arc::new(unsettled()));
        for node in self.entries.values_mut() {
            if let Node::Directory(below) = node {
                below.mark_unsettled();
            }
        }
    }

    /// Takes away what [`Self::mark_unsettled`] gave.
    pub(super) fn unmark_unsettled(&mut self) {
        self.meta.take_if(|meta| **meta == unsettled());
        for node in self.entries.values_mut() {
            if let Node::Directory(below) = node {
                below.unmark_unsettled();
            }
        }
    }

    fn is_opaque(&self) -> bool {
        self.entries
            .get(OPAQUE)
            .is_some_and(|node| hidden(OPAQUE, node).is_some())
    }

    /// The directory that holds `path`, made where it is missing, and the last name.
    fn parent<'a>(&mut self, path: &'a str) -> Option<(&mut Self, &'a str)> {
        let Some((top, rest)) = path.split_once('/') else {
            return Some((self, path));
        };
        match self.entries.entry(top.into()).or_insert_with(Node::empty) {
            Node::Directory(directory) => directory.parent(rest),
            Node::File(_) => None,
        }
    }

    /// The directory `name`, made where it is missing or a file.
    fn directory(&mut self, name: &str) -> &mut Self {
        let node = match self.entries.entry(name.into()) {
            Entry::Occupied(mut there) => {
                if matches!(there.get(), Node::File(_)) {
                    there.insert(Node::empty());
                }
                there.into_mut()
            }
            Entry::Vacant(free) => free.insert(Node::empty()),
        };
        match node {
            Node::Directory(directory) => directory,
            Node::File(_) => unreachable!("made a directory above"),
        }
    }
}

impl<F> Node<F> {
    fn empty() -> Self {
        Self::Directory(Directory::default())
    }
}

/// What no directory has: in the commit of a layer it stands where the layer does not mention a directory.
fn unsettled() -> Meta {
    let mark = (b"user.landfall.unsettled".to_vec(), b"1".to_vec());
    Meta {
        mode: 0,
        xattrs: [mark].into(),
        ..Meta::implied()
    }
}

/// The name that a whiteout hides. Symbolic links and directories of such a name hide nothing, as
/// in libostree.
fn hidden<'a, F: Leaf>(name: &'a str, node: &Node<F>) -> Option<&'a str> {
    match node {
        Node::File(file) if !file.is_symlink() => name.strip_prefix(WHITEOUT),
        Node::File(_) | Node::Directory(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree from lines: `a/b=1` is a file, `a/b/=1` a directory, `a/b@1` a link.
    fn tree(lines: &str) -> Directory {
        let mut root = <Directory>::default();
        for line in lines.split_whitespace() {
            let done = if let Some((path, mark)) = line.split_once("/=") {
                root.put_directory(path, meta_of(mark))
            } else {
                let (path, mark) = line.split_once(['=', '@']).unwrap();
                let symlink = line.contains('@');
                root.put_file(
                    path,
                    File {
                        checksum: mark_of(mark),
                        size: 1,
                        symlink,
                        label: Label::Known(None),
                    },
                )
            };
            done.unwrap_or_else(|| panic!("{line}: a parent is a file"));
        }
        root
    }

    fn mark_of(mark: &str) -> Checksum {
        Checksum([mark.parse().unwrap(); 32])
    }

    fn meta_of(mark: &str) -> Arc<Meta> {
        let uid = mark.parse().unwrap();
        Arc::new(Meta {
            uid,
            ..Meta::implied()
        })
    }

    fn merged(layers: &[&str]) -> Directory {
        let mut root = <Directory>::default();
        for layer in layers {
            root.overlay(tree(layer));
        }
        root
    }

    fn check(layers: &[&str], expected: &str) {
        assert_eq!(merged(layers), tree(expected), "{layers:?}");
    }

    #[test]
    fn layers_add_up_and_the_upper_wins() {
        check(
            &["a/=1 a/x=1 a/y=1", "a/=2 a/y=2 b=2"],
            "a/=2 a/x=1 a/y=2 b=2",
        );
    }

    #[test]
    fn whiteout_hides_a_file_or_a_whole_directory() {
        check(&["a/=1 a/x=1 a/y=1", "a/=1 a/.wh.x=9"], "a/=1 a/y=1");
        check(&["a/=1 a/x=1 b/=1", ".wh.a=9"], "b/=1");
        check(&["a/=1", "a/.wh.none=9"], "a/=1");
    }

    #[test]
    fn whiteout_spares_what_its_own_layer_holds() {
        check(&["a/=1 a/x=1", ".wh.a=9 a/=2 a/y=2"], "a/=2 a/y=2");
        // `+x` sorts before `.wh.+x`.
        check(&["+x=1", ".wh.+x=9 +x=2"], "+x=2");
        check(&["f=1", "f=2 .wh.f=9"], "f=2");
    }

    #[test]
    fn opaque_hides_everything_below_only() {
        check(
            &[
                "a/=1 a/x=1 a/b/=1 a/b/c=1 d=1",
                "a/=2 a/.wh..wh..opq=9 a/z=2",
            ],
            "a/=2 a/z=2 d=1",
        );
        check(&["a=1", ".wh..wh..opq=9 b=2"], "b=2");
        check(&["a=1", "a/=2 a/.wh..wh..opq=9 a/b=2"], "a/=2 a/b=2");
    }

    #[test]
    fn whiteouts_never_stay_even_where_nothing_was_below() {
        let root = merged(&["a/=1 a/.wh.x=9 a/.wh..wh..opq=9 a/b/=1 a/b/.wh.y=9 .wh.z=9"]);
        assert_eq!(root, tree("a/=1 a/b/=1"));
    }

    #[test]
    fn later_layers_bring_back_what_was_hidden() {
        check(&["a/=1 a/x=1", ".wh.a=9", "a/=3 a/y=3"], "a/=3 a/y=3");
    }

    #[test]
    fn file_and_directory_replace_each_other() {
        check(&["a/=1 a/x=1", "a=2"], "a=2");
        check(&["a=1", "a/=2 a/x=2"], "a/=2 a/x=2");
        check(&["a@1", "a/=2 a/x=2"], "a/=2 a/x=2");
        check(&["a/=1 a/x=1", "a@2"], "a@2");
    }

    #[test]
    fn directory_without_metadata_keeps_the_lower_ones() {
        check(&["a/=1 a/x=1", "a/y=2"], "a/=1 a/x=1 a/y=2");
        let Some(Node::Directory(made)) = merged(&["a/y=2"]).get("a").cloned() else {
            panic!()
        };
        assert_eq!(made.meta, None);
    }

    #[test]
    fn links_and_directories_called_like_whiteouts_hide_nothing() {
        check(&["a=1", ".wh.a@2"], "a=1 .wh.a@2");
        check(&["a=1", ".wh.a/=2"], "a=1 .wh.a/=2");
    }

    #[test]
    fn the_root_takes_the_metadata_of_the_top_layer_that_has_some() {
        let mut root = <Directory>::default();
        for meta in [Some("1"), None, Some("3"), None] {
            root.overlay(Directory {
                meta: meta.map(meta_of),
                ..Directory::default()
            });
        }
        assert_eq!(root.meta, Some(meta_of("3")));
    }

    #[test]
    fn a_file_is_no_parent() {
        let mut root = tree("a=1 b@1");
        let file = File {
            checksum: mark_of("1"),
            size: 0,
            symlink: false,
            label: Label::Known(None),
        };
        assert_eq!(root.put_file("a/x", file), None);
        assert_eq!(root.put_directory("b/x", meta_of("1")), None);
        assert_eq!(root, tree("a=1 b@1"));
    }

    #[test]
    fn get_and_remove() {
        let mut root = tree("a/b/c=1 a/d=1");
        assert!(matches!(root.get("a/b/c"), Some(Node::File(_))));
        assert!(matches!(root.get("a/b"), Some(Node::Directory(_))));
        assert_eq!(root.get("a/b/c/d"), None);
        root.remove("a/b/x");
        root.remove("x/y");
        root.remove("a/b");
        assert_eq!(root, tree("a/d=1"));
    }
}
