// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `sshkey`: a public key that may log in over ssh.
//!
//! Takes the line, gives [`SshKey`]. The key is one quoted argument and is not decoded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["sshkey"],
    summary: "Lets the owner of a key log in over ssh",
    effect: Effect::CarriedOut,
    repeat: Repeat::Adds,
    conflicts: &[],
    options: &[Opt::text(&["--username"], "The account to log in to").required()],
    operand: Some(Operand {
        name: "<key>",
        required: true,
        secret: false,
        help: "A line of authorized_keys, in quotes",
    }),
    convert,
};

/// A key for logging in
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshKey {
    /// The account to log in to
    pub username: String,
    /// A line of `authorized_keys`
    pub key: String,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let username = given.required_text("--username", findings);
    let key = given.required_operand(findings);
    if let (Some(username), Some(key)) = (username, key) {
        kickstart
            .sshkey
            .push(given.locate(SshKey { username, key }));
    }
}
