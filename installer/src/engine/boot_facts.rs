// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the boot loaders that an image brings: a signed chain for UEFI, GRUB's parts for BIOS.
//!
//! Takes the image's tree, gives paths in it. What is done with them is decided in [`crate::plan`].

use std::io;

use super::view::View;
use crate::plan::{BiosPayload, BlsCommand, BootPayload};

/// Where distributions put their signed boot chain: shim, GRUB, `MokManager`.
pub(super) const LAYOUTS: [[&str; 3]; 2] = [
    [
        "usr/lib/shim/shimx64.efi.signed",
        "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
        "usr/lib/shim/mmx64.efi.signed",
    ],
    [
        "usr/lib/shim/shimaa64.efi.signed",
        "usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed",
        "usr/lib/shim/mmaa64.efi.signed",
    ],
];

/// The signed GRUBs of these layouts.
pub(super) const SIGNED: [&str; 2] = [LAYOUTS[0][1], LAYOUTS[1][1]];

/// The signed boot chain for UEFI.
pub(super) fn signed_chain(tree: &dyn View) -> io::Result<Option<BootPayload>> {
    let has = |path: &str| tree.is_file(path);
    let found = LAYOUTS
        .into_iter()
        .find(|[shim, grub, _]| has(shim) && has(grub));
    let Some([shim, grub, mok]) = found else {
        return Ok(None);
    };
    let binary = tree.bytes(grub, MAX_GRUB)?;
    Ok(vendor(&binary).map(|vendor| BootPayload {
        vendor,
        shim: shim.to_owned(),
        grub: grub.to_owned(),
        mok_manager: has(mok).then(|| mok.to_owned()),
        bls: BlsCommand::built_in(&binary),
    }))
}

/// Bytes of a GRUB binary that are looked at; signed ones have under 5 MiB.
const MAX_GRUB: u64 = 32 << 20;

/// The directory below `/EFI` that is the prefix built into a signed GRUB: there, and nowhere
/// else, it looks for its configuration.
fn vendor(grub: &[u8]) -> Option<String> {
    const BELOW: &[u8] = b"/EFI/";
    let at = grub
        .windows(BELOW.len())
        .position(|window| window == BELOW)?
        + BELOW.len();
    let name = grub[at..]
        .iter()
        .take_while(|c| c.is_ascii_alphanumeric() || b"-_".contains(c));
    let name: String = name.map(|c| char::from(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// Directories of GRUB's parts for BIOS.
const BIOS_DIRECTORIES: [&str; 2] = ["usr/lib/grub/i386-pc", "usr/lib/grub2/i386-pc"];
/// Names of the program that makes core images.
const MKIMAGE: [&str; 2] = ["usr/bin/grub2-mkimage", "usr/bin/grub-mkimage"];

/// GRUB's parts for BIOS, where all of them are there.
pub(super) fn bios(tree: &dyn View) -> io::Result<Option<BiosPayload>> {
    let has = |path: &str| tree.is_file(path);
    let directory = BIOS_DIRECTORIES
        .into_iter()
        .find(|directory| has(&format!("{directory}/boot.img")));
    let mkimage = MKIMAGE.into_iter().find(|path| has(path));
    let (Some(directory), Some(mkimage)) = (directory, mkimage) else {
        return Ok(None);
    };
    let names = tree.names(directory)?;
    let modules = names.iter().filter_map(|name| name.strip_suffix(".mod"));
    Ok(Some(BiosPayload {
        directory: format!("/{directory}"),
        mkimage: format!("/{mkimage}"),
        modules: modules.map(str::to_owned).collect(),
        files: names
            .iter()
            .filter(|name| is_loaded(name))
            .cloned()
            .collect(),
    }))
}

/// Whether `grub-install` puts a file beside the menu.
fn is_loaded(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("mod" | "lst" | "o"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grub_loads_is_modules_and_lists() {
        let files = ["all_video.mod", "command.lst", "efiemu64.o"];
        assert!(files.into_iter().all(is_loaded));
        let others = ["boot.img", "modinfo.sh", "kernel.exec", "config.h", "lst"];
        assert!(!others.into_iter().any(is_loaded));
    }

    #[test]
    fn the_vendor_is_the_prefix_of_the_binary() {
        assert_eq!(
            vendor(b"MZ\0module\0(,gpt1)/EFI/debian\0\0").as_deref(),
            Some("debian")
        );
        assert_eq!(vendor(b"MZ\0/EFI/../x\0"), None);
        assert_eq!(vendor(b"MZ\0/boot/grub\0"), None);
    }
}
