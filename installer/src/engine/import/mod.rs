// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The layers of a container image, made one commit of an ostree repository.
//!
//! Takes an open [`Image`], a repository and the reference that the system will follow; gives the
//! commit to deploy, and leaves in the repository what bootc and rpm-ostree look for there: a commit and
//! a ref for each layer, the merge of them with the image's manifest and configuration, and the image's
//! ref. It deliberately does not know deployments, and knows of the file system only what libostree does.

mod archive;
mod error;
mod layer;
mod metadata;
mod path;
mod refs;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::ops::ControlFlow;

use ostree::gio::Cancellable;

use crate::image::Image;
pub use error::ImportError;
use error::LayerFault;
use layer::Reading;
use tree::{Directory, File, Node};
use write::Objects;

/// What an import left in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The commit to deploy: 64 hexadecimal digits.
    pub checksum: String,
    /// Bytes of the regular files of all layers, unpacked; hard links count once.
    pub content_bytes: u64,
    /// Regular files and symbolic links of all layers; hard links count once.
    pub objects: u64,
}

/// Imports `image` as the content that `target` (`docker://host/repo:tag`) names.
///
/// `progress` is told how many packed bytes of all layers are done, ever more, up to
/// [`Image::total_bytes`], and says whether to go on. It is one transaction: after an error the repository's refs are as they were.
///
/// # Errors
/// [`ImportError::Image`] if a blob cannot be had or is not what its digest says,
/// [`ImportError::Layer`] if a layer holds what cannot be installed,
/// [`ImportError::Unsupported`] for kinds of images, [`ImportError::Repository`] for the rest.
pub fn import(
    repo: &ostree::Repo,
    image: &Image,
    target: &str,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Commit, ImportError> {
    if image.is_encapsulated() {
        let feature = "an image with an ostree commit inside (label `ostree.final-diffid`)";
        return Err(ImportError::unsupported(feature));
    }
    let image_ref = refs::image(target)
        .ok_or_else(|| ImportError::unsupported(format!("the image reference `{target}`")))?;
    let transaction = repo
        .auto_transaction(Cancellable::NONE)
        .map_err(ImportError::repository(
            "beginning a transaction in the repository",
        ))?;
    let mut objects = Objects::new(repo);
    let merged = layers(repo, image, &mut objects, progress)?;
    let checksum = merge_commit(image, &merged, &mut objects)?;
    repo.transaction_set_ref(None, &image_ref, Some(&checksum));
    transaction
        .commit(Cancellable::NONE)
        .map_err(ImportError::repository(
            "committing the image to the repository",
        ))?;
    Ok(Commit {
        checksum,
        content_bytes: objects.bytes,
        objects: objects.count,
    })
}

/// Writes every layer with its commit and ref; gives the merge of them all.
fn layers(
    repo: &ostree::Repo,
    image: &Image,
    objects: &mut Objects<'_>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Directory, ImportError> {
    let time = metadata::time(image);
    let mut merged = Directory::default();
    let mut done = 0;
    for (layer, diff_id) in image.layers.iter().zip(image.diff_ids()) {
        let mut advance = |count| {
            done += count;
            progress(done)
        };
        let mut reading = Reading {
            image,
            objects,
            lower: &merged,
            progress: &mut advance,
        };
        let tree = layer::read(layer, diff_id, &mut reading)?;
        let doing = format!("committing the layer `{}`", layer.digest);
        let commit = objects
            .commit(&tree, &[metadata::IMPORTER], time)
            .map_err(ImportError::repository(&doing))?;
        let name = refs::layer(&layer.digest)
            .ok_or_else(|| ImportError::unsupported(format!("the digest `{}`", layer.digest)))?;
        repo.transaction_set_ref(None, &name, Some(&commit));
        merged.overlay(tree);
    }
    drop_build_litter(&mut merged);
    refuse_policy(&merged)?;
    Ok(merged)
}

fn merge_commit(
    image: &Image,
    merged: &Directory,
    objects: &mut Objects<'_>,
) -> Result<String, ImportError> {
    let manifest = metadata::manifest(image);
    let entries = [
        (metadata::MANIFEST_DIGEST, image.digest.as_str()),
        (metadata::MANIFEST, manifest.as_str()),
        (metadata::CONFIG, image.config.as_str()),
        metadata::IMPORTER,
    ];
    objects
        .commit(merged, &entries, metadata::time(image))
        .map_err(ImportError::repository("committing the merged layers"))
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
