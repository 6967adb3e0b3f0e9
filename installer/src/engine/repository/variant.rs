// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `GVariant` wire format, as far as ostree's objects need it. Pure.
//!
//! Takes the serialised members of a container and gives the container's bytes, and the reverse. A
//! container ends with the *framing offsets* of its members of variable size, each as wide as the
//! container's whole length needs (2.3 of its specification). It deliberately does not know types:
//! the caller knows what a member means.

/// A tuple under construction.
#[derive(Debug, Default)]
pub(super) struct Tuple {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Tuple {
    /// A member whose size its type fixes.
    pub(super) fn fixed(mut self, align: usize, bytes: &[u8]) -> Self {
        self.append(align, bytes);
        self
    }

    /// A member of variable size, unless it is the last one.
    pub(super) fn variable(mut self, align: usize, bytes: &[u8]) -> Self {
        self.append(align, bytes);
        self.ends.push(self.bytes.len());
        self
    }

    /// The last member, of variable size: the end of the tuple tells where it ends.
    pub(super) fn last(mut self, align: usize, bytes: &[u8]) -> Vec<u8> {
        self.append(align, bytes);
        self.ends.reverse();
        with_offsets(self.bytes, &self.ends)
    }

    fn append(&mut self, align: usize, bytes: &[u8]) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(align), 0);
        self.bytes.extend_from_slice(bytes);
    }
}

/// An array of elements of variable size.
pub(super) fn array<E: AsRef<[u8]>>(
    align: usize,
    elements: impl IntoIterator<Item = E>,
) -> Vec<u8> {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for element in elements {
        bytes.resize(bytes.len().next_multiple_of(align), 0);
        bytes.extend_from_slice(element.as_ref());
        ends.push(bytes.len());
    }
    with_offsets(bytes, &ends)
}

/// A string with its NUL.
pub(super) fn string(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// A string in a variant: the value, a NUL, its type.
pub(super) fn boxed_string(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0\0s"].concat()
}

fn with_offsets(mut bytes: Vec<u8>, ends: &[usize]) -> Vec<u8> {
    let width = width_for(bytes.len(), ends.len());
    for end in ends {
        bytes.extend_from_slice(&end.to_le_bytes()[..width]);
    }
    bytes
}

/// Bytes of each of `count` offsets behind `body` bytes.
fn width_for(body: usize, count: usize) -> usize {
    let fits = |width: usize, most: usize| body + count * width <= most;
    match () {
        () if fits(1, 0xff) => 1,
        () if fits(2, 0xffff) => 2,
        () if fits(4, 0xffff_ffff) => 4,
        () => 8,
    }
}

/// Bytes of each offset in a container of `length` bytes.
const fn width_in(length: usize) -> usize {
    match length {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// A number of a framing offset, or `None` outside the container.
fn offset(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let mut little = [0; 8];
    little[..width].copy_from_slice(bytes.get(at..at + width)?);
    usize::try_from(u64::from_le_bytes(little)).ok()
}

/// Where the member of variable size `nth` of a tuple ends.
pub(super) fn end_of(bytes: &[u8], nth: usize) -> Option<usize> {
    let width = width_in(bytes.len());
    offset(bytes, bytes.len().checked_sub((nth + 1) * width)?, width)
}

/// Bytes of the `count` offsets of a tuple.
pub(super) const fn table_size(bytes: &[u8], count: usize) -> usize {
    width_in(bytes.len()) * count
}

/// The elements of an array, aligned to a byte.
pub(super) fn elements(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let width = width_in(bytes.len());
    let body = offset(bytes, bytes.len().checked_sub(width)?, width)?;
    let table = bytes.get(body..)?;
    if table.len() % width != 0 {
        return None;
    }
    let mut start = 0;
    (0..table.len() / width)
        .map(|at| {
            let end = offset(table, at * width, width)?;
            bytes.get(std::mem::replace(&mut start, end)..end)
        })
        .collect()
}

/// The two members of a tuple, both aligned to a byte and of variable size.
pub(super) fn pair(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let table = bytes.len().checked_sub(table_size(bytes, 1))?;
    let end = end_of(bytes, 0)?;
    Some((bytes.get(..end)?, bytes.get(end..table)?))
}

/// A string without its NUL.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let text = bytes.strip_suffix(&[0])?;
    let text = std::str::from_utf8(text).ok()?;
    (!text.contains('\0')).then_some(text)
}
