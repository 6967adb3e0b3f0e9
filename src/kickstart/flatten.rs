// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart flatten`: a kickstart and its includes as one file in canonical form, secrets too.

use landfall_installer::exit::Exit;

use crate::cli::FlattenArgs;
use crate::input::{self, Files};
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &FlattenArgs) -> Result<Exit, Problem> {
    let reading = input::reading(&args.file, args.syntax, &Files);
    input::show(&reading);
    if reading.has_errors() {
        return Ok(input::exit(&reading));
    }
    let syntax = reading.syntax;
    let text = format!("#version={syntax}\n{}", reading.kickstart.to_text(syntax));
    let Some(path) = &args.output else {
        terminal::data(&text);
        return Ok(Exit::Done);
    };
    let problem = |e| Problem::new(Exit::Usage, format!("writing `{}`: {e}", path.display()));
    std::fs::write(path, text).map_err(problem)?;
    Ok(Exit::Done)
}
