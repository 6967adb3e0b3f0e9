// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One wrong byte on a medium.
//!
//! Takes the ISO and the path of a file on it; changes one byte of that file where it is in the ISO, and back. Finds it by
//! `xorriso`, not by Landfall's code.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::tool::{self, tool};

/// Bytes of a block of an ISO 9660 file system.
const BLOCK: u64 = 2048;

/// Which byte is wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Damage {
    /// A file from the root of the medium. If it is a directory, its largest file.
    pub file: String,
    /// The byte's offset in the file; the middle if there is none.
    pub byte: Option<u64>,
}

/// A file in an ISO, in bytes.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    offset: u64,
    size: u64,
}

impl Damage {
    /// Inverts the byte; a second time, it is as before.
    pub fn flip(&self, iso: &Path) -> Result<()> {
        let mut xorriso = tool("xorriso")?;
        xorriso.arg("-indev").arg(iso);
        xorriso.args(["-find", &format!("/{}", self.file), "-type", "f"]);
        let listing = tool::run(xorriso.args(["-exec", "report_lba", "--"]))?;
        let place = largest(&listing).with_context(|| format!("no file `{}`", self.file))?;
        let at = self.byte.unwrap_or(place.size / 2);
        ensure!(at < place.size, "`{}` has no byte {at}", self.file);
        let file = File::options().read(true).write(true).open(iso)?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, place.offset + at)?;
        byte[0] = !byte[0];
        file.write_all_at(&byte, place.offset + at)?;
        tool::log(&format!(
            "byte {at} of `{}` is wrong, or not any more",
            self.file
        ));
        Ok(())
    }
}

/// The largest of the files that `report_lba` tells of: `File data lba: PART , BLOCK , BLOCKS , BYTES , 'PATH'`.
fn largest(listing: &str) -> Option<Place> {
    let lines = listing.lines();
    let places = lines.filter_map(|line| {
        let numbers = line.strip_prefix("File data lba:")?;
        let mut numbers = numbers
            .split(',')
            .map(|number| number.trim().parse::<u64>());
        let offset = numbers.nth(1)?.ok()? * BLOCK;
        let size = numbers.nth(1)?.ok()?;
        Some(Place { offset, size })
    });
    places.max_by_key(|place| place.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_file_of_a_listing_is_found() {
        let listing = "Report layout: xt , Startlba ,   Blocks , Filesize , ISO image path\n\
                       File data lba:  0 ,       63 ,        2 ,     3000 , '/a'\n\
                       File data lba:  0 ,      100 ,        9 ,    18000 , '/b, c'\n";
        let found = Place {
            offset: 204_800,
            size: 18_000,
        };
        assert_eq!(largest(listing), Some(found));
        assert_eq!(largest("nothing"), None);
    }

    #[test]
    fn one_byte_of_the_file_is_changed_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, iso) = (dir.path().join("tree"), dir.path().join("a.iso"));
        std::fs::create_dir_all(tree.join("d")).unwrap();
        std::fs::write(tree.join("d/small"), "small").unwrap();
        std::fs::write(tree.join("d/large"), "x".repeat(5000)).unwrap();
        let mut make = tool("xorriso").unwrap();
        make.args(["-as", "mkisofs", "-quiet", "-R", "-o"])
            .arg(&iso);
        tool::run(make.arg(&tree)).unwrap();
        let before = std::fs::read(&iso).unwrap();
        let damage = Damage {
            file: "d".to_owned(),
            byte: None,
        };
        damage.flip(&iso).unwrap();
        let after = std::fs::read(&iso).unwrap();
        let changed: Vec<u8> = before
            .iter()
            .zip(&after)
            .filter(|(a, b)| a != b)
            .map(|(a, _)| *a)
            .collect();
        assert_eq!(changed, b"x");
        damage.flip(&iso).unwrap();
        assert_eq!(std::fs::read(&iso).unwrap(), before);
    }
}
