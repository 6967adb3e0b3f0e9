// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart diff`: what differs between two versions of the language.

use kickstart_parser::explain::difference;
use landfall_installer::exit::Exit;

use crate::cli::DiffArgs;
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &DiffArgs) -> Result<Exit, Problem> {
    let difference = difference(args.from, args.to);
    if args.json {
        let json = serde_json::to_string_pretty(&difference);
        terminal::data(&(json.map_err(|e| Problem::new(Exit::Usage, e))? + "\n"));
    } else {
        terminal::data(&difference.to_string());
    }
    Ok(Exit::Done)
}
