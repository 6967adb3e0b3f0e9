// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layers, laid over each other in their order, and what is kept of each.
//!
//! Takes layers in any order; gives each a commit when those below it are there, refs to many at a time, and in the
//! end the image its commit and ref. Objects become durable, and get their names, before a ref leads to them. It
//! deliberately does not know how a layer is read.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::chunk::Objects;
use super::labels::{self, Labels, Policies, Relabelling};
use super::layer::Files;
use super::tree::{Directory, File, Label, Node};
use super::{Checksum, Commit, Content, ImportError, commit, metadata, prepare_root, refs, stored};
use crate::engine::repository::{Repository, Staged, Staging};
use crate::image::{Image, ImageError, Layer};

/// Packed bytes of merged layers after which these are made durable, so that an interrupted import need not read them
/// again. Those that wait for one below them are lost with a crash, however many they are.
const CHECKPOINT: u64 = 128 << 20;
/// Merged layers that are made durable together at most.
const MOST_STAGED: usize = 64;
/// What builders leave behind, empty.
pub(super) const LITTER: [&str; 2] = ["usr/etc/hostname", "usr/etc/resolv.conf"];
/// What ostree deploys of a root that is not an overlay, and the mount points in it.
pub(super) const DEPLOYED: [&str; 7] = ["usr", "var", "run", "tmp", "proc", "sys", "dev"];

/// An image whose layers are coming in.
#[derive(Debug)]
pub(super) struct Merge<'i> {
    repo: &'i Repository,
    image: &'i Image,
    /// Layers that wait for one below them.
    waiting: BTreeMap<usize, (Content, Staged)>,
    /// The merge of the layers up to `count`, but for the commit that lies below them.
    merged: Directory,
    count: usize,
    /// The layers of files, each with its ref.
    layers: Vec<(String, Directory)>,
    /// The directories that were written.
    known: commit::Known,
    /// The commit that the lowest layers hold.
    base: Option<Checksum>,
    /// Whether the tree of that commit is in `merged`.
    has_base: bool,
    /// Whether the system has no more of the root than ostree deploys by itself.
    usr_only: bool,
    /// Directories and commits of layers that have no name in the repository yet.
    own: Option<Staging>,
    /// What else has no name in the repository yet, and the refs to set when it has.
    staged: Vec<Staged>,
    refs: Vec<(String, Checksum)>,
    staged_bytes: u64,
    bytes: u64,
    objects: u64,
}

impl<'i> Merge<'i> {
    pub(super) fn new(repo: &'i Repository, image: &'i Image) -> Self {
        Self {
            repo,
            image,
            waiting: BTreeMap::new(),
            merged: Directory::default(),
            count: 0,
            layers: Vec::new(),
            known: commit::Known::default(),
            base: None,
            has_base: false,
            usr_only: false,
            own: None,
            staged: Vec::new(),
            refs: Vec::new(),
            staged_bytes: 0,
            bytes: 0,
            objects: 0,
        }
    }

    /// Takes the layer `at`, and merges it and those that waited for it.
    pub(super) fn add(&mut self, at: usize, layer: (Content, Staged)) -> Result<(), ImportError> {
        self.waiting.insert(at, layer);
        while let Some((content, staging)) = self.waiting.remove(&self.count) {
            self.layer(content, staging)?;
            self.count += 1;
        }
        if self.staged_bytes >= CHECKPOINT || self.staged.len() >= MOST_STAGED {
            self.publish()?;
        }
        Ok(())
    }

    fn layer(&mut self, content: Content, staged: Staged) -> Result<(), ImportError> {
        let image = self.image;
        let layer = &image.layers[self.count];
        let name = ref_of(layer)?;
        let commit = match content {
            Content::Files(files) => self.files((layer, &name), files)?,
            Content::Objects(objects) => self.objects(layer, &objects)?,
        };
        self.bytes = self.bytes.saturating_add(staged.bytes);
        self.objects += staged.objects;
        self.staged_bytes = self.staged_bytes.saturating_add(layer.size);
        self.take(staged, (name, commit));
        Ok(())
    }

    /// Takes the objects of a layer and the ref to its commit, for the next time that something is published.
    fn take(&mut self, staged: Staged, name: (String, Checksum)) {
        self.staged.push(staged);
        self.refs.push(name);
    }

