// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree of files that any boot server can serve.
//!
//! The same from an environment that was made for it, and from an ISO, which has the files that only networks need besides
//! its own.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::boot_files;
use super::customize::MediumFile;
use super::environment::{Environment, INITRAMFS, KERNEL, copy};
use super::error::MediaError;
use super::gate;
use super::iso9660;
use super::output::NewTree;
use crate::engine::error::EngineError;
use crate::hex::hex;
use crate::image::Image;
use crate::inventory::probe;
use crate::netboot::{NetbootTree, Role, TreeFile, TreeImage};
use crate::template::{Template, render};

/// A file: where it is on a medium, where in the tree, and what it is for.
struct Place(&'static str, &'static str, Role);

const MENU: &str = "netboot/grub.cfg";
const SCRIPT: &str = "netboot/boot.ipxe";
const DESCRIPTION: &str = "netboot/landfall.json";
/// Where the description is in the tree.
const DESCRIBED_IN: &str = "landfall.json";
/// Of the environment.
const MADE: [Place; 6] = [
    Place(KERNEL, "vmlinuz", Role::Kernel),
    Place(INITRAMFS, "initrd.img", Role::Initrd),
    Place(boot_files::SHIM, "EFI/BOOT/BOOTX64.EFI", Role::Shim),
    Place(boot_files::NETWORK_GRUB, "EFI/BOOT/grubx64.efi", Role::Grub),
    Place(
        boot_files::MOK_MANAGER,
        "EFI/BOOT/mmx64.efi",
        Role::MokManager,
    ),
    Place(
        boot_files::NETWORK_CORE,
        "grub/i386-pc/core.0",
        Role::GrubPxe,
    ),
];
/// Written for each tree.
const WRITTEN: [Place; 2] = [
    Place(MENU, "grub/grub.cfg", Role::GrubConfig),
    Place(SCRIPT, "ipxe/boot.ipxe", Role::IpxeScript),
];
/// What the kernel needs besides the gate before its initramfs: the network, and both kinds of terminals.
const ARGUMENTS: [&str; 6] = [
    "rd.neednet=1",
    "ip=dhcp",
    "quiet",
    "console=tty0",
    "console=ttyS0,115200",
    "landfall.menu",
];

/// What an image may lack.
const OPTIONAL: [&str; 2] = [boot_files::NETWORK_GRUB, boot_files::NETWORK_CORE];

#[derive(Serialize)]
struct Boot {
    kernel_arguments: String,
}

/// The files of a tree that are not in the environment, by their paths on a medium.
pub(super) fn documents(
    environment: &Environment,
    image: &Image,
) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let gate = format!("rdinit={}", gate::PATH);
    let fixed = ARGUMENTS.map(str::to_owned);
    let arguments: Vec<String> = [gate].into_iter().chain(fixed).collect();
    let boot = Boot {
        kernel_arguments: arguments.join(" "),
    };
    let menu = render(Template::NetbootMenu, &boot).into_bytes();
    let script = render(Template::NetbootScript, &boot).into_bytes();
    let made = MADE.iter().filter_map(|Place(on_medium, path, role)| {
        let files = environment.files().iter();
        let file = files.into_iter().find(|file| file.path == *on_medium)?;
        Some(TreeFile {
            path: (*path).to_owned(),
            size: file.size,
            sha256: file.sha256.clone(),
            role: *role,
        })
    });
    let written = WRITTEN.iter().zip([&menu, &script]);
    let written = written.map(|(Place(_, path, role), content)| TreeFile {
        path: (*path).to_owned(),
        size: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
        role: *role,
    });
    let source = environment.source();
    let files: Vec<_> = made.chain(written).collect();
    let has = |role: &Role| files.iter().any(|file| file.role == *role);
    let secureboot = [Role::Shim, Role::Grub].iter().all(has);
    let tree = NetbootTree {
        netboot: 1,
        arch: probe::arch().to_owned(),
        image: TreeImage {
            reference: image.reference.to_string(),
            digest: image.digest.clone(),
        },
        env: source.digest,
        kver: source.kernel,
        landfall: env!("CARGO_PKG_VERSION").to_owned(),
        secureboot,
        files,
        kargs: arguments,
    };
    let json = serde_json::to_string_pretty(&tree)? + "\n";
    Ok(vec![
        (MENU, menu),
        (SCRIPT, script),
        (DESCRIPTION, json.into_bytes()),
    ])
}

/// The files of an environment that a medium has only for networks, as far as they are there.
pub(super) fn made_for_networks(environment: &Environment) -> impl Iterator<Item = &'static str> {
    OPTIONAL
        .into_iter()
        .filter(|path| environment.file(path).exists())
}

/// Writes the tree of `environment`, for `image`, to the new directory `output`.
pub(super) fn write(
    environment: &Environment,
    image: &Image,
    output: &Path,
) -> Result<(), MediaError> {
    let tree = NewTree::at(output)?;
    let written = documents(environment, image).and_then(|documents| {
        for Place(from, to, _) in MADE {
            let from = environment.file(from);
            // An image without a boot chain can be served by a server that has its own.
            if from.exists() {
                copy(&mut File::open(from)?, &tree.path().join(to))?;
            }
        }
        for (from, content) in documents {
            let to = tree.path().join(in_tree(from));
            fs::create_dir_all(to.parent().unwrap_or(tree.path()))?;
            fs::write(to, content)?;
        }
        Ok(())
    });
    written.map_err(|e| writing(output, e))?;
    tree.finish()
}

fn in_tree(on_medium: &str) -> &'static str {
    let places = WRITTEN.iter().chain(&MADE);
    let found = places.into_iter().find(|place| place.0 == on_medium);
    found.map_or(DESCRIBED_IN, |place| place.1)
}

/// Writes the tree of an ISO to the new directory `output`.
pub(super) fn extract(medium: &MediumFile, output: &Path) -> Result<(), MediaError> {
    let tree = NewTree::at(output)?;
    let places = MADE.iter().chain(&WRITTEN);
    let places = places.map(|place| place.0).chain([DESCRIPTION]);
    for from in places {
        let to = tree.path().join(in_tree(from));
        let found = iso9660::find(medium.file(), from).and_then(|at| match at {
            Some(at) => part(medium.file(), (at.offset, at.size), &to),
            None if OPTIONAL.contains(&from) => Ok(()),
            None => Err(io::Error::other(format!("`{from}` is not on the medium"))),
        });
        found.map_err(|e| writing(output, e))?;
    }
    tree.finish()
}

fn part(file: &File, (offset, size): (u64, u64), to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut file.take(size), &mut File::create(to)?)?;
    if copied == size {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the medium ends too early",
    ))
}

fn writing(output: &Path, error: io::Error) -> MediaError {
    EngineError::io(format!("writing `{}`", output.display()), error).into()
}
