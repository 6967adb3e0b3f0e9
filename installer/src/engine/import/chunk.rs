// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One layer of an encapsulated image: objects of an ostree commit, packed in an archive.
//!
//! Takes a layer; gives the commit it holds, or the set of objects that belong to one. An object's path is
//! `sysroot/ostree/repo/objects/HH/REST.KIND`, with owner and mode of a file in its header, and its attributes in an
//! object of their own that comes before it (ostree-ext's export, formats 0 and 1). Each object is what its name
//! says, or the layer is refused. It deliberately does not know how layers merge.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use super::archive::{self, Entry};
use super::layer::each_entry;
use super::pipe::{self, Shared};
use super::{ImportError, LayerFault, path};
use crate::engine::repository::{
    Checksum, DirTree, Fault, Kind, Meta, Staging, Xattrs, commit_root, parse_xattrs,
};
use crate::image::{Image, Layer};

/// Where a layer has the repository.
const REPOSITORY: &str = "sysroot/ostree/repo/";
/// The largest object of metadata, in bytes; ostree-ext's limit.
const MAX_METADATA: u64 = 10 << 20;
/// The largest list of attributes, in bytes; ostree-ext's limit.
const MAX_XATTRS: u64 = 1 << 20;
/// All lists of attributes of a layer, in bytes.
const MAX_ALL_XATTRS: u64 = 64 << 20;

/// What a layer of objects holds.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// The commit, in the first layer of an image only.
    pub(super) commit: Option<Checksum>,
    /// Its files.
    pub(super) files: BTreeSet<Checksum>,
}

/// Reads a layer whose archive has the digest `diff_id`. The first layer of an image, and no other, holds the commit
/// and its directories.
pub(super) fn read(
    image: &Image,
    (layer, diff_id): (&Layer, &str),
    is_first: bool,
    (staging, shared): (&mut Staging, &Shared),
) -> Result<Objects, ImportError> {
    pipe::with_archive(image, layer, shared, |archive| {
        let mut unpacking = Unpacking {
            staging,
            is_first,
            objects: Objects::default(),
            xattrs: HashMap::new(),
            xattr_bytes: 0,
            next: None,
        };
        each_entry(archive, diff_id, &mut |entry, content| {
            unpacking.add(entry, content)
        })
        .and_then(|()| unpacking.finish())
        .map_err(|fault| fault.in_layer(&layer.digest))
    })
}

struct Unpacking<'s> {
    staging: &'s mut Staging,
    is_first: bool,
    objects: Objects,
    /// Lists of attributes by their checksum.
    xattrs: HashMap<Checksum, Xattrs>,
    xattr_bytes: u64,
    /// The attributes of the file that comes next.
    next: Option<(Checksum, Xattrs)>,
}

