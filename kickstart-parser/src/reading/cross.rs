// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks over the whole kickstart: what is defined twice, what refers to nothing, what is missing.
//!
//! All of it is warnings: pykickstart accepts such files, and what stops an installation is the planner's decision.

use std::collections::HashMap;

use super::statement::Statements;
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Located, Location};

/// Commands other than `part` that may bring a root file system
const OTHER_STORAGE: &[&str] = &["autopart", "logvol", "raid", "btrfs", "mount", "stratisfs"];

/// Checks the commands; with `incomplete`, files that were not read may hold what seems to be missing
pub(super) fn check(statements: &Statements, incomplete: bool, findings: &mut Findings) {
    let kickstart = statements.kickstart();
    check_duplicates(kickstart, findings);
    // A word that is no command may stand for the one that seems to be missing.
    if incomplete || findings.has(Code::UnknownCommand) {
        return;
    }
    check_keys(kickstart, findings);
    let other_storage = statements.has_any(OTHER_STORAGE);
    if let (Some(reqpart), false, true) =
        (&kickstart.reqpart, other_storage, kickstart.part.is_empty())
    {
        let message = "`reqpart` makes only what the platform needs, and no `part` says where the system goes";
        findings.warning(Code::ReqpartAlone, reqpart.location.clone(), message);
    }
    let without_root = kickstart.part.iter().all(|part| part.mntpoint != "/");
    if without_root && !other_storage && !(kickstart.reqpart.is_some() && kickstart.part.is_empty())
    {
        findings
            .general_warning(Code::NoRoot, "no partition for `/`")
            .help("add a line like `part / --grow`");
    }
}

fn check_duplicates(kickstart: &Kickstart, findings: &mut Findings) {
    let parts = kickstart.part.iter().filter(|part| part.mntpoint != "swap");
    once(
        parts.map(|part| located(part, "mount point", &part.mntpoint)),
        findings,
    );
    once(
        kickstart
            .user
            .iter()
            .map(|user| located(user, "user", &user.name)),
        findings,
    );
    once(
        kickstart
            .group
            .iter()
            .map(|group| located(group, "group", &group.name)),
        findings,
    );
    once(
        kickstart
            .sshkey
            .iter()
            .map(|key| located(key, "ssh key", &key.key)),
        findings,
    );
    let devices = kickstart
        .network
        .iter()
        .filter(|network| network.vlanid.is_none());
    let devices = devices
        .filter_map(|network| Some(located(network, "network device", network.device.as_ref()?)));
    once(devices, findings);
}

fn located<'a, T>(
    value: &'a Located<T>,
    what: &'static str,
    name: &'a str,
) -> (&'static str, &'a str, &'a Location) {
    (what, name, &value.location)
}

/// Warns of each name that comes a second time
fn once<'a>(
    names: impl Iterator<Item = (&'static str, &'a str, &'a Location)>,
    findings: &mut Findings,
) {
    let mut first: HashMap<&str, &Location> = HashMap::new();
    for (what, name, at) in names {
        let Some(earlier) = first.get(name) else {
            first.insert(name, at);
            continue;
        };
        let message = format!("{what} {} is defined twice", quote(name));
        let help = format!(
            "the first time is in {} line {}",
            quote(&earlier.file),
            earlier.line
        );
        findings
            .warning(Code::Duplicate, at.clone(), message)
            .help(help);
    }
}

fn check_keys(kickstart: &Kickstart, findings: &mut Findings) {
    for key in kickstart.sshkey.iter().filter(|key| key.username != "root") {
        if !kickstart.user.iter().any(|user| user.name == key.username) {
            let message = format!(
                "no `user` creates {}, whose key this is",
                quote(&key.username)
            );
            findings
                .warning(Code::KeyWithoutUser, key.location.clone(), message)
                .help("this works only if the image has that user");
        }
    }
}
