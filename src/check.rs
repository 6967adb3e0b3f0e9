// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall check`: diagnostics of kickstart files.

use std::path::Path;

use kickstart_parser::{Includes, NoIncludes, Reading, json_verdict, render, shown_name};
use landfall_installer::exit::Exit;

use crate::cli::{CheckArgs, Format};
use crate::input::{self, Files};
use crate::terminal::{self, Stream};

pub(crate) fn run(args: &CheckArgs) -> Exit {
    let includes: &dyn Includes = if args.follow_includes {
        &Files
    } else {
        &NoIncludes
    };
    let mut exit = Exit::Done;
    let mut log = Vec::new();
    for file in &args.files {
        let reading = input::reading(file, args.syntax, includes);
        exit = worse(exit, verdict(&reading, args.strict));
        let name = file.display().to_string();
        match args.format {
            Format::Human => show(file, &reading, args.strict),
            Format::Json => {
                let ok = verdict(&reading, args.strict) == Exit::Done;
                terminal::data(&(json_verdict(&name, &reading, ok) + "\n"));
            }
            Format::Sarif => log.push((name, reading)),
        }
    }
    if matches!(args.format, Format::Sarif) {
        terminal::data(&render::sarif(&log));
    }
    exit
}

fn verdict(reading: &Reading, strict: bool) -> Exit {
    match input::exit(reading) {
        Exit::Done if strict && !reading.is_strictly_valid() => Exit::Input,
        exit => exit,
    }
}

/// A file that cannot be read weighs more than one with errors
fn worse(one: Exit, other: Exit) -> Exit {
    if one.code() < other.code() {
        other
    } else {
        one
    }
}

fn show(file: &Path, reading: &Reading, strict: bool) {
    let coloured = terminal::is_coloured(Stream::Data);
    terminal::data(&render::human(
        &reading.diagnostics,
        &reading.sources,
        coloured,
    ));
    let sentence = match verdict(reading, strict) {
        Exit::Done => format!("is a valid kickstart of {}", reading.syntax),
        Exit::Usage => "cannot be read".to_owned(),
        _ if reading.has_errors() => "has errors".to_owned(),
        _ => "has warnings of the language, which `--strict` does not allow".to_owned(),
    };
    let name = file.display().to_string();
    terminal::data(&format!("{} {sentence}\n", shown_name(&name)));
}
