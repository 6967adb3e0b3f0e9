// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One layer of files: its archive to a tree.
//!
//! Takes a layer of an image and what makes something of its files ([`Store`]), such as objects of a repository; gives the
//! layer's own tree, whiteouts in it as files. The tree is given only if both digests hold, of the blob and of the
//! archive in it. It deliberately does not know refs, commits, or how layers merge.

use std::io::Read;
use std::sync::Arc;

use super::archive::{Archive, Entry, Kind};
use super::labels::{ATTRIBUTE, Labelling, Policies, with_label};
use super::path::{self, Place};
use super::pipe::{self, Shared, Unpacked};
use super::tree::{Directory, File, Leaf, Node};
use super::{ImportError, LayerFault};
use crate::engine::repository::{Fault, Meta, Staging};
use crate::image::{Image, Layer};
use crate::selinux::FileKind;

/// Entries of one layer: many times more than any real layer, few enough for memory.
pub(super) const MAX_ENTRIES: u64 = 2_000_000;
/// Bytes of names and attributes of one layer, for the same reason.
const MAX_KEPT: u64 = 256 << 20;
/// Objects of the image that it was made from, which builders may copy with the files that are links to them.
const OBJECTS: &str = "sysroot/ostree/repo";

/// What a layer of files holds.
#[derive(Debug)]
pub(super) struct Files<F = File> {
    /// Its files and directories, whiteouts as files.
    pub(super) tree: Directory<F>,
    /// Hard links to what this layer does not hold: where, and to what.
    links: Vec<(String, String)>,
}

/// Makes something of the files of a layer.
pub(super) trait Store {
    /// What stands for a file in the layer's tree.
    type File: Leaf;

    /// Takes a regular file that will be at `path`.
    fn regular(
        &mut self,
        path: &str,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<Self::File, LayerFault>;

    /// Takes a symbolic link.
    fn symlink(
        &mut self,
        path: &str,
        entry: &Entry,
        target: &str,
    ) -> Result<Self::File, LayerFault>;

    /// Is told that a file of this layer has one more name.
    fn linked(&mut self, _path: &str, _file: &Self::File) -> Result<(), LayerFault> {
        Ok(())
    }
}

impl<F: Leaf> Files<F> {
    /// A layer without open links.
    pub(super) fn of(tree: Directory<F>) -> Self {
        Self {
            tree,
            links: Vec::new(),
        }
    }

    /// Whether nothing of it waits for the layers below.
    pub(super) fn is_whole(&self) -> bool {
        self.links.is_empty()
    }

    /// Resolves links to files of the layers below, `lower` being the merge of them.
    pub(super) fn link_to(&mut self, lower: &Directory<F>) -> Result<(), LayerFault> {
        for (path, target) in std::mem::take(&mut self.links) {
            let Some(Node::File(file)) = lower.get(&target) else {
                let fault =
                    LayerFault::content(format!("a hard link to `{target}`, which is no file"));
                return Err(fault.in_entry(path.as_bytes()));
            };
            put(&mut self.tree, &path, file.renamed())
                .map_err(|fault| fault.in_entry(path.as_bytes()))?;
        }
        Ok(())
    }
}

/// Reads a layer whose archive has the digest `diff_id`.
pub(super) fn read(
    image: &Image,
    (layer, diff_id): (&Layer, &str),
    (staging, shared): (&mut Staging, &Shared),
    labelling: Labelling<'_>,
) -> Result<Files, ImportError> {
    let mut objects = ToObjects { staging, labelling };
    let mut files = unpack(image, (layer, diff_id), shared, &mut objects)?;
    files.tree.remove(OBJECTS);
    Ok(files)
}

/// Reads a layer whose archive has the digest `diff_id`, and hands its files to `store`.
pub(super) fn unpack<S: Store>(
    image: &Image,
    (layer, diff_id): (&Layer, &str),
    shared: &Shared,
    store: &mut S,
) -> Result<Files<S::File>, ImportError> {
    pipe::with_archive(image, layer, shared, |archive| {
        let files = Files::of(Directory::default());
        let mut unpacking = Unpacking { store, files };
        each_entry(archive, diff_id, &mut |entry, content| {
            unpacking.add(entry, content)
        })
        .and_then(|()| unpacking.link_within())
        .map_err(|fault| fault.in_layer(&layer.digest))?;
        Ok(unpacking.files)
    })
}

/// Gives every entry of an archive with its content, and demands that the whole archive has the digest `diff_id`.
pub(super) fn each_entry(
    unpacked: &mut Unpacked,
    diff_id: &str,
    each: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<(), LayerFault>,
) -> Result<(), LayerFault> {
    let mut archive = Archive::new(&mut *unpacked);
    let mut counted = Counted::default();
    while let Some(entry) = archive.next()? {
        counted.add(entry.kept_bytes())?;
        each(&entry, &mut archive).map_err(|fault| fault.in_entry(&entry.path))?;
    }
    archive.finish()?;
    let found = unpacked.digest().unwrap_or_default();
    if found != diff_id {
        let reason = format!("its archive has the digest `{found}`, not its diff_id `{diff_id}`");
        return Err(LayerFault::content(reason));
    }
    Ok(())
}

/// What of one layer is kept in memory.
#[derive(Default)]
struct Counted {
    entries: u64,
    bytes: u64,
}

impl Counted {
    /// Counts one more entry, with `bytes` of names and attributes.
    fn add(&mut self, bytes: u64) -> Result<(), LayerFault> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            let reason = format!("it has more than {MAX_ENTRIES} entries");
            return Err(LayerFault::content(reason));
        }
        self.bytes += bytes;
        if self.bytes > MAX_KEPT {
            let reason = format!("its names and attributes have more than {MAX_KEPT} bytes");
            return Err(LayerFault::content(reason));
        }
        Ok(())
    }
}

