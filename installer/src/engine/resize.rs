// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Resizes file systems of partitions that stay: shrinking before the table is written, growing after.
//!
//! The commands are in the plan. Here the device, or the place where it is mounted meanwhile, is put
//! into them.

use std::path::Path;

use super::error::EngineError;
use super::mount::Mounts;
use super::node::{self, Nodes};
use super::stop::Stop;
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

/// How file systems are resized.
pub(super) struct Resizing<'r> {
    /// A mount point for those that are mounted meanwhile.
    pub(super) at: &'r Path,
    pub(super) stop: &'r Stop,
    pub(super) log: &'r mut dyn FnMut(String),
}

impl Resizing<'_> {
    /// Shrinks file systems while their partitions have their old sizes.
    pub(super) fn shrink(&mut self, plan: &Plan) -> Result<(), EngineError> {
        for (disk, partition) in plan.partitions() {
            if let Some(resize) = before_tables(partition) {
                let old = node::before_tables(disk, partition, resize.from_bytes)?;
                self.carry_out(resize, partition, old.path())?;
            }
        }
        Ok(())
    }

    /// Grows file systems into the new sizes of their partitions.
    pub(super) fn grow(&mut self, plan: &Plan, nodes: &Nodes) -> Result<(), EngineError> {
        for (disk, partition) in plan.partitions() {
            let grows = partition
                .resize
                .as_ref()
                .filter(|resize| !resize.shrinks(partition.size_bytes));
            if let Some(resize) = grows {
                let node = nodes.of(&disk.device, partition.number)?;
                self.carry_out(resize, partition, node)?;
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        resize: &Resize,
        partition: &Partition,
        node: &Path,
    ) -> Result<(), EngineError> {
        for command in &resize.commands {
            let mut mounts = Mounts::default();
            if command.mounted {
                let fs = partition.fs.map_or("auto", crate::plan::FileSystem::name);
                mounts.device(node, self.at, fs)?;
            }
            let place = if command.mounted { self.at } else { node };
            self.run(command, place)?;
            mounts.unmount()?;
        }
        Ok(())
    }

    /// Half resized, a file system that was to be kept is lost: the command comes to its end, whatever happens to Landfall.
    fn run(&mut self, command: &ResizeCommand, place: &Path) -> Result<(), EngineError> {
        let Some((program, args)) = command.argv.split_first() else {
            return Ok(());
        };
        let tool = Tool::by_program(program)
            .ok_or_else(|| EngineError::Refused(format!("`{program}` resizes no file system")))?;
        let words = args.iter().map(|word| match word.as_str() {
            "{}" => place.as_os_str(),
            word => word.as_ref(),
        });
        let run = tool.with(words).tolerate(&command.tolerate).outliving();
        let _shelter = self.stop.shelter()?;
        (self.log)(run.line().to_owned());
        run.run()
    }
}
