// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An ISO: a file that starts as a disc, as a USB stick and over HTTP, under BIOS and UEFI.
//!
//! Takes the parts; puts them together with xorriso, in the form that everybody's firmware has proved to start: El Torito
//! for discs, a GPT with an ESP for disks, GRUB's sector for BIOS.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::area;
use super::boot_files;
use super::contents::Contents;
use super::customize::MediumFile;
use super::environment::{Environment, INITRAMFS, KERNEL};
use super::epoch::Epoch;
use super::error::MediaError;
use super::gate;
use super::iso9660;
use super::layout;
use super::netboot;
use super::verify;
use super::watch::Watch;
use crate::engine::error::EngineError;
use crate::engine::tool::{Run, Tool};
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
    pub(super) areas: &'m Filled,
    /// Seconds that the menu waits.
    pub(super) timeout: u32,
    /// The image that it installs.
    pub(super) image: &'m Image,
    /// Whether that is on it.
    pub(super) payload: bool,
    pub(super) target_ref: Option<&'m str>,
    /// When everything on it was made.
    pub(super) epoch: Epoch,
}

/// Reserved areas with what is in them.
#[derive(Debug)]
pub(super) struct Filled {
    kickstart: Vec<u8>,
    kernel_arguments: Vec<u8>,
}

impl Filled {
    pub(super) fn with(kickstart: &[u8], kernel_arguments: &str) -> Result<Self, EngineError> {
        Ok(Self {
            kickstart: area::kickstart(kickstart)?,
            kernel_arguments: area::kernel_arguments(kernel_arguments)?,
        })
    }
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

/// Writes the medium to the file `output`, which is there already; `place` is an empty directory for what it is made of.
pub(super) fn write(
    medium: &Medium<'_>,
    environment: &Environment,
    (place, output): (&Path, &Path),
    watch: &mut Watch<'_>,
) -> Result<(), MediaError> {
    let mut contents = Contents::new(place.join("medium"));
    fill(&mut contents, medium, environment)?;
    let mut known: Vec<_> = environment.known().collect();
    if medium.payload {
        known.extend(layout::add(medium.image, &mut contents)?);
    }
    let described = describe(medium, environment);
    let bytes = described
        .to_bytes()
        .ok_or_else(|| area::too_large("description of the medium", medium::FILE_BYTES))?;
    contents.write(medium::FILE, &bytes).map_err(assembling)?;
    let parts = Parts {
        list: place.join("list"),
        esp: place.join("esp.img"),
        sector: environment.file(boot_files::FIRST_SECTOR),
        disk: disk_guid(&bytes, medium),
    };
    std::fs::write(&parts.list, contents.list()).map_err(assembling)?;
    let stub = render(Template::MediumEsp, &menu(medium, String::new()));
    boot_files::write_esp(&parts.esp, environment, (&stub, medium.epoch))?;
    let run = xorriso((medium.label, medium.epoch), &parts, output);
    verify::beside(known, watch, |given_up| run.run_unless(given_up))?;
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
        name: name(medium),
        gate: gate::PATH,
        timeout: medium.timeout,
        kernel_arguments,
    }
}

/// What is installed, in quotes of GRUB's script.
fn name(medium: &Medium<'_>) -> String {
    let name = match medium.target_ref {
        _ if !medium.payload => "this machine".to_owned(),
        Some(target) => target.to_owned(),
        None => medium.image.reference.to_string(),
    };
    name.replace(|c: char| c == '\'' || c.is_control(), "_")
}

fn fill(
    contents: &mut Contents,
    medium: &Medium<'_>,
    environment: &Environment,
) -> Result<(), EngineError> {
    let arguments = String::from_utf8_lossy(&medium.areas.kernel_arguments).into_owned();
    let menu = render(Template::MediumMenu, &menu(medium, arguments));
    // Debian's GRUB for discs looks for this file.
    contents
        .write(".disk/info", b"Landfall\n")
        .and_then(|()| contents.write(medium::KICKSTART, &medium.areas.kickstart))
        .and_then(|()| contents.write(MENU, menu.as_bytes()))
        .and_then(|()| contents.write(EXTRA, &vec![0; area::EXTRA]))
        .and_then(|()| {
            let fixed = [KERNEL, INITRAMFS, boot_files::DISC_CORE];
            let network = netboot::made_for_networks(environment);
            let chain = boot_files::chain().into_iter().chain(network);
            let mut files = fixed.into_iter().chain(chain);
            files.try_for_each(|path| contents.graft(path, &environment.file(path)))
        })
        .and_then(|()| {
            let documents = netboot::documents(environment, medium.image)?;
            let mut documents = documents.iter();
            documents.try_for_each(|(path, content)| contents.write(path, content))
        })
        .map_err(assembling)
}

fn assembling(error: io::Error) -> EngineError {
    EngineError::io("putting the medium's files together", error)
}

