// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an image holds, known before any of it is stored.
//!
//! Takes an open image and the places of files whose content is asked for; reads every layer, verified, a few side by
//! side, and gives a [`Skeleton`] of the merged tree: all names, where symbolic links lead, and that content. What makes an
//! archive one that cannot be imported is found here too. An encapsulated image is read as what it is without ostree: its
//! files are links to objects in the same archive. It deliberately does not check those objects, or look into a policy.

mod reader;
mod skeleton;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use super::layer::{self, Files};
use super::merge::DEPLOYED;
use super::pipe::Shared;
use super::role::{self, Role};
use super::tree::{Directory, Node};
use super::{ImportError, MOST_LAYERS, Progress, TICK, prepare_root};
use crate::image::Image;
use reader::{Contents, Reader, Wants};
use skeleton::{Id, Leaf};
pub(crate) use skeleton::{Kind, Skeleton};

/// Where files are whose content is asked for: paths in the ostree tree.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) files: BTreeSet<String>,
    /// Of these, every file.
    pub(crate) directories: Vec<String>,
    /// A directory and a name: of all that is below the one, files of the other.
    pub(crate) below: Vec<(&'static str, &'static str)>,
}

/// Looks into all layers of `image`. Progress is told as for an import.
///
/// # Errors
/// [`ImportError::Image`] if a blob cannot be had or is not what its digest says, [`ImportError::Layer`] if a layer holds
/// what cannot be installed, [`ImportError::Stopped`] if `progress` says so.
pub(crate) fn survey(
    image: &Image,
    places: &Places,
    progress: Progress<'_>,
) -> Result<Skeleton, ImportError> {
    let mut survey = Survey {
        image,
        contents: Contents::default(),
        merging: Merging::new(image, role::of_layers(image)?),
    };
    survey.read_all(places, progress)?;
    survey.leave_what_is_deployed(progress)?;
    let mut skeleton = Skeleton::of(std::mem::take(&mut survey.merging.merged));
    let wanted = skeleton.ids_at(places);
    survey.fetch(wanted, progress)?;
    skeleton.contents = survey.contents.into_kept();
    skeleton.drop_build_litter();
    Ok(skeleton)
}

struct Survey<'i> {
    image: &'i Image,
    contents: Contents,
    merging: Merging<'i>,
}

impl Survey<'_> {
    /// Reads every layer, for the names and for the content that is where it usually is.
    fn read_all(&mut self, places: &Places, progress: Progress<'_>) -> Result<(), ImportError> {
        let layers: Vec<_> = (0..self.image.layers.len()).collect();
        let total = self.image.total_bytes();
        let (contents, merging) = (&self.contents, &mut self.merging);
        let work = Work {
            image: self.image,
            contents,
            wants: &Wants::At(places),
        };
        work.read(
            &layers,
            &mut |done| progress(done.min(total)),
            &mut |at, files| merging.add(at, files),
        )
    }

    /// Of what lies over an ostree commit, only some is deployed where the root is no overlay.
    fn leave_what_is_deployed(&mut self, progress: Progress<'_>) -> Result<(), ImportError> {
        let Some(base) = self.merging.base.take() else {
            return Ok(());
        };
        self.fetch(base.settings.into_iter().collect(), progress)?;
        let text = base.settings.and_then(|id| self.contents.text(id));
        if !text.is_some_and(|text| prepare_root::says_overlay(&text)) {
            let entries = &mut self.merging.merged.entries;
            entries.retain(|name, _| DEPLOYED.contains(&&**name));
            entries.extend(base.top);
        }
        Ok(())
    }

    /// Reads the layers again that have content which was not known to be asked for when they were read: of a file that
    /// has another name, too.
    fn fetch(&mut self, wanted: BTreeSet<Id>, progress: Progress<'_>) -> Result<(), ImportError> {
        let missing: BTreeSet<Id> = wanted
            .into_iter()
            .filter(|id| !self.contents.has(*id))
            .collect();
        let layers: BTreeSet<usize> = missing.iter().map(|id| id.layer as usize).collect();
        let total = self.image.total_bytes();
        let work = Work {
            image: self.image,
            contents: &self.contents,
            wants: &Wants::These(&missing),
        };
        let layers: Vec<_> = layers.into_iter().collect();
        work.read(&layers, &mut |_| progress(total), &mut |_, _| Ok(()))
    }
}

