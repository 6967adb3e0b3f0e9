// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `eula`: agreement to the licence of the installed system.
//!
//! Takes the option of the line, gives [`Eula`]; a line that does not agree is an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["eula"],
    summary: "Agrees to the licence",
    effect: Effect::None("there is no licence to agree to"),
    options: &[&[Opt::flag(
        &["--agreed", "--agree", "--accepted", "--accept"],
        "Agree to the licence; the command is wrong without it",
    )]],
    convert,
    write,
    ..Command::BASE
};

/// The licence is agreed to
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Eula {}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if given.flag("--agreed") {
        kickstart.eula = Some(given.locate(Eula {}));
    } else {
        given.lacks("`--agreed`", &["--agreed"], findings);
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.eula.is_some() {
        writer.put("# License agreement\neula --agreed\n");
    }
}
