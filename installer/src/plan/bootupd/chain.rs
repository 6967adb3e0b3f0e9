// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot chain for UEFI as an image with bootupd has it: which file goes where below `EFI`, and which of them a
//! firmware finds. It deliberately does not know what is in the files.

use std::collections::BTreeMap;

use super::{BY_PACKAGE, BootupdPayload, ChainFile, OTHERS};
use crate::plan::bls::BlsCommand;
use crate::plan::boot::MOST_FILE_BYTES;
use crate::plan::esp::{self, Copy};
use crate::plan::issue::{Code, Issues};
use crate::plan::size::human;

/// A cluster of FAT has at most so many bytes; a file takes whole ones.
const CLUSTER: u64 = 32 << 10;
/// What the file system itself, its directories and the stub take at most of an ESP: one part in so many.
const OVERHEAD: u64 = 32;

/// A boot chain that a firmware can start.
#[derive(Debug)]
pub(super) struct Chain {
    /// Its files, by their place.
    pub(super) files: Vec<File>,
    /// The directory below `EFI` that shim is in: GRUB's is there too.
    pub(super) vendor: String,
    /// The command for boot entries that is built into that GRUB.
    pub(super) bls: Option<BlsCommand>,
    /// Bytes that the files take on an ESP, at most.
    bytes: u64,
}

/// Where a file comes from, and where it goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Path in the image.
    from: String,
    /// The same from the directory of the boot chain.
    pub(super) source: String,
    /// Path below `EFI`.
    pub(super) to: String,
}

impl Chain {
    /// Its files for the ESP, in the order in which they are written.
    pub(super) fn copies(&self) -> Vec<Copy> {
        let copies = self.files.iter().map(|file| Copy {
            from: file.from.clone(),
            to: format!("EFI/{}", file.to),
        });
        let mut copies: Vec<Copy> = copies.collect();
        copies.sort_by_key(|copy| rank(&copy.to));
        copies
    }

    /// Whether it fits into an ESP of this size that has nothing else.
    pub(super) fn check_room(&self, esp_bytes: u64, issues: &mut Issues) -> Option<()> {
        if self.bytes <= esp_bytes - esp_bytes / OVERHEAD {
            return Some(());
        }
        let message = format!(
            "the boot chain of the image's bootupd needs {} on the ESP, which has {}",
            human(self.bytes),
            human(esp_bytes)
        );
        issues.error(Code::DoesNotFit, message);
        None
    }
}

/// The boot chain for an architecture.
pub(super) fn read(payload: &BootupdPayload, arch: &str, issues: &mut Issues) -> Option<Chain> {
    let placed = place(payload, issues)?;
    let suffix = esp::names(arch)?.suffix;
    let vendor = vendor(&placed, suffix, issues)?.to_owned();
    let at = |name: &str| placed.get(&format!("{vendor}/{name}").to_ascii_lowercase());
    for stub in ["grub.cfg", "bootuuid.cfg"] {
        if let Some((file, _)) = at(stub) {
            let why = format!("its `{}` would be in the place of bootupd's", file.source);
            return refuse_chain(&why, issues);
        }
    }
    let sizes = placed.values().filter_map(|(_, found)| found.bytes);
    let bytes = sizes.map(|bytes| bytes.next_multiple_of(CLUSTER)).sum();
    let bls = at(&format!("grub{suffix}.efi")).and_then(|(_, found)| found.bls);
    Some(Chain {
        files: placed.into_values().map(|(file, _)| file).collect(),
        vendor,
        bls,
        bytes,
    })
}

/// Files by their places in small letters: FAT knows no case.
type Placed<'p> = BTreeMap<String, (File, &'p ChainFile)>;

/// The files of the boot chain, each place once.
fn place<'p>(payload: &'p BootupdPayload, issues: &mut Issues) -> Option<Placed<'p>> {
    let mut placed = Placed::new();
    for found in &payload.files {
        let source = &found.path;
        let Some(to) = destination(&payload.directory, source) else {
            continue;
        };
        if !is_plain(to) {
            return refuse_chain(&format!("`{source}` is an unusual name"), issues);
        }
        match found.bytes {
            None => return refuse_chain(&format!("`{source}` is no regular file"), issues),
            Some(bytes) if bytes > MOST_FILE_BYTES => {
                let why = format!("`{source}` has more than {}", human(MOST_FILE_BYTES));
                return refuse_chain(&why, issues);
            }
            Some(_) => {}
        }
        let file = File {
            from: format!("{}/{source}", payload.directory),
            source: source.clone(),
            to: to.to_owned(),
        };
        if let Some((other, _)) = placed.insert(to.to_ascii_lowercase(), (file, found)) {
            let why = format!("`{}` and `{source}` have one place", other.source);
            return refuse_chain(&why, issues);
        }
    }
    Some(placed)
}

