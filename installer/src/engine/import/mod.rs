// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The layers of a container image, made one commit of an ostree repository.
//!
//! Takes an open [`Image`], a repository and the reference that the system will follow; gives the
//! commit to deploy, and leaves in the repository what bootc and rpm-ostree look for there: a commit and
//! a ref for each layer, the merge of them with the image's manifest and configuration, and the image's
//! ref. Layers are read side by side (`layer.rs`, `pipe.rs`) and merged in their order (`merge.rs`). It deliberately
//! does not know deployments, and of the file system only what the repository is.

mod archive;
mod chunk;
mod commit;
mod error;
mod labels;
mod layer;
mod merge;
mod metadata;
mod path;
mod pipe;
mod prepare_root;
mod refs;
mod role;
mod sparse;
mod stored;
pub(crate) mod survey;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::repository::{Checksum, Repository, Staged, Staging};
use crate::image::Image;
use chunk::Objects;
pub use error::ImportError;
use error::LayerFault;
use labels::{Gate, Labelling};
use layer::Files;
use merge::Merge;
use pipe::Shared;
use role::Role;
use stored::Intact;

/// Layers that are read at the same time: each has two threads, some buffers and the window of its decoder.
const MOST_LAYERS: usize = 4;
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
    /// Packed bytes of layers that were in the repository already.
    pub(crate) reused_bytes: u64,
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
    let name = refs::image(target)
        .ok_or_else(|| ImportError::unsupported(format!("the image reference `{target}`")))?;
    repo.clear_stagings()
        .map_err(ImportError::repository("clearing the repository"))?;
    let roles = role::of_layers(image)?;
    let gate = Gate::default();
    let (merge, reused_bytes) = read_layers((repo, image), &gate, &roles, progress)?;
    let commit = merge.finish(&name, gate.labels().as_ref())?;
    Ok(Commit {
        reused_bytes,
        ..commit
    })
}

/// Imports `image` into the repository in the directory `path`, made if it is missing; gives the commit. What stands
/// there is on stable storage then. For measurements: an installation has its own repository.
///
/// # Errors
/// As for any import; [`ImportError::Repository`] if the repository cannot be made, too.
pub fn into_directory(path: &Path, image: &Image, target: &str) -> Result<String, ImportError> {
    let repo = Repository::create(path, "")
        .map_err(ImportError::repository("making the ostree repository"))?;
    let commit = import(&repo, image, target, &mut |_| ControlFlow::Continue(()))?;
    Ok(commit.checksum.to_string())
}

/// What a layer holds.
#[derive(Debug)]
enum Content {
    Files(Files),
    Objects(Objects),
}

/// Whether the layers of an image are of kinds that can be imported, as far as its configuration tells.
pub(crate) fn check(image: &Image) -> Result<(), ImportError> {
    role::of_layers(image).map(drop)
}

/// A layer that was read, or why not.
type Outcome = Result<(Content, Staged), ImportError>;

/// Reads all layers on a few threads; merges each when those below it are merged. Tells how many packed bytes needed no
/// reading.
fn read_layers<'i>(
    (repo, image): (&'i Repository, &'i Image),
    gate: &Gate,
    roles: &[Role],
    progress: Progress<'_>,
) -> Result<(Merge<'i>, u64), ImportError> {
    let shared = Shared::default();
    let intact = Intact::new(repo, &shared);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_LAYERS);
    thread::scope(|scope| {
        for _ in 0..threads.min(roles.len()) {
            let (sender, next) = (sender.clone(), &next);
            let work = Work {
                repo,
                image,
                intact: &intact,
                shared: &shared,
                gate,
            };
            scope.spawn(move || {
                while let Some((at, role)) = take(roles, next) {
                    if sender.send((at, work.layer(at, role))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut merge = Merge::new(repo, image);
        let result = collect(&mut merge, &receiver, &shared, progress);
        match result {
            Ok(()) => Ok((merge, shared.reused())),
            Err(error) => {
                next.store(roles.len(), Ordering::Relaxed);
                if error.is_unreachable() {
                    finish(&mut merge, &receiver, &shared, progress);
                }
                shared.give_up();
                // What is whole spares the next import its bytes. The reason to give up is the one to tell.
                let _ = merge.salvage();
                Err(error)
            }
        }
    })
}

/// The next layer that nobody has taken.
fn take(roles: &[Role], next: &AtomicUsize) -> Option<(usize, Role)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, *roles.get(at)?))
}

/// What reading a layer takes.
struct Work<'i> {
    repo: &'i Repository,
    image: &'i Image,
    intact: &'i Intact<'i>,
    shared: &'i Shared,
    gate: &'i Gate,
}

impl Work<'_> {
    /// Reads a layer, unless it is in the repository already.
    fn layer(&self, at: usize, role: Role) -> Outcome {
        // However it ends, no layer waits for a policy any longer.
        let _opens = (at == 0).then(|| self.gate.opened_at_end());
        self.content(at, role)
    }

    fn content(&self, at: usize, role: Role) -> Outcome {
        let mut staging = self
            .repo
            .stage()
            .map_err(ImportError::repository("making a place for a layer"))?;
        match self.fill(&mut staging, at, role) {
            Err(error @ ImportError::Repository { .. }) => {
                // On a full disk it leaves no room to keep what is whole. The reason to give up is the one to tell.
                let _ = self.repo.discard(staging);
                Err(error)
            }
            content => Ok((content?, staging.close())),
        }
    }

    fn fill(&self, staging: &mut Staging, at: usize, role: Role) -> Result<Content, ImportError> {
        let (layer, diff_id) = (&self.image.layers[at], self.image.diff_ids()[at].as_str());
        if let Some(content) = stored::layer(self.intact, (self.image, at), role) {
            self.shared.skip(layer.size);
            return Ok(content);
        }
        if self.shared.has_given_up() {
            // What looks like a layer that is not there may be one that was not looked at to its end.
            return Err(ImportError::Stopped);
        }
        let place = (staging, self.shared);
        match role {
            Role::Files => {
                let labelling = Labelling::new(self.gate, at == 0);
                layer::read(self.image, (layer, diff_id), place, labelling).map(Content::Files)
            }
            Role::Commit | Role::Objects => {
                let is_first = role == Role::Commit;
                chunk::read(self.image, (layer, diff_id), is_first, place).map(Content::Objects)
            }
        }
    }
}

/// Takes the layers that are still being read when another could not be had.
fn finish(
    merge: &mut Merge<'_>,
    results: &Receiver<(usize, Outcome)>,
    shared: &Shared,
    progress: Progress<'_>,
) {
    while let Err(error) = collect(merge, results, shared, progress) {
        if !error.is_unreachable() {
            return;
        }
    }
}

/// Takes the layers as they come, until all are merged. One that was stopped is passed over: a fault of another one was the
/// reason, and is told when it comes.
fn collect(
    merge: &mut Merge<'_>,
    results: &Receiver<(usize, Outcome)>,
    shared: &Shared,
    progress: Progress<'_>,
) -> Result<(), ImportError> {
    let mut is_stopped = false;
    loop {
        if progress(shared.done()).is_break() {
            return Err(ImportError::Stopped);
        }
        match results.recv_timeout(TICK) {
            Ok((_, Err(ImportError::Stopped))) => is_stopped = true,
            Ok((at, layer)) => merge.add(at, layer?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if is_stopped => return Err(ImportError::Stopped),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