impl Unpacking<'_> {
    fn finish(self) -> Result<Objects, LayerFault> {
        if self.is_first && self.objects.commit.is_none() {
            return Err(LayerFault::content("it holds no ostree commit"));
        }
        Ok(self.objects)
    }

    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), LayerFault> {
        let path::Place::At(at) = path::place(&entry.path)? else {
            return Ok(());
        };
        let Some(name) = at.strip_prefix(REPOSITORY) else {
            // Links to objects, for those who read the image without ostree.
            return Ok(());
        };
        if entry.kind == archive::Kind::Directory {
            return Ok(());
        }
        if let Some(sum) = name.strip_prefix("xattrs/") {
            return self.attributes(checksum(sum)?, entry, content);
        }
        match name.strip_prefix("objects/") {
            Some(object) => self.object(object, entry, content),
            None => Ok(()),
        }
    }

    fn object(
        &mut self,
        name: &str,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        let (prefix, rest) = name.split_once('/').ok_or_else(not_an_object)?;
        let (digits, kind) = rest.split_once('.').ok_or_else(not_an_object)?;
        let sum = checksum(&format!("{prefix}{digits}"))?;
        match kind {
            "file" => self.file(sum, entry, content),
            "file-xattrs" => self.attributes(sum, entry, content),
            "file-xattrs-link" | "file.xattrs" => self.attributes_of(sum, entry, content),
            "commit" => self.commit(sum, entry, content),
            "commitmeta" => {
                let bytes = metadata(entry, content, MAX_METADATA)?;
                self.write_named(Kind::CommitMeta, sum, &bytes)
            }
            "dirtree" => self.metadata(Kind::DirTree, sum, entry, content),
            "dirmeta" => self.metadata(Kind::DirMeta, sum, entry, content),
            _ => Err(not_an_object()),
        }
    }

    fn file(
        &mut self,
        sum: Checksum,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        let xattrs = match self.next.take() {
            Some((of, xattrs)) if of == sum => xattrs,
            _ => Xattrs::new(),
        };
        let meta = Meta {
            uid: entry.uid,
            gid: entry.gid,
            mode: entry.mode,
            xattrs,
        };
        let written = match &entry.kind {
            archive::Kind::File => self.staging.regular(&meta, entry.size, content)?,
            archive::Kind::Symlink(target) => {
                let target = path::text(target)?;
                self.staging
                    .symlink(&meta, target)
                    .map_err(Fault::Repository)?
            }
            _ => return Err(not_an_object()),
        };
        if written != sum {
            let reason = format!("its object has the checksum `{written}`");
            return Err(LayerFault::content(reason));
        }
        if !self.objects.files.insert(sum) {
            return Err(LayerFault::content("an object that is there twice"));
        }
        Ok(())
    }

    /// A list of attributes, by its own checksum.
    fn attributes(
        &mut self,
        sum: Checksum,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        let bytes = metadata(entry, content, MAX_XATTRS)?;
        if Checksum::of(&bytes) != sum {
            return Err(LayerFault::content("it has another checksum"));
        }
        self.xattr_bytes += bytes.len() as u64;
        if self.xattr_bytes > MAX_ALL_XATTRS {
            let reason = format!("its lists of attributes have more than {MAX_ALL_XATTRS} bytes");
            return Err(LayerFault::content(reason));
        }
        self.xattrs.insert(sum, list(&bytes)?);
        Ok(())
    }

    /// Which list the file `sum` has: a link to it, or the list itself.
    fn attributes_of(
        &mut self,
        sum: Checksum,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        let archive::Kind::HardLink(target) = &entry.kind else {
            let bytes = metadata(entry, content, MAX_XATTRS)?;
            self.next = Some((sum, list(&bytes)?));
            return Ok(());
        };
        let target = path::text(target)?;
        let found = named_by(target).and_then(|sum| self.xattrs.get(&sum));
        let found = found.ok_or_else(|| LayerFault::content("a link to no list of attributes"))?;
        self.next = Some((sum, found.clone()));
        Ok(())
    }

    fn commit(
        &mut self,
        sum: Checksum,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        if self.objects.commit.replace(sum).is_some() {
            return Err(LayerFault::content("a second commit"));
        }
        self.metadata(Kind::Commit, sum, entry, content)
    }

    fn metadata(
        &mut self,
        kind: Kind,
        sum: Checksum,
        entry: &Entry,
        content: &mut dyn Read,
    ) -> Result<(), LayerFault> {
        let bytes = metadata(entry, content, MAX_METADATA)?;
        let is_one = match kind {
            Kind::DirTree => DirTree::parse(&bytes).is_some(),
            Kind::DirMeta => Meta::parse_dirmeta(&bytes).is_some(),
            _ => commit_root(&bytes).is_some(),
        };
        if !is_one || Checksum::of(&bytes) != sum {
            return Err(LayerFault::content("it is not what its name says"));
        }
        self.write_named(kind, sum, &bytes)
    }

    fn write_named(&mut self, kind: Kind, sum: Checksum, bytes: &[u8]) -> Result<(), LayerFault> {
        if !self.is_first {
            let reason = "metadata of a commit outside the first layer";
            return Err(LayerFault::content(reason));
        }
        self.staging
            .write_named(kind, sum, bytes)
            .map_err(|error| Fault::Repository(error).into())
    }
}

/// The content of a small regular file.
fn metadata(entry: &Entry, content: &mut dyn Read, most: u64) -> Result<Vec<u8>, LayerFault> {
    if entry.kind != archive::Kind::File {
        return Err(not_an_object());
    }
    if entry.size > most {
        let reason = format!("its {} bytes are more than {most}", entry.size);
        return Err(LayerFault::content(reason));
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn list(bytes: &[u8]) -> Result<Xattrs, LayerFault> {
    parse_xattrs(bytes).ok_or_else(|| LayerFault::content("it is no list of attributes"))
}

/// The list of attributes that a link leads to: `…/HH/REST.file-xattrs`, or `…/xattrs/SUM` in format 0.
fn named_by(target: &str) -> Option<Checksum> {
    let mut parts = target.rsplit('/');
    let (last, before) = (parts.next()?, parts.next()?);
    match last.strip_suffix(".file-xattrs") {
        Some(rest) => Checksum::parse(&format!("{before}{rest}")),
        None => Checksum::parse(last),
    }
}

fn checksum(digits: &str) -> Result<Checksum, LayerFault> {
    Checksum::parse(digits).ok_or_else(not_an_object)
}

fn not_an_object() -> LayerFault {
    LayerFault::content("it is no object of an ostree repository")
}
