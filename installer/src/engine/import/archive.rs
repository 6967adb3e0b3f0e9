// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tar archive as a stream of entries, with every length bounded.
//!
//! Takes any reader; gives entries with the names, owners, sizes and extended attributes that POSIX (pax)
//! and GNU headers carry, and their content through [`Read`]. It exists because the `tar` crate's
//! iterator reads extension headers of any size into memory and splits pax records at newlines, which the
//! values of capabilities may hold. It deliberately does not know what a layer is.

use std::io::{self, Read};

use tar::Header;

use super::path::MAX_PATH;
use super::sparse::{LineMap, Map, OldMap, PaxMap, Piece, Pieces};
use crate::engine::repository::Xattrs;

const BLOCK: usize = 512;
/// The longest extension header, in bytes: 16 attributes of the longest that Linux takes.
const MAX_EXTENSION: u64 = 1024 * 1024;
/// All extension headers of one entry, in bytes.
const MAX_EXTENSIONS: u64 = 4 * MAX_EXTENSION;
/// What may follow the end of the archive, in bytes: padding to a record, or to a chunk.
const MAX_TRAILER: u64 = 16 * 1024 * 1024;
/// Bytes of all holes of an archive: they are hashed as if they had been sent.
const MAX_HOLES: u64 = 64 << 30;
const XATTR: &str = "SCHILY.xattr.";

/// One member of an archive. Names are as they stand there, to be distrusted.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Permission bits, set-id and sticky bits; no type.
    pub(super) mode: u32,
    /// Bytes of content; 0 for all but files.
    pub(super) size: u64,
    pub(super) xattrs: Xattrs,
}

