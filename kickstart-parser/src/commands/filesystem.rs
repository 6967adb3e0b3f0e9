// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The options for a new file system that `part`, `logvol` and `raid` share, and the rules for them.
//!
//! Which file systems there are is not known here, except that some versions of the language refuse btrfs.

use crate::arguments::{Arguments, Opt};
use crate::diagnostic::{Code, Findings};
use crate::location::Location;
use crate::version::Versions;

pub(super) const OPTIONS: &[Opt] = &[
    Opt::text(&["--fsoptions"], "Mount options, separated by commas"),
    Opt::text(&["--label"], "Label of the file system"),
    Opt::text(
        &["--fsprofile"],
        "Usage type given to the program that makes the file system",
    ),
    Opt::text(
        &["--mkfsoptions"],
        "Further arguments for the program that makes the file system",
    ),
];

/// Checks the options for the program that makes the file system
pub(super) fn check_making(given: &Arguments<'_>, findings: &mut Findings) {
    if given.text("--mkfsoptions").is_none() {
        return;
    }
    if given.flag("--noformat") {
        let at = given.location_of("--mkfsoptions");
        let message = "`--mkfsoptions` does nothing with `--noformat`";
        findings.error(Code::OptionConflict, at, message);
    }
    if given.text("--fsprofile").is_some() {
        given.exclude("--mkfsoptions", "--fsprofile", findings);
    }
}

/// Refuses `--fstype=btrfs` in the versions that do not support it
pub(super) fn check_btrfs(given: &Arguments<'_>, refused: Versions, findings: &mut Findings) {
    if refused.has(given.syntax) && given.raw("--fstype") == Some("btrfs") {
        refuse_btrfs(given, given.location_of("--fstype"), findings);
    }
}

/// Says that this version does not support btrfs
pub(super) fn refuse_btrfs(given: &Arguments<'_>, at: Location, findings: &mut Findings) {
    let message = format!("{} does not support btrfs", given.syntax);
    findings
        .error(Code::InvalidValue, at, message)
        .help("choose another file system, like `xfs`");
}
