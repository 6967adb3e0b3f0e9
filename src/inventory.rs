// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall inventory`: what this machine has.

use std::fmt::Write;

use landfall_installer::exit::Exit;
use landfall_installer::inventory::{Disk, Firmware, Inventory, probe};
use landfall_installer::plan::size::human;

use crate::cli::InventoryArgs;
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &InventoryArgs) -> Result<Exit, Problem> {
    let inventory = probe::probe(&args.disks, None)?;
    let text = if args.json {
        let json = serde_json::to_string_pretty(&inventory);
        json.map_err(|e| Problem::new(Exit::Usage, e))? + "\n"
    } else {
        render(&inventory)
    };
    terminal::data(&text);
    Ok(Exit::Done)
}

fn render(inventory: &Inventory) -> String {
    let firmware = match inventory.firmware {
        Firmware::Uefi => "UEFI",
        Firmware::Bios => "BIOS",
    };
    let memory = human(inventory.memory_bytes);
    let mut text = format!("{} {firmware}, {memory} of memory\n", inventory.arch);
    for interface in &inventory.interfaces {
        let cable = if interface.carrier {
            "up"
        } else {
            "no carrier"
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {} {cable}", interface.name, interface.mac);
    }
    for disk in &inventory.disks {
        render_disk(&mut text, disk);
    }
    text
}

fn render_disk(text: &mut String, disk: &Disk) {
    let facts = [
        Some(human(disk.size_bytes)),
        disk.model.clone(),
        disk.transport.clone(),
        disk.table.clone().or_else(|| disk.fs.clone()),
        disk.read_only.then(|| "read-only".to_owned()),
        disk.in_use.clone(),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let _ = writeln!(text, "{} {}", disk.device, facts.join(", "));
    for partition in &disk.partitions {
        let _ = writeln!(
            text,
            "  {:<3} {:>10} {:>10}  {:<8} {}",
            partition.number,
            human(partition.start_bytes),
            human(partition.size_bytes),
            partition.fs.as_deref().unwrap_or("-"),
            partition.name.as_deref().unwrap_or("")
        );
    }
}
