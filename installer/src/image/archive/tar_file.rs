// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tar archive on disk whose members are read by their places, several at once.
//!
//! Takes a file; goes through its headers once, and gives readers of members by name. Symbolic and hard links
//! between members are followed. Every length and count is bounded. It does not know what is in the members.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use tar::{EntryType, Header, PaxExtensions};

use super::super::ImageError;

const BLOCK: u64 = 512;
/// The longest extension header, in bytes: names, and little else.
const MAX_EXTENSION: u64 = 64 * 1024;
/// More members than any image archive has: three or so for each layer.
const MAX_MEMBERS: usize = 16 * 1024;
/// Links that may lead to each other.
const MAX_LINKS: usize = 8;

/// A member by its place, or another name.
#[derive(Debug, Clone)]
enum Member {
    File { at: u64, size: u64 },
    Link(String),
}

/// An indexed archive.
#[derive(Debug)]
pub(in super::super) struct TarFile {
    name: String,
    file: Arc<File>,
    members: HashMap<String, Member>,
}

/// What extension headers said about the member that follows.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl TarFile {
    /// Reads all headers.
    pub(in super::super) fn open(path: &Path) -> Result<Self, ImageError> {
        let name = path.display().to_string();
        let doing = format!("reading the archive `{name}`");
        let failed = |error| ImageError::unreachable(&doing, error);
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(ImageError::invalid(doing, "it is not a regular file"));
        }
        let mut archive = Self {
            name,
            file: Arc::new(file),
            members: HashMap::new(),
        };
        archive.index().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => ImageError::invalid(&doing, error.to_string()),
            io::ErrorKind::UnexpectedEof => ImageError::invalid(&doing, "it is cut short"),
            _ => failed(error),
        })?;
        Ok(archive)
    }

    /// The path as it was given.
    pub(in super::super) fn name(&self) -> &str {
        &self.name
    }

    /// The member of this name, or the one that it links to.
    pub(in super::super) fn file(&self, path: &str) -> Result<Window, ImageError> {
        let doing = format!("reading `{path}` in `{}`", self.name);
        let mut wanted = path.to_owned();
        for _ in 0..MAX_LINKS {
            match self.members.get(&wanted) {
                Some(Member::File { at, size }) => {
                    return Ok(Window {
                        file: Arc::clone(&self.file),
                        at: *at,
                        left: *size,
                        size: *size,
                    });
                }
                Some(Member::Link(target)) => wanted.clone_from(target),
                None => return Err(ImageError::invalid(doing, "the archive does not have it")),
            }
        }
        Err(ImageError::invalid(doing, "its links lead to no file"))
    }

    fn index(&mut self) -> io::Result<()> {
        self.refuse_compressed()?;
        let length = self.file.metadata()?.len();
        let mut at = 0;
        let mut extensions = Extensions::default();
        while let Some(header) = self.header(at)? {
            let kind = header.entry_type();
            let size = match extensions.size {
                Some(size) if !is_extension(kind) => size,
                _ => header
                    .size()
                    .map_err(|_| invalid("a member's size is no number"))?,
            };
            let content = at + BLOCK;
            if is_extension(kind) {
                self.extend(&mut extensions, kind, (content, size))?;
            } else {
                let extensions = std::mem::take(&mut extensions);
                self.add(&header, extensions, Member::File { at: content, size })?;
            }
            let end = size.checked_next_multiple_of(BLOCK);
            at = end
                .and_then(|end| end.checked_add(content))
                .filter(|_| content.saturating_add(size) <= length)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
        }
        Ok(())
    }

    fn refuse_compressed(&self) -> io::Result<()> {
        let mut magic = [0; 4];
        let _ = self.file.read_at(&mut magic, 0)?;
        if magic.starts_with(&[0x1f, 0x8b]) || magic == [0x28, 0xb5, 0x2f, 0xfd] {
            let remedy = "unpack it with `gunzip` or `unzstd` first";
            return Err(invalid(&format!("it is compressed; {remedy}")));
        }
        Ok(())
    }

    /// The header at a place; `None` at the end, which is a block of zeros, or the end of the file.
    fn header(&self, at: u64) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        match self.file.read_exact_at(header.as_mut_bytes(), at) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && at > 0 => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(invalid("it is not a tar archive"));
            }
            other => other?,
        }
        let bytes = header.as_bytes();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u32 = bytes[..148]
            .iter()
            .chain(&bytes[156..])
            .map(|b| u32::from(*b))
            .sum();
        if header.cksum().ok() != Some(sum + 8 * u32::from(b' ')) {
            return Err(invalid("it is not a tar archive, or is damaged"));
        }
        Ok(Some(header))
    }

    fn extend(
        &self,
        extensions: &mut Extensions,
        kind: EntryType,
        (at, size): (u64, u64),
    ) -> io::Result<()> {
        if size > MAX_EXTENSION {
            return Err(invalid("an extension header is longer than 64 KiB"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, at)?;
        match kind {
            EntryType::GNULongName => extensions.path = Some(text_of(bytes)),
            EntryType::GNULongLink => extensions.link = Some(text_of(bytes)),
            EntryType::XHeader => {
                for record in PaxExtensions::new(&bytes) {
                    let record = record.map_err(|_| invalid("an extension header is malformed"))?;
                    extensions.set(record.key_bytes(), record.value_bytes())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, header: &Header, extensions: Extensions, member: Member) -> io::Result<()> {
        let path = extensions
            .path
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extensions
            .link
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        let path = normal("", &utf8(path)?);
        let member = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous => member,
            EntryType::Link => Member::Link(normal("", &utf8(link)?)),
            EntryType::Symlink => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                Member::Link(normal(parent, &utf8(link)?))
            }
            EntryType::Directory => return Ok(()),
            other => {
                let kind = other.as_byte().escape_ascii();
                return Err(invalid(&format!("`{path}` is of the type `{kind}`")));
            }
        };
        if self.members.len() >= MAX_MEMBERS {
            return Err(invalid(&format!("it has more than {MAX_MEMBERS} members")));
        }
        self.members.insert(path, member);
        Ok(())
    }
}

impl Extensions {
    fn set(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                let size = text
                    .parse()
                    .map_err(|_| invalid("a member's size is no number"))?;
                self.size = Some(size);
            }
            key if key.starts_with(b"GNU.sparse") => return Err(invalid("a member is sparse")),
            _ => {}
        }
        Ok(())
    }
}

fn is_extension(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::GNULongName
            | EntryType::GNULongLink
            | EntryType::XHeader
            | EntryType::XGlobalHeader
    )
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Up to the NUL that ends GNU's long names.
fn text_of(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(
        bytes
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(bytes.len()),
    );
    bytes
}

fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| invalid("the name of a member is not UTF-8"))
}

/// A name without `.`, `..` and slashes at its ends; `..` never leads out of the archive.
fn normal(parent: &str, path: &str) -> String {
    let mut parts = Vec::new();
    for part in parent.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// A part of a file, read independently of others.
#[derive(Debug)]
pub(in super::super) struct Window {
    file: Arc<File>,
    at: u64,
    left: u64,
    size: u64,
}

impl Window {
    /// Bytes of the whole member.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
