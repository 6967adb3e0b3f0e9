// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads again what another program copies, and compares it with its digest meanwhile.
//!
//! Takes files of known digests; the work that runs beside is the caller's.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::error::MediaError;
use super::watch::{Phase, Watch};
use crate::engine::error::EngineError;
use crate::image::{Image, ImageError, Layer, Verified, from_io};
use crate::medium::MediumFile;

/// What is read at once.
const BUFFER: usize = 256 << 10;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(50);

/// Something whose content is known by its digest.
#[derive(Debug)]
pub(super) enum Known<'k> {
    /// A layer, where it lies.
    Layer(&'k Image, &'k Layer),
    /// A file, and what must be in it.
    File(PathBuf, &'k MediumFile),
}

impl Known<'_> {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Layer(_, layer) => layer.size,
            Self::File(_, file) => file.size,
        }
    }

    /// What a failed read means.
    fn blame(&self, error: io::Error) -> ImageError {
        let error = from_io(error, "verifying what is on the medium");
        match self {
            Self::Layer(..) => error,
            Self::File(path, _) => {
                let doing = format!(
                    "using `{}`, which is kept from an earlier run (remove its environment)",
                    path.display()
                );
                ImageError::invalid(doing, error.to_string())
            }
        }
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, ImageError> {
        match self {
            Self::Layer(image, layer) => image.blob(layer),
            Self::File(path, file) => {
                let doing = format!("opening `{}`", path.display());
                let open = std::fs::File::open(path);
                let open = open.map_err(|e| ImageError::unreachable(doing, e))?;
                let digest = format!("sha256:{}", file.sha256);
                Ok(Box::new(Verified::new(open, &digest, file.size)))
            }
        }
    }
}

/// The readers, and what they have found.
struct Reading<'r> {
    known: Vec<Known<'r>>,
    next: AtomicUsize,
    done: AtomicU64,
    failed: Mutex<Option<ImageError>>,
    given_up: AtomicBool,
}

/// Does `work` on a thread while all of `known` is read; what differs from its digest is the error of the two. When the one
/// fails, the other is given up: `work` is given what tells it so.
pub(super) fn beside(
    mut known: Vec<Known<'_>>,
    watch: &mut Watch<'_>,
    work: impl FnOnce(&AtomicBool) -> Result<(), EngineError> + Send,
) -> Result<(), MediaError> {
    // The largest first, so that all readers end at about the same time.
    known.sort_by_key(|known| std::cmp::Reverse(known.size()));
    let total = known.iter().map(Known::size).sum();
    let reading = Reading {
        known,
        next: AtomicUsize::new(0),
        done: AtomicU64::new(0),
        failed: Mutex::new(None),
        given_up: AtomicBool::new(false),
    };
    let worked = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let worked = work(&reading.given_up);
            if worked.is_err() {
                reading.given_up.store(true, Ordering::Relaxed);
            }
            worked
        });
        let readers = thread::available_parallelism().map_or(1, Into::into);
        let readers: Vec<_> = (0..readers)
            .map(|_| scope.spawn(|| reading.run()))
            .collect();
        while !worker.is_finished() || readers.iter().any(|reader| !reader.is_finished()) {
            let done = reading.done.load(Ordering::Relaxed);
            if watch.tell(Phase::Write, done, Some(total)).is_break() {
                reading.given_up.store(true, Ordering::Relaxed);
            }
            thread::sleep(TICK);
        }
        worker.join().unwrap_or_else(|_| {
            let error = io::Error::other("its thread has ended");
            Err(EngineError::io("writing the medium", error))
        })
    });
    watch.check()?;
    let failed = reading.failed.into_inner();
    match failed.unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(EngineError::from(error).into()),
        None => Ok(worked?),
    }
}

impl Reading<'_> {
    fn run(&self) {
        while !self.given_up.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(known) = self.known.get(at) else {
                return;
            };
            if let Err(error) = self.read(known) {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                self.given_up.store(true, Ordering::Relaxed);
            }
        }
    }

    fn read(&self, known: &Known<'_>) -> Result<(), ImageError> {
        let mut file = known.open()?;
        let mut buffer = vec![0; BUFFER];
        while !self.given_up.load(Ordering::Relaxed) {
            let count = file.read(&mut buffer).map_err(|e| known.blame(e))?;
            if count == 0 {
                return Ok(());
            }
            self.done.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::engine::Stop;
    use crate::engine::tool::Tool;
    use crate::hex::hex;

    fn file(content: &[u8]) -> MediumFile {
        MediumFile {
            path: "a".into(),
            size: content.len() as u64,
            sha256: hex(&Sha256::digest(content)),
        }
    }

    #[test]
    fn what_differs_is_an_error_though_the_work_was_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let (mut most, stop) = (0, Stop::default());
        let mut read = |content: &[u8]| {
            let known = file(b"content");
            fs::write(&path, content).unwrap();
            let mut tell = |told: super::super::watch::Told| most = most.max(told.done);
            let mut watch = Watch {
                stop: &stop,
                tell: &mut tell,
            };
            let mut worked = false;
            let read = beside(vec![Known::File(path.clone(), &known)], &mut watch, |_| {
                worked = true;
                Ok(())
            });
            assert!(worked);
            read
        };
        read(b"content").unwrap();
        for (content, why) in [
            (&b"CONTENT"[..], "its content has the digest"),
            (b"conten", "it ends after 6 of 7 bytes"),
            (b"content!", "it is longer than 7 bytes"),
        ] {
            let error = read(content).unwrap_err().chain().join("; ");
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn nothing_more_is_read_when_the_work_has_failed() {
        const SIZE: u64 = 8 << 30;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::File::create(&path).unwrap().set_len(SIZE).unwrap();
        let known = MediumFile {
            size: SIZE,
            ..file(b"")
        };
        let (mut most, stop) = (0, Stop::default());
        let mut tell = |told: super::super::watch::Told| most = most.max(told.done);
        let mut watch = Watch {
            stop: &stop,
            tell: &mut tell,
        };
        let failed = beside(vec![Known::File(path, &known)], &mut watch, |_| {
            let full = io::ErrorKind::StorageFull.into();
            Err(EngineError::io("writing the medium", full))
        });
        let error = failed.unwrap_err().chain().join("; ");
        assert!(error.starts_with("writing the medium"), "{error}");
        assert!(most < SIZE, "all of it was read");
    }

    #[test]
    fn the_work_is_ended_when_something_differs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "CONTENT").unwrap();
        let known = file(b"content");
        let (stop, mut ended) = (Stop::default(), None);
        let mut watch = Watch {
            stop: &stop,
            tell: &mut |_| {},
        };
        let failed = beside(vec![Known::File(path, &known)], &mut watch, |given_up| {
            let worked = Tool::Chroot.with(["/", "sleep", "60"]).run_unless(given_up);
            ended = Some(worked.is_err());
            worked
        });
        let error = failed.unwrap_err().chain().join("; ");
        assert!(error.contains("its content has the digest"), "{error}");
        assert_eq!(ended, Some(true));
    }
}
