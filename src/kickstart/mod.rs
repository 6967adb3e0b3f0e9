// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart`: tools for kickstart files that need no machine.

mod diff;
mod dump;
mod flatten;
mod fmt;

use landfall_installer::exit::Exit;

use crate::cli::KickstartCommand;
use crate::terminal::Problem;

pub(crate) fn run(command: &KickstartCommand) -> Result<Exit, Problem> {
    match command {
        KickstartCommand::Fmt(args) => fmt::run(args),
        KickstartCommand::Flatten(args) => flatten::run(args),
        KickstartCommand::Diff(args) => diff::run(args),
        KickstartCommand::Dump(args) => Ok(dump::run(args)),
    }
}
