// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks over the whole kickstart: what is defined twice, what refers to nothing, what is missing.
//!
//! What pykickstart warns of is a warning of the language; the rest is accepted by it and cannot be installed: those
//! are warnings too, which [`crate::Reading::for_installation`] makes errors.

mod duplicates;
mod references;
mod storage;
mod words;

use super::assemble::Assembly;
use super::statement::Statements;
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use words::{Aim, Words};

/// Commands that bring a system; those of the language that exclude each other already are errors by themselves
const IMAGE_SOURCES: &[&str] = &["ostreecontainer", "ostreesetup", "bootc", "liveimg"];

/// Checks the commands of an assembled kickstart; files of it that were not read may hold what seems to be missing
pub(super) fn check(statements: &Statements<'_>, assembly: &Assembly, findings: &mut Findings) {
    let kickstart = &statements.kickstart;
    let words = &Words::new(statements.syntax, &assembly.sources);
    duplicates::check(kickstart, words, findings);
    storage::check_mount_points(kickstart, words, findings);
    storage::check_passphrases(kickstart, words, findings);
    check_sources(statements, findings);
    // A word that is no command may stand for the one that seems to be missing.
    if assembly.incomplete || findings.has(Code::UnknownCommand) {
        return;
    }
    check_keys(kickstart, words, findings);
    references::check(kickstart, words, findings);
    storage::check_root(kickstart, findings);
}

fn check_sources(statements: &Statements<'_>, findings: &mut Findings) {
    if findings.has(Code::CommandConflict) {
        return;
    }
    let met: Vec<_> = statements
        .each_met()
        .filter(|(command, ..)| IMAGE_SOURCES.contains(&command.word()))
        .collect();
    let Some((_, at, word)) = met.last() else {
        return;
    };
    let others = met.iter().filter(|(_, _, other)| other != word);
    let others: Vec<_> = others
        .map(|(_, at, other)| format!("`{other}` in {} line {}", quote(&at.file), at.line))
        .collect();
    if !others.is_empty() {
        let message = format!("`{word}` is a second source of the system");
        findings
            .warning(Code::TwoSources, (*at).clone(), message)
            .help(format!("there is {} already", others.join(" and ")));
    }
}

fn check_keys(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    for key in kickstart.sshkey.iter().filter(|key| key.username != "root") {
        if !kickstart.user.iter().any(|user| user.name == key.username) {
            let name = quote(&key.username);
            let message = format!("no `user` creates {name}, whose key this is");
            let at = words.find(&key.location, Aim::Option(&["--username"]));
            findings
                .warning(Code::KeyWithoutUser, at, message)
                .help("add a `user` with this name; an account that the image has already is left as it is");
        }
    }
}
