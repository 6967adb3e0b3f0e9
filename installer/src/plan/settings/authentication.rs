// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `authselect`: how users are authenticated, by the image's own tool.

use kickstart_parser::Kickstart;

use crate::plan::files::run;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

const TOOL: &str = "authselect";

pub(in crate::plan) fn authselect(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let command = kickstart.authselect.as_ref()?;
    let words = words(&command.options);
    if words.is_empty() {
        return None;
    }
    if !facts.programs.contains(TOOL) {
        issues
            .error(
                Code::ProgramMissing,
                format!("the image has no `{TOOL}` to set up authentication"),
            )
            .at(&command.location);
        return None;
    }
    let words = words.iter().map(String::as_str);
    let argv: Vec<&str> = [TOOL].into_iter().chain(words).chain(["--force"]).collect();
    Some(run(&argv))
}

/// The words as a shell would read them, or as they are where a shell would not.
fn words(options: &str) -> Vec<String> {
    let plain = || options.split_whitespace().map(str::to_owned).collect();
    shlex::split(options).unwrap_or_else(plain)
}
