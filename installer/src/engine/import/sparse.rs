// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files with holes in tar archives: where their bytes belong. Pure.
//!
//! Takes the maps that GNU tar writes (the old format, type `S`, and the pax formats 0.0, 0.1 and 1.0; "Storing Sparse
//! Files" in its manual); gives, piece by piece, what comes next in the file: bytes of the archive, or zeros. It
//! deliberately does not read the archive.

use std::io;

use super::archive::invalid;

/// The largest file with holes, in bytes: hashing its zeros takes time that no bytes were sent for.
const MAX_SIZE: u64 = 64 << 30;
/// Pieces of one file.
const MAX_PIECES: usize = 100_000;
/// Where the old format has its map in a header, and how many pieces fit.
const IN_HEADER: (usize, usize) = (386, 4);
/// The same in each block that follows.
const IN_BLOCK: (usize, usize) = (0, 21);

/// Size of a file in bytes, and its pieces that are not holes.
pub(super) type Pieces = (u64, Vec<(u64, u64)>);

/// The pieces of a file that are not holes, each with its offset and length in bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pieces: Vec<(u64, u64)>,
    size: u64,
}

impl Map {
    /// A map of a file of `size` bytes. The pieces must be in order and inside, and their lengths add up to `packed`
    /// bytes of the archive.
    pub(super) fn new(pieces: Vec<(u64, u64)>, size: u64, packed: u64) -> io::Result<Self> {
        if size > MAX_SIZE {
            let reason =
                format!("it holds a file with holes of {size} bytes, more than {MAX_SIZE}");
            return Err(invalid(reason));
        }
        let mut end = 0;
        let mut bytes = 0;
        for &(offset, length) in &pieces {
            let next = offset.checked_add(length).ok_or_else(malformed)?;
            if offset < end || next > size {
                return Err(malformed());
            }
            (end, bytes) = (next, bytes + length);
        }
        if bytes != packed || pieces.len() > MAX_PIECES {
            return Err(malformed());
        }
        Ok(Self { pieces, size })
    }

    /// What comes at `position`, and how many bytes of it; `None` at the end.
    pub(super) fn at(&self, position: u64) -> Option<(Piece, u64)> {
        if position >= self.size {
            return None;
        }
        let next = self
            .pieces
            .partition_point(|(offset, length)| offset + length <= position);
        Some(match self.pieces.get(next) {
            Some(&(offset, length)) if offset <= position => {
                (Piece::Bytes, offset + length - position)
            }
            Some(&(offset, _)) => (Piece::Hole, offset - position),
            None => (Piece::Hole, self.size - position),
        })
    }
}

/// What a part of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes,
    Hole,
}

/// The map of the old format while its blocks come.
#[derive(Debug, Default)]
pub(super) struct OldMap {
    pieces: Vec<(u64, u64)>,
    /// Whether a block with more pieces follows.
    pub(super) continues: bool,
}

impl OldMap {
    /// Reads the header of the file; gives the size of the file, too.
    pub(super) fn of_header(block: &[u8; 512]) -> io::Result<(Self, u64)> {
        let mut map = Self::default();
        map.read(block, IN_HEADER)?;
        map.continues = block[482] != 0;
        Ok((map, number(&block[483..495])?))
    }

    /// Reads a block that follows.
    pub(super) fn add(&mut self, block: &[u8; 512]) -> io::Result<()> {
        self.read(block, IN_BLOCK)?;
        self.continues = block[504] != 0;
        if self.pieces.len() > MAX_PIECES {
            return Err(malformed());
        }
        Ok(())
    }

    pub(super) fn pieces(self) -> Vec<(u64, u64)> {
        self.pieces
    }

    fn read(&mut self, block: &[u8; 512], (start, count): (usize, usize)) -> io::Result<()> {
        for entry in block[start..].chunks_exact(24).take(count) {
            if entry.iter().all(|&byte| byte == 0) {
                break;
            }
            let piece = (number(&entry[..12])?, number(&entry[12..])?);
            self.pieces.push(piece);
        }
        Ok(())
    }
}

/// A number of a header: octal digits, or big-endian behind a set bit.
fn number(field: &[u8]) -> io::Result<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let (high, low) = field.split_at(field.len() - 8);
        let is_small = high[0] == 0x80 && high[1..].iter().all(|&byte| byte == 0);
        let low = low.try_into().map_err(|_| malformed())?;
        return if is_small {
            Ok(u64::from_be_bytes(low))
        } else {
            Err(malformed())
        };
    }
    let text = std::str::from_utf8(field).map_err(|_| malformed())?;
    let digits = text.trim_matches(['\0', ' ']);
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).map_err(|_| malformed())
}

/// What pax records say about a file with holes.
#[derive(Debug, Default)]
pub(super) struct PaxMap {
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    size: Option<u64>,
    /// The name of the file; the header has a made-up one.
    pub(super) name: Option<Vec<u8>>,
    major: u64,
    seen: bool,
}

