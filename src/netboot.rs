// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall netboot`: the installer for a network boot server.

use std::ops::ControlFlow;

use landfall_installer::exit::Exit;
use landfall_installer::image::{Image, OpenOptions};
use landfall_installer::inventory::probe;
use landfall_installer::media::{self, NetbootRequest};

use crate::cli::NetbootArgs;
use crate::directories::Directories;
use crate::terminal::Problem;

pub(crate) fn run(args: &NetbootArgs) -> Result<Exit, Problem> {
    let reference = args.image.parse()?;
    let options = OpenOptions {
        arch: probe::arch().to_owned(),
        access: args.access.access(),
    };
    let image = Image::open(&reference, &options)?;
    let directories = Directories::find();
    let request = NetbootRequest {
        image: &image,
        output: &args.output,
        directories: directories.as_ref(),
    };
    media::netboot(&request, &mut |_| ControlFlow::Continue(()))?;
    Ok(Exit::Done)
}
