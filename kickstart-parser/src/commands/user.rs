// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `user`: an account of the installed system.
//!
//! Takes the options of the line, gives [`User`]. Names, ids and hashes are not checked against the image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::secret::Secret;

pub(super) const COMMAND: Command = Command {
    words: &["user"],
    summary: "Creates an account",
    effect: Effect::CarriedOut,
    repeat: Repeat::Adds,
    conflicts: &[],
    options: &[
        Opt::text(
            &["--homedir"],
            "Home directory; `/home/` and the name without this option",
        ),
        Opt::flag(&["--iscrypted"], "The password is a hash"),
        Opt::text(&["--name"], "Name of the account").required(),
        Opt::secret(&["--password"], "Password or its hash"),
        Opt::text(&["--shell"], "Login shell"),
        Opt::int(&["--uid"], "Number of the account"),
        Opt::flag(&["--lock"], "Lock the account"),
        Opt::flag(&["--plaintext"], "The password is plain text"),
        Opt::text(&["--gecos"], "Full name and the like"),
        Opt::int(&["--gid"], "Number of the account's own group"),
        Opt::list(
            &["--groups"],
            "Further groups, each as `name` or `name(gid)`",
        ),
    ],
    operand: None,
    convert,
};

/// An account
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Name of the account
    pub name: String,
    /// Password, or its hash when `iscrypted`
    pub password: Option<Secret>,
    /// The password is a hash; the last one of `--iscrypted` and `--plaintext` counts
    pub iscrypted: bool,
    /// The account is locked
    pub lock: bool,
    /// Groups beside the account's own
    pub groups: Vec<GroupSpec>,
    /// Number of the account
    pub uid: Option<u32>,
    /// Number of the account's own group
    pub gid: Option<u32>,
    /// Home directory
    pub homedir: Option<String>,
    /// Login shell
    pub shell: Option<String>,
    /// Full name and the like
    pub gecos: Option<String>,
}

/// A group named in `user --groups`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSpec {
    /// Name of the group
    pub name: String,
    /// Its number, for a group that is created
    pub gid: Option<u32>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(name) = given.required_text("--name", findings) else {
        return;
    };
    kickstart.user.push(given.locate(User {
        name,
        password: given.text("--password").map(Secret::new),
        iscrypted: given.last_of(&["--iscrypted", "--plaintext"]) == Some("--iscrypted"),
        lock: given.flag("--lock"),
        groups: groups(given, findings),
        uid: given.id("--uid", findings),
        gid: given.id("--gid", findings),
        homedir: given.text("--homedir"),
        shell: given.text("--shell"),
        gecos: given.text("--gecos"),
    }));
}

fn groups(given: &Arguments, findings: &mut Findings) -> Vec<GroupSpec> {
    let mut groups = Vec::new();
    for item in given.list("--groups") {
        if let Some((name, gid)) = values::group(&item) {
            groups.push(GroupSpec { name, gid });
        } else {
            let at = given.location_of("--groups");
            findings
                .error(
                    Code::InvalidValue,
                    at,
                    format!("{} is not a group", quote(&item)),
                )
                .help("write `name` or `name(gid)`");
        }
    }
    groups
}
