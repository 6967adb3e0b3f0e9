// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The plan for people: each disk before and after, what is lost, what waits for the image.

use std::fmt::Write;

use kickstart_parser::hidden;

use super::size::human;
use super::table::is_container;
use super::target::Action;
use super::{BootPlan, DiskPlan, Partition, PartitionAction, PartitionBefore, Plan, TargetPlan};

/// The disk half as text.
pub fn render_disks(plan: &Plan) -> String {
    let mut text = String::new();
    for disk in &plan.disks {
        render_disk(&mut text, disk);
    }
    line(&mut text, "Destroys:");
    if plan.destroys.is_empty() {
        line(&mut text, "  nothing");
    }
    for loss in &plan.destroys {
        line(&mut text, &format!("  {loss}"));
    }
    for script in &plan.pre_install {
        let (at, by) = (script.line, &script.interpreter);
        line(
            &mut text,
            &format!("Runs:     %pre-install of line {at} ({by})"),
        );
    }
    line(&mut text, &format!("Image:    {}", plan.image.source));
    line(&mut text, &format!("Follows:  {}", plan.image.target));
    if let Some(digest) = &plan.image.digest {
        line(&mut text, &format!("Digest:   {digest}"));
    }
    line(&mut text, &format!("Seed:     {}", plan.seed));
    text
}

/// What the plan cannot say yet, as text; nothing where it says all.
pub fn render_waits(plan: &Plan) -> String {
    let mut text = String::new();
    if !plan.waits.is_empty() {
        line(&mut text, "Waits for the image to be on the disk:");
    }
    for point in &plan.waits {
        line(&mut text, &format!("  {point}"));
    }
    text
}

/// The target half as text.
pub fn render_target(target: &TargetPlan) -> String {
    let mut text = String::new();
    line(&mut text, &format!("Kernel:   {}", target.kernel));
    let kargs = target.kargs.join(" ");
    line(&mut text, &format!("Arguments: {}", hidden(&kargs)));
    line(&mut text, "Configuration:");
    for action in &target.configure {
        line(&mut text, &format!("  {}", describe(action)));
    }
    render_boot(&mut text, &target.boot);
    for script in &target.post {
        line(
            &mut text,
            &format!("  %post of line {} ({})", script.line, script.interpreter),
        );
    }
    text
}

fn render_boot(text: &mut String, boot: &BootPlan) {
    for copy in boot.esp.iter().flat_map(|esp| &esp.chain) {
        line(text, &format!("  {} -> ESP {}", copy.from, copy.to));
    }
    if let Some(entry) = boot.esp.iter().find_map(|esp| esp.entry.as_ref()) {
        line(
            text,
            &format!("  run efibootmgr {}", entry.create.join(" ")),
        );
    }
    if let Some(bios) = &boot.bios {
        line(text, &format!("  run {}", bios.mkimage.join(" ")));
        let at = human(bios.core_start_bytes);
        line(
            text,
            &format!("  {} -> {} at {at}", bios.core_path, bios.device),
        );
        let sector = format!("  {} -> boot sector of {}", bios.boot_image, bios.device);
        line(text, &sector);
    }
    if let Some(modules) = boot.bios.as_ref().and_then(|bios| bios.modules.as_ref()) {
        let count = modules.files.len();
        let what = format!("  {count} files of {} -> {}", modules.from, modules.to);
        line(text, &what);
    }
    if let Some(bootupd) = &boot.bootupd {
        let what = format!("  write {} (for bootupd)", bootupd.path);
        line(text, &what);
    }
    if let Some(file) = &boot.password {
        line(text, &format!("  write {} (not shown)", file.path));
    }
    if boot.menu.is_empty() {
        line(text, "  no boot loader");
    }
}

fn describe(action: &Action) -> String {
    match action {
        Action::Write { path, text, .. } => format!("write {path} ({} bytes)", text.len()),
        Action::WriteSecret(file) => format!("write {} (not shown)", file.path),
        Action::Append { path, .. } => format!("add a line to {path}"),
        Action::Directory { path, .. } => format!("make the directory {path}"),
        Action::Link { path, target } => format!("link {path} -> {target}"),
        Action::Run(program) | Action::Try(program) => format!("run {}", program.argv.join(" ")),
    }
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

fn render_disk(text: &mut String, disk: &DiskPlan) {
    let kind = if disk.image_file {
        "disk image file"
    } else {
        "disk"
    };
    let label = disk.label.name();
    let table = if disk.label_uuid.is_some() || disk.label_id.is_some() {
        format!("new {label}")
    } else {
        format!("{label} stays")
    };
    line(
        text,
        &format!(
            "{} ({kind}, {}, {table})",
            disk.device,
            human(disk.size_bytes)
        ),
    );
    if let Some(link) = &disk.by_id {
        line(text, &format!("  {link}"));
    }
    line(text, "  before");
    if disk.before.is_empty() {
        line(text, "    nothing");
    } else {
        line(
            text,
            &row(&["#", "start", "size", "name", "content", "", ""]),
        );
    }
    for before in &disk.before {
        line(text, &before_row(before));
    }
    line(text, "  after");
    line(
        text,
        &row(&["#", "start", "size", "name", "content", "mount", ""]),
    );
    for partition in &disk.after {
        line(text, &after_row(partition));
    }
}

/// What a container of logical partitions is shown to hold.
const CONTAINER: &str = "(partitions)";

fn before_row(before: &PartitionBefore) -> String {
    let partition = &before.partition;
    let unknown = if is_container(partition) {
        CONTAINER
    } else {
        "?"
    };
    row(&[
        &partition.number.to_string(),
        &human(partition.start_bytes),
        &human(partition.size_bytes),
        partition.name.as_deref().unwrap_or(""),
        partition.fs.as_deref().unwrap_or(unknown),
        "",
        word(before.action),
    ])
}

fn after_row(partition: &Partition) -> String {
    let unknown = if partition.kind.is_container() {
        CONTAINER
    } else {
        ""
    };
    let action = match (&partition.resize, partition.action) {
        (Some(_), PartitionAction::Format) => "resize, format",
        (Some(_), _) => "resize",
        (None, action) => word(action),
    };
    row(&[
        &partition.number.to_string(),
        &human(partition.start_bytes),
        &human(partition.size_bytes),
        &partition.name,
        partition.fs.map_or(unknown, super::FileSystem::name),
        partition.mount.as_deref().unwrap_or(""),
        action,
    ])
}

fn row(cells: &[&str; 7]) -> String {
    let [number, start, size, name, content, mount, action] = cells;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "    {number:<3} {start:>10} {size:>10}  {name:<20}  {content:<12}  {mount:<10}  {action}"
    );
    text.trim_end().to_owned()
}

const fn word(action: PartitionAction) -> &'static str {
    match action {
        PartitionAction::Keep => "keep",
        PartitionAction::Create => "create",
        PartitionAction::Format => "format",
        PartitionAction::Delete => "DELETE",
    }
}
