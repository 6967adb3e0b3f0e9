// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A look at an archive before it is imported, with a reader of its own.

#[path = "../../src/engine/import/archive.rs"]
mod archive;
#[path = "../../src/engine/import/path.rs"]
mod path;
#[path = "../../src/engine/import/sparse.rs"]
mod sparse;

/// Hashing what is not there takes time, which the importer bounds for real images and a fuzzer does not have.
const LARGEST: u64 = 16 << 20;

/// Whether the files are small, holes and all.
pub(crate) fn is_small(bytes: &[u8]) -> bool {
    let mut archive = archive::Archive::new(bytes);
    let mut sum = 0_u64;
    while let Ok(Some(entry)) = archive.next() {
        sum = sum.saturating_add(entry.size);
    }
    sum <= LARGEST
}