/// Where below `EFI` a file goes; none for what belongs to other boot loaders.
fn destination<'s>(directory: &str, source: &'s str) -> Option<&'s str> {
    if source.split('/').any(|part| OTHERS.contains(&part)) {
        return None;
    }
    if directory != BY_PACKAGE {
        return Some(source);
    }
    let mut parts = source.splitn(4, '/').skip(2);
    parts.next().filter(|part| *part == "EFI")?;
    parts.next()
}

fn is_plain(path: &str) -> bool {
    let is_usual = |c: u8| c.is_ascii_alphanumeric() || b"-_.+~".contains(&c);
    path.split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_usual))
}

/// The directory that shim is in: GRUB's is there too.
fn vendor<'c>(placed: &'c Placed<'_>, suffix: &str, issues: &mut Issues) -> Option<&'c str> {
    let directories = |name: String| {
        let split = placed
            .values()
            .filter_map(|(file, _)| file.to.rsplit_once('/'));
        split
            .filter(|(_, last)| *last == name)
            .map(|(directory, _)| directory)
            .collect::<Vec<_>>()
    };
    let shims = directories(format!("shim{suffix}.efi"));
    let grubs = directories(format!("grub{suffix}.efi"));
    match shims.as_slice() {
        [vendor] if grubs.contains(vendor) => Some(vendor),
        [_] => refuse_chain("it has no GRUB beside its shim", issues),
        [] => refuse_chain("it has no shim", issues),
        _ => refuse_chain("it has several shims", issues),
    }
}

fn refuse_chain<T>(why: &str, issues: &mut Issues) -> Option<T> {
    let message = format!("the boot chain of the image's bootupd cannot be used: {why}");
    issues.error(Code::BootLoaderMissing, message);
    None
}

