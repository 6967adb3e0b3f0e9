// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot loaders of a medium, from an image: a signed chain for UEFI, GRUB for BIOS.

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::{Lack, MediaError};
use super::image_root::ImageRoot;
use crate::engine::error::EngineError;
use crate::engine::esp::Esp;
use crate::engine::tool::Tool;

/// The chain of distributions: shim, the GRUB that is meant for discs, and where those are on a medium. The kernel's
/// architecture decides which is there.
const CHAIN: [(&str, &str, &str); 3] = [
    (
        "usr/lib/shim/shimx64.efi.signed",
        "EFI/BOOT/BOOTX64.EFI",
        "shim-signed",
    ),
    (
        "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
        "EFI/BOOT/grubx64.efi",
        "grub-efi-amd64-signed",
    ),
    (
        "usr/lib/shim/mmx64.efi.signed",
        "EFI/BOOT/mmx64.efi",
        "shim-helpers-amd64-signed",
    ),
];
const BIOS: &str = "usr/lib/grub/i386-pc";
const CORE: &str = "/run/eltorito.img";
/// What GRUB for BIOS needs to read the menu and a medium.
const MODULES: [&str; 20] = [
    "biosdisk",
    "iso9660",
    "part_gpt",
    "part_msdos",
    "search",
    "search_label",
    "normal",
    "linux",
    "configfile",
    "serial",
    "terminal",
    "echo",
    "test",
    "all_video",
    "chain",
    "boot",
    "halt",
    "reboot",
    "ls",
    "cat",
];
/// Bytes of the ESP: a multiple of what fits all chains, small enough for firmware's 16-bit count of sectors.
const ESP_BYTES: u64 = 16 << 20;

/// Where they are on a medium: what a BIOS starts from a disc, and the first sector of a disk.
pub(super) const DISC_CORE: &str = "images/eltorito.img";
pub(super) const FIRST_SECTOR: &str = "images/boot_hybrid.img";

/// What the image lacks of them.
pub(super) fn lacks(root: &Path) -> Vec<Lack> {
    let chain = CHAIN
        .into_iter()
        .map(|(path, _, package)| (path.to_owned(), package));
    let bios = ["boot_hybrid.img", "cdboot.img", "kernel.img"]
        .into_iter()
        .map(|name| (format!("{BIOS}/{name}"), "grub-pc-bin"));
    let programs = [("usr/bin/grub-mkimage".to_owned(), "grub-common")];
    chain
        .chain(bios)
        .chain(programs)
        .filter(|(path, _)| !root.join(path).is_file())
        .map(|(path, package)| Lack {
            what: format!("`/{path}`"),
            package: package.to_owned(),
        })
        .collect()
}

/// The boot chain for UEFI, by paths on a medium.
pub(super) fn chain() -> impl Iterator<Item = &'static str> {
    CHAIN.into_iter().map(|(_, path, _)| path)
}

/// Finds and makes the files; gives each with its path on a medium.
pub(super) fn make(root: &ImageRoot) -> Result<Vec<(PathBuf, &'static str)>, MediaError> {
    let directory = format!("/{BIOS}");
    let fixed = [
        "grub-mkimage",
        "-d",
        &directory,
        "-O",
        "i386-pc-eltorito",
        "-p",
        "/boot/grub",
        "-o",
        CORE,
    ];
    let argv: Vec<&str> = fixed.into_iter().chain(MODULES).collect();
    root.run(&argv).run()?;
    let at = |path: &str| root.path().join(path);
    let chain = CHAIN.into_iter().map(|(from, to, _)| (at(from), to));
    let bios = [
        (at(&CORE[1..]), DISC_CORE),
        (at(BIOS).join("boot_hybrid.img"), FIRST_SECTOR),
    ];
    Ok(chain.chain(bios).collect())
}

/// Writes the ESP of a medium to the new file `path`: the chain, and what leads to the menu.
pub(super) fn write_esp(
    path: &Path,
    environment: &Environment,
    stub: &str,
) -> Result<(), EngineError> {
    let context = || format!("writing `{}`", path.display());
    let made = fs::File::create_new(path).and_then(|file| file.set_len(ESP_BYTES));
    made.map_err(|e| EngineError::io(context(), e))?;
    // The serial number is fixed: the same input gives the same medium.
    let fixed = ["-n", "EFI", "-i", "4c464c46", "--invariant"].map(AsRef::as_ref);
    Tool::MkfsVfat
        .with(fixed.into_iter().chain([path.as_os_str()]))
        .run()?;
    let esp = Esp::on(path);
    let menu = "EFI/BOOT/grub.cfg";
    esp.make_directories(chain().chain([menu]))?;
    for path in chain() {
        let from = environment.file(path);
        let content = fs::read(&from)
            .map_err(|e| EngineError::io(format!("reading `{}`", from.display()), e))?;
        esp.write(path, &content)?;
    }
    esp.write(menu, stub.as_bytes())
}
