// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall environment`: what a medium's initramfs starts.

use landfall_installer::environment;
use landfall_installer::exit::Exit;

use crate::terminal::Problem;

pub(crate) fn run() -> Result<Exit, Problem> {
    environment::run()?;
    Ok(Exit::Done)
}
