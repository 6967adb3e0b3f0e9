// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `user`: an account of the installed system.
//!
//! Takes the options of the line, gives [`User`]. Names, ids and hashes are not checked: any text is taken for a
//! name or a group.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["user"],
    summary: "Creates an account",
    repeat: Repeat::Adds,
    options: &[&[
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
    ]],
    convert,
    write,
    ..Command::BASE
};

/// An account
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Name of the account; empty if the kickstart gives an empty one
    pub name: String,
    /// Password, or its hash when `iscrypted`
    pub password: Option<Secret>,
    /// The password is a hash; the last one of `--iscrypted` and `--plaintext` counts
    pub iscrypted: bool,
    /// The account is locked
    pub lock: bool,
    /// Groups beside the account's own
    pub groups: Vec<GroupSpec>,
    /// Number of the account, any whole number
    pub uid: Option<i64>,
    /// Number of the account's own group, any whole number
    pub gid: Option<i64>,
    /// Home directory
    pub homedir: Option<String>,
    /// Login shell
    pub shell: Option<String>,
    /// Full name and the like
    pub gecos: Option<String>,
}

/// A group named in `user --groups`: `name`, or `name(gid)` with the number in plain digits
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSpec {
    /// Name of the group; a text of another form is here as a whole
    pub name: String,
    /// Its number, for a group that is created
    pub gid: Option<i64>,
}

impl GroupSpec {
    fn parse(text: &str) -> Self {
        let parts = text.strip_suffix(')').and_then(|text| text.split_once('('));
        let numbered = parts.map(|(name, gid)| Self {
            name: name.to_owned(),
            gid: gid.parse().ok(),
        });
        let whole = Self {
            name: text.to_owned(),
            gid: None,
        };
        numbered
            .filter(|group| is_name(&group.name) && group.to_string() == text)
            .unwrap_or(whole)
    }
}

/// Whether there is a name without a blank after it
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(char::is_whitespace)
}

/// The group as the kickstart has it
impl fmt::Display for GroupSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.gid {
            Some(gid) => write!(f, "{}({gid})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if !given.has("--name") {
        return;
    }
    let groups = given.list("--groups");
    kickstart.user.push(given.locate(User {
        name: given.required_text("--name", findings).unwrap_or_default(),
        password: given.text("--password").map(Secret::new),
        iscrypted: given.last_of(&["--iscrypted", "--plaintext"]) == Some("--iscrypted"),
        lock: given.flag("--lock"),
        groups: groups.iter().map(|text| GroupSpec::parse(text)).collect(),
        uid: given.int("--uid"),
        gid: given.int("--gid"),
        homedir: given.text("--homedir"),
        shell: given.text("--shell"),
        gecos: given.text("--gecos"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for user in &kickstart.user {
        // The canonical form takes 0 for a number that is not given.
        let user = User {
            uid: user.uid.filter(|uid| *uid != 0),
            gid: user.gid.filter(|gid| *gid != 0),
            ..user.value.clone()
        };
        if user != User::default() {
            write_user(&user, writer);
        }
    }
}

fn write_user(user: &User, writer: &mut Writer) {
    let groups: Vec<_> = user.groups.iter().map(ToString::to_string).collect();
    let password = user.password.as_ref().map(Secret::expose);
    let hashed = password.is_some_and(|password| password.contains('#'));
    writer.put("user");
    writer.list("--groups", &groups);
    writer.value("--homedir", user.homedir.as_ref());
    writer.value("--name", Some(&user.name).filter(|name| !name.is_empty()));
    writer.quoted("--password", password.filter(|_| hashed));
    writer.value("--password", password.filter(|_| !hashed));
    writer.flag("--iscrypted", user.iscrypted);
    writer.value("--shell", user.shell.as_ref());
    writer.value("--uid", user.uid);
    writer.flag("--lock", user.lock);
    writer.quoted("--gecos", user.gecos.as_ref());
    writer.value("--gid", user.gid);
    writer.put("\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_text_that_they_are_read_from() {
        for (text, name, gid) in [
            ("wheel", "wheel", None),
            ("lab(1001)", "lab", Some(1001)),
            ("lab(-1)", "lab", Some(-1)),
            ("lab(01)", "lab(01)", None),
            ("lab (1)", "lab (1)", None),
            ("lab(x)", "lab(x)", None),
            ("(1)", "(1)", None),
            ("a(1)b", "a(1)b", None),
            ("a(1)(2)", "a(1)(2)", None),
        ] {
            let group = GroupSpec::parse(text);
            assert_eq!((&*group.name, group.gid), (name, gid), "{text}");
            assert_eq!(group.to_string(), text);
        }
    }
}
