// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The floor: what no import can do without, and nothing else.
//!
//! One thread reads a layer, hashes the blob and unpacks; one hashes the archive, hashes each object's header and
//! content, and writes it under its checksum into one of 256 directories. Layers are read side by side, as many as
//! there are processors. No owners, modes, attributes or times, no directories, no tree, no commit, and no distrust.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use flate2::bufread::DeflateDecoder;
use sha2::{Digest as _, Sha256};

use super::image::hex;

const CHUNK: usize = 256 * 1024;
const DEPTH: usize = 8;
/// Longer files are written as they come.
const INLINE: u64 = 1024 * 1024;

pub(super) fn import(layers: &[(std::path::PathBuf, bool)], to: &Path) {
    for at in 0..256 {
        fs::create_dir_all(to.join(format!("{at:02x}"))).unwrap();
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism()
            .unwrap()
            .get()
            .min(layers.len())
        {
            scope.spawn(|| {
                while let Some((blob, is_gzip)) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    layer(blob, *is_gzip, to);
                }
            });
        }
    });
}

fn layer(blob: &Path, is_gzip: bool, to: &Path) {
    let (full, from_pump) = sync_channel(DEPTH);
    let (to_pump, empty) = channel();
    thread::scope(|scope| {
        scope.spawn(move || unpack(blob, is_gzip, &full, &empty));
        let mut archive = tar::Archive::new(Hashed {
            inner: Chunks {
                full: from_pump,
                empty: to_pump,
                chunk: Vec::new(),
                at: 0,
            },
            hash: Sha256::new(),
        });
        let mut buffer = Vec::new();
        for entry in archive.entries().unwrap() {
            write(&mut entry.unwrap(), to, &mut buffer);
        }
        let mut hashed = archive.into_inner();
        io::copy(&mut hashed, &mut io::sink()).unwrap();
        hashed.hash.finalize();
    });
}

fn write(entry: &mut tar::Entry<'_, impl Read>, to: &Path, buffer: &mut Vec<u8>) {
    // As long as an object's header without attributes.
    let mut hash = Sha256::new_with_prefix([0; 26]);
    if let Some(target) = entry.link_name().unwrap() {
        hash.update(target.as_os_str().as_encoded_bytes());
        let _ = symlink(target, name(to, hash));
    } else if entry.header().entry_type().is_file() {
        buffer.clear();
        if entry.size() <= INLINE {
            entry.read_to_end(buffer).unwrap();
            hash.update(&buffer);
            if let Ok(mut file) = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(name(to, hash))
            {
                file.write_all(buffer).unwrap();
            }
            return;
        }
        let unfinished = to.join(format!("{:?}", thread::current().id()));
        let mut file = File::create(&unfinished).unwrap();
        buffer.resize(CHUNK, 0);
        loop {
            let count = entry.read(buffer).unwrap();
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            file.write_all(&buffer[..count]).unwrap();
        }
        fs::rename(unfinished, name(to, hash)).unwrap();
    }
}

fn name(to: &Path, hash: Sha256) -> std::path::PathBuf {
    let digits = hex(&hash.finalize());
    to.join(&digits[..2]).join(&digits[2..])
}

fn unpack(blob: &Path, is_gzip: bool, full: &SyncSender<Vec<u8>>, empty: &Receiver<Vec<u8>>) {
    let source = Hashed {
        inner: File::open(blob).unwrap(),
        hash: Sha256::new(),
    };
    let mut source = BufReader::with_capacity(CHUNK, source);
    if is_gzip {
        // `gzip --no-name` writes the shortest header. The digest stands for the checksum at the end.
        let mut header = [0; 10];
        source.read_exact(&mut header).unwrap();
        assert_eq!(header[3], 0);
        pump(DeflateDecoder::new(&mut source), full, empty);
    } else {
        pump(
            zstd::Decoder::with_buffer(&mut source).unwrap(),
            full,
            empty,
        );
    }
    let mut source = source.into_inner();
    io::copy(&mut source, &mut io::sink()).unwrap();
    source.hash.finalize();
}

fn pump(mut archive: impl Read, full: &SyncSender<Vec<u8>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let mut have = 0;
        while have < CHUNK {
            match archive.read(&mut chunk[have..]).unwrap() {
                0 => break,
                count => have += count,
            }
        }
        chunk.truncate(have);
        if have == 0 || full.send(chunk).is_err() || have < CHUNK {
            return;
        }
    }
}

struct Chunks {
    full: Receiver<Vec<u8>>,
    empty: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let Ok(next) = self.full.recv() else {
                return Ok(0);
            };
            self.at = 0;
            let _ = self.empty.send(std::mem::replace(&mut self.chunk, next));
        }
        let count = (&self.chunk[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}
