// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes the boot loader's files, and makes them reachable by firmware as the very last thing.

use std::io::Write as _;

use super::bios::Grub;
use super::boot_entry;
use super::bootupd;
use super::error::EngineError;
use super::esp::Esp;
use super::node::Nodes;
use super::root::Root;
use super::system::System;
use super::view::View as _;
use crate::event::Emitter;
use crate::plan::{
    BiosPlan, BootEntry, BootPlan, Copy, EspPlan, GrubModules, MOST_FILE_BYTES, Program,
};

/// As `grub-install` leaves them.
const MODULE_MODE: u32 = 0o644;

/// What makes the disk start, held until the file systems that it comes from are unmounted.
#[derive(Debug, Default)]
pub(super) struct Reachable {
    esp: Vec<EspFile>,
    grub: Option<Grub>,
}

/// A file for the ESP.
#[derive(Debug)]
pub(super) struct EspFile {
    pub(super) path: String,
    pub(super) content: Vec<u8>,
}

/// Writes everything but what firmware looks for, and gives that.
pub(super) fn prepare(
    boot: &BootPlan,
    system: &System,
    nodes: &Nodes,
    emitter: &mut Emitter<'_>,
) -> Result<Reachable, EngineError> {
    let root = Root::open(&system.path)
        .map_err(|e| EngineError::io(format!("opening `{}`", system.path.display()), e))?;
    for (path, text) in &boot.menu {
        write(&root, &format!("/boot/{path}"), text)?;
    }
    if let Some(file) = &boot.password {
        write(&root, &file.path, file.text.expose())?;
    }
    let mut reachable = Reachable::default();
    if let Some(esp) = &boot.esp {
        reachable.esp = prepare_esp(esp, &root, nodes)?;
    }
    if let Some(plan) = &boot.bootupd {
        bootupd::record(plan, &reachable.esp, &root)?;
    }
    if let Some(bios) = &boot.bios {
        reachable.grub = Some(build_grub(bios, &root, system, emitter)?);
    }
    Ok(reachable)
}

fn prepare_esp(plan: &EspPlan, root: &Root, nodes: &Nodes) -> Result<Vec<EspFile>, EngineError> {
    // The mount point of the ESP in the installed system.
    root.make_directory("/boot/efi", 0o700)
        .map_err(|e| EngineError::io("making the directory `/boot/efi`", e))?;
    let esp = esp(plan, nodes)?;
    let chain = plan.chain.iter().map(|copy| copy.to.as_str());
    esp.make_directories(chain.chain(plan.files.iter().map(|(path, _)| path.as_str())))?;
    for (path, text) in &plan.files {
        esp.write(path, text.as_bytes())?;
    }
    esp.flush()?;
    plan.chain.iter().map(|copy| read(root, copy)).collect()
}

fn build_grub(
    bios: &BiosPlan,
    root: &Root,
    system: &System,
    emitter: &mut Emitter<'_>,
) -> Result<Grub, EngineError> {
    if let Some(modules) = &bios.modules {
        copy_modules(modules, root)?;
    }
    write(root, &bios.early_path, &bios.early)?;
    let mkimage = Program {
        argv: bios.mkimage.clone(),
        stdin: None,
        tolerate: Vec::new(),
    };
    system.run(&mkimage, emitter)?;
    Grub::read(bios, root)
}

fn copy_modules(modules: &GrubModules, root: &Root) -> Result<(), EngineError> {
    for name in &modules.files {
        let copy = Copy {
            from: format!("{}/{name}", modules.from),
            to: format!("{}/{name}", modules.to),
        };
        let file = read(root, &copy)?;
        let context = |e| EngineError::io(format!("writing `{}`", file.path), e);
        let mut to = root.create(&file.path, MODULE_MODE).map_err(context)?;
        to.write_all(&file.content).map_err(context)?;
    }
    Ok(())
}

fn write(root: &Root, path: &str, text: &str) -> Result<(), EngineError> {
    root.write(path, 0o600, text)
        .map_err(|e| EngineError::io(format!("writing `{path}`"), e))
}

/// Writes what firmware looks for: from here on the disk starts.
pub(super) fn make_reachable(
    reachable: &Reachable,
    boot: &BootPlan,
    nodes: &Nodes,
    warn: &mut dyn FnMut(String),
) -> Result<(), EngineError> {
    if let Some(plan) = &boot.esp {
        let esp = esp(plan, nodes)?;
        for file in &reachable.esp {
            esp.write(&file.path, &file.content)?;
        }
        esp.flush()?;
        if let Some(entry) = &plan.entry {
            add_entry(entry, warn);
        }
    }
    match &reachable.grub {
        Some(grub) => grub.write(),
        None => Ok(()),
    }
}

/// The disk starts without an entry, by the path for removable media.
fn add_entry(entry: &BootEntry, warn: &mut dyn FnMut(String)) {
    if let Err(error) = boot_entry::write(entry) {
        warn(format!(
            "the firmware got no boot entry, and starts the disk only where it looks for `EFI/BOOT`: {}",
            error.chain().join(": ")
        ));
    }
}

fn esp(plan: &EspPlan, nodes: &Nodes) -> Result<Esp, EngineError> {
    Ok(Esp::on(nodes.of(&plan.device, plan.number)?))
}

fn read(root: &Root, copy: &Copy) -> Result<EspFile, EngineError> {
    let content = root
        .bytes(&copy.from, MOST_FILE_BYTES)
        .map_err(|e| EngineError::io(format!("reading `{}` of the image", copy.from), e))?;
    Ok(EspFile {
        path: copy.to.clone(),
        content,
    })
}
