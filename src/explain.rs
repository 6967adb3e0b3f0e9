// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall explain`: what a word of the language or a code means.

use kickstart_parser::explain::explain;
use landfall_installer::exit::Exit;
use landfall_installer::plan::Code;

use crate::cli::ExplainArgs;
use crate::terminal::{self, Problem};

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Problem> {
    let answer = match planner_rule(&args.word) {
        Some(answer) => answer,
        None => explain(&args.word, args.option.as_deref()).map_err(|unknown| Problem {
            hint: unknown.help.clone(),
            ..Problem::new(Exit::Usage, unknown)
        })?,
    };
    terminal::data(&answer);
    Ok(Exit::Done)
}

/// The sentence of a code of `plan` and `install`
fn planner_rule(word: &str) -> Option<String> {
    let is_meant = |code: &&Code| code.as_str().eq_ignore_ascii_case(word);
    let code = Code::ALL.iter().find(is_meant)?;
    Some(format!(
        "{code}: {}\n\nA rule of `landfall plan` and `landfall install`.\n",
        code.summary()
    ))
}