impl PaxMap {
    /// Takes a record whose key begins with `GNU.sparse.`, which is left out in `key`.
    pub(super) fn set(&mut self, key: &str, value: &[u8]) -> io::Result<()> {
        self.seen = true;
        match key {
            "offset" => self.offsets.push(decimal(value)?),
            "numbytes" => self.lengths.push(decimal(value)?),
            "size" | "realsize" => self.size = Some(decimal(value)?),
            "name" => self.name = Some(value.to_vec()),
            "major" => self.major = decimal(value)?,
            "map" => {
                let numbers = value.split(|&byte| byte == b',').map(decimal);
                let numbers: Vec<u64> = numbers.collect::<io::Result<_>>()?;
                self.offsets = numbers.iter().step_by(2).copied().collect();
                self.lengths = numbers.iter().skip(1).step_by(2).copied().collect();
            }
            "minor" | "numblocks" => drop(decimal(value)?),
            _ => return Err(malformed()),
        }
        Ok(())
    }

    /// Whether the map stands at the beginning of the content (format 1.0).
    pub(super) fn is_in_content(&self) -> bool {
        self.seen && self.major == 1
    }

    /// Size and pieces of the file as far as the records say. `None` if it has no holes.
    pub(super) fn finish(&mut self) -> io::Result<Option<Pieces>> {
        if !self.seen {
            return Ok(None);
        }
        if self.major > 1 || self.offsets.len() != self.lengths.len() {
            return Err(malformed());
        }
        let size = self.size.ok_or_else(malformed)?;
        let offsets = std::mem::take(&mut self.offsets).into_iter();
        Ok(Some((
            size,
            offsets.zip(std::mem::take(&mut self.lengths)).collect(),
        )))
    }
}

/// The map of format 1.0 while its lines come: how many pieces, then an offset and a length for each.
#[derive(Debug, Default)]
pub(super) struct LineMap {
    numbers: Vec<u64>,
}

impl LineMap {
    /// Takes a block; says whether it was the last of the map.
    pub(super) fn add(&mut self, rest: &mut Vec<u8>, block: &[u8; 512]) -> io::Result<bool> {
        rest.extend_from_slice(block);
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            if self.is_whole() {
                break;
            }
            self.numbers.push(decimal(&rest[..end])?);
            rest.drain(..=end);
        }
        if rest.len() > 1024 || self.numbers.len() > 2 * MAX_PIECES + 1 {
            return Err(malformed());
        }
        Ok(self.is_whole())
    }

    fn is_whole(&self) -> bool {
        let have = self.numbers.len() as u64;
        self.numbers
            .first()
            .is_some_and(|count| count.saturating_mul(2) < have)
    }

    pub(super) fn pieces(self) -> Vec<(u64, u64)> {
        let pairs = self.numbers[1..].chunks_exact(2);
        pairs.map(|pair| (pair[0], pair[1])).collect()
    }
}

fn decimal(value: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(value).map_err(|_| malformed())?;
    text.parse().map_err(|_| malformed())
}

fn malformed() -> io::Error {
    invalid("it has a malformed map of a file with holes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_holes_take_turns() {
        let map = Map::new(vec![(2, 3), (5, 1), (8, 2)], 12, 6).unwrap();
        let expected = [
            (0, Some((Piece::Hole, 2))),
            (1, Some((Piece::Hole, 1))),
            (2, Some((Piece::Bytes, 3))),
            (4, Some((Piece::Bytes, 1))),
            (5, Some((Piece::Bytes, 1))),
            (6, Some((Piece::Hole, 2))),
            (8, Some((Piece::Bytes, 2))),
            (10, Some((Piece::Hole, 2))),
            (12, None),
        ];
        for (position, piece) in expected {
            assert_eq!(map.at(position), piece, "{position}");
        }
    }

    #[test]
    fn maps_that_make_no_sense_are_refused() {
        for (pieces, size, packed) in [
            (vec![(5, 1), (2, 1)], 10, 2),
            (vec![(0, 4), (3, 1)], 10, 5),
            (vec![(8, 3)], 10, 3),
            (vec![(u64::MAX, 2)], 10, 2),
            (vec![(0, 3)], 10, 4),
            (vec![], MAX_SIZE + 1, 0),
        ] {
            assert!(Map::new(pieces, size, packed).is_err());
        }
    }

    #[test]
    fn numbers_of_headers() {
        assert_eq!(number(b"00000000017\0").unwrap(), 15);
        assert_eq!(number(b"         17 ").unwrap(), 15);
        assert_eq!(number(&[0; 12]).unwrap(), 0);
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x01\0\0\0\0").unwrap(), 1 << 32);
        assert!(number(b"\xff\0\0\0\0\0\0\x01\0\0\0\0").is_err());
        assert!(number(b"00000000019\0").is_err());
    }
}
