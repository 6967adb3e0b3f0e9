// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One layer: packed blob to objects in the repository and a tree of them.
//!
//! Takes a layer of an image and the merge of those below it; gives the layer's own tree, whiteouts
//! in it as files. The tree is given only if both digests hold, of the blob and of the
//! archive in it. It deliberately does not know refs, commits, or how layers merge.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Entry, Kind};
use super::path::{self, Place};
use super::tree::{Directory, File, Node};
use super::write::{Fault, Meta, Objects};
use super::{ImportError, LayerFault};
use crate::hex::hex;
use crate::image::{Compression, Image, ImageError, Layer, from_io};

const BUFFER: usize = 256 * 1024;
/// Entries of one layer: many times more than any real layer, few enough for memory.
const MAX_ENTRIES: u64 = 2_000_000;
/// Bits of the window of zstd, which bounds its memory to 128 MiB; what `zstd --long` makes.
const WINDOW_LOG: u32 = 27;

/// What to read a layer with.
pub(super) struct Reading<'a, 'r> {
    pub(super) image: &'a Image,
    pub(super) objects: &'a mut Objects<'r>,
    /// The merge of the layers below, where hard links may point.
    pub(super) lower: &'a Directory,
    /// Told how many more packed bytes were read; says whether to go on.
    pub(super) progress: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
}

/// Reads a layer whose archive has the digest `diff_id`.
pub(super) fn read(
    layer: &Layer,
    diff_id: &str,
    reading: &mut Reading<'_, '_>,
) -> Result<Directory, ImportError> {
    let compression = layer.compression()?;
    let blob = reading.image.blob(layer)?;
    let mut source = Source {
        blob,
        failure: None,
        stopped: false,
        progress: reading.progress,
    };
    let mut unpacking = Unpacking {
        objects: reading.objects,
        lower: reading.lower,
        tree: Directory::default(),
        pending: Vec::new(),
        entries: 0,
    };
    let result = unpacking.unpack(&mut source, compression, diff_id);
    if source.stopped {
        return Err(ImportError::Stopped);
    }
    if matches!(result, Err(LayerFault::Content { .. })) {
        source.drain();
    }
    if let Some(failure) = source.failure {
        return Err(failure.into());
    }
    result
        .map(|()| unpacking.tree)
        .map_err(|fault| fault.in_layer(&layer.digest))
}

/// The packed bytes, with the reason kept that decoders above would lose.
struct Source<'a> {
    blob: Box<dyn Read + Send>,
    failure: Option<ImageError>,
    stopped: bool,
    progress: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
}

impl Source<'_> {
    /// Reads to the end, so that a blob that is not what its digest says is blamed for that and
    /// not for what was found in it.
    fn drain(&mut self) {
        if self.failure.is_none() && !self.stopped {
            // A failure is kept by `read`.
            let _ = io::copy(self, &mut io::sink());
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.blob.read(buffer) {
            Ok(count) => {
                if (self.progress)(count as u64).is_break() {
                    self.stopped = true;
                    return Err(io::Error::other("stopped"));
                }
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(from_io(error, "reading a layer"));
                Err(io::Error::other("the blob cannot be read"))
            }
        }
    }
}

/// A reader that knows the digest of what passed.
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

fn unpacked<'a>(
    packed: impl Read + 'a,
    compression: Compression,
) -> io::Result<Box<dyn Read + 'a>> {
    let packed = BufReader::with_capacity(BUFFER, packed);
    Ok(match compression {
        Compression::None => Box::new(packed),
        Compression::Gzip => Box::new(BufReader::with_capacity(
            BUFFER,
            MultiGzDecoder::new(packed),
        )),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed)?;
            decoder.window_log_max(WINDOW_LOG)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    })
}

struct Unpacking<'a, 'r> {
    objects: &'a mut Objects<'r>,
    lower: &'a Directory,
    tree: Directory,
    /// Hard links whose target had not come yet: where, and to what.
    pending: Vec<(String, String)>,
    entries: u64,
}

