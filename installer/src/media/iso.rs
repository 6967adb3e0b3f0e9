// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An ISO: a file that starts as a disc, as a USB stick and over HTTP, under BIOS and UEFI.
//!
//! Takes the parts; puts them together with xorriso, in the form that everybody's firmware has proved to start: El Torito
//! for discs, a GPT with an ESP for disks, GRUB's sector for BIOS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::area;
use super::boot_files;
use super::environment::{Environment, copy};
use super::error::MediaError;
use super::layout;
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::image::Image;
use crate::medium::{PAYLOAD_FILE, Payload};
use crate::template::{Template, render};

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
        let payload = Payload {
            reference: image.reference.to_string(),
            target: medium.target_ref.map(str::to_owned),
        };
        tree.write(PAYLOAD_FILE, payload.to_json().as_bytes())
            .map_err(|e| EngineError::io("describing the medium", e))?;
    }
    let esp = place.join("esp.img");
    let stub = render(Template::MediumEsp, &menu(medium, String::new()));
    boot_files::write_esp(&esp, environment, &stub)?;
    let sector = environment.file(boot_files::FIRST_SECTOR);
    xorriso(medium.label, (&tree.0, &esp, &sector), output)?;
    Ok(())
}

fn menu<'m>(medium: &Medium<'m>, kernel_arguments: String) -> Menu<'m> {
    Menu {
        label: medium.label,
        name: medium.payload.map_or("this machine".to_owned(), |image| {
            image.reference.to_string()
        }),
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
    let arguments = String::from_utf8_lossy(&arguments).trim_end().to_owned();
    let menu = render(Template::MediumMenu, &menu(medium, arguments));
    // Debian's GRUB for discs looks for this file.
    tree.write(".disk/info", b"Landfall\n")
        .and_then(|()| tree.write("ks.cfg", &kickstart))
        .and_then(|()| tree.write("boot/grub/grub.cfg", menu.as_bytes()))
        .and_then(|()| tree.write("images/extra.img", &vec![0; area::EXTRA]))
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