struct Unpacking<'s, S: Store> {
    store: &'s mut S,
    files: Files<S::File>,
}

impl<S: Store> Unpacking<'_, S> {
    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerFault> {
        let path = match path::place(&entry.path)? {
            Place::Dropped => return Ok(()),
            Place::Root if entry.kind == Kind::Directory => {
                self.files.tree.meta = Some(Arc::new(meta(entry)));
                return Ok(());
            }
            Place::Root => return Err(LayerFault::content("the root is not a directory")),
            Place::At(path) => path,
        };
        match &entry.kind {
            Kind::File => {
                let file = self.store.regular(&path, entry, content)?;
                put(&mut self.files.tree, &path, file)
            }
            Kind::Symlink(target) => {
                let target = path::text(target)?;
                if target.is_empty() {
                    return Err(LayerFault::content("a symbolic link to nothing"));
                }
                let file = self.store.symlink(&path, entry, target)?;
                put(&mut self.files.tree, &path, file)
            }
            Kind::Directory => self
                .files
                .tree
                .put_directory(&path, Arc::new(meta(entry)))
                .ok_or_else(LayerFault::file_parent),
            Kind::HardLink(target) => self.link(path, target),
            Kind::Special(what) => Err(LayerFault::content(format!("{what} cannot be installed"))),
        }
    }

    /// A hard link is one more name for an object that is there.
    fn link(&mut self, path: String, target: &[u8]) -> Result<(), LayerFault> {
        let Place::At(target) = path::place(target)? else {
            return Err(LayerFault::content("a hard link to what is not installed"));
        };
        match self.files.tree.get(&target) {
            Some(Node::File(file)) => {
                let file = file.renamed();
                self.store.linked(&path, &file)?;
                put(&mut self.files.tree, &path, file)
            }
            Some(Node::Directory(_)) => Err(LayerFault::content("a hard link to a directory")),
            None => {
                self.files.links.push((path, target));
                Ok(())
            }
        }
    }

    /// Links to what came after them. A later entry of the same name wins. The other links are to lower layers.
    fn link_within(&mut self) -> Result<(), LayerFault> {
        let Files { tree, links } = &mut self.files;
        for (path, target) in std::mem::take(links) {
            if tree.get(&path).is_some() {
                continue;
            }
            match tree.get(&target) {
                Some(Node::File(file)) => {
                    let file = file.renamed();
                    put(tree, &path, file).map_err(|fault| fault.in_entry(path.as_bytes()))?;
                }
                _ => links.push((path, target)),
            }
        }
        Ok(())
    }
}

/// Writes files to objects, with the labels that can be known.
struct ToObjects<'s> {
    staging: &'s mut Staging,
    labelling: Labelling<'s>,
}

impl Store for ToObjects<'_> {
    type File = File;

    fn regular(
        &mut self,
        path: &str,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<File, LayerFault> {
        let label = self.labelling.of(path, FileKind::Regular);
        let meta = with_label(meta(entry), label.text());
        let checksum = if Policies::wants(path, entry.size) {
            let mut text = Vec::new();
            content.read_to_end(&mut text)?;
            let checksum = self
                .staging
                .regular(&meta, entry.size, &mut text.as_slice())?;
            self.labelling.add(path, text);
            checksum
        } else {
            self.staging.regular(&meta, entry.size, content)?
        };
        Ok(File {
            checksum,
            size: entry.size,
            symlink: false,
            label,
        })
    }

    fn symlink(&mut self, path: &str, entry: &Entry, target: &str) -> Result<File, LayerFault> {
        let label = self.labelling.of(path, FileKind::Symlink);
        let meta = with_label(meta(entry), label.text());
        let written = self.staging.symlink(&meta, target);
        Ok(File {
            checksum: written.map_err(Fault::Repository)?,
            size: 0,
            symlink: true,
            label,
        })
    }
}

fn put<F: Leaf>(tree: &mut Directory<F>, path: &str, file: F) -> Result<(), LayerFault> {
    tree.put_file(path, file)
        .ok_or_else(LayerFault::file_parent)
}

/// Labels are given by the policy of the image, never by the archive; and ostree reads back no
/// attribute that is empty.
fn meta(entry: &Entry) -> Meta {
    let mut xattrs = entry.xattrs.clone();
    xattrs.retain(|name, value| name.as_slice() != ATTRIBUTE && !value.is_empty());
    Meta {
        uid: entry.uid,
        gid: entry.gid,
        mode: entry.mode,
        xattrs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fault: LayerFault) -> String {
        fault.in_layer("sha256:1").to_string()
    }

    #[test]
    fn a_layer_of_too_many_entries_is_refused() {
        let mut counted = Counted::default();
        for _ in 0..2_000_000 {
            counted.add(1).unwrap();
        }
        let message = said(counted.add(1).unwrap_err());
        assert!(
            message.ends_with("it has more than 2000000 entries"),
            "{message}"
        );
    }

    #[test]
    fn a_layer_of_too_many_names_and_attributes_is_refused() {
        let mut counted = Counted::default();
        for _ in 0..256 {
            counted.add(1 << 20).unwrap();
        }
        let message = said(counted.add(1).unwrap_err());
        assert!(
            message.ends_with("its names and attributes have more than 268435456 bytes"),
            "{message}"
        );
    }
}
