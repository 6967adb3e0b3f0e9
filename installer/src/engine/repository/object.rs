// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects of an ostree repository as bytes, and their names. Pure.
//!
//! Takes owners, modes, attributes, names and checksums; gives the bytes of `dirmeta`, `dirtree` and
//! `commit` objects and the header that a file's checksum begins with, all as libostree makes them
//! (`ostree-core.h`: `GVariant`, integers big-endian), and reads them back. It deliberately does not know
//! the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::variant::{self, Tuple};
use crate::hex::hex;

/// Extended attributes by name, in the order that ostree hashes them.
pub(crate) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Bytes of content that are hashed at a time.
const CHUNK: usize = 256 * 1024;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
/// Linux gives every link this mode.
const SYMLINK: u32 = 0o120_777;

/// SHA-256, by which ostree names an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Checksum(pub(crate) [u8; 32]);

impl Checksum {
    /// Of the bytes of a metadata object.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let is_hex = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 64 || !digits.iter().all(is_hex) {
            return None;
        }
        let mut sum = [0; 32];
        for (at, byte) in sum.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(sum))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The kinds of objects, by the ending of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    DirTree,
    DirMeta,
    Commit,
    /// What is said about a commit beside it, such as signatures. Its name is the commit's.
    CommitMeta,
}

impl Kind {
    /// The ending of the object's file name.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::DirTree => "dirtree",
            Self::DirMeta => "dirmeta",
            Self::Commit => "commit",
            Self::CommitMeta => "commitmeta",
        }
    }
}

/// Owner, permission bits and extended attributes of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Meta {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Permission, set-id and sticky bits; no type.
    pub(crate) mode: u32,
    pub(crate) xattrs: Xattrs,
}

impl Meta {
    /// What a directory has that no layer mentions.
    pub(crate) const fn implied() -> Self {
        Self {
            uid: 0,
            gid: 0,
            mode: 0o755,
            xattrs: Xattrs::new(),
        }
    }

    /// What the checksum of a regular file begins with.
    pub(super) fn file_header(&self) -> Vec<u8> {
        self.header(REGULAR | self.mode, "")
    }

    /// The checksum of a regular file with this content.
    pub(crate) fn checksum_of_file(&self, content: &mut dyn Read) -> io::Result<Checksum> {
        let mut hash = Sha256::new_with_prefix(self.file_header());
        let mut buffer = vec![0; CHUNK];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(Checksum(hash.finalize().into())),
                Ok(count) => hash.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The checksum of a symbolic link to `target`.
    pub(crate) fn checksum_of_symlink(&self, target: &str) -> Checksum {
        Checksum::of(&self.symlink_header(target))
    }

    /// All that the checksum of a symbolic link is made of.
    pub(super) fn symlink_header(&self, target: &str) -> Vec<u8> {
        self.header(SYMLINK, target)
    }

    /// `(uuuusa(ayay))`, after its length.
    fn header(&self, mode: u32, target: &str) -> Vec<u8> {
        let device = 0_u32;
        let tuple = Tuple::default()
            .fixed(4, &self.uid.to_be_bytes())
            .fixed(4, &self.gid.to_be_bytes())
            .fixed(4, &mode.to_be_bytes())
            .fixed(4, &device.to_be_bytes())
            .variable(1, &variant::string(target))
            .last(1, &xattrs(&self.xattrs));
        let length = u32::try_from(tuple.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes(), &[0; 4], tuple.as_slice()].concat()
    }

    /// The `dirmeta` object, `(uuua(ayay))`.
    pub(crate) fn dirmeta(&self) -> Vec<u8> {
        Tuple::default()
            .fixed(4, &self.uid.to_be_bytes())
            .fixed(4, &self.gid.to_be_bytes())
            .fixed(4, &(DIRECTORY | self.mode).to_be_bytes())
            .last(1, &xattrs(&self.xattrs))
    }

    /// Reads a `dirmeta` object; `None` if it is not exactly one.
    pub(crate) fn parse_dirmeta(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let digits = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(digits))
        };
        let meta = Self {
            uid: number(0)?,
            gid: number(4)?,
            mode: number(8)? & 0o7777,
            xattrs: parse_xattrs(bytes.get(12..)?)?,
        };
        (meta.dirmeta() == bytes).then_some(meta)
    }
}