impl Entry {
    /// Bytes that a reader of the layer may have to keep.
    pub(super) fn kept_bytes(&self) -> u64 {
        let link = match &self.kind {
            Kind::HardLink(target) | Kind::Symlink(target) => target.len(),
            _ => 0,
        };
        let xattrs = self.xattrs.iter();
        let xattrs: usize = xattrs.map(|(name, value)| name.len() + value.len()).sum();
        (self.path.len() + link + xattrs) as u64
    }
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink(Vec<u8>),
    HardLink(Vec<u8>),
    /// A device, a pipe: by its name for the user.
    Special(&'static str),
}

/// The archive. Between two calls of [`Archive::next`] it reads as the content of the entry.
pub(super) struct Archive<R> {
    inner: R,
    left: u64,
    padding: u64,
    /// The map of a file with holes, and how much of the file was read.
    holes: Option<(Map, u64)>,
    /// Bytes of holes that may yet come.
    holes_left: u64,
}

/// What extension headers said about the entry that follows them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    sparse: PaxMap,
    xattrs: Xattrs,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            left: 0,
            padding: 0,
            holes: None,
            holes_left: MAX_HOLES,
        }
    }

    /// The next entry; what is left of the one before is skipped. `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        self.skip_content()?;
        let mut extensions = Extensions::default();
        let mut extension_bytes = 0;
        while let Some(header) = self.header()? {
            let size = header.entry_size()?;
            if matches!(header.as_bytes()[156], b'x' | b'L' | b'K') {
                extension_bytes += size;
                if extension_bytes > MAX_EXTENSIONS {
                    return Err(invalid(format!(
                        "it has headers of {extension_bytes} bytes for one entry"
                    )));
                }
            }
            match header.as_bytes()[156] {
                b'x' => extensions.read_pax(&self.extension(size)?)?,
                b'L' => extensions.path = Some(until_nul(self.extension(size)?)),
                b'K' => extensions.link = Some(until_nul(self.extension(size)?)),
                b'g' => self.skip(size)?,
                _ => return self.entry(&header, extensions).map(Some),
            }
        }
        Ok(None)
    }

    /// Reads what follows the end of the archive, so that digests below see every byte.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let count = io::copy(
            &mut (&mut self.inner).take(MAX_TRAILER + 1),
            &mut io::sink(),
        )?;
        if count > MAX_TRAILER {
            return Err(invalid(format!(
                "more than {MAX_TRAILER} bytes follow the archive"
            )));
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header, mut extensions: Extensions) -> io::Result<Entry> {
        let old_map = self.old_map(header)?;
        let pax_map = extensions.sparse.finish()?;
        let path = extensions
            .sparse
            .name
            .take()
            .or(extensions.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extensions
            .link
            .or_else(|| header.link_name_bytes().map(Into::into));
        let size = extensions.size.map_or_else(|| header.entry_size(), Ok)?;
        let kind = kind(header.as_bytes()[156], &path, link.unwrap_or_default())?;
        let size = if kind == Kind::File { size } else { 0 };
        (self.left, self.padding) = (size, padding(size));
        let map = match (old_map, pax_map) {
            (None, Some((real, _))) if extensions.sparse.is_in_content() => {
                Some((real, self.line_map()?))
            }
            (old_map, pax_map) => old_map.or(pax_map),
        };
        let size = match map {
            Some((real, pieces)) if kind == Kind::File => {
                let map = Map::new(pieces, real, self.left)?;
                let holes = real - self.left;
                self.holes_left = self.holes_left.checked_sub(holes).ok_or_else(|| {
                    invalid(format!(
                        "its files have more than {MAX_HOLES} bytes of holes"
                    ))
                })?;
                self.holes = Some((map, 0));
                real
            }
            Some(_) => return Err(invalid("it has holes in what is no file")),
            None => size,
        };
        Ok(Entry {
            path,
            kind,
            uid: owner(extensions.uid.map_or_else(|| header.uid(), Ok)?)?,
            gid: owner(extensions.gid.map_or_else(|| header.gid(), Ok)?)?,
            mode: header.mode()? & 0o7777,
            size,
            xattrs: extensions.xattrs,
        })
    }

    /// Size and map of a file with holes in GNU tar's old format, whose map goes on behind the header.
    fn old_map(&mut self, header: &Header) -> io::Result<Option<Pieces>> {
        if header.as_bytes()[156] != b'S' {
            return Ok(None);
        }
        let (mut map, size) = OldMap::of_header(header.as_bytes())?;
        while map.continues {
            map.add(&self.block()?.ok_or_else(truncated)?)?;
        }
        Ok(Some((size, map.pieces())))
    }

    /// The map that begins the content of a file with holes, in whole blocks.
    fn line_map(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let (mut map, mut rest) = (LineMap::default(), Vec::new());
        loop {
            self.left = self.left.checked_sub(BLOCK as u64).ok_or_else(truncated)?;
            let block = self.block()?.ok_or_else(truncated)?;
            if map.add(&mut rest, &block)? {
                return Ok(map.pieces());
            }
        }
    }

    /// A header with a good checksum. `None` at two blocks of zeros, or where the data ends.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let Some(block) = self.block()? else {
            return Ok(None);
        };
        if block.iter().all(|&byte| byte == 0) {
            return match self.block()? {
                Some(next) if next.iter().any(|&byte| byte != 0) => {
                    Err(invalid("it has a block of zeros between entries"))
                }
                _ => Ok(None),
            };
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        if !sums(&block).contains(&i64::from(header.cksum().map_err(|_| not_a_tar())?)) {
            return Err(not_a_tar());
        }
        Ok(Some(header))
    }

    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            match self.inner.read(&mut block[have..])? {
                0 if have == 0 => return Ok(None),
                0 => return Err(truncated()),
                count => have += count,
            }
        }
        Ok(Some(block))
    }

    /// The content of an extension header.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_EXTENSION {
            return Err(invalid(format!("it has a header of {size} bytes")));
        }
        (self.left, self.padding) = (size, padding(size));
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        self.skip_content()?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> io::Result<()> {
        (self.left, self.padding) = (size, padding(size));
        self.skip_content()
    }

    fn skip_content(&mut self) -> io::Result<()> {
        self.holes = None;
        for count in [
            std::mem::take(&mut self.left),
            std::mem::take(&mut self.padding),
        ] {
            if io::copy(&mut (&mut self.inner).take(count), &mut io::sink())? < count {
                return Err(truncated());
            }
        }
        Ok(())
    }
}