    /// Lays a layer of files over those below.
    fn files(
        &mut self,
        (layer, name): (&Layer, &str),
        mut files: Files,
    ) -> Result<Checksum, ImportError> {
        self.load_base()?;
        files
            .link_to(&self.merged)
            .map_err(|fault| fault.in_layer(&layer.digest))?;
        if self.usr_only {
            let entries = &mut files.tree.entries;
            entries.retain(|name, _| DEPLOYED.contains(&&**name));
        }
        self.merged.overlay(files.tree.clone());
        // An import that finds this layer in the repository must merge it to the same.
        files.tree.settle(&self.merged);
        let mut own = self.own()?;
        let about = (&[metadata::IMPORTER][..], None);
        let time = metadata::time(self.image);
        let commit = commit::write(
            (&mut own, &mut self.known),
            (&files.tree, None),
            about,
            time,
        );
        let commit = self
            .keep(own, commit)
            .map_err(ImportError::repository(committing(layer)))?;
        self.layers.push((name.to_owned(), files.tree));
        Ok(commit)
    }

    /// Keeps the objects of a layer: by the commit that it holds, or by one that lists them.
    fn objects(&mut self, layer: &Layer, objects: &Objects) -> Result<Checksum, ImportError> {
        if let Some(commit) = objects.commit {
            self.base = Some(commit);
            return Ok(commit);
        }
        let mut list = Directory::default();
        for &checksum in &objects.files {
            let file = File {
                checksum,
                size: 0,
                symlink: false,
                label: Label::InObject,
            };
            let name = checksum.to_string().into();
            list.entries.insert(name, Node::File(file));
        }
        let mut own = self.own()?;
        let commit = commit::write((&mut own, &mut self.known), (&list, None), (&[], None), 0);
        self.keep(own, commit)
            .map_err(ImportError::repository(committing(layer)))
    }

    /// Where to write what is not of one layer; to be given to [`Self::keep`] with what came of it.
    fn own(&mut self) -> Result<Staging, ImportError> {
        match self.own.take() {
            Some(own) => Ok(own),
            None => self
                .repo
                .stage()
                .map_err(ImportError::repository("making a place for commits")),
        }
    }

    /// Keeps what was written. After a fault it holds half an object and is of no use, nor are the commits in it that wait
    /// for their refs.
    fn keep<T>(&mut self, own: Staging, written: io::Result<T>) -> io::Result<T> {
        if written.is_ok() {
            self.own = Some(own);
        } else {
            self.refs.clear();
            self.known = commit::Known::default();
        }
        written
    }

    /// Puts the tree of the lowest layers' commit below everything, once all of it is there.
    fn load_base(&mut self) -> Result<(), ImportError> {
        let Some(commit) = self.base.filter(|_| !self.has_base) else {
            return Ok(());
        };
        self.publish()?;
        self.merged = stored::tree(self.repo, commit)
            .map_err(|error| incomplete(self.image, commit, &error))?;
        self.usr_only = !prepare_root::is_overlay(self.repo, &self.merged);
        self.has_base = true;
        Ok(())
    }

    /// Makes durable what is there when no more comes: what was merged and, for the next import to merge, the layers that wait
    /// for a lost one. One with links to lower layers cannot be kept without them.
    pub(super) fn salvage(&mut self) -> Result<(), ImportError> {
        let image = self.image;
        // This takes hardly any space. On a disk that is full, commits of further layers may not be written.
        self.publish()?;
        for (at, (content, staged)) in std::mem::take(&mut self.waiting) {
            let layer = &image.layers[at];
            let commit = match content {
                Content::Files(files) if !files.is_whole() => continue,
                Content::Files(files) => self.unmerged(layer, files.tree)?,
                Content::Objects(objects) => self.objects(layer, &objects)?,
            };
            self.take(staged, (ref_of(layer)?, commit));
        }
        self.publish()
    }

    fn unmerged(&mut self, layer: &Layer, mut tree: Directory) -> Result<Checksum, ImportError> {
        tree.mark_unsettled();
        let mut own = self.own()?;
        let about = (&[metadata::IMPORTER][..], None);
        let time = metadata::time(self.image);
        let commit = commit::write((&mut own, &mut self.known), (&tree, None), about, time);
        self.keep(own, commit)
            .map_err(ImportError::repository(committing(layer)))
    }

    /// Makes durable what is staged, gives it its names, and sets the refs to it.
    pub(super) fn publish(&mut self) -> Result<(), ImportError> {
        self.staged_bytes = 0;
        self.staged.extend(self.own.take().map(Staging::close));
        // Refs to what could not be published must never be set, by another call neither.
        let refs = std::mem::take(&mut self.refs);
        let published = self
            .repo
            .publish(std::mem::take(&mut self.staged))
            .and_then(|()| {
                let mut refs = refs.into_iter();
                refs.try_for_each(|(name, commit)| self.repo.set_ref(&name, commit))
            });
        if published.is_err() {
            // Nor refs to what would share directories with it.
            self.waiting.clear();
            self.known = commit::Known::default();
        }
        published.map_err(ImportError::repository("writing the repository"))
    }

