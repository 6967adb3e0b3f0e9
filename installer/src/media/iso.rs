// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An ISO: a file that starts as a disc, as a USB stick and over HTTP, under BIOS and UEFI.
//!
//! Takes the parts; puts them together with xorriso, in the form that everybody's firmware has proved to start: El Torito
//! for discs, a GPT with an ESP for disks, GRUB's sector for BIOS.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use sha2::{Digest as _, Sha256};

use super::area;
use super::boot_files;
use super::customize::MediumFile;
use super::environment::{Environment, copy};
use super::error::MediaError;
use super::gate;
use super::iso9660;
use super::layout;
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::hex::hex;
use crate::image::Image;
use crate::inventory::probe;
use crate::medium::{self, Area, Areas, Payload};
use crate::template::{Template, render};

/// The boot menu, and the initramfs that is reserved.
const MENU: &str = "boot/grub/grub.cfg";
const EXTRA: &str = "images/extra.img";

/// What a medium says about itself and what it installs.
#[derive(Debug)]
pub(super) struct Medium<'m> {
    pub(super) label: &'m str,
    pub(super) kickstart: &'m [u8],
    pub(super) kernel_arguments: &'m str,
    /// Seconds that the menu waits.
    pub(super) timeout: u32,
    /// The image on it, if any.
    pub(super) payload: Option<&'m Image>,
    pub(super) target_ref: Option<&'m str>,
}

#[derive(Serialize)]
struct Menu<'m> {
    label: &'m str,
    name: String,
    /// What the kernel starts first.
    gate: &'static str,
    timeout: u32,
    kernel_arguments: String,
}

/// Files in a directory that becomes the medium.
struct Tree(PathBuf);

impl Tree {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let path = self.place(path)?;
        fs::write(path, content)
    }

    fn place(&self, path: &str) -> io::Result<PathBuf> {
        let path = self.0.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(path)
    }
}

/// Writes the medium to `output`; `place` is an empty directory for what it is made of.
pub(super) fn write(
    medium: &Medium<'_>,
    environment: &Environment,
    place: &Path,
    output: &Path,
) -> Result<(), MediaError> {
    let tree = Tree(place.join("medium"));
    fill(&tree, medium, environment)?;
    if let Some(image) = medium.payload {
        layout::write(image, &tree.0.join("landfall/oci"))?;
    }
    let described = describe(medium, environment)?;
    let bytes = described
        .to_bytes()
        .ok_or_else(|| too_large("description of the medium"))?;
    tree.write(medium::FILE, &bytes)
        .map_err(|e| EngineError::io("describing the medium", e))?;
    let esp = place.join("esp.img");
    let stub = render(Template::MediumEsp, &menu(medium, String::new()));
    boot_files::write_esp(&esp, environment, &stub)?;
    let sector = environment.file(boot_files::FIRST_SECTOR);
    xorriso(medium.label, (&tree.0, &esp, &sector), output)?;
    let mut written = MediumFile::open(output, true)?;
    written.settle(|file| {
        let areas = areas(file)?;
        Ok(medium::Medium {
            areas,
            ..described.clone()
        })
    })
}

fn menu<'m>(medium: &Medium<'m>, kernel_arguments: String) -> Menu<'m> {
    Menu {
        label: medium.label,
        name: medium.payload.map_or("this machine".to_owned(), |image| {
            image.reference.to_string()
        }),
        gate: gate::PATH,
        timeout: medium.timeout,
        kernel_arguments,
    }
}

fn fill(tree: &Tree, medium: &Medium<'_>, environment: &Environment) -> Result<(), EngineError> {
    let too_large = |what: &str| {
        EngineError::Refused(format!(
            "the {what} does not fit into its area of the medium"
        ))
    };
    let kickstart = area::kickstart(medium.kickstart).ok_or_else(|| too_large("kickstart"))?;
    let arguments = area::kernel_arguments(medium.kernel_arguments)
        .ok_or_else(|| too_large("kernel command line"))?;
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    let menu = render(Template::MediumMenu, &menu(medium, arguments));
    // Debian's GRUB for discs looks for this file.
    tree.write(".disk/info", b"Landfall\n")
        .and_then(|()| tree.write(medium::KICKSTART, &kickstart))
        .and_then(|()| tree.write(MENU, menu.as_bytes()))
        .and_then(|()| tree.write(EXTRA, &vec![0; area::EXTRA]))
        .and_then(|()| {
            let fixed = [
                "images/pxeboot/vmlinuz",
                "images/pxeboot/initrd.img",
                boot_files::DISC_CORE,
            ];
            let mut files = fixed.into_iter().chain(boot_files::chain());
            files.try_for_each(|path| copy(&environment.file(path), &tree.0.join(path)))
        })
        .map_err(|e| EngineError::io("putting the medium's files together", e))
}

