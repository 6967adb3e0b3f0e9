// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `rdp`: whether the graphical installer can be seen from another machine over RDP.
//!
//! Takes the options of the line, gives [`Rdp`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["rdp"],
    summary: "Shows the installer over RDP",
    versions: Versions::SINCE_F43.or(Versions::RHEL10),
    effect: Effect::None("the installer asks nothing, so there is nothing to look at"),
    options: &[&[
        Opt::text(&["--username"], "User that may connect"),
        Opt::secret(&["--password"], "Password of that user"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// The installer is shown over RDP
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rdp {
    /// User that may connect
    pub username: Option<String>,
    /// Password of that user
    pub password: Option<Secret>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.rdp = Some(given.locate(Rdp {
        username: given.text("--username"),
        password: given.text("--password").map(Secret::new),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(rdp) = &kickstart.rdp else { return };
    writer.put("rdp");
    writer.value("--username", rdp.username.as_ref());
    writer.value("--password", rdp.password.as_ref().map(Secret::expose));
    writer.put("\n");
}
