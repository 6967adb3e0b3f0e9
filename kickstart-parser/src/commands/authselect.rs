// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `authselect`: how the installed system authenticates users.
//!
//! Takes the rest of the line as it is written, gives [`Authselect`]. The options are those of the program of that
//! name and are not read here; `#` and quotes are part of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Form, Operand};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["authselect"],
    summary: "Sets up authentication with authselect",
    form: Form::Raw,
    operand: Some(Operand::optional(
        "<options>",
        "Arguments for authselect, as they are written, like `select sssd`",
    )),
    convert,
    write,
    ..Command::BASE
};

/// How users are authenticated, in the words of authselect
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authselect {
    /// Arguments for authselect as one text, empty if there are none
    pub options: String,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let options = given.operand_here().unwrap_or_default().to_owned();
    kickstart.authselect = Some(given.locate(Authselect { options }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let authselect = kickstart.authselect.as_ref();
    if let Some(authselect) = authselect.filter(|authselect| !authselect.options.is_empty()) {
        writer.put("# System authorization information\n");
        writer.put(format_args!("authselect {}\n", authselect.options));
    }
}
