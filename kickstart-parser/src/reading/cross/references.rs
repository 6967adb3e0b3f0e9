// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names that stand for something defined in another line: members of volume groups, RAID and btrfs, volume groups of
//! logical volumes, thin pools, Stratis pools.

use std::collections::HashSet;

use super::words::{Aim, Words};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::Location;

/// Beginnings of the mount points that stand for members of something, and what uses them
const MEMBERS: [(&str, &str); 3] = [("pv.", "volgroup"), ("raid.", "raid"), ("btrfs.", "btrfs")];

/// Looks for names that nothing defines, and for members that nothing uses
pub(super) fn check(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    check_members(kickstart, words, findings);
    check_volume_groups(kickstart, words, findings);
    check_pools(kickstart, words, findings);
}

fn check_members(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let mut uses = uses(kickstart).peekable();
    // Most kickstarts use no members, and need no table of what could be one.
    let definable = uses.peek().into_iter().flat_map(|_| definitions(kickstart));
    let defined: HashSet<_> = definable.map(|(name, _)| name).collect();
    let mut used = HashSet::new();
    for (word, member, line) in uses {
        used.insert(member);
        // `LABEL=…` and the like name what is on a disk already.
        if !defined.contains(member) && !member.contains('=') {
            let message = format!("no line defines {}, which `{word}` uses", quote(member));
            let aim = match word {
                "logvol" => Aim::Option(&["--cachepvs"]),
                _ => Aim::Named(member),
            };
            findings
                .warning(Code::MemberUndefined, words.find(line, aim), message)
                .help(format!(
                    "add a line like {}",
                    quote(&format!("part {member} --size=…"))
                ));
        }
    }
    for (name, line) in definitions(kickstart) {
        let meant = MEMBERS.iter().find(|(prefix, _)| name.starts_with(prefix));
        // That it is defined twice is said elsewhere.
        if let Some((_, word)) = meant.filter(|_| used.insert(name)) {
            let message = format!("{} is defined and no `{word}` uses it", quote(name));
            let at = words.find(line, Aim::Argument(0));
            findings.warning(Code::MemberUnused, at, message);
        }
    }
}

/// What can be a member: partitions, and RAID devices in place of a file system
fn definitions(kickstart: &Kickstart) -> impl Iterator<Item = (&str, &Location)> {
    let parts = kickstart.part.iter();
    let parts = parts.map(|part| (part.mntpoint.as_str(), &part.location));
    let raids = kickstart.raid.iter();
    let raids = raids.map(|raid| (raid.mntpoint.as_str(), &raid.location));
    parts.chain(raids)
}

/// What needs members, the command's word first
fn uses(kickstart: &Kickstart) -> impl Iterator<Item = (&'static str, &str, &Location)> {
    let groups = kickstart.volgroup.iter();
    let groups = groups.flat_map(|group| {
        group
            .partitions
            .iter()
            .map(|name| ("volgroup", name, &group.location))
    });
    let raids = kickstart.raid.iter();
    let raids = raids.flat_map(|raid| {
        raid.members
            .iter()
            .map(|name| ("raid", name, &raid.location))
    });
    // The device of a subvolume is its volume, which may be on the disk already.
    let volumes = kickstart.btrfs.iter().filter(|btrfs| !btrfs.subvol);
    let volumes = volumes.flat_map(|btrfs| {
        btrfs
            .devices
            .iter()
            .map(|name| ("btrfs", name, &btrfs.location))
    });
    let caches = kickstart.logvol.iter();
    let caches = caches.flat_map(|volume| {
        volume
            .cachepvs
            .iter()
            .map(|name| ("logvol", name, &volume.location))
    });
    let all = groups.chain(raids).chain(volumes).chain(caches);
    all.map(|(word, name, at)| (word, name.as_str(), at))
}

fn check_volume_groups(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let groups: HashSet<_> = kickstart.volgroup.iter().map(|group| &group.name).collect();
    // What exists on the disk already may be in a group that exists already.
    let made = kickstart.logvol.iter().filter(|volume| !volume.useexisting);
    for volume in made.filter(|volume| !groups.contains(&volume.vgname)) {
        let message = format!(
            "no `volgroup` defines {}, which the volume is in",
            quote(&volume.vgname)
        );
        let at = words.find(&volume.location, Aim::Option(&["--vgname"]));
        findings.warning(Code::GroupUndefined, at, message);
    }
}

fn check_pools(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let thin = kickstart.logvol.iter().filter(|volume| volume.thinpool);
    let thin: HashSet<_> = thin
        .map(|volume| (&volume.vgname, volume.name.as_str()))
        .collect();
    for volume in kickstart
        .logvol
        .iter()
        .filter(|volume| volume.thin && !volume.useexisting)
    {
        let Some(pool) = volume.poolname.as_deref() else {
            continue;
        };
        if !thin.contains(&(&volume.vgname, pool)) {
            let message = format!("no `logvol --thinpool` defines the pool {}", quote(pool));
            let at = words.find(&volume.location, Aim::Option(&["--poolname"]));
            findings.warning(Code::GroupUndefined, at, message);
        }
    }
    let pools: HashSet<_> = kickstart
        .stratispool
        .iter()
        .map(|pool| &pool.name)
        .collect();
    for fs in kickstart.stratisfs.iter().filter(|fs| !fs.useexisting) {
        if !pools.contains(&fs.poolname) {
            let message = format!("no `stratispool` defines the pool {}", quote(&fs.poolname));
            let at = words.find(&fs.location, Aim::Option(&["--poolname"]));
            findings.warning(Code::GroupUndefined, at, message);
        }
    }
}
