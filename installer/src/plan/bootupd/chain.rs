// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot chain for UEFI as an image with bootupd has it: which file goes where below `EFI`, and which of them a
//! firmware finds. It deliberately does not know what is in the files.

use std::collections::BTreeMap;

use super::{BY_PACKAGE, BootupdFile, BootupdPayload, OTHERS};
use crate::plan::issue::{Code, Issues};

/// The files of the boot chain, each name once; FAT knows no case.
pub(super) fn read(payload: &BootupdPayload, issues: &mut Issues) -> Option<Vec<BootupdFile>> {
    let mut chain = BTreeMap::new();
    for source in &payload.files {
        let Some(to) = destination(&payload.directory, source) else {
            continue;
        };
        if !is_plain(to) {
            let message = format!("a file of the image's bootupd has an unusual name: `{source}`");
            issues.error(Code::BootLoaderMissing, message);
            return None;
        }
        let file = BootupdFile {
            from: format!("{}/{source}", payload.directory),
            source: source.clone(),
            to: to.to_owned(),
        };
        chain.insert(to.to_ascii_lowercase(), file);
    }
    Some(chain.into_values().collect())
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
pub(super) fn vendor<'c>(
    chain: &'c [BootupdFile],
    suffix: &str,
    issues: &mut Issues,
) -> Option<&'c str> {
    let directories = |name: String| {
        let split = chain.iter().filter_map(|file| file.to.rsplit_once('/'));
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
pub(super) fn rank(to: &str) -> u8 {
    let to = to.to_ascii_lowercase();
    let removable = to.strip_prefix("efi/boot/boot");
    if removable.is_some_and(|rest| rest.ends_with("efi")) {
        return 2;
    }
    let name = to.rsplit('/').next().unwrap_or(&to);
    u8::from(name.starts_with("shim"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(directory: &str, files: &[&str]) -> Vec<String> {
        let payload = BootupdPayload {
            directory: directory.to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            ..BootupdPayload::default()
        };
        let mut issues = Issues::default();
        let chain = read(&payload, &mut issues).unwrap_or_default();
        chain
            .into_iter()
            .map(|file| format!("{} {}", file.source, file.to))
            .collect()
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
            chain_of("usr/lib/efi", &files),
            [
                "shim/16/EFI/BOOT/BOOTX64.EFI BOOT/BOOTX64.EFI",
                "grub2/1:2.12-9/EFI/fedora/grubx64.efi fedora/grubx64.efi"
            ]
        );
        assert_eq!(
            chain_of("usr/lib/bootupd/updates/EFI", &["BOOT/BOOTX64.EFI"]),
            ["BOOT/BOOTX64.EFI BOOT/BOOTX64.EFI"]
        );
    }

    #[test]
    fn names_that_no_esp_has_are_refused() {
        for name in ["a/../b", "a/b\\c", "a//b", "a/b:c", "/a", "a/.btmp.b"] {
            assert!(chain_of("usr/lib/bootupd/updates/EFI", &[name]).is_empty());
        }
        // The later one of two packages has the name.
        let same = ["a/1/EFI/BOOT/x.efi", "b/1/EFI/boot/X.EFI"];
        assert_eq!(
            chain_of("usr/lib/efi", &same),
            ["b/1/EFI/boot/X.EFI boot/X.EFI"]
        );
    }

    #[test]
    fn what_firmware_finds_comes_last() {
        for (rank, files) in [
            (
                0,
                [
                    "EFI/BOOT/fbx64.efi",
                    "EFI/fedora/BOOTX64.CSV",
                    "EFI/fedora/grubx64.efi",
                ],
            ),
            (
                1,
                [
                    "EFI/fedora/shim.efi",
                    "EFI/fedora/SHIMX64.EFI",
                    "EFI/a/shimaa64.efi",
                ],
            ),
            (
                2,
                [
                    "EFI/BOOT/BOOTX64.EFI",
                    "EFI/Boot/bootia32.efi",
                    "EFI/BOOT/BOOTAA64.EFI",
                ],
            ),
        ] {
            assert!(files.iter().all(|file| super::rank(file) == rank), "{rank}");
        }
    }
}
