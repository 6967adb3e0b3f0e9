// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Resizes file systems of partitions that stay: shrinking before the table is written, growing after.
//!
//! The commands are in the plan. Here the device, or the place where it is mounted meanwhile, is put
//! into them.

use std::path::Path;

use super::error::EngineError;
use super::mount::Mounts;
use super::node::{self, Nodes};
use super::tool::Tool;
use crate::plan::{Partition, Plan, Resize, ResizeCommand};

/// Programs that resizing needs.
pub(super) fn tools(plan: &Plan) -> Vec<Tool> {
    let resizes = plan.partitions().filter_map(|(_, p)| p.resize.as_ref());
    let programs = resizes
        .flat_map(|resize| &resize.commands)
        .filter_map(|command| command.argv.first());
    programs
        .filter_map(|program| Tool::by_program(program))
        .collect()
}

/// Whether a file system must shrink before the tables are written.
pub(super) fn shrinks_any(plan: &Plan) -> bool {
    plan.partitions().any(|(_, p)| before_tables(p).is_some())
}

fn before_tables(partition: &Partition) -> Option<&Resize> {
    let shrinks = |resize: &&Resize| resize.shrinks(partition.size_bytes);
    partition.resize.as_ref().filter(shrinks)
}

/// Shrinks file systems while their partitions have their old sizes.
pub(super) fn shrink(
    plan: &Plan,
    at: &Path,
    log: &mut dyn FnMut(String),
) -> Result<(), EngineError> {
    for (disk, partition) in plan.partitions() {
        if let Some(resize) = before_tables(partition) {
            let old = node::before_tables(disk, partition, resize.from_bytes)?;
            carry_out(resize, partition, old.path(), (at, log))?;
        }
    }
    Ok(())
}

/// Grows file systems into the new sizes of their partitions.
pub(super) fn grow(
    plan: &Plan,
    nodes: &Nodes,
    at: &Path,
    log: &mut dyn FnMut(String),
) -> Result<(), EngineError> {
    for (disk, partition) in plan.partitions() {
        let grows = partition
            .resize
            .as_ref()
            .filter(|resize| !resize.shrinks(partition.size_bytes));
        if let Some(resize) = grows {
            let node = nodes.of(&disk.device, partition.number)?;
            carry_out(resize, partition, node, (at, log))?;
        }
    }
    Ok(())
}

fn carry_out(
    resize: &Resize,
    partition: &Partition,
    node: &Path,
    (at, log): (&Path, &mut dyn FnMut(String)),
) -> Result<(), EngineError> {
    for command in &resize.commands {
        let mut mounts = Mounts::default();
        if command.mounted {
            let fs = partition.fs.map_or("auto", crate::plan::FileSystem::name);
            mounts.device(node, at, fs)?;
        }
        let place = if command.mounted { at } else { node };
        run(command, place, log)?;
        mounts.unmount()?;
    }
    Ok(())
}

fn run(
    command: &ResizeCommand,
    place: &Path,
    log: &mut dyn FnMut(String),
) -> Result<(), EngineError> {
    let Some((program, args)) = command.argv.split_first() else {
        return Ok(());
    };
    let tool = Tool::by_program(program)
        .ok_or_else(|| EngineError::Refused(format!("`{program}` resizes no file system")))?;
    let words = args.iter().map(|word| match word.as_str() {
        "{}" => place.as_os_str(),
        word => word.as_ref(),
    });
    let run = tool.with(words).tolerate(&command.tolerate);
    log(run.line().to_owned());
    run.run()
}
