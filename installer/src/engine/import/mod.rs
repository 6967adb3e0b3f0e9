// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The layers of a container image, made one commit of an ostree repository.
//!
//! Takes an open [`Image`], a repository and the reference that the system will follow; gives the
//! commit to deploy, and leaves in the repository what bootc and rpm-ostree look for there: a commit and
//! a ref for each layer, the merge of them with the image's manifest and configuration, and the image's
//! ref. Layers are read side by side (`layer.rs`, `pipe.rs`) and merged in their order (`merge.rs`). It deliberately
//! does not know deployments, and of the file system only what the repository is.

mod archive;
mod commit;
mod error;
mod layer;
mod merge;
mod metadata;
mod path;
mod pipe;
mod refs;
mod stored;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::repository::{Checksum, Repository, Staging};
use crate::image::Image;
pub use error::ImportError;
use error::LayerFault;
use layer::Content;
use merge::Merge;
use pipe::Shared;

/// How often progress is told while nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// What an import left in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The commit to deploy.
    pub(crate) checksum: Checksum,
    /// Bytes of the regular files of all layers, unpacked; hard links count once.
    pub(crate) content_bytes: u64,
    /// Regular files and symbolic links of all layers; hard links count once.
    pub(crate) objects: u64,
}

/// Told how many packed bytes of all layers are done, ever more, up to [`Image::total_bytes`]; says whether to go on.
pub(crate) type Progress<'p> = &'p mut dyn FnMut(u64) -> ControlFlow<()>;

/// Imports `image` as the content that `target` (`docker://host/repo:tag`) names.
///
/// After an error the image has no ref. What was written then is of use to the next import.
///
/// # Errors
/// [`ImportError::Image`] if a blob cannot be had or is not what its digest says,
/// [`ImportError::Layer`] if a layer holds what cannot be installed,
/// [`ImportError::Unsupported`] for kinds of images, [`ImportError::Repository`] for the rest.
pub(crate) fn import(
    repo: &Repository,
    image: &Image,
    target: &str,
    progress: Progress<'_>,
) -> Result<Commit, ImportError> {
    if image.is_encapsulated() {
        let feature = "an image with an ostree commit inside (label `ostree.final-diffid`)";
        return Err(ImportError::unsupported(feature));
    }
    let name = refs::image(target)
        .ok_or_else(|| ImportError::unsupported(format!("the image reference `{target}`")))?;
    repo.clear_stagings()
        .map_err(ImportError::repository("clearing the repository"))?;
    let merge = read_layers(repo, image, progress)?;
    merge.finish(&name)
}

/// A layer that was read, or why not.
type Read = Result<(Content, Staging), ImportError>;

/// Reads all layers on a few threads; merges each when those below it are merged.
fn read_layers<'i>(
    repo: &'i Repository,
    image: &'i Image,
    progress: Progress<'_>,
) -> Result<Merge<'i>, ImportError> {
    let shared = Shared::default();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads.min(image.layers.len()) {
            let (sender, next, shared) = (sender.clone(), &next, &shared);
            scope.spawn(move || work(repo, image, (next, shared), &sender));
        }
        drop(sender);
        let merged = collect(Merge::new(repo, image), &receiver, &shared, progress);
        shared.give_up();
        merged
    })
}

/// Reads one layer after the other until there are no more.
fn work(
    repo: &Repository,
    image: &Image,
    (next, shared): (&AtomicUsize, &Shared),
    results: &Sender<(usize, Read)>,
) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let (Some(layer), Some(diff_id)) = (image.layers.get(at), image.diff_ids().get(at)) else {
            return;
        };
        let stage = || {
            let mut staging = repo
                .stage(at)
                .map_err(ImportError::repository("making a place for a layer"))?;
            if let Some(tree) = stored::layer(repo, &layer.digest) {
                shared.skip(layer.size);
                return Ok((Content::of(tree), staging));
            }
            let content = layer::read(image, (layer, diff_id), &mut staging, shared)?;
            Ok((content, staging))
        };
        let result = stage();
        if results.send((at, result)).is_err() {
            return;
        }
    }
}

/// Takes the layers as they come, until all are merged.
fn collect<'i>(
    mut merge: Merge<'i>,
    results: &Receiver<(usize, Read)>,
    shared: &Shared,
    progress: Progress<'_>,
) -> Result<Merge<'i>, ImportError> {
    loop {
        if progress(shared.done()).is_break() {
            return Err(ImportError::Stopped);
        }
        match results.recv_timeout(TICK) {
            Ok((at, layer)) => merge.add(at, layer?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(merge),
        }
    }
}