/// `a(ayay)`: names with their NUL, values as they are.
fn xattrs(list: &Xattrs) -> Vec<u8> {
    let pair = |(name, value): (&Vec<u8>, &Vec<u8>)| {
        let name = [name.as_slice(), &[0]].concat();
        Tuple::default().variable(1, &name).last(1, value)
    };
    variant::array(1, list.iter().map(pair))
}

/// Reads `a(ayay)`; `None` if it is not exactly one, with names in order.
pub(crate) fn parse_xattrs(bytes: &[u8]) -> Option<Xattrs> {
    let mut list = Xattrs::new();
    for element in variant::elements(bytes)? {
        let (name, value) = variant::pair(element)?;
        let name = name.strip_suffix(&[0])?;
        if name.is_empty() || name.contains(&0) {
            return None;
        }
        list.insert(name.to_vec(), value.to_vec());
    }
    (xattrs(&list) == bytes).then_some(list)
}

/// What a `dirtree` object lists: files and directories, each sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DirTree {
    pub(crate) files: BTreeMap<Box<str>, Checksum>,
    /// With the checksums of their `dirtree` and `dirmeta`.
    pub(crate) directories: BTreeMap<Box<str>, (Checksum, Checksum)>,
}

impl DirTree {
    /// The object, `(a(say)a(sayay))`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let file = |name: &str, sum: &Checksum| {
            Tuple::default()
                .variable(1, &variant::string(name))
                .last(1, &sum.0)
        };
        let directory = |name: &str, tree: &Checksum, meta: &Checksum| {
            Tuple::default()
                .variable(1, &variant::string(name))
                .variable(1, &tree.0)
                .last(1, &meta.0)
        };
        let files = self.files.iter().map(|(name, sum)| file(name, sum));
        let below = self.directories.iter();
        let directories = below.map(|(name, (tree, meta))| directory(name, tree, meta));
        Tuple::default()
            .variable(1, &variant::array(1, files))
            .last(1, &variant::array(1, directories))
    }

    /// Reads the object; `None` if it is not exactly one, in order, with names that can be names.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut tree = Self::default();
        let (files, directories) = variant::pair(bytes)?;
        for element in variant::elements(files)? {
            let (name, sum) = variant::pair(element)?;
            let name = file_name(name)?;
            tree.files.insert(name.into(), Checksum::read(sum)?);
        }
        for element in variant::elements(directories)? {
            let name = file_name(element.get(..variant::end_of(element, 0)?)?)?;
            let end = element.len().checked_sub(variant::table_size(element, 2))?;
            let sums = element.get(variant::end_of(element, 0)?..end)?;
            let (tree_sum, meta) = sums.split_at_checked(32)?;
            let pair = (Checksum::read(tree_sum)?, Checksum::read(meta)?);
            tree.directories.insert(name.into(), pair);
        }
        let doubled = tree
            .files
            .keys()
            .any(|name| tree.directories.contains_key(name));
        (!doubled && tree.to_bytes() == bytes).then_some(tree)
    }
}

/// A name with its NUL that can be one of a directory's.
fn file_name(bytes: &[u8]) -> Option<&str> {
    let name = variant::text(bytes)?;
    let is_name = !matches!(name, "" | "." | "..") && !name.contains('/') && name.len() <= 255;
    is_name.then_some(name)
}

/// A commit without subject and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitObject<'c> {
    /// By key, all strings.
    pub(crate) metadata: BTreeMap<&'c str, &'c str>,
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// `dirtree` of the root.
    pub(crate) tree: Checksum,
    /// `dirmeta` of the root.
    pub(crate) meta: Checksum,
    /// The commit it was made from.
    pub(crate) parent: Option<Checksum>,
}

