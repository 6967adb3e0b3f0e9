// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes the boot loader's files, and makes them reachable by firmware as the very last thing.

use std::io::Read;
use std::path::Path;

use super::error::EngineError;
use super::esp::Esp;
use super::node::Nodes;
use super::root::Root;
use crate::plan::{BootPlan, Copy, Plan};

/// Bytes of one file of the boot chain; those of distributions have under 5 MiB.
const MAX_FILE: u64 = 64 << 20;

/// A file for the ESP, held until the file systems that it comes from are unmounted.
#[derive(Debug)]
pub(super) struct EspFile {
    path: String,
    content: Vec<u8>,
}

/// Writes everything but the files that firmware looks for, and gives those.
pub(super) fn prepare(
    boot: &BootPlan,
    system: &Path,
    plan: &Plan,
    nodes: &Nodes,
) -> Result<Vec<EspFile>, EngineError> {
    let root = Root::open(system)
        .map_err(|e| EngineError::io(format!("opening `{}`", system.display()), e))?;
    for (path, text) in &boot.boot_files {
        root.write(&format!("/boot/{path}"), 0o600, text)
            .map_err(|e| EngineError::io(format!("writing `/boot/{path}`"), e))?;
    }
    // The mount point of the ESP in the installed system.
    root.make_directory("/boot/efi", 0o700)
        .map_err(|e| EngineError::io("making the directory `/boot/efi`", e))?;
    let esp = esp(plan, nodes)?;
    let copies = boot
        .copies
        .iter()
        .chain(&boot.reachable)
        .map(|copy| copy.to.as_str());
    esp.make_directories(copies.chain(boot.esp_files.iter().map(|(path, _)| path.as_str())))?;
    for (path, text) in &boot.esp_files {
        esp.write(path, text.as_bytes())?;
    }
    for copy in &boot.copies {
        let file = read(&root, copy)?;
        esp.write(&file.path, &file.content)?;
    }
    esp.flush()?;
    boot.reachable
        .iter()
        .map(|copy| read(&root, copy))
        .collect()
}

/// Writes the files that firmware looks for: from here on the disk starts.
pub(super) fn make_reachable(
    files: &[EspFile],
    plan: &Plan,
    nodes: &Nodes,
) -> Result<(), EngineError> {
    let esp = esp(plan, nodes)?;
    for file in files {
        esp.write(&file.path, &file.content)?;
    }
    esp.flush()
}

fn esp(plan: &Plan, nodes: &Nodes) -> Result<Esp, EngineError> {
    let (disk, partition) = plan
        .mounted_at("/boot/efi")
        .ok_or_else(|| EngineError::Refused("the plan has no EFI System Partition".to_owned()))?;
    Ok(Esp::on(nodes.of(&disk.device, partition.number)?))
}

fn read(root: &Root, copy: &Copy) -> Result<EspFile, EngineError> {
    let mut content = Vec::new();
    root.file(&copy.from)
        .and_then(|file| file.take(MAX_FILE).read_to_end(&mut content))
        .map_err(|e| EngineError::io(format!("reading `{}` of the image", copy.from), e))?;
    Ok(EspFile {
        path: copy.to.clone(),
        content,
    })
}
