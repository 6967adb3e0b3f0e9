// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot loaders of a medium, from an image: a signed chain for UEFI, GRUB for BIOS.

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::epoch::Epoch;
use super::error::{Lack, MediaError};
use super::image_root::ImageRoot;
use crate::engine::error::EngineError;
use crate::engine::esp::Esp;
use crate::engine::tool::Tool;

/// Where the chain for UEFI is on a medium. The kernel's architecture decides which is there.
pub(super) const SHIM: &str = "EFI/BOOT/BOOTX64.EFI";
const DISC_GRUB: &str = "EFI/BOOT/grubx64.efi";
pub(super) const MOK_MANAGER: &str = "EFI/BOOT/mmx64.efi";
/// Where GRUB for networks is, for UEFI and for BIOS.
pub(super) const NETWORK_GRUB: &str = "netboot/grubx64.efi";
pub(super) const NETWORK_CORE: &str = "netboot/core.0";

/// The chain of distributions, where it is on a medium, and packages: shim, and the GRUB for discs.
const CHAIN: [(&str, &str, &str); 3] = [
    ("usr/lib/shim/shimx64.efi.signed", SHIM, "shim-signed"),
    (
        "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
        DISC_GRUB,
        "grub-efi-amd64-signed",
    ),
    (
        "usr/lib/shim/mmx64.efi.signed",
        MOK_MANAGER,
        "shim-helpers-amd64-signed",
    ),
];
/// The GRUB for networks. A medium starts without it.
const NETWORK: (&str, &str) = (
    "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
    NETWORK_GRUB,
);
const BIOS: &str = "usr/lib/grub/i386-pc";
/// What GRUB for BIOS needs to read a menu, from wherever.
const MODULES: [&str; 17] = [
    "normal",
    "linux",
    "configfile",
    "serial",
    "terminal",
    "echo",
    "test",
    "regexp",
    "all_video",
    "chain",
    "boot",
    "halt",
    "reboot",
    "ls",
    "cat",
    "biosdisk",
    "minicmd",
];
/// A core image of GRUB for BIOS: its format and the file that it begins with, where it finds its menu, its modules besides
/// those of all.
struct Core {
    format: &'static str,
    head: &'static str,
    prefix: &'static str,
    modules: &'static [&'static str],
    made: &'static str,
    on_medium: &'static str,
}

const CORES: [Core; 2] = [
    Core {
        format: "i386-pc-eltorito",
        head: "cdboot.img",
        prefix: "/boot/grub",
        modules: &[
            "iso9660",
            "part_gpt",
            "part_msdos",
            "search",
            "search_label",
        ],
        made: "/run/eltorito.img",
        on_medium: DISC_CORE,
    },
    // A medium starts without it.
    Core {
        format: "i386-pc-pxe",
        head: "pxeboot.img",
        prefix: "/grub",
        modules: &["pxe", "tftp", "http"],
        made: "/run/core.0",
        on_medium: NETWORK_CORE,
    },
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

/// The boot chain of a medium for UEFI, by paths on it.
pub(super) fn chain() -> [&'static str; 3] {
    [SHIM, DISC_GRUB, MOK_MANAGER]
}

/// Finds and makes the files; gives each with its path on a medium.
pub(super) fn make(
    root: &ImageRoot,
    epoch: Epoch,
) -> Result<Vec<(PathBuf, &'static str)>, MediaError> {
    let at = |path: &str| root.path().join(path.trim_start_matches('/'));
    let has_head = |core: &&Core| at(BIOS).join(core.head).is_file();
    let mut files = vec![(at(BIOS).join("boot_hybrid.img"), FIRST_SECTOR)];
    for core in CORES.iter().filter(has_head) {
        make_core(root, core, epoch)?;
        files.push((at(core.made), core.on_medium));
    }
    files.extend(CHAIN.map(|(from, to, _)| (at(from), to)));
    let network = (at(NETWORK.0), NETWORK.1);
    files.extend(network.0.is_file().then_some(network));
    Ok(files)
}

fn make_core(root: &ImageRoot, core: &Core, epoch: Epoch) -> Result<(), MediaError> {
    let directory = format!("/{BIOS}");
    let fixed = [
        "grub-mkimage",
        "-d",
        &directory,
        "-O",
        core.format,
        "-p",
        core.prefix,
        "-o",
        core.made,
    ];
    let modules = core.modules.iter().copied().chain(MODULES);
    let argv: Vec<&str> = fixed.into_iter().chain(modules).collect();
    Ok(epoch.on(root.run(&argv)).run()?)
}

/// Writes the ESP of a medium to the new file `path`: the chain, and what leads to the menu.
pub(super) fn write_esp(
    path: &Path,
    environment: &Environment,
    (stub, epoch): (&str, Epoch),
) -> Result<(), EngineError> {
    let context = || format!("writing `{}`", path.display());
    let made = fs::File::create_new(path).and_then(|file| file.set_len(ESP_BYTES));
    made.map_err(|e| EngineError::io(context(), e))?;
    // The serial number is fixed: the same input gives the same medium.
    let fixed = ["-n", "EFI", "-i", "4c464c46", "--invariant"].map(AsRef::as_ref);
    let mkfs = Tool::MkfsVfat.with(fixed.into_iter().chain([path.as_os_str()]));
    epoch.on(mkfs).run()?;
    let esp = Esp::on(path).with_variables(&epoch.variables());
    let menu = "EFI/BOOT/grub.cfg";
    esp.make_directories(chain().into_iter().chain([menu]))?;
    for path in chain() {
        let from = environment.file(path);
        let content = fs::read(&from)
            .map_err(|e| EngineError::io(format!("reading `{}`", from.display()), e))?;
        esp.write(path, &content)?;
    }
    esp.write(menu, stub.as_bytes())
}