fn too_large(what: &str) -> EngineError {
    EngineError::Refused(format!(
        "the {what} does not fit into its area of the medium"
    ))
}

/// What the medium says of itself; where its areas are is known later.
fn describe(medium: &Medium<'_>, environment: &Environment) -> Result<medium::Medium, MediaError> {
    let area = area::kickstart(medium.kickstart).ok_or_else(|| too_large("kickstart"))?;
    let verified = ["images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"];
    let files = verified.into_iter().map(|path| {
        let sum = sum(&environment.file(path));
        let (size, sha256) =
            sum.map_err(|e| EngineError::io(format!("reading `{path}` of the environment"), e))?;
        Ok(medium::MediumFile {
            path: path.to_owned(),
            size,
            sha256,
        })
    });
    Ok(medium::Medium {
        medium: 1,
        landfall: env!("CARGO_PKG_VERSION").to_owned(),
        arch: probe::arch().to_owned(),
        label: medium.label.to_owned(),
        image: medium.payload.map(|image| Payload {
            reference: image.reference.to_string(),
            digest: image.digest.clone(),
            names: medium.target_ref.map(str::to_owned).into_iter().collect(),
        }),
        environment: environment.source(),
        target: medium.target_ref.map(str::to_owned),
        areas: Areas::default(),
        kickstart_sha256: hex(&Sha256::digest(area)),
        files: files.collect::<Result<_, EngineError>>()?,
    })
}

/// Size and digest of a file.
fn sum(path: &Path) -> io::Result<(u64, String)> {
    let content = fs::read(path)?;
    Ok((content.len() as u64, hex(&Sha256::digest(&content))))
}

/// Where xorriso has put the areas.
fn areas(iso: &File) -> io::Result<Areas> {
    let find = |path: &str| {
        let found = iso9660::find(iso, path)?;
        found.ok_or_else(|| io::Error::other(format!("`{path}` is not on it")))
    };
    let menu = find(MENU)?;
    let mut text = vec![0; usize::try_from(menu.size).unwrap_or_default()];
    iso.read_exact_at(&mut text, menu.offset)?;
    let wanted = area::ARGUMENTS.as_bytes();
    let at = text
        .windows(wanted.len())
        .position(|window| window == wanted);
    let at = at.ok_or_else(|| io::Error::other("its menu has no room for kernel arguments"))?;
    Ok(Areas {
        kickstart: find(medium::KICKSTART)?,
        kernel_arguments: Area {
            offset: menu.offset + at as u64,
            size: area::KERNEL_ARGUMENTS as u64,
        },
        initramfs: find(EXTRA)?,
    })
}

fn xorriso(
    label: &str,
    (tree, esp, sector): (&Path, &Path, &Path),
    output: &Path,
) -> Result<(), EngineError> {
    let path = |path: &Path| path.display().to_string();
    let words = "-as mkisofs -quiet -rock -joliet -iso-level 3 -sysid LINUX -uid 0 -gid 0 \
                 -b images/eltorito.img -c boot.cat --boot-catalog-hide -no-emul-boot -boot-load-size 4 -boot-info-table \
                 --grub2-boot-info -partition_offset 16 -appended_part_as_gpt \
                 -iso_mbr_part_type EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
    let mut argv: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    argv.extend(["-V".to_owned(), label.to_owned()]);
    argv.extend(["--grub2-mbr".to_owned(), path(sector)]);
    argv.extend(
        [
            "-append_partition",
            "2",
            "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        ]
        .map(str::to_owned),
    );
    argv.push(path(esp));
    let uefi = "-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot";
    argv.extend(uefi.split_whitespace().map(str::to_owned));
    argv.extend(["-o".to_owned(), path(output), path(tree)]);
    Tool::Xorriso.with(argv).run()
}