/// What reading layers takes.
struct Work<'w> {
    image: &'w Image,
    contents: &'w Contents,
    wants: &'w Wants<'w>,
}

type Outcome = Result<Files<Leaf>, ImportError>;

impl Work<'_> {
    /// Reads the layers on a few threads; `each` gets them as they come.
    fn read(
        &self,
        layers: &[usize],
        progress: Progress<'_>,
        each: &mut dyn FnMut(usize, Files<Leaf>) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let (shared, next) = (Shared::default(), AtomicUsize::new(0));
        let (sender, receiver) = channel();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..threads.min(MOST_LAYERS).min(layers.len()) {
                let (sender, next, shared) = (sender.clone(), &next, &shared);
                scope.spawn(move || {
                    while let Some(&at) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if sender.send((at, self.layer(at, shared))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let result = collect(&receiver, &shared, progress, each);
            if result.is_err() {
                next.store(layers.len(), Ordering::Relaxed);
                shared.give_up();
            }
            result
        })
    }

    fn layer(&self, at: usize, shared: &Shared) -> Outcome {
        let (layer, diff_id) = (&self.image.layers[at], self.image.diff_ids()[at].as_str());
        let mut reader = Reader::new(at, self.wants, self.contents);
        layer::unpack(self.image, (layer, diff_id), shared, &mut reader)
    }
}

fn collect(
    results: &Receiver<(usize, Outcome)>,
    shared: &Shared,
    progress: Progress<'_>,
    each: &mut dyn FnMut(usize, Files<Leaf>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    loop {
        if progress(shared.done()) == ControlFlow::Break(()) {
            return Err(ImportError::Stopped);
        }
        match results.recv_timeout(TICK) {
            Ok((at, files)) => each(at, files?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Layers that come in, laid over each other in their order.
struct Merging<'i> {
    image: &'i Image,
    roles: Vec<Role>,
    waiting: BTreeMap<usize, Files<Leaf>>,
    merged: Directory<Leaf>,
    count: usize,
    base: Option<Base>,
}

/// Of the ostree commit that lies below other layers: what ostree does not deploy by itself, and the settings of the root.
struct Base {
    top: Vec<(Box<str>, Node<Leaf>)>,
    settings: Option<Id>,
}

impl<'i> Merging<'i> {
    fn new(image: &'i Image, roles: Vec<Role>) -> Self {
        Self {
            image,
            roles,
            waiting: BTreeMap::new(),
            merged: Directory::default(),
            count: 0,
            base: None,
        }
    }

    fn add(&mut self, at: usize, files: Files<Leaf>) -> Result<(), ImportError> {
        self.waiting.insert(at, files);
        while let Some(mut files) = self.waiting.remove(&self.count) {
            let is_over_commit = self.count > 0
                && self.roles[self.count] == Role::Files
                && self.roles[self.count - 1] != Role::Files;
            if is_over_commit {
                self.base = Some(Base::of(&self.merged));
            }
            files
                .link_to(&self.merged)
                .map_err(|fault| fault.in_layer(&self.image.layers[self.count].digest))?;
            self.merged.overlay(files.tree);
            self.count += 1;
        }
        Ok(())
    }
}

impl Base {
    fn of(tree: &Directory<Leaf>) -> Self {
        let entries = tree.entries.iter();
        let top =
            entries.filter(|(name, _)| !DEPLOYED.contains(&&***name) && &***name != "sysroot");
        let mut top: Vec<_> = top
            .map(|(name, node)| (name.clone(), node.clone()))
            .collect();
        // The target's own lies there.
        top.push(("sysroot".into(), Node::Directory(Directory::default())));
        Self {
            top,
            settings: prepare_root::settings(tree).and_then(Leaf::id),
        }
    }
}
