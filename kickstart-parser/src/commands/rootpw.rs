// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `rootpw`: password and lock of the root account.
//!
//! Takes the line, gives [`RootPw`]. The shape of a hash is not checked: `rootpw --iscrypted locked` is a known
//! way to give root no password at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;

pub(super) const COMMAND: Command = Command {
    words: &["rootpw"],
    summary: "Sets the password of root or locks the account",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::flag(&["--iscrypted"], "The password is a hash"),
        Opt::flag(&["--lock"], "Lock the account"),
        Opt::flag(&["--plaintext"], "The password is plain text"),
        Opt::flag(
            &["--allow-ssh"],
            "Let root log in over ssh with the password",
        ),
    ],
    operand: Some(Operand {
        name: "<password>",
        required: false,
        secret: true,
        help: "Password or its hash",
    }),
    convert,
};

/// The root account
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootPw {
    /// Password, or its hash when `iscrypted`
    pub password: Option<Secret>,
    /// The password is a hash; the last one of `--iscrypted` and `--plaintext` counts
    pub iscrypted: bool,
    /// The account is locked
    pub lock: bool,
    /// Root may log in over ssh with the password
    pub allow_ssh: bool,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = RootPw {
        password: given.operand().map(Secret::new),
        iscrypted: given.last_of(&["--iscrypted", "--plaintext"]) == Some("--iscrypted"),
        lock: given.flag("--lock"),
        allow_ssh: given.flag("--allow-ssh"),
    };
    if value.password.is_none() && !value.lock {
        given.lacks("a password or `--lock`", &["--lock"], findings);
    }
    kickstart.rootpw = Some(given.locate(value));
}
