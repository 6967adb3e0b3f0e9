// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A layer's blob, unpacked on a thread of its own.
//!
//! Takes a blob and how it is packed; gives the archive in it as a reader, a bounded number of chunks ahead of
//! its user, and at its end the archive's digest: fetching, verifying, unpacking and hashing go on while objects are
//! written. It deliberately does not know what is in the archive.

use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Scope;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

use super::ImportError;
use crate::hex::hex;
use crate::image::{Compression, Image, Layer, from_io};

/// Bytes of a chunk that is handed over.
const CHUNK: usize = 256 * 1024;
/// Chunks between the threads.
const DEPTH: usize = 8;
/// Bits of the window of zstd, which bounds its memory to 128 MiB for a layer; what `zstd --long` makes.
const WINDOW_LOG: u32 = 27;

/// What all layers of an import share: how far they are, and whether to go on.
#[derive(Debug, Default)]
pub(super) struct Shared {
    done: AtomicU64,
    reused: AtomicU64,
    given_up: AtomicBool,
}

impl Shared {
    /// Packed bytes read so far.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Packed bytes that did not have to be read, of those.
    pub(super) fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// Counts packed bytes that need not be read.
    pub(super) fn skip(&self, count: u64) {
        self.reused.fetch_add(count, Ordering::Relaxed);
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether every layer is to end.
    pub(super) fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Ends every layer that is being read.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

/// The packed bytes, with the reason kept that decoders above would lose.
struct Source<'s> {
    blob: Box<dyn Read + Send>,
    shared: &'s Shared,
    failure: Option<ImportError>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.shared.has_given_up() {
            self.failure = Some(ImportError::Stopped);
            return Err(io::Error::other("stopped"));
        }
        match self.blob.read(buffer) {
            Ok(count) => {
                self.shared.done.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(from_io(error, "reading a layer").into());
                Err(io::Error::other("the blob cannot be read"))
            }
        }
    }
}

/// Reads a layer's blob to its end, and lets `user` read the archive in it meanwhile. A blob that is not what its
/// digest says is blamed for that, whatever `user` found in it.
pub(super) fn with_archive<T>(
    image: &Image,
    layer: &Layer,
    shared: &Shared,
    user: impl FnOnce(&mut Unpacked) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let compression = layer.compression()?;
    let mut source = Source {
        blob: image.blob(layer)?,
        shared,
        failure: None,
    };
    std::thread::scope(|scope| {
        let (mut unpacked, pump) = Pump::new();
        let thread = spawn(scope, move || {
            pump.run(&mut source, compression);
            source.failure
        })?;
        let result = user(&mut unpacked);
        let is_full = matches!(result, Err(ImportError::Repository { .. }));
        if is_full {
            // A disk that takes no more ends the whole import: what is left of the blob is of no use.
            shared.give_up();
        }
        drop(unpacked);
        match thread.join() {
            Ok(_) if is_full => result,
            Ok(None) => result,
            Ok(Some(failure)) => Err(failure),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<std::thread::ScopedJoinHandle<'scope, T>, ImportError> {
    let thread = std::thread::Builder::new().name("unpack".to_owned());
    thread
        .spawn_scoped(scope, work)
        .map_err(ImportError::repository("starting a thread"))
}

/// What goes from one thread to the other.
enum Piece {
    Chunk(Vec<u8>),
    /// The archive is whole, and this is its digest.
    End(String),
}

/// The sending end: fills chunks and hands them over.
struct Pump {
    full: SyncSender<io::Result<Piece>>,
    empty: Receiver<Vec<u8>>,
}

impl Pump {
    fn new() -> (Unpacked, Self) {
        let (full, from_pump) = sync_channel(DEPTH);
        let (to_pump, empty) = channel();
        let unpacked = Unpacked {
            full: from_pump,
            empty: to_pump,
            chunk: Vec::new(),
            at: 0,
            digest: None,
        };
        (unpacked, Self { full, empty })
    }

    /// Unpacks all of the source, or what is left of it when nobody wants more: then only its digest counts.
    fn run(self, source: &mut Source<'_>, compression: Compression) {
        if let Err(error) = self.unpack(source, compression) {
            // The reader may be gone: then nobody wants to know.
            let _ = self.full.send(Err(explained(error)));
        }
        drop(self);
        if source.failure.is_none() {
            // A failure is kept by `read`.
            let _ = io::copy(source, &mut io::sink());
        }
    }

    fn unpack(&self, source: &mut Source<'_>, compression: Compression) -> io::Result<()> {
        let packed = BufReader::with_capacity(CHUNK, source);
        match compression {
            Compression::None => self.pump(packed),
            Compression::Gzip => self.pump(MultiGzDecoder::new(packed)),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed)?;
                decoder.window_log_max(WINDOW_LOG)?;
                self.pump(decoder)
            }
        }
    }

    fn pump(&self, mut archive: impl Read) -> io::Result<()> {
        let mut hash = Sha256::new();
        loop {
            let mut chunk = self.empty.try_recv().unwrap_or_default();
            chunk.resize(CHUNK, 0);
            let (count, end) = fill(&mut archive, &mut chunk);
            chunk.truncate(count);
            hash.update(&chunk);
            let is_last = count < CHUNK;
            if self.full.send(Ok(Piece::Chunk(chunk))).is_err() {
                return end;
            }
            if is_last {
                end?;
                let digest = format!("sha256:{}", hex(&hash.finalize()));
                // The reader may have had enough.
                let _ = self.full.send(Ok(Piece::End(digest)));
                return Ok(());
            }
        }
    }
}

/// zstd says that a window takes too much memory, and not how large it may be.
fn explained(error: io::Error) -> io::Error {
    let zstd: Option<&zstd::Error> = error.get_ref().and_then(|inner| inner.downcast_ref());
    if zstd.is_some_and(|zstd| zstd.is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge)) {
        let most = 1 << (WINDOW_LOG - 20);
        return io::Error::other(format!("its zstd window is larger than {most} MiB"));
    }
    error
}

/// Reads until the buffer is full or the archive ends, and says how it ended.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut have = 0;
    while have < buffer.len() {
        match from.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (have, Err(error)),
        }
    }
    (have, Ok(()))
}

/// The archive in a layer.
pub(super) struct Unpacked {
    full: Receiver<io::Result<Piece>>,
    empty: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    digest: Option<String>,
}

impl Unpacked {
    /// The digest of the whole archive; none before it was read to its end.
    pub(super) fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let next = match self.full.recv() {
                Ok(Ok(Piece::Chunk(chunk))) => chunk,
                Ok(Ok(Piece::End(digest))) => {
                    self.digest = Some(digest);
                    return Ok(0);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(0),
            };
            let used = std::mem::replace(&mut self.chunk, next);
            self.at = 0;
            // The other end may be done already.
            let _ = self.empty.send(used);
        }
        let count = (&self.chunk[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
