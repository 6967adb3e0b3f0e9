// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One layer's files, looked at while they pass.
//!
//! Takes files; gives what stands for them in a [`Skeleton`](super::Skeleton), and keeps the content that is wanted, all of
//! it together bounded. It deliberately does not know why content is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::LayerFault;
use super::super::archive::Entry;
use super::super::layer::Store;
use super::super::merge::LITTER;
use super::Places;
use super::skeleton::{Id, Leaf};

/// The largest file whose content is kept, in bytes.
const MAX_FILE: u64 = 32 << 20;
/// Bytes of all content that is kept.
const MAX_CONTENT: usize = 64 << 20;
/// The largest object that is remembered until its name comes, in bytes.
const MAX_OBJECT: u64 = 8 << 20;
/// Where an encapsulated image has the content of its files.
const OBJECTS: &str = "sysroot/ostree/repo/objects/";

/// Which content is wanted.
pub(super) enum Wants<'w> {
    /// Of files at these places.
    At(&'w Places),
    /// Of these files.
    These(&'w BTreeSet<Id>),
}

/// Content that was found, by all threads.
#[derive(Debug, Default)]
pub(super) struct Contents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    contents: BTreeMap<Id, Vec<u8>>,
    bytes: usize,
}

impl Contents {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: Id, content: Vec<u8>) -> Result<(), LayerFault> {
        let mut kept = self.kept();
        // A file has as many names as it has, and one content.
        if kept.contents.contains_key(&id) {
            return Ok(());
        }
        kept.bytes = kept.bytes.saturating_add(content.len());
        if kept.bytes > MAX_CONTENT {
            let reason = format!("the image's settings have more than {MAX_CONTENT} bytes");
            return Err(LayerFault::content(reason));
        }
        kept.contents.insert(id, content);
        Ok(())
    }

    pub(super) fn has(&self, id: Id) -> bool {
        self.kept().contents.contains_key(&id)
    }

    pub(super) fn text(&self, id: Id) -> Option<String> {
        let kept = self.kept();
        let content = kept.contents.get(&id)?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    pub(super) fn into_kept(self) -> BTreeMap<Id, Vec<u8>> {
        let kept = self.0.into_inner();
        kept.unwrap_or_else(PoisonError::into_inner).contents
    }
}

/// Takes the files of one layer.
pub(super) struct Reader<'w> {
    wants: &'w Wants<'w>,
    contents: &'w Contents,
    next: Id,
    /// The object that came last: the file that it is a name of comes next.
    last: Option<(Id, Vec<u8>)>,
}

impl<'w> Reader<'w> {
    pub(super) fn new(layer: usize, wants: &'w Wants<'w>, contents: &'w Contents) -> Self {
        Self {
            wants,
            contents,
            // A manifest names no more layers than fit.
            next: Id {
                layer: u32::try_from(layer).unwrap_or(u32::MAX),
                file: 0,
            },
            last: None,
        }
    }
}

impl Store for Reader<'_> {
    type File = Leaf;

    fn regular(
        &mut self,
        path: &str,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<Leaf, LayerFault> {
        let id = self.next;
        self.next.file += 1;
        let wanted = self.wants.file(path, id) && entry.size <= MAX_FILE;
        let remembered = path.starts_with(OBJECTS) && entry.size <= MAX_OBJECT;
        if wanted || remembered {
            let mut bytes = self.last.take().map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.clear();
            content.read_to_end(&mut bytes)?;
            if wanted {
                self.contents.add(id, bytes)?;
            } else {
                self.last = Some((id, bytes));
            }
        }
        Ok(Leaf::File(id, entry.size))
    }

    fn symlink(&mut self, _: &str, _: &Entry, target: &str) -> Result<Leaf, LayerFault> {
        Ok(Leaf::Symlink(target.into()))
    }

    fn linked(&mut self, path: &str, file: &Leaf) -> Result<(), LayerFault> {
        match (&self.last, file) {
            (Some((last, bytes)), Leaf::File(id, _))
                if last == id && self.wants.file(path, *id) =>
            {
                self.contents.add(*id, bytes.clone())
            }
            _ => Ok(()),
        }
    }
}

impl Wants<'_> {
    fn file(&self, path: &str, id: Id) -> bool {
        match self {
            Self::These(ids) => ids.contains(&id),
            Self::At(places) => places.have(path),
        }
    }
}

impl Places {
    fn have(&self, path: &str) -> bool {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        LITTER.contains(&path)
            || self.files.contains(path)
            || self.directories.iter().any(|each| each == parent)
            || self.is_below(parent, name)
    }

    /// Whether a file is one of those that are wanted at any depth.
    fn is_below(&self, parent: &str, name: &str) -> bool {
        let is_in = |directory: &str| {
            let rest = parent.strip_prefix(directory);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut below = self.below.iter();
        below.any(|(directory, wanted)| *wanted == name && is_in(directory))
    }
}