/// What the medium says of itself; where its areas are is known later.
fn describe(medium: &Medium<'_>, environment: &Environment) -> medium::Medium {
    let verified = |file: &&medium::MediumFile| [KERNEL, INITRAMFS].contains(&file.path.as_str());
    medium::Medium {
        medium: 1,
        landfall: env!("CARGO_PKG_VERSION").to_owned(),
        arch: probe::arch().to_owned(),
        label: medium.label.to_owned(),
        image: medium.payload.then(|| Payload {
            reference: medium.image.reference.to_string(),
            digest: medium.image.digest.clone(),
            names: medium.target_ref.map(str::to_owned).into_iter().collect(),
        }),
        environment: environment.source(),
        target: medium.target_ref.map(str::to_owned),
        areas: Areas::default(),
        kickstart_sha256: hex(&Sha256::digest(&medium.areas.kickstart)),
        files: environment
            .files()
            .iter()
            .filter(verified)
            .cloned()
            .collect(),
    }
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

/// What xorriso puts together besides the files on the list.
struct Parts {
    list: PathBuf,
    esp: PathBuf,
    sector: PathBuf,
    disk: Uuid,
}

/// One for each content: two sticks in one machine are two disks.
fn disk_guid(description: &[u8], medium: &Medium<'_>) -> Uuid {
    let mut name = description.to_vec();
    name.extend_from_slice(&medium.areas.kernel_arguments);
    name.extend_from_slice(medium.epoch.volume_date().as_bytes());
    Uuid::new_v5(&Uuid::nil(), &name)
}

fn xorriso((label, epoch): (&str, Epoch), parts: &Parts, output: &Path) -> Run {
    // `-r`: owners and modes do not depend on who makes the medium.
    let words = "-as mkisofs -quiet -r -joliet -iso-level 3 -sysid LINUX \
                 -b images/eltorito.img -c boot.cat --boot-catalog-hide -no-emul-boot -boot-load-size 4 -boot-info-table \
                 --grub2-boot-info -partition_offset 16 -appended_part_as_gpt \
                 -iso_mbr_part_type EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
    let path = |path: &Path| path.as_os_str().to_owned();
    let mut argv: Vec<OsString> = words.split_whitespace().map(Into::into).collect();
    argv.extend(["-V", label, "--gpt_disk_guid"].map(Into::into));
    argv.push(parts.disk.to_string().into());
    let date = epoch.volume_date();
    argv.push(format!("--modification-date={date}").into());
    argv.push("--set_all_file_dates".into());
    argv.push(epoch.file_date().into());
    argv.extend(["--grub2-mbr".into(), path(&parts.sector)]);
    let esp = "-append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
    argv.extend(esp.split_whitespace().map(Into::into));
    argv.push(path(&parts.esp));
    let uefi = "-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot -graft-points -path-list";
    argv.extend(uefi.split_whitespace().map(Into::into));
    argv.extend([path(&parts.list), "-o".into(), path(output)]);
    epoch.on(Tool::Xorriso.with(argv))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::media::environment::copy;

    /// More than an extent has room for.
    const LARGE: u64 = (4 << 30) + (64 << 20);

    #[test]
    fn a_file_of_more_than_4_gib_is_read_back() {
        let place = tempfile::tempdir_in("/var/tmp").unwrap();
        let at = |name: &str| place.path().join(name);
        let large = File::create(at("large")).unwrap();
        large.set_len(LARGE).unwrap();
        let marks = [0, (4 << 30) - 4096, 4 << 30, LARGE - 5];
        for mark in marks {
            large.write_all_at(b"mark!", mark).unwrap();
        }
        fs::write(at("core"), vec![0; 4096]).unwrap();
        fs::write(at("sector"), vec![0; 512]).unwrap();
        fs::write(at("esp"), vec![0; 1 << 20]).unwrap();
        let mut contents = Contents::new(at("made"));
        contents.graft("landfall/large", &at("large")).unwrap();
        contents.graft(boot_files::DISC_CORE, &at("core")).unwrap();
        fs::write(at("list"), contents.list()).unwrap();
        let parts = Parts {
            list: at("list"),
            esp: at("esp"),
            sector: at("sector"),
            disk: Uuid::nil(),
        };
        let iso = at("iso");
        xorriso(("LARGE", Epoch::new(0)), &parts, &iso)
            .run()
            .unwrap();
        let (iso, large) = (iso.to_str().unwrap(), at("large"));
        let args = ["-osirrox", "on", "-indev", iso, "-concat", "pipe"];
        let sum = ["+", "/usr/bin/sha256sum", "+", "/landfall/large", "--"];
        let said = Tool::Xorriso.with(args.iter().chain(&sum)).output();
        let mut large = File::open(large).unwrap();
        let (_, expected) = copy(&mut large, Path::new("/dev/null")).unwrap();
        assert_eq!(said.unwrap(), format!("{expected}  -\n"));
    }
}
