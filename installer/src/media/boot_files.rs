// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot loaders of a medium, from an image: a signed chain for UEFI, GRUB for BIOS.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::environment::Environment;
use super::epoch::Epoch;
use super::error::{Lack, MediaError};
use super::image_root::ImageRoot;
use crate::engine::error::EngineError;
use crate::engine::esp::Esp;
use crate::engine::root::Root;
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
pub(super) fn lacks(root: &Root) -> Vec<Lack> {
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
        .filter(|(path, _)| !root.has(path))
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

/// Finds and makes the files; gives each, to be read, with its path on a medium.
pub(super) fn make(
    root: &ImageRoot,
    epoch: Epoch,
) -> Result<Vec<(File, &'static str)>, MediaError> {
    let tree = root.tree();
    let has_head = |core: &&Core| tree.has(&format!("{BIOS}/{}", core.head));
    let mut made = Vec::new();
    for core in CORES.iter().filter(has_head) {
        make_core(root, core, epoch)?;
        made.push((core.made, core.on_medium));
    }
    let files = open(tree, &made);
    files.map_err(|e| EngineError::io("opening the image's boot loaders", e).into())
}

/// What there is of a boot chain, and what was `made` besides.
fn open(tree: &Root, made: &[(&str, &'static str)]) -> io::Result<Vec<(File, &'static str)>> {
    let sector = format!("{BIOS}/boot_hybrid.img");
    let chain = CHAIN.iter().map(|(from, to, _)| (*from, *to));
    let network = tree.has(NETWORK.0).then_some(NETWORK);
    [(sector.as_str(), FIRST_SECTOR)]
        .into_iter()
        .chain(made.iter().copied())
        .chain(chain)
        .chain(network)
        .map(|(from, to)| Ok((tree.regular(from)?, to)))
        .collect()
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A tree that has all files, as links to `target`.
    fn tree(top: &Path, target: &str) -> Root {
        let bios = ["boot_hybrid.img", "cdboot.img", "kernel.img"];
        let bios = bios.map(|name| format!("{BIOS}/{name}"));
        let chain = CHAIN.map(|(path, ..)| path.to_owned());
        let program = ["usr/bin/grub-mkimage".to_owned()];
        for path in bios.iter().chain(&chain).chain(&program) {
            let place = top.join("tree").join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            symlink(target, place).unwrap();
        }
        Root::open(&top.join("tree")).unwrap()
    }

    #[test]
    fn a_boot_chain_behind_links_is_the_images() {
        let top = tempfile::tempdir().unwrap();
        let alternatives = top.path().join("tree/etc/alternatives");
        fs::create_dir_all(&alternatives).unwrap();
        fs::write(alternatives.join("file"), "image").unwrap();
        let root = tree(top.path(), "/etc/alternatives/file");
        assert_eq!(lacks(&root), []);
        for (file, path) in open(&root, &[]).unwrap() {
            assert_eq!(io::read_to_string(file).unwrap(), "image", "{path}");
        }
    }

    #[test]
    fn a_boot_chain_of_this_machine_is_none_of_the_image() {
        let top = tempfile::tempdir().unwrap();
        let bait = top.path().join("bait");
        fs::write(&bait, "bait").unwrap();
        let root = tree(top.path(), bait.to_str().unwrap());
        assert_eq!(lacks(&root).len(), 7);
        open(&root, &[]).unwrap_err();
    }
}
