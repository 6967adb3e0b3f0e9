// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart fmt`: spacing and quotes in order.

use std::path::Path;

use kickstart_parser::parse;
use landfall_installer::exit::Exit;

use crate::cli::FmtArgs;
use crate::input;
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &FmtArgs) -> Result<Exit, Problem> {
    let mut exit = Exit::Done;
    for file in &args.files {
        let text = input::text(file)?;
        let formatted = parse(&file.display().to_string(), &text).format();
        let differs = formatted != text;
        if args.check && differs {
            exit = Exit::Input;
            terminal::data(&format!("{} is not in order\n", file.display()));
        } else if args.write {
            write(file, &formatted, differs)?;
        } else if !args.check {
            terminal::data(&formatted);
        }
    }
    Ok(exit)
}

fn write(file: &Path, formatted: &str, differs: bool) -> Result<(), Problem> {
    if file == Path::new("-") {
        return Err(
            Problem::new(Exit::Usage, "standard input cannot be written")
                .hint("without `--write` the result is printed"),
        );
    }
    if !differs {
        return Ok(());
    }
    let problem = |e| Problem::new(Exit::Usage, format!("writing `{}`: {e}", file.display()));
    std::fs::write(file, formatted).map_err(problem)
}
