// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where files lie on an ISO (ECMA-119, with the names of Rock Ridge).
//!
//! Takes a file and a path; gives the place of its content. Everything that is read is bounded: the file may be anything. It
//! deliberately does not read content, or files in several extents.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::medium::Area;

const SECTOR: u64 = 2048;
const SECTOR_BYTES: usize = 2048;
/// The first volume descriptor (8.1), and how many are looked at.
const DESCRIPTORS: std::ops::Range<u64> = 16..48;
const PRIMARY: u8 = 1;
const END: u8 = 255;
/// Where the number of blocks is in the descriptor, little-endian.
const VOLUME_SPACE: std::ops::Range<usize> = 80..84;
/// Where the record of the root directory is in the descriptor (8.4.18).
const ROOT: std::ops::Range<usize> = 156..190;
/// The largest directory that is read, in bytes.
const MAX_DIRECTORY: u64 = 4 << 20;
/// Flags of a directory record (9.1.6).
const DIRECTORY: u8 = 2;
const MULTI_EXTENT: u8 = 0x80;

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: Vec<u8>,
    area: Area,
    flags: u8,
}

/// The file at `path` (`a/b/c`), if it is there.
///
/// # Errors
/// `InvalidData` where `iso` is no ISO, or not as it must be; what reading says.
pub(super) fn find(iso: &File, path: &str) -> io::Result<Option<Area>> {
    let mut at = root(iso)?;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let entries = directory(iso, at)?;
        let Some(entry) = entries
            .into_iter()
            .find(|entry| entry.name == name.as_bytes())
        else {
            return Ok(None);
        };
        let is_directory = entry.flags & DIRECTORY != 0;
        if is_directory == names.peek().is_none() {
            return Ok(None);
        }
        if entry.flags & MULTI_EXTENT != 0 {
            return Err(invalid(format!("`{path}` is in several parts")));
        }
        at = entry.area;
    }
    Ok(Some(at))
}

/// How large the file system is, in bytes (8.4.8).
///
/// # Errors
/// As for [`find`].
pub(super) fn volume_bytes(iso: &File) -> io::Result<u64> {
    let descriptor = primary(iso)?;
    let blocks = descriptor[VOLUME_SPACE]
        .try_into()
        .map_or(0, u32::from_le_bytes);
    Ok(u64::from(blocks) * SECTOR)
}

fn root(iso: &File) -> io::Result<Area> {
    let root = record(&primary(iso)?[ROOT]);
    let root = root.ok_or_else(|| invalid("it has no root directory"))?;
    Ok(root.area)
}

/// The primary volume descriptor.
fn primary(iso: &File) -> io::Result<[u8; SECTOR_BYTES]> {
    let mut sector = [0; SECTOR_BYTES];
    for number in DESCRIPTORS {
        iso.read_exact_at(&mut sector, number * SECTOR)
            .map_err(|_| invalid("it ends before its volume descriptors"))?;
        if &sector[1..6] != b"CD001" {
            return Err(invalid("it is no ISO: it has no volume descriptor"));
        }
        match sector[0] {
            PRIMARY => return Ok(sector),
            END => break,
            _ => {}
        }
    }
    Err(invalid("it has no primary volume descriptor"))
}

fn directory(iso: &File, at: Area) -> io::Result<Vec<Entry>> {
    if at.size > MAX_DIRECTORY {
        return Err(invalid("a directory is larger than any real one"));
    }
    let mut bytes = vec![0; usize::try_from(at.size).unwrap_or_default()];
    iso.read_exact_at(&mut bytes, at.offset)
        .map_err(|_| invalid("a directory lies behind the end"))?;
    let mut entries = Vec::new();
    for sector in bytes.chunks(SECTOR_BYTES) {
        let mut rest = sector;
        // A record does not cross sectors; 0 fills them up.
        while let Some(&length) = rest.first().filter(|length| **length > 0) {
            let Some((bytes, after)) = rest.split_at_checked(length.into()) else {
                return Err(invalid("a directory record is longer than its sector"));
            };
            entries.extend(record(bytes));
            rest = after;
        }
    }
    Ok(entries)
}

/// A directory record (9.1), with its name by Rock Ridge if it has one.
fn record(bytes: &[u8]) -> Option<Entry> {
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(bytes)))
    };
    let length = usize::from(*bytes.get(32)?);
    let name = bytes.get(33..33 + length)?;
    // The name and its length have an even number of bytes together.
    let system_use = bytes
        .get(33 + length + (length + 1) % 2..)
        .unwrap_or_default();
    let plain = name.split(|c| *c == b';').next().unwrap_or(name);
    Some(Entry {
        name: rock_ridge(system_use).unwrap_or_else(|| plain.to_vec()),
        area: Area {
            offset: number(2)? * SECTOR,
            size: number(10)?,
        },
        flags: *bytes.get(25)?,
    })
}

/// The name in the entries `NM` of a system use area (SUSP 5, RRIP 4.1.4).
fn rock_ridge(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut name = None;
    while let [a, b, length, _, ..] = *rest {
        let (entry, after) = rest
            .split_at_checked(length.into())
            .filter(|(entry, _)| entry.len() >= 4)?;
        if [a, b] == *b"NM" {
            name.get_or_insert_with(Vec::new)
                .extend_from_slice(entry.get(5..)?);
        }
        rest = after;
    }
    name
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn iso() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join("Some Dir/below")).unwrap();
        fs::write(
            tree.join("Some Dir/below/a-long.name.of-a-file.conf"),
            "content",
        )
        .unwrap();
        for n in 0..300 {
            fs::write(tree.join(format!("file-{n}")), "").unwrap();
        }
        let path = dir.path().join("iso");
        let made = Command::new("xorriso")
            .args([
                "-as",
                "mkisofs",
                "-quiet",
                "-rock",
                "-iso-level",
                "3",
                "-partition_offset",
                "16",
                "-o",
            ])
            .args([&path, &tree])
            .output()
            .expect("xorriso is missing: install xorriso");
        assert!(made.status.success(), "{made:?}");
        let file = File::open(&path).unwrap();
        (dir, file)
    }

    #[test]
    fn a_file_is_found_by_the_name_that_it_had() {
        let (_dir, iso) = iso();
        let at = find(&iso, "Some Dir/below/a-long.name.of-a-file.conf")
            .unwrap()
            .unwrap();
        let mut content = [0; 7];
        iso.read_exact_at(&mut content, at.offset).unwrap();
        assert_eq!((&content, at.size), (b"content", 7));
        assert!(find(&iso, "file-299").unwrap().is_some());
        let volume = volume_bytes(&iso).unwrap();
        assert!((at.offset + at.size..=iso.metadata().unwrap().len()).contains(&volume));
        for path in ["file-300", "Some Dir", "Some Dir/below/x", "file-1/x", ""] {
            assert_eq!(find(&iso, path).unwrap(), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_iso_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let why = |bytes: &[u8]| {
            fs::write(file.path(), bytes).unwrap();
            find(&File::open(file.path()).unwrap(), "a")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(why(b"short"), "it ends before its volume descriptors");
        assert_eq!(
            why(&vec![0; 70_000]),
            "it is no ISO: it has no volume descriptor"
        );
        let mut bytes = vec![0; 70_000];
        bytes[32_768..32_774].copy_from_slice(b"\x01CD001");
        bytes[32_768 + 156 + 10..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(why(&bytes), "a directory is larger than any real one");
    }
}