    /// Gives every file the label that the policy of the whole image has for its path, in the image and in its layers;
    /// gives that policy. Without one nothing that was written here has a label.
    fn relabel(&mut self, first: Option<&Arc<Labels>>) -> Result<Option<Arc<Labels>>, ImportError> {
        if self.merged.get(labels::CONFIG).is_none() && !self.has_labels() {
            return Ok(None);
        }
        self.publish()?;
        let doing = || ImportError::repository("labelling the image");
        let policies = Policies::in_tree(self.repo, &self.merged).map_err(doing())?;
        let labels = policies.labels_or(first.cloned())?;
        if labels.is_none() && !self.has_labels() {
            return Ok(None);
        }
        let mut own = self.own()?;
        let is_first = match (&labels, first) {
            (Some(labels), Some(first)) => Arc::ptr_eq(labels, first),
            _ => false,
        };
        let relabelled = self.relabel_by((labels.as_deref(), is_first), &mut own);
        self.keep(own, relabelled).map_err(doing())?;
        Ok(labels)
    }

    /// Whether a layer has labels of a policy that it was read by, now or by an earlier import. Over an ostree commit none
    /// is: what labels there are come from that commit, by links to its files, and stay.
    fn has_labels(&self) -> bool {
        self.base.is_none() && self.layers.iter().any(|(_, tree)| labels::are_in(tree))
    }

    fn relabel_by(
        &mut self,
        (labels, is_first): (Option<&Labels>, bool),
        staging: &mut Staging,
    ) -> io::Result<()> {
        let mut relabelling = Relabelling::new(self.repo, staging, (labels, is_first));
        relabelling.tree(&mut self.merged, "")?;
        for (_, tree) in &mut self.layers {
            relabelling.tree(tree, "")?;
        }
        let time = metadata::time(self.image);
        for (name, tree) in &self.layers {
            let about = (&[metadata::IMPORTER][..], None);
            let commit = commit::write(
                (&mut *staging, &mut self.known),
                (tree, labels),
                about,
                time,
            )?;
            self.refs.push((name.clone(), commit));
        }
        Ok(())
    }

    /// Commits the merge of all layers under the ref `name`. Layers were written with the labels `first`, if with any.
    pub(super) fn finish(
        mut self,
        name: &str,
        first: Option<&Arc<Labels>>,
    ) -> Result<Commit, ImportError> {
        self.load_base()?;
        drop_build_litter(&mut self.merged);
        let labels = self.relabel(first)?;
        let manifest = metadata::manifest(self.image);
        let entries = [
            (metadata::MANIFEST_DIGEST, self.image.digest.as_str()),
            (metadata::MANIFEST, manifest.as_str()),
            (metadata::CONFIG, self.image.config.as_str()),
            metadata::IMPORTER,
        ];
        let doing = "committing the merged layers";
        let mut own = self.own()?;
        let about = (&entries[..], self.base);
        let time = metadata::time(self.image);
        let checksum = commit::write(
            (&mut own, &mut self.known),
            (&self.merged, labels.as_deref()),
            about,
            time,
        );
        let checksum = self
            .keep(own, checksum)
            .map_err(ImportError::repository(doing))?;
        self.refs.push((name.to_owned(), checksum));
        self.publish()?;
        self.repo
            .sync()
            .map_err(ImportError::repository("flushing the repository"))?;
        Ok(Commit {
            checksum,
            content_bytes: self.bytes,
            objects: self.objects,
            reused_bytes: 0,
        })
    }
}

/// The ref that a layer has in every repository.
fn ref_of(layer: &Layer) -> Result<String, ImportError> {
    refs::layer(&layer.digest)
        .ok_or_else(|| ImportError::unsupported(format!("the digest `{}`", layer.digest)))
}

fn committing(layer: &Layer) -> String {
    format!("committing the layer `{}`", layer.digest)
}

/// An image whose layers do not hold all of its commit.
fn incomplete(image: &Image, commit: Checksum, error: &io::Error) -> ImportError {
    let doing = format!(
        "reading the ostree commit `{commit}` of `{}`",
        image.reference
    );
    let reason = format!("its layers do not hold all of it: {error}");
    ImageError::invalid(doing, reason).into()
}

/// Image builders mount files here while they build, and leave them empty.
fn drop_build_litter(merged: &mut Directory) {
    for path in LITTER {
        if let Some(Node::File(File {
            size: 0,
            symlink: false,
            ..
        })) = merged.get(path)
        {
            merged.remove(path);
        }
    }
}
