// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart dump`: what is understood of a kickstart.

use kickstart_parser::render;
use landfall_installer::exit::Exit;

use crate::cli::DumpArgs;
use crate::input::{self, Files};
use crate::terminal;

pub(crate) fn run(args: &DumpArgs) -> Exit {
    let reading = input::reading(&args.file, args.syntax, &Files);
    input::show(&reading);
    if args.json {
        terminal::data(&render::dump_json(&reading.kickstart));
    } else {
        terminal::data(&render::dump(&reading.kickstart));
    }
    input::exit(&reading)
}
