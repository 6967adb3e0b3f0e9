// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The firmware's boot menu: one entry for the installed system, by `efibootmgr`.
//!
//! Firmware has little room for entries and forgets none, so an entry that an earlier installation on the same disk left goes
//! first. A disk starts without an entry, too: whatever fails here is for the caller to tell, not to fail by.

use super::error::EngineError;
use super::tool::Tool;
use crate::plan::BootEntry;

/// Removes what the entry replaces, and writes it.
pub(super) fn write(entry: &BootEntry) -> Result<(), EngineError> {
    let listed = Tool::Efibootmgr.with(["--verbose"]).output()?;
    for number in replaced(entry, &listed) {
        Tool::Efibootmgr
            .with(["--quiet", "--bootnum", number, "--delete-bootnum"])
            .run()?;
    }
    Tool::Efibootmgr.with(&entry.create).run()
}

/// Numbers of the entries that go: of the same name, for a partition of this disk.
fn replaced<'l>(entry: &BootEntry, listed: &'l str) -> Vec<&'l str> {
    let is_replaced = |path: &str| {
        let path = path.to_ascii_lowercase();
        let is_here = |uuid: &uuid::Uuid| path.contains(&uuid.to_string());
        entry.replaces.iter().any(is_here)
    };
    let entries = listed.lines().filter_map(|line| read_entry(line));
    entries
        .filter(|(_, label, path)| *label == entry.label && is_replaced(path))
        .map(|(number, ..)| number)
        .collect()
}

/// `Boot0003* debian<TAB>HD(1,GPT,GUID,0x800,0x12c000)/File(...)`; the star says that it is active.
fn read_entry(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.strip_prefix("Boot")?;
    let (number, rest) = rest.split_at_checked(4)?;
    if !number.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let rest = rest.strip_prefix(['*', ' '])?.strip_prefix(' ')?;
    let (label, path) = rest.split_once('\t')?;
    Some((number, label, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "BootCurrent: 0003\nTimeout: 0 seconds\nBootOrder: 0003,0001,0000\n\
        Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)\n\
        Boot0001* debian\tHD(1,GPT,11111111-2222-4333-8444-555555555555,0x800,0x12c000)/File(\\EFI\\debian\\shimx64.efi)\n\
        Boot0002* other\tHD(1,GPT,AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE,0x800,0x12c000)/\\EFI\\other\\shimx64.efi\n\
        Boot000A  debian\tHD(1,GPT,AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE,0x800,0x12c000)/\\EFI\\debian\\shimx64.efi\n\
        MirroredPercentageAbove4G: 0.00\n";

    #[test]
    fn only_entries_of_the_same_name_and_disk_go() {
        let mut entry = BootEntry {
            label: "debian".to_owned(),
            replaces: vec![uuid::uuid!("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")],
            create: Vec::new(),
        };
        assert_eq!(replaced(&entry, LISTED), ["000A"]);
        entry.label = "fedora".to_owned();
        assert!(replaced(&entry, LISTED).is_empty());
        entry.replaces.clear();
        assert!(replaced(&entry, LISTED).is_empty());
    }

    #[test]
    fn lines_that_are_no_entries_are_passed_over() {
        for line in [
            "",
            "Boot",
            "BootOrder: 0001",
            "BootéX* a\tb",
            "Boot0001",
            "Boot0001* a",
        ] {
            assert_eq!(read_entry(line), None, "{line}");
        }
    }
}
