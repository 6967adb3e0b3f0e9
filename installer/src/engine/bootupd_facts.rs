// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds what bootupd of an image would install.
//!
//! Takes the image's tree, gives the texts in it, and what each file of the boot chain is. What they mean is decided in
//! [`crate::plan`].

use std::io;

use super::view::{Kind, View};
use crate::plan::{BlsCommand, BootupdPayload, ChainFile, StaticConfiguration};

const EFI: &str = "usr/lib/bootupd/updates/EFI.json";
const BIOS: &str = "usr/lib/bootupd/updates/BIOS.json";
const BEFORE: &str = "usr/lib/bootupd/grub2-static/grub-static-pre.cfg";
const STUB: &str = "usr/lib/bootupd/grub2-static/grub-static-efi.cfg";
const PARTS: &str = "usr/lib/bootupd/grub2-static/configs.d";

/// Where boot chains for UEFI are: by package, and all together.
const CHAINS: [&str; 2] = ["usr/lib/efi", "usr/lib/bootupd/updates/EFI"];
/// Names of GRUB in them.
const GRUB: [&str; 2] = ["grubx64.efi", "grubaa64.efi"];
/// Deeper, and more files, no boot chain has.
const DEEPEST: usize = 8;
const MOST_FILES: usize = 1000;
/// Bytes of a GRUB binary that are looked at.
const MAX_GRUB: u64 = 32 << 20;

/// Files that are looked into.
pub(super) const FILES: [&str; 4] = [EFI, BIOS, BEFORE, STUB];
/// Of these directories, all files are.
pub(super) const DIRECTORIES: [&str; 1] = [PARTS];

/// Below these directories, files of these names are.
pub(super) fn below() -> Vec<(&'static str, &'static str)> {
    let pairs = |directory| GRUB.map(|name| (directory, name));
    CHAINS.into_iter().flat_map(pairs).collect()
}

/// What bootupd would install; none where there is nothing of it.
pub(super) fn payload(tree: &dyn View) -> io::Result<Option<BootupdPayload>> {
    let (efi, bios) = (text(tree, EFI)?, text(tree, BIOS)?);
    if efi.is_none() && bios.is_none() {
        return Ok(None);
    }
    let (directory, files) = chain(tree)?;
    Ok(Some(BootupdPayload {
        efi,
        bios,
        directory: directory.to_owned(),
        files,
        configuration: configuration(tree)?,
    }))
}

/// The directory that has the boot chain, and the files in it.
fn chain(tree: &dyn View) -> io::Result<(&'static str, Vec<ChainFile>)> {
    let [by_package, together] = CHAINS;
    let files = walk(tree, by_package)?;
    let is_at_its_place = |file: &ChainFile| file.path.split('/').nth(2) == Some("EFI");
    if files.iter().any(is_at_its_place) {
        return Ok((by_package, files));
    }
    Ok((together, walk(tree, together)?))
}

/// What is no directory below a directory, in the order of the paths; symbolic links are not followed.
fn walk(tree: &dyn View, directory: &str) -> io::Result<Vec<ChainFile>> {
    let mut files = Vec::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        for name in tree.names(&format!("{directory}/{prefix}"))? {
            let path = format!("{prefix}{name}");
            match tree.kind(&format!("{directory}/{path}"))? {
                Kind::Directory if path.matches('/').count() < DEEPEST => {
                    open.push(format!("{path}/"));
                }
                Kind::Directory => {
                    let message = format!("`/{directory}/{path}` is deeper than {DEEPEST}");
                    return Err(io::Error::other(message));
                }
                kind => files.push(file(tree, directory, (path, kind))?),
            }
            if files.len() + open.len() > MOST_FILES {
                let message = format!("`/{directory}` has more than {MOST_FILES} files");
                return Err(io::Error::other(message));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn file(tree: &dyn View, directory: &str, (path, kind): (String, Kind)) -> io::Result<ChainFile> {
    let name = path.rsplit('/').next().unwrap_or(&path);
    let bls = match kind {
        Kind::File(_) if GRUB.contains(&name) => {
            let binary = tree.bytes(&format!("{directory}/{path}"), MAX_GRUB)?;
            BlsCommand::built_in(&binary)
        }
        _ => None,
    };
    let bytes = match kind {
        Kind::File(bytes) => Some(bytes),
        Kind::Directory | Kind::Other => None,
    };
    Ok(ChainFile { path, bytes, bls })
}

fn configuration(tree: &dyn View) -> io::Result<Option<StaticConfiguration>> {
    let (Some(before), Some(stub)) = (text(tree, BEFORE)?, text(tree, STUB)?) else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for name in tree.names(PARTS)? {
        if name.strip_suffix(".cfg").is_some() {
            let text = tree.text(&format!("{PARTS}/{name}"))?;
            parts.push((name, text));
        }
    }
    Ok(Some(StaticConfiguration {
        before,
        parts,
        stub,
    }))
}

fn text(tree: &dyn View, path: &str) -> io::Result<Option<String>> {
    match tree.text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