impl Unpacking<'_, '_> {
    fn unpack(
        &mut self,
        source: &mut Source<'_>,
        compression: Compression,
        diff_id: &str,
    ) -> Result<(), LayerFault> {
        let inner = unpacked(source, compression)?;
        let mut hashed = Hashed {
            inner,
            hash: Sha256::new(),
        };
        let mut archive = Archive::new(&mut hashed);
        while let Some(entry) = archive.next()? {
            self.count()?;
            self.add(&entry, &mut archive)
                .map_err(|fault| fault.in_entry(&entry.path))?;
        }
        archive.finish()?;
        self.link_pending()?;
        let found = format!("sha256:{}", hex(&hashed.hash.finalize()));
        if found != diff_id {
            let reason =
                format!("its archive has the digest `{found}`, not its diff_id `{diff_id}`");
            return Err(LayerFault::content(reason));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), LayerFault> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(LayerFault::content(format!(
                "it has more than {MAX_ENTRIES} entries"
            )));
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerFault> {
        let path = match path::place(&entry.path)? {
            Place::Dropped => return Ok(()),
            Place::Root if entry.kind == Kind::Directory => {
                self.tree.meta = Some(self.objects.directory(&meta(entry))?);
                return Ok(());
            }
            Place::Root => return Err(LayerFault::content("the root is not a directory")),
            Place::At(path) => path,
        };
        match &entry.kind {
            Kind::File => {
                let checksum = self.objects.regular(&meta(entry), entry.size, content)?;
                self.put(
                    &path,
                    File {
                        checksum,
                        size: entry.size,
                        symlink: false,
                    },
                )
            }
            Kind::Symlink(target) => {
                let target = path::text(target)?;
                if target.is_empty() {
                    return Err(LayerFault::content("a symbolic link to nothing"));
                }
                let checksum = self.objects.symlink(&meta(entry), target)?;
                self.put(
                    &path,
                    File {
                        checksum,
                        size: 0,
                        symlink: true,
                    },
                )
            }
            Kind::Directory => {
                let meta = self.objects.directory(&meta(entry))?;
                self.tree
                    .put_directory(&path, meta)
                    .ok_or_else(LayerFault::file_parent)
            }
            Kind::HardLink(target) => self.link(path, target),
            Kind::Special(what) => Err(LayerFault::content(format!("{what} cannot be installed"))),
        }
    }

    fn put(&mut self, path: &str, file: File) -> Result<(), LayerFault> {
        self.tree
            .put_file(path, file)
            .ok_or_else(LayerFault::file_parent)
    }

    /// A hard link is one more name for an object that is there.
    fn link(&mut self, path: String, target: &[u8]) -> Result<(), LayerFault> {
        let Place::At(target) = path::place(target)? else {
            return Err(LayerFault::content("a hard link to what is not installed"));
        };
        match self.tree.get(&target) {
            Some(&Node::File(file)) => self.put(&path, file),
            Some(Node::Directory(_)) => Err(LayerFault::content("a hard link to a directory")),
            None => {
                self.pending.push((path, target));
                Ok(())
            }
        }
    }

    /// Links to what came after them, or to a file of a lower layer. A later entry of the same name wins.
    fn link_pending(&mut self) -> Result<(), LayerFault> {
        for (path, target) in std::mem::take(&mut self.pending) {
            if self.tree.get(&path).is_some() {
                continue;
            }
            let found = self.tree.get(&target).or_else(|| self.lower.get(&target));
            let Some(&Node::File(file)) = found else {
                let fault =
                    LayerFault::content(format!("a hard link to `{target}`, which is no file"));
                return Err(fault.in_entry(path.as_bytes()));
            };
            self.put(&path, file)
                .map_err(|fault| fault.in_entry(path.as_bytes()))?;
        }
        Ok(())
    }
}

/// Labels are given by the policy of the image, never by the archive; and ostree reads back no
/// attribute that is empty.
fn meta(entry: &Entry) -> Meta {
    let mut xattrs = entry.xattrs.clone();
    xattrs.retain(|name, value| name != b"security.selinux" && !value.is_empty());
    Meta {
        uid: entry.uid,
        gid: entry.gid,
        mode: entry.mode,
        xattrs,
    }
}

impl From<Fault> for LayerFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Content(error) => error.into(),
            Fault::Repository(error) => error.into(),
        }
    }
}
