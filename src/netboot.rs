// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall netboot`: the installer for a network boot server.

use landfall_installer::exit::Exit;
use landfall_installer::media::{self, NetbootRequest};

use crate::cli::NetbootArgs;
use crate::directories::Directories;
use crate::iso::{Images, watched};
use crate::terminal::Problem;

pub(crate) fn run(args: &NetbootArgs) -> Result<Exit, Problem> {
    let images = Images::open(&args.image, args.env_image.as_deref(), &args.access)?;
    let directories = Directories::find();
    let request = NetbootRequest {
        image: &images.image,
        environment: images.environment(),
        output: &args.output,
        directories: directories.as_ref(),
    };
    watched(|watch| media::netboot(&request, watch))?;
    Ok(Exit::Done)
}
