// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `rootpw`: password and lock of the root account.
//!
//! Takes the line, gives [`RootPw`]. The shape of a hash is not checked: `rootpw --iscrypted locked` is a known
//! way to give root no password at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Operand, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["rootpw"],
    summary: "Sets the password of root or locks the account",
    options: &[&[
        Opt::flag(&["--iscrypted"], "The password is a hash"),
        Opt::flag(&["--lock"], "Lock the account"),
        Opt::flag(&["--plaintext"], "The password is plain text"),
        Opt::flag(
            &["--allow-ssh"],
            "Let root log in over ssh with the password",
        )
        .only(WITH_ALLOW_SSH),
    ]],
    operand: Some(Operand::optional("<password>", "Password or its hash").secret()),
    convert,
    write,
    ..Command::BASE
};

/// Versions that can let root log in over ssh
const WITH_ALLOW_SSH: Versions = Versions::ALL.except(Versions::RHEL8);

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

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = RootPw {
        password: given.operand().map(Secret::new),
        iscrypted: given.last_of(&["--iscrypted", "--plaintext"]) == Some("--iscrypted"),
        lock: given.flag("--lock"),
        allow_ssh: given.flag("--allow-ssh"),
    };
    // A password of an earlier line stays, but does not make up for one that this line lacks.
    if given.operand_here().is_none_or(str::is_empty) && !value.lock {
        // In `--iscrypted=HASH` the password is there, and in the wrong place.
        let tried = ["--lock", "--iscrypted", "--plaintext"];
        given.lacks("a password or `--lock`", &tried, findings);
    }
    kickstart.rootpw = Some(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(rootpw) = &kickstart.rootpw else {
        return;
    };
    let Some(password) = rootpw.password.as_ref().map(Secret::expose) else {
        writer.put("#Root password\nrootpw --lock\n");
        return;
    };
    writer.put("# Root password\nrootpw");
    writer.flag("--iscrypted", rootpw.iscrypted);
    writer.flag("--lock", rootpw.lock);
    writer.flag("--plaintext", !rootpw.iscrypted);
    writer.flag(
        "--allow-ssh",
        rootpw.allow_ssh && WITH_ALLOW_SSH.has(writer.syntax),
    );
    let quote = if password.contains('#') { "\"" } else { "" };
    writer.put(format_args!(" {quote}{password}{quote}\n"));
}
