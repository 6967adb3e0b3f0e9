// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The layout as a whole: mount points over all commands, a root file system, passphrases.

use std::collections::HashMap;

use super::words::{Aim, Words};
use crate::commands::Encryption;
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Located, Location};

/// A mount point with the command that has it
type Mount<'k> = (&'static str, &'k str, &'k Location);

/// Looks for a mount point in lines of different commands; within one command it is a duplicate
pub(super) fn check_mount_points(
    kickstart: &Kickstart,
    words: &Words<'_>,
    findings: &mut Findings,
) {
    let mut first: HashMap<&str, (&str, &Location)> = HashMap::new();
    for (word, mount, at) in mounts(kickstart).filter(|(_, mount, _)| mount.starts_with('/')) {
        let (earlier, there) = *first.entry(mount).or_insert((word, at));
        let is_said = earlier == word && matches!(word, "part" | "btrfs");
        if std::ptr::eq(there, at) || is_said {
            continue;
        }
        let message = format!("mount point {} is used twice", quote(mount));
        let help = format!(
            "the first time is `{earlier}` in {} line {}",
            quote(&there.file),
            there.line
        );
        let at = words.find(at, Aim::Argument(usize::from(word == "mount")));
        findings
            .warning(Code::MountPointShared, at, message)
            .help(help);
    }
}

/// Looks for something to install the system on
pub(super) fn check_root(kickstart: &Kickstart, findings: &mut Findings) {
    if kickstart.autopart.is_some() || mounts(kickstart).any(|(_, mount, _)| mount == "/") {
        return;
    }
    let no_storage = mounts(kickstart).next().is_none() && kickstart.volgroup.is_empty();
    if let (Some(reqpart), true) = (&kickstart.reqpart, no_storage) {
        let message = "`reqpart` makes only what the platform needs, and no `part` says where the system goes";
        findings.warning(Code::ReqpartAlone, reqpart.location.clone(), message);
    } else {
        findings
            .general_warning(Code::NoRoot, "no partition for `/`")
            .help("add a line like `part / --grow`");
    }
}

/// Every mount point, also the words that stand for members
fn mounts(kickstart: &Kickstart) -> impl Iterator<Item = Mount<'_>> {
    fn of<'k, T>(
        word: &'static str,
        values: &'k [Located<T>],
        mount: impl Fn(&'k T) -> &'k String + 'k,
    ) -> impl Iterator<Item = Mount<'k>> {
        values
            .iter()
            .map(move |value| (word, mount(&value.value).as_str(), &value.location))
    }
    of("part", &kickstart.part, |part| &part.mntpoint)
        .chain(of("raid", &kickstart.raid, |raid| &raid.mntpoint))
        .chain(of("logvol", &kickstart.logvol, |volume| &volume.mntpoint))
        .chain(of("btrfs", &kickstart.btrfs, |btrfs| &btrfs.mntpoint))
        .chain(of("mount", &kickstart.mount, |mount| &mount.mntpoint))
        .chain(of("stratisfs", &kickstart.stratisfs, |fs| &fs.mntpoint))
}

/// Looks for encrypted devices that nobody could open: the installer asks nothing
pub(super) fn check_passphrases(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let parts = kickstart
        .part
        .iter()
        .map(|part| (&part.encryption, &part.location));
    let raids = kickstart
        .raid
        .iter()
        .map(|raid| (&raid.encryption, &raid.location));
    let volumes = kickstart
        .logvol
        .iter()
        .map(|volume| (&volume.encryption, &volume.location));
    let all = kickstart
        .autopart
        .iter()
        .map(|auto| (&auto.encryption, &auto.location));
    let devices = parts.chain(raids).chain(volumes).chain(all);
    let pools = kickstart.stratispool.iter();
    let pools = pools.filter(|pool| pool.encrypted && pool.passphrase.is_none());
    let lacking = devices.filter(lacks_passphrase).map(|(_, at)| at);
    for at in lacking.chain(pools.map(|pool| &pool.location)) {
        let message = "`--encrypted` without `--passphrase`, and nobody is asked for one";
        let at = words.find(at, Aim::Option(&["--encrypted"]));
        findings.warning(Code::PassphraseMissing, at, message);
    }
}

fn lacks_passphrase((encryption, _): &(&Encryption, &Location)) -> bool {
    encryption.encrypted && encryption.passphrase.is_none()
}
