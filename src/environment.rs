// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall environment`: what a medium's initramfs starts.

use landfall_installer::environment;
use landfall_installer::exit::Exit;

use crate::cli::EnvironmentArgs;
use crate::terminal::Problem;

pub(crate) fn run(args: &EnvironmentArgs) -> Result<Exit, Problem> {
    if args.before_network {
        environment::complete_network()?;
    } else {
        environment::run()?;
    }
    Ok(Exit::Done)
}
