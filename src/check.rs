// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall check`: diagnostics of kickstart files.

use std::path::Path;

use kickstart_parser::{NoIncludes, json_line, render};
use landfall_installer::exit::Exit;

use crate::cli::{CheckArgs, Format};
use crate::kickstart::{self, Loaded};
use crate::terminal::{self, Problem, Stream};

pub(crate) fn run(args: &CheckArgs) -> Result<Exit, Problem> {
    let mut exit = Exit::Done;
    for file in &args.files {
        let text = kickstart::text(file)?;
        let loaded = if args.follow_includes {
            kickstart::load(file, &text)
        } else {
            kickstart::with_includes(file, &text, &NoIncludes)
        };
        show(file, &loaded, args.format);
        if loaded.reading.has_errors() {
            exit = Exit::Input;
        }
    }
    Ok(exit)
}

fn show(file: &Path, loaded: &Loaded, format: Format) {
    let reading = &loaded.reading;
    match format {
        Format::Json => {
            terminal::data(&format!(
                "{}\n",
                json_line(&file.display().to_string(), reading)
            ));
        }
        Format::Human => {
            terminal::data(&render::human(
                &reading.diagnostics,
                &reading.sources,
                terminal::is_coloured(Stream::Data),
            ));
            let verdict = if reading.has_errors() {
                "has errors"
            } else {
                "is a valid kickstart"
            };
            terminal::data(&format!("{} {verdict}\n", file.display()));
        }
    }
}