/// When a file of the chain is written: what starts nothing by itself, then shims, which an entry of an earlier system may
/// name, then what every firmware looks for.
fn rank(to: &str) -> u8 {
    let to = to.to_ascii_lowercase();
    let (directory, name) = to.rsplit_once('/').unwrap_or(("", &to));
    let is_program = name.rsplit_once('.').is_some_and(|(_, last)| last == "efi");
    match name {
        _ if !is_program => 0,
        name if directory == "efi/boot" && name.starts_with("boot") => 2,
        name => u8::from(name.starts_with("shim")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(directory: &str, files: &[&str]) -> BootupdPayload {
        let file = |path: &&str| ChainFile {
            path: (*path).to_owned(),
            bytes: Some(CLUSTER + 1),
            bls: None,
        };
        BootupdPayload {
            directory: directory.to_owned(),
            files: files.iter().map(file).collect(),
            ..BootupdPayload::default()
        }
    }

    fn chain_of(directory: &str, files: &[&str]) -> Result<Vec<String>, String> {
        let mut issues = Issues::default();
        let payload = payload(directory, files);
        let placed = place(&payload, &mut issues).ok_or_else(|| issues.0[0].message.clone())?;
        let placed = placed.into_values();
        Ok(placed
            .map(|(file, _)| format!("{} {}", file.source, file.to))
            .collect())
    }

    #[test]
    fn both_layouts_of_the_boot_chain_end_below_efi() {
        let files = [
            "shim/16/EFI/BOOT/BOOTX64.EFI",
            "grub2/1:2.12-9/EFI/fedora/grubx64.efi",
            "grub-cc/1/EFI/fedora/grubx64.efi",
            "systemd-boot/1/EFI/systemd/systemd-bootx64.efi",
            "shim/16/README",
        ];
        assert_eq!(
            chain_of("usr/lib/efi", &files).unwrap(),
            [
                "shim/16/EFI/BOOT/BOOTX64.EFI BOOT/BOOTX64.EFI",
                "grub2/1:2.12-9/EFI/fedora/grubx64.efi fedora/grubx64.efi"
            ]
        );
        assert_eq!(
            chain_of("usr/lib/bootupd/updates/EFI", &["BOOT/BOOTX64.EFI"]).unwrap(),
            ["BOOT/BOOTX64.EFI BOOT/BOOTX64.EFI"]
        );
    }

    #[test]
    fn names_that_no_esp_has_are_refused() {
        for name in ["a/../b", "a/b\\c", "a//b", "a/b:c", "/a", "a/.btmp.b"] {
            let refused = chain_of("usr/lib/bootupd/updates/EFI", &[name]).unwrap_err();
            assert!(refused.contains("an unusual name"), "{refused}");
        }
    }

    #[test]
    fn two_files_for_one_place_are_refused() {
        let same = ["a/1/EFI/BOOT/x.efi", "a/2/EFI/boot/X.EFI"];
        let refused = chain_of("usr/lib/efi", &same).unwrap_err();
        assert_eq!(
            refused,
            "the boot chain of the image's bootupd cannot be used: `a/1/EFI/BOOT/x.efi` and `a/2/EFI/boot/X.EFI` have one place"
        );
    }

    #[test]
    fn only_regular_files_of_some_size_are_copied() {
        for (bytes, why) in [
            (None, "`a/1/EFI/x` is no regular file"),
            (
                Some(MOST_FILE_BYTES + 1),
                "`a/1/EFI/x` has more than 64 MiB",
            ),
        ] {
            let mut payload = payload("usr/lib/efi", &["a/1/EFI/x"]);
            payload.files[0].bytes = bytes;
            let mut issues = Issues::default();
            assert!(place(&payload, &mut issues).is_none());
            assert!(issues.0[0].message.ends_with(why), "{:?}", issues.0);
            // What is nobody's stays in the image.
            payload.files[0].path = "a/1/link".to_owned();
            assert_eq!(place(&payload, &mut issues), Some(Placed::new()));
        }
    }

    #[test]
    fn the_stub_is_nobody_elses() {
        for name in ["grub.cfg", "GRUB.CFG", "BootUUID.cfg"] {
            let own = format!("x/1/EFI/LAB/{name}");
            let files = [
                "x/1/EFI/lab/shimx64.efi",
                "x/1/EFI/lab/grubx64.efi",
                own.as_str(),
            ];
            let mut issues = Issues::default();
            assert!(read(&payload("usr/lib/efi", &files), "amd64", &mut issues).is_none());
            assert!(issues.0[0].message.contains(&own), "{:?}", issues.0);
        }
    }

    #[test]
    fn the_command_is_that_of_grub_beside_shim() {
        let files = [
            "grub-cc/1/EFI/lab/grubx64.efi",
            "grub2/1/EFI/lab/grubx64.efi",
            "grub2/1/EFI/other/grubx64.efi",
            "shim/1/EFI/lab/shimx64.efi",
        ];
        let mut payload = payload("usr/lib/efi", &files);
        payload.files[0].bls = Some(BlsCommand::Upstream);
        payload.files[1].bls = Some(BlsCommand::Patched);
        let mut issues = Issues::default();
        let chain = read(&payload, "amd64", &mut issues).unwrap();
        assert_eq!(chain.bls, Some(BlsCommand::Patched));
        assert_eq!(chain.vendor, "lab");
        // Three files of two clusters each.
        assert_eq!(chain.bytes, 6 * CLUSTER);
        assert!(chain.check_room(7 * CLUSTER, &mut issues).is_some());
        assert!(chain.check_room(6 * CLUSTER, &mut issues).is_none());
        assert_eq!(
            issues.0[0].to_string(),
            "the boot chain of the image's bootupd needs 192 KiB on the ESP, which has 192 KiB [LF1012]"
        );
    }

    #[test]
    fn what_firmware_finds_comes_last() {
        for (rank, files) in [
            (
                0,
                "EFI/BOOT/fbx64.efi EFI/BOOT/bootxefi EFI/BOOT/boot.csv EFI/BOOT/boot/x.efi \
                 EFI/fedora/BOOTX64.CSV EFI/fedora/grubx64.efi EFI/fedora/shimxefi",
            ),
            (
                1,
                "EFI/fedora/shim.efi EFI/fedora/SHIMX64.EFI EFI/a/shimaa64.efi",
            ),
            (
                2,
                "EFI/BOOT/BOOTX64.EFI EFI/Boot/bootia32.efi EFI/BOOT/BOOTAA64.EFI",
            ),
        ] {
            for file in files.split_whitespace() {
                assert_eq!(super::rank(file), rank, "{file}");
            }
        }
    }
}
