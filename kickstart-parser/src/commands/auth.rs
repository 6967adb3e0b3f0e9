// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `auth`, `authconfig`: options of a program that is gone, `authconfig`.
//!
//! Takes the rest of the line as it is written, gives [`Auth`]. The options are that program's and are not read
//! here; `#` and quotes are part of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Form, Operand};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["auth", "authconfig"],
    summary: "Sets up authentication with authconfig",
    removed: Versions::FEDORA.or(Versions::RHEL10),
    instead: "use `authselect`",
    effect: Effect::NotYet,
    form: Form::Raw,
    operand: Some(Operand::optional(
        "<options>",
        "Options for authconfig, as they are written",
    )),
    convert,
    write,
    ..Command::BASE
};

/// How users are authenticated, in the words of authconfig
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Auth {
    /// Options for authconfig as one text, empty if there are none
    pub options: String,
}

/// The versions that still have the command do so with a deprecation, and carry it out.
fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let message = format!("{} is deprecated", quote(given.word()));
    findings
        .deprecation(Code::CommandDeprecated, given.location(), message)
        .help(COMMAND.instead);
    let options = given.operand_here().unwrap_or_default().to_owned();
    kickstart.auth = Some(given.locate(Auth { options }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if let Some(auth) = kickstart
        .auth
        .as_ref()
        .filter(|auth| !auth.options.is_empty())
    {
        writer.put(format_args!(
            "# System authorization information\nauth {}\n",
            auth.options
        ));
    }
}
