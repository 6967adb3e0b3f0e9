// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layers, laid over each other in their order, and what is kept of each.
//!
//! Takes layers in any order; gives each a commit and a ref as soon as those below it are there, and in the end the
//! image its commit and ref. Objects become durable, and get their names, before a ref leads to them. It deliberately
//! does not know how a layer is read.

use std::collections::BTreeMap;

use super::layer::Content;
use super::tree::{Directory, File, Node};
use super::{Checksum, Commit, ImportError, commit, metadata, refs};
use crate::engine::repository::{Repository, Staging};
use crate::image::Image;

/// Packed bytes of layers after which what is read is made durable, so that an interrupted import need not
/// read it again.
const CHECKPOINT: u64 = 256 << 20;

/// An image whose layers are coming in.
#[derive(Debug)]
pub(super) struct Merge<'i> {
    repo: &'i Repository,
    image: &'i Image,
    /// Layers that wait for one below them.
    waiting: BTreeMap<usize, (Content, Staging)>,
    /// The merge of the layers up to `count`.
    merged: Directory,
    count: usize,
    /// What has no name in the repository yet, and the refs to set when it has.
    staged: Vec<Staging>,
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
            staged: Vec::new(),
            refs: Vec::new(),
            staged_bytes: 0,
            bytes: 0,
            objects: 0,
        }
    }

    /// Takes the layer `at`, and merges it and those that waited for it.
    pub(super) fn add(&mut self, at: usize, layer: (Content, Staging)) -> Result<(), ImportError> {
        self.waiting.insert(at, layer);
        while let Some((content, staging)) = self.waiting.remove(&self.count) {
            self.layer(content, staging)?;
            self.count += 1;
        }
        if self.staged_bytes >= CHECKPOINT {
            self.publish()?;
        }
        Ok(())
    }

    fn layer(&mut self, mut content: Content, mut staging: Staging) -> Result<(), ImportError> {
        let layer = &self.image.layers[self.count];
        content
            .link_to(&self.merged)
            .map_err(|fault| fault.in_layer(&layer.digest))?;
        let name = refs::layer(&layer.digest)
            .ok_or_else(|| ImportError::unsupported(format!("the digest `{}`", layer.digest)))?;
        let time = metadata::time(self.image);
        let doing = format!("committing the layer `{}`", layer.digest);
        let commit = commit::write(&mut staging, &content.tree, &[metadata::IMPORTER], time)
            .map_err(ImportError::repository(doing))?;
        self.refs.push((name, commit));
        self.bytes = self.bytes.saturating_add(staging.bytes);
        self.objects += staging.objects;
        self.staged.push(staging);
        self.staged_bytes = self.staged_bytes.saturating_add(layer.size);
        self.merged.overlay(content.tree);
        Ok(())
    }

    /// Makes durable what is staged, gives it its names, and sets the refs to it.
    fn publish(&mut self) -> Result<(), ImportError> {
        self.staged_bytes = 0;
        self.repo
            .publish(std::mem::take(&mut self.staged))
            .and_then(|()| {
                let mut refs = self.refs.drain(..);
                refs.try_for_each(|(name, commit)| self.repo.set_ref(&name, commit))
            })
            .map_err(ImportError::repository("writing the repository"))
    }

    /// Commits the merge of all layers under the ref `name`.
    pub(super) fn finish(mut self, name: &str) -> Result<Commit, ImportError> {
        drop_build_litter(&mut self.merged);
        refuse_policy(&self.merged)?;
        let manifest = metadata::manifest(self.image);
        let entries = [
            (metadata::MANIFEST_DIGEST, self.image.digest.as_str()),
            (metadata::MANIFEST, manifest.as_str()),
            (metadata::CONFIG, self.image.config.as_str()),
            metadata::IMPORTER,
        ];
        let doing = "committing the merged layers";
        let mut staging = self
            .repo
            .stage(self.count)
            .map_err(ImportError::repository(doing))?;
        let time = metadata::time(self.image);
        let checksum = commit::write(&mut staging, &self.merged, &entries, time)
            .map_err(ImportError::repository(doing))?;
        self.staged.push(staging);
        self.refs.push((name.to_owned(), checksum));
        self.publish()?;
        self.repo
            .sync()
            .map_err(ImportError::repository("flushing the repository"))?;
        Ok(Commit {
            checksum,
            content_bytes: self.bytes,
            objects: self.objects,
        })
    }
}

/// Image builders mount files here while they build, and leave them empty.
fn drop_build_litter(merged: &mut Directory) {
    for path in ["usr/etc/hostname", "usr/etc/resolv.conf"] {
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

/// Files of an image with a policy would need its labels: without them the system does not boot.
fn refuse_policy(merged: &Directory) -> Result<(), ImportError> {
    let Some(Node::Directory(policies)) = merged.get("usr/etc/selinux") else {
        return Ok(());
    };
    let has_contexts = |node: &Node| match node {
        Node::Directory(policy) => policy.get("contexts/files/file_contexts").is_some(),
        Node::File(_) => false,
    };
    if policies.entries.values().any(has_contexts) {
        return Err(ImportError::unsupported("an image with an SELinux policy"));
    }
    Ok(())
}
