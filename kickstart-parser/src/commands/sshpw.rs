// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `sshpw`: an account of the installer's own environment, for logging in over ssh while it works.
//!
//! Takes the line, gives [`SshPw`]. The words of the password are joined by blanks; the shape of a hash is not
//! checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["sshpw"],
    summary: "Makes an account in the installer's environment",
    effect: Effect::None(
        "the installed system knows none of it; `inst.sshd` takes root's keys while a machine is installed",
    ),
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(&["--username"], "Name of the account").required(),
        Opt::flag(&["--iscrypted"], "The password is a hash"),
        Opt::flag(&["--plaintext"], "The password is plain text"),
        Opt::flag(&["--lock"], "Lock the account"),
        Opt::flag(&["--sshkey"], "The password is a line of authorized_keys"),
    ]],
    operand: Some(Operand::any("<password>", "Password, its hash, or an ssh key").secret()),
    convert,
    write,
    ..Command::BASE
};

/// An account of the installer's environment
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshPw {
    /// Name of the account; empty if the kickstart gives an empty one
    pub username: String,
    /// Password, its hash when `iscrypted`, or a line of `authorized_keys` when `sshkey`; may be empty
    pub password: Secret,
    /// The password is a hash; the last one of `--iscrypted` and `--plaintext` counts
    pub iscrypted: bool,
    /// The account is locked
    pub lock: bool,
    /// The password is an ssh key
    pub sshkey: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if given.operands.is_empty() {
        given.lacks("a password", &[], findings);
        return;
    }
    report_scattered(given, findings);
    let words: Vec<_> = given.operands.iter().map(|word| &*word.text).collect();
    kickstart.sshpw.push(given.locate(SshPw {
        username: given.text("--username").unwrap_or_default(),
        password: Secret::new(words.join(" ")),
        iscrypted: given.last_of(&["--iscrypted", "--plaintext"]) == Some("--iscrypted"),
        lock: given.flag("--lock"),
        sshkey: given.flag("--sshkey"),
    }));
}

/// The words of the password stand together: one after a later option is an error
fn report_scattered(given: &Arguments<'_>, findings: &mut Findings) {
    let Some(first) = given.operands.first() else {
        return;
    };
    let mut options = given.given.iter().map(|option| option.at.span.start);
    let Some(option) = options.find(|start| *start > first.span.start) else {
        return;
    };
    if let Some(word) = given.operands.iter().find(|word| word.span.start > option) {
        let message = format!(
            "an option of {} parts this word from the password",
            quote(given.word())
        );
        findings
            .error(Code::UnexpectedArgument, word.location(), message)
            .help("put quotes around a password with blanks");
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for account in &kickstart.sshpw {
        writer.put(format_args!("sshpw --username={}", account.username));
        writer.flag("--sshkey", account.sshkey);
        writer.flag("--lock", account.lock && !account.sshkey);
        writer.flag("--iscrypted", account.iscrypted && !account.sshkey);
        writer.flag("--plaintext", !account.iscrypted && !account.sshkey);
        writer.put(format_args!(" {}\n", account.password.expose()));
    }
}
