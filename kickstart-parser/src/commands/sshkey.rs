// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `sshkey`: a public key that may log in over ssh.
//!
//! Takes the line, gives [`SshKey`]. The key is one quoted argument and is not decoded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::location::Located;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["sshkey"],
    summary: "Lets the owner of a key log in over ssh",
    repeat: Repeat::Adds,
    options: &[&[Opt::text(&["--username"], "The account to log in to").required()]],
    operand: Some(Operand::one(
        "<key>",
        "A line of authorized_keys, in quotes",
    )),
    convert,
    write,
    ..Command::BASE
};

/// Versions in whose canonical form double quotes inside a key are escaped
const ESCAPED: Versions = Versions::ALL.except(Versions::RHEL8);

/// A key for logging in; both fields are given and may be empty
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshKey {
    /// The account to log in to
    pub username: String,
    /// A line of `authorized_keys`
    pub key: String,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if !given.has("--username") || given.operands.is_empty() {
        return;
    }
    let username = given
        .required_text("--username", findings)
        .unwrap_or_default();
    let key = given.required_operand(findings).unwrap_or_default();
    kickstart
        .sshkey
        .push(given.locate(SshKey { username, key }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for Located { value, .. } in &kickstart.sshkey {
        let key = if ESCAPED.has(writer.syntax) {
            value.key.replace('"', "\\\"")
        } else {
            value.key.clone()
        };
        writer.put(format_args!(
            "sshkey --username={} \"{key}\"\n",
            value.username
        ));
    }
}
