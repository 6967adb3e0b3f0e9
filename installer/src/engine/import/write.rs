// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects and commits, written through libostree.
//!
//! Takes content with its metadata, and trees of what was written; gives checksums. Everything goes
//! into the transaction that the caller holds open. It deliberately does not know layers or images, and it is
//! the one file to replace for a faster writer of content objects.

use std::collections::HashMap;
use std::io::{self, Read};

use ostree::gio::prelude::*;
use ostree::gio::{self, Cancellable};
use ostree::glib::Error;
use ostree::glib::{Variant, VariantDict};
use ostree::{MutableTree, ObjectType, Repo, RepoFile};

use super::archive::Xattrs;
use super::tree::{Checksum, Directory, Node};
use crate::hex::hex;

/// Files up to this size, in bytes, are read whole; it bounds the memory for content.
const INLINE: u64 = 1024 * 1024;
const CHUNK: usize = 256 * 1024;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Owner, permission bits and extended attributes of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Meta {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    pub(super) xattrs: Xattrs,
}

impl Meta {
    /// What a directory has that no layer mentions.
    fn implied() -> Self {
        Self {
            uid: 0,
            gid: 0,
            mode: 0o755,
            xattrs: Xattrs::new(),
        }
    }

    /// `None` where there are none: an empty list makes libostree hash the content twice.
    fn xattrs(&self) -> Option<Variant> {
        if self.xattrs.is_empty() {
            return None;
        }
        let list = self.xattrs.iter().map(|(name, value)| {
            let mut name = name.clone();
            name.push(0);
            (name, value.clone())
        });
        Some(list.collect::<Vec<_>>().to_variant())
    }
}

/// Why a file could not be written.
pub(super) enum Fault {
    /// Its content could not be read.
    Content(io::Error),
    /// The repository did not take it.
    Repository(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Repository(error)
    }
}

/// The repository as a place to put objects.
pub(super) struct Objects<'a> {
    repo: &'a Repo,
    directories: HashMap<Meta, Checksum>,
    buffer: Vec<u8>,
    /// Bytes of content written. libostree 2022.7 leaves streamed files out of its own count.
    pub(super) bytes: u64,
    /// Files and links written.
    pub(super) count: u64,
}

impl<'a> Objects<'a> {
    /// A transaction must be open on `repo`.
    pub(super) fn new(repo: &'a Repo) -> Self {
        Self {
            repo,
            directories: HashMap::new(),
            buffer: Vec::new(),
            bytes: 0,
            count: 0,
        }
    }

    /// Writes a regular file of `size` bytes of `content`.
    pub(super) fn regular(
        &mut self,
        meta: &Meta,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Checksum, Fault> {
        self.bytes = self.bytes.saturating_add(size);
        self.count += 1;
        if size > INLINE {
            return self.stream(meta, size, content);
        }
        self.buffer.clear();
        content
            .read_to_end(&mut self.buffer)
            .map_err(Fault::Content)?;
        let (xattrs, mode) = (meta.xattrs(), REGULAR | meta.mode);
        let checksum = self.repo.write_regfile_inline(
            None,
            meta.uid,
            meta.gid,
            mode,
            xattrs.as_ref(),
            &self.buffer,
            Cancellable::NONE,
        )?;
        Ok(parse(&checksum)?)
    }

    fn stream(
        &mut self,
        meta: &Meta,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<Checksum, Fault> {
        let (xattrs, mode) = (meta.xattrs(), REGULAR | meta.mode);
        let out = self
            .repo
            .write_regfile(None, meta.uid, meta.gid, mode, size, xattrs.as_ref())?;
        self.buffer.resize(CHUNK.max(self.buffer.len()), 0);
        loop {
            let count = content
                .read(&mut self.buffer[..CHUNK])
                .map_err(Fault::Content)?;
            if count == 0 {
                break;
            }
            if let (_, Some(error)) = out.write_all(&self.buffer[..count], Cancellable::NONE)? {
                return Err(error.into());
            }
        }
        Ok(parse(&out.finish(Cancellable::NONE)?)?)
    }

    /// Writes a symbolic link. Its mode is always 0777: Linux reads back nothing else.
    pub(super) fn symlink(&mut self, meta: &Meta, target: &str) -> Result<Checksum, Error> {
        self.count += 1;
        let xattrs = meta.xattrs();
        let checksum = self.repo.write_symlink(
            None,
            meta.uid,
            meta.gid,
            xattrs.as_ref(),
            target,
            Cancellable::NONE,
        )?;
        parse(&checksum)
    }

    /// Writes the metadata of a directory, once for all directories that share it.
    pub(super) fn directory(&mut self, meta: &Meta) -> Result<Checksum, Error> {
        if let Some(&known) = self.directories.get(meta) {
            return Ok(known);
        }
        let info = gio::FileInfo::new();
        info.set_attribute_uint32("unix::uid", meta.uid);
        info.set_attribute_uint32("unix::gid", meta.gid);
        info.set_attribute_uint32("unix::mode", DIRECTORY | meta.mode);
        let object = ostree::create_directory_metadata(&info, meta.xattrs().as_ref());
        let written =
            self.repo
                .write_metadata(ObjectType::DirMeta, None, &object, Cancellable::NONE)?;
        let checksum = parse(&written.to_hex())?;
        self.directories.insert(meta.clone(), checksum);
        Ok(checksum)
    }

    /// Writes a tree and a commit of it, without parent, subject or body. `time` is in seconds
    /// since 1970.
    pub(super) fn commit(
        &mut self,
        root: &Directory,
        metadata: &[(&str, &str)],
        time: u64,
    ) -> Result<String, Error> {
        let implied = self.directory(&Meta::implied())?;
        let tree = MutableTree::new();
        fill(&tree, root, implied)?;
        let file = self.repo.write_mtree(&tree, Cancellable::NONE)?;
        let root = file
            .downcast::<RepoFile>()
            .map_err(|_| failed("a tree is not of its repository"))?;
        let dict = VariantDict::new(None);
        for (key, value) in metadata {
            dict.insert_value(key, &value.to_variant());
        }
        let metadata = dict.end();
        let repo = self.repo;
        let commit = repo.write_commit_with_time(
            None,
            None,
            None,
            Some(&metadata),
            &root,
            time,
            Cancellable::NONE,
        )?;
        Ok(commit.into())
    }
}

fn fill(tree: &MutableTree, directory: &Directory, implied: Checksum) -> Result<(), Error> {
    tree.set_metadata_checksum(&hex(&directory.meta.unwrap_or(implied)));
    for (name, node) in &directory.entries {
        match node {
            Node::File(file) => tree.replace_file(name, &hex(&file.checksum))?,
            Node::Directory(below) => fill(&tree.ensure_dir(name)?, below, implied)?,
        }
    }
    Ok(())
}

fn parse(hex: &str) -> Result<Checksum, Error> {
    let mut checksum = [0; 32];
    for (at, byte) in checksum.iter_mut().enumerate() {
        let digits = hex
            .get(at * 2..at * 2 + 2)
            .ok_or_else(|| failed("a checksum is too short"))?;
        *byte =
            u8::from_str_radix(digits, 16).map_err(|_| failed("a checksum is not hexadecimal"))?;
    }
    Ok(checksum)
}

fn failed(reason: &str) -> Error {
    Error::new(gio::IOErrorEnum::Failed, reason)
}
