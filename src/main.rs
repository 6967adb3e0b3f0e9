// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `landfall` command: arguments in, one function a subcommand, an exit code out.

mod check;
mod cli;
mod directories;
mod environment;
mod explain;
mod http;
mod input;
mod install;
mod inventory;
mod iso;
mod kickstart;
mod netboot;
mod plan;
mod reference;
mod schema;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use landfall_installer::exit::Exit;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Check(args) => Ok(check::run(&args)),
        Command::Explain(args) => explain::run(&args),
        Command::Kickstart(command) => kickstart::run(&command),
        Command::Inventory(args) => inventory::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Iso(args) => iso::run(&args),
        Command::Netboot(args) => netboot::run(&args),
        Command::Environment(args) => environment::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Reference(args) => reference::run(&args),
    };
    ExitCode::from(exit.map_or_else(|problem| terminal::show(&problem), Exit::code))
}
