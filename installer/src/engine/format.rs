// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Makes the planned file systems with the planned commands.

use std::path::Path;

use super::error::EngineError;
use super::node::Nodes;
use super::tool::Tool;
use crate::plan::{Partition, Plan};

/// Programs that formatting this plan needs.
pub(super) fn tools(plan: &Plan) -> Vec<Tool> {
    let programs = plan
        .partitions()
        .filter_map(|(_, p)| p.mkfs.as_ref()?.argv.first());
    programs
        .filter_map(|program| Tool::by_program(program))
        .collect()
}

/// Makes the file systems of the plan that are `wanted`.
pub(super) fn all(
    plan: &Plan,
    nodes: &Nodes,
    wanted: impl Fn(&Partition) -> bool,
    log: &mut dyn FnMut(String),
) -> Result<(), EngineError> {
    for (disk, partition) in plan.partitions() {
        if partition.mkfs.is_some() && wanted(partition) {
            one(partition, nodes.of(&disk.device, partition.number)?, log)?;
        }
    }
    Ok(())
}

/// Tries the commands that have arguments of the kickstart on an empty file of the partition's size, so that what
/// they do not accept is known before anything is written.
pub(super) fn rehearse(plan: &Plan) -> Result<(), EngineError> {
    let context = |e| EngineError::io("making a file to try `mkfs` on", e);
    let is_tried = |p: &Partition| p.mkfs.as_ref().is_some_and(|mkfs| mkfs.tried);
    for (_, partition) in plan.partitions().filter(|(_, p)| is_tried(p)) {
        let file = tempfile::NamedTempFile::new().map_err(context)?;
        file.as_file()
            .set_len(partition.size_bytes)
            .map_err(context)?;
        one(partition, file.path(), &mut |_| ())?;
        is_the_planned_one(partition, file.path())?;
    }
    Ok(())
}

/// The system is started, and its file systems are mounted, by the UUIDs of the plan.
fn is_the_planned_one(partition: &Partition, file: &Path) -> Result<(), EngineError> {
    let words = ["--probe", "--output", "value", "--match-tag", "UUID"].map(AsRef::as_ref);
    // 2: it holds nothing that is known.
    let run = Tool::Blkid.with(words.into_iter().chain([file.as_os_str()]));
    let found = run.tolerate(&[2]).output()?;
    match &partition.fs_uuid {
        Some(planned) if !found.trim().eq_ignore_ascii_case(planned) => {
            let program = partition.mkfs.iter().find_map(|mkfs| mkfs.argv.first());
            Err(EngineError::Refused(format!(
                "with the options of the kickstart `{}` makes no file system with the UUID of the plan, {planned}",
                program.map_or("mkfs", String::as_str)
            )))
        }
        _ => Ok(()),
    }
}

fn one(partition: &Partition, node: &Path, log: &mut dyn FnMut(String)) -> Result<(), EngineError> {
    let argv = partition
        .mkfs
        .iter()
        .flat_map(|mkfs| &mkfs.argv)
        .collect::<Vec<_>>();
    let Some((program, args)) = argv.split_first() else {
        return Ok(());
    };
    let tool = Tool::by_program(program)
        .ok_or_else(|| EngineError::Refused(format!("`{program}` makes no file system")))?;
    let run = tool.with(
        args.iter()
            .map(|a| a.as_str().as_ref())
            .chain([node.as_os_str()]),
    );
    log(run.line().to_owned());
    run.run()
}