impl<R: Read> Archive<R> {
    /// Content as the archive has it.
    fn read_packed(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..room])?;
        if count == 0 {
            return Err(truncated());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((map, position)) = &self.holes else {
            return self.read_packed(buffer);
        };
        let Some((piece, length)) = map.at(*position) else {
            return Ok(0);
        };
        let room = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = &mut buffer[..room];
        let count = match piece {
            Piece::Bytes => self.read_packed(buffer)?,
            Piece::Hole => {
                buffer.fill(0);
                room
            }
        };
        if let Some((_, position)) = &mut self.holes {
            *position += count as u64;
        }
        Ok(count)
    }
}

impl Extensions {
    /// Takes pax records, `LENGTH KEY=VALUE\n`. An empty value takes a record back.
    fn read_pax(&mut self, mut records: &[u8]) -> io::Result<()> {
        while !records.is_empty() {
            let (record, rest) = split_record(records).ok_or_else(malformed)?;
            let equals = record
                .iter()
                .position(|&byte| byte == b'=')
                .ok_or_else(malformed)?;
            let key = std::str::from_utf8(&record[..equals]).map_err(|_| malformed())?;
            self.set(key, &record[equals + 1..])?;
            records = rest;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &[u8]) -> io::Result<()> {
        let text = (!value.is_empty()).then(|| value.to_vec());
        match key {
            "path" => self.path = text,
            "linkpath" => self.link = text,
            "size" => self.size = number(value)?,
            "uid" => self.uid = number(value)?,
            "gid" => self.gid = number(value)?,
            _ => {
                if let Some(key) = key.strip_prefix("GNU.sparse.") {
                    self.sparse.set(key, value)?;
                } else if let Some(name) = key.strip_prefix(XATTR) {
                    self.xattrs.insert(name.into(), value.to_vec());
                }
            }
        }
        Ok(())
    }
}

/// The first record, without its length and newline, and the rest.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    Some((record.get(space + 1..)?.strip_suffix(b"\n")?, rest))
}

fn number(value: &[u8]) -> io::Result<Option<u64>> {
    if value.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(value).map_err(|_| malformed())?;
    text.parse().map(Some).map_err(|_| malformed())
}

fn kind(flag: u8, path: &[u8], link: Vec<u8>) -> io::Result<Kind> {
    Ok(match flag {
        // Archives from before POSIX mark a directory by its slash only.
        0 | b'0' if path.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink(link),
        b'2' => Kind::Symlink(link),
        b'3' => Kind::Special("a character device"),
        b'4' => Kind::Special("a block device"),
        b'5' => Kind::Directory,
        b'6' => Kind::Special("a named pipe"),
        other => {
            let other = char::from(other).escape_default().to_string();
            return Err(invalid(format!(
                "it holds an entry of the unknown type `{other}`"
            )));
        }
    })
}

/// The sums that a header may state: unsigned, or signed as old programs have it; its own field
/// counts as spaces.
fn sums(block: &[u8; BLOCK]) -> [i64; 2] {
    let bytes = || {
        let fields = block.iter().enumerate();
        fields.map(|(at, &byte)| if (148..156).contains(&at) { b' ' } else { byte })
    };
    [
        bytes().map(i64::from).sum(),
        bytes().map(|byte| i64::from(byte.cast_signed())).sum(),
    ]
}

fn owner(id: u64) -> io::Result<u32> {
    u32::try_from(id).map_err(|_| invalid(format!("it holds an entry owned by the id {id}")))
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    bytes.truncate(end.min(MAX_PATH + 1));
    bytes
}

pub(super) fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

fn malformed() -> io::Error {
    invalid("it has a malformed pax header")
}

fn truncated() -> io::Error {
    invalid("its archive is cut short")
}

fn not_a_tar() -> io::Error {
    invalid("it is not a tar archive")
}
