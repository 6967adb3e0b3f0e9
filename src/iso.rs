// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall iso`: a medium that installs an image.

use std::ops::ControlFlow;

use landfall_installer::exit::Exit;
use landfall_installer::image::{Image, OpenOptions};
use landfall_installer::inventory::probe;
use landfall_installer::media::{self, IsoRequest};

use crate::cli::IsoArgs;
use crate::directories::Directories;
use crate::input;
use crate::terminal::Problem;

pub(crate) fn run(args: &IsoArgs) -> Result<Exit, Problem> {
    let kickstart = args.kickstart.as_deref().map(input::text).transpose()?;
    let options = OpenOptions {
        arch: probe::arch().to_owned(),
        access: args.access.access(),
    };
    let image = Image::open(&args.image.parse()?, &options)?;
    let directories = Directories::find();
    let request = IsoRequest {
        image: &image,
        kickstart: kickstart.as_deref().map(str::as_bytes),
        kernel_arguments: &args.kargs.join(" "),
        label: &args.label,
        target_ref: args.target_ref.as_deref(),
        payload: !args.no_payload,
        output: &args.output,
        directories: directories.as_ref(),
    };
    media::iso(&request, &mut |_| ControlFlow::Continue(()))?;
    Ok(Exit::Done)
}