impl CommitObject<'_> {
    /// The object, `(a{sv}aya(say)sstayay)`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let entry = |(key, value): (&&str, &&str)| {
            Tuple::default()
                .variable(1, &variant::string(key))
                .last(8, &variant::boxed_string(value))
        };
        let parent = self.parent.as_ref().map_or(&[][..], |parent| &parent.0);
        Tuple::default()
            .variable(8, &variant::array(8, self.metadata.iter().map(entry)))
            .variable(1, parent)
            .variable(1, &[])
            .variable(1, &variant::string(""))
            .variable(1, &variant::string(""))
            .fixed(8, &self.time.to_be_bytes())
            .variable(1, &self.tree.0)
            .last(1, &self.meta.0)
    }
}

/// `dirtree` and `dirmeta` of the root of any commit object.
pub(crate) fn commit_root(bytes: &[u8]) -> Option<(Checksum, Checksum)> {
    let start = variant::end_of(bytes, 4)?
        .checked_next_multiple_of(8)?
        .checked_add(8)?;
    let middle = variant::end_of(bytes, 5)?;
    let end = bytes.len().checked_sub(variant::table_size(bytes, 6))?;
    let tree = Checksum::read(bytes.get(start..middle)?)?;
    Some((tree, Checksum::read(bytes.get(middle..end)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(xattrs: &[(&str, &[u8])]) -> Meta {
        let owned = |(name, value): &(&str, &[u8])| (name.as_bytes().to_vec(), value.to_vec());
        Meta {
            uid: 1,
            gid: 2,
            mode: 0o4755,
            xattrs: xattrs.iter().map(owned).collect(),
        }
    }

    #[test]
    fn offsets_grow_with_the_container() {
        for size in [
            0, 1, 200, 252, 253, 254, 300, 65_000, 65_531, 65_532, 70_000,
        ] {
            let value = vec![b'v'; size];
            let with = meta(&[("user.a", &value), ("user.b", b"")]);
            assert_eq!(Meta::parse_dirmeta(&with.dirmeta()), Some(with), "{size}");
        }
    }

    #[test]
    fn trees_are_read_back() {
        let sum = |mark| Checksum([mark; 32]);
        for count in [0_u8, 1, 3, 4, 200] {
            let mut tree = DirTree::default();
            for at in 0..count {
                tree.files.insert(format!("f{at}").into(), sum(at));
                let below = (sum(at), sum(at + 1));
                tree.directories.insert(format!("d{at}").into(), below);
            }
            assert_eq!(DirTree::parse(&tree.to_bytes()), Some(tree), "{count}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_not_read() {
        let mut named = DirTree::default();
        named.files.insert("..".into(), Checksum([0; 32]));
        assert_eq!(DirTree::parse(&named.to_bytes()), None);
        let mut slashed = DirTree::default();
        slashed
            .directories
            .insert("a/b".into(), (Checksum([0; 32]), Checksum([0; 32])));
        assert_eq!(DirTree::parse(&slashed.to_bytes()), None);
        let mut good = DirTree::default();
        good.files.insert("a".into(), Checksum([7; 32]));
        let bytes = good.to_bytes();
        for cut in 0..bytes.len() {
            assert_eq!(DirTree::parse(&bytes[..cut]), None, "{cut}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0xff;
            // Another checksum or name is another tree; it is never this one.
            assert_ne!(DirTree::parse(&other), Some(good.clone()), "{at}");
        }
        for bytes in [&[][..], &[0], &[0xff; 40]] {
            assert_eq!(Meta::parse_dirmeta(bytes), None);
            assert_eq!(commit_root(bytes), None);
        }
    }

    #[test]
    fn the_root_of_a_commit_is_found() {
        for size in [0, 10, 300, 70_000] {
            let text = "x".repeat(size);
            let commit = CommitObject {
                metadata: BTreeMap::from([("a.key", text.as_str()), ("b", "c")]),
                time: 1,
                tree: Checksum([3; 32]),
                meta: Checksum([4; 32]),
                parent: None,
            };
            assert_eq!(
                commit_root(&commit.to_bytes()),
                Some((Checksum([3; 32]), Checksum([4; 32])))
            );
        }
    }

    #[test]
    fn checksums_are_read_and_shown() {
        let text = "0f".repeat(32);
        assert_eq!(Checksum::parse(&text).unwrap().to_string(), text);
        for wrong in [
            "",
            "0f",
            &"0F".repeat(32),
            &"0g".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(Checksum::parse(wrong), None, "{wrong}");
        }
    }
}
