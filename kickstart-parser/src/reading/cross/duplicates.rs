// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What pykickstart takes for defined twice. Each kind of thing has its own identity, and both definitions count.

use std::collections::HashMap;
use std::hash::Hash;

use super::words::{Aim, Words};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Located, Location};

/// Looks at everything of which a kickstart can have several
pub(super) fn check(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    check_storage(kickstart, words, findings);
    check_devices(kickstart, words, findings);
    check_accounts(kickstart, words, findings);
}

fn check_storage(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let mut twice = Twice(Code::MountPointTwice, words, findings);
    let parts = kickstart.part.iter().filter(|part| part.mntpoint != "swap");
    twice.each(
        parts,
        Aim::Argument(0),
        |part| &part.mntpoint,
        |mount| format!("partition {}", quote(mount)),
    );
    twice.each(
        &kickstart.btrfs,
        Aim::Argument(0),
        |btrfs| &btrfs.mntpoint,
        |mount| format!("btrfs volume {}", quote(mount)),
    );
    let mut twice = Twice(Code::Duplicate, words, findings);
    twice.each(
        &kickstart.raid,
        Aim::Option(&["--device"]),
        |raid| &raid.device,
        |device| format!("RAID device {}", quote(device)),
    );
    twice.each(
        &kickstart.volgroup,
        Aim::Argument(0),
        |group| &group.name,
        |name| format!("volume group {}", quote(name)),
    );
    twice.each(
        &kickstart.logvol,
        Aim::Option(&["--name"]),
        |volume| (&volume.vgname, &volume.name),
        |(group, name)| format!("logical volume {} of group {}", quote(name), quote(group)),
    );
    twice.each(
        &kickstart.stratispool,
        Aim::Argument(0),
        |pool| &pool.name,
        |name| format!("Stratis pool {}", quote(name)),
    );
    twice.each(
        &kickstart.stratisfs,
        Aim::Option(&["--name"]),
        |fs| (&fs.poolname, &fs.name),
        |(pool, name)| {
            format!(
                "Stratis file system {} of pool {}",
                quote(name),
                quote(pool)
            )
        },
    );
}

fn check_devices(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let mut twice = Twice(Code::Duplicate, words, findings);
    twice.each(
        &kickstart.network,
        Aim::Option(&["--device"]),
        |network| network.device.as_deref().unwrap_or(""),
        |device| match device {
            "" => "network without a device".to_owned(),
            device => format!("network device {}", quote(device)),
        },
    );
    twice.each(
        &kickstart.fcoe,
        Aim::Option(&["--nic"]),
        |fcoe| &fcoe.nic,
        |nic| format!("FCoE device {}", quote(nic)),
    );
    twice.each(
        &kickstart.zfcp,
        Aim::Option(&["--devnum"]),
        |zfcp| (&zfcp.devnum, &zfcp.wwpn, &zfcp.fcplun),
        |(devnum, ..)| format!("zFCP device {}", quote(devnum)),
    );
    let named = kickstart
        .nvdimm
        .iter()
        .filter(|nvdimm| nvdimm.namespace.is_some() || !nvdimm.blockdevs.is_empty());
    twice.each(
        named,
        Aim::Option(&["--namespace", "--blockdevs"]),
        |nvdimm| (nvdimm.action, &nvdimm.namespace, &nvdimm.blockdevs),
        |_| "NVDIMM".to_owned(),
    );
}

fn check_accounts(kickstart: &Kickstart, words: &Words<'_>, findings: &mut Findings) {
    let mut twice = Twice(Code::Duplicate, words, findings);
    twice.each(
        &kickstart.user,
        Aim::Option(&["--name"]),
        |user| &user.name,
        |name| format!("user {}", quote(name)),
    );
    twice.each(
        &kickstart.group,
        Aim::Option(&["--name"]),
        |group| &group.name,
        |name| format!("group {}", quote(name)),
    );
    twice.each(
        &kickstart.repo,
        Aim::Option(&["--name"]),
        |repo| &repo.name,
        |name| format!("repository {}", quote(name)),
    );
    let of_user = |name: &String| format!("ssh key of {}", quote(name));
    let aim = Aim::Option(&["--username"]);
    twice.each(&kickstart.sshkey, aim, |key| &key.username, of_user);
    twice.each(
        &kickstart.sshpw,
        Aim::Option(&["--username"]),
        |account| &account.username,
        |name| format!("ssh account {}", quote(name)),
    );
}

/// Warns of what comes a second time, by this rule
struct Twice<'w, 'a, 'f>(Code, &'w Words<'a>, &'f mut Findings);

impl Twice<'_, '_, '_> {
    fn each<'k, T: 'k, K: Eq + Hash>(
        &mut self,
        values: impl IntoIterator<Item = &'k Located<T>>,
        aim: Aim<'_>,
        identity: impl Fn(&'k T) -> K,
        describe: impl Fn(K) -> String,
    ) {
        let mut first: HashMap<K, &Location> = HashMap::new();
        for Located { value, location } in values {
            let earlier = *first.entry(identity(value)).or_insert(location);
            if std::ptr::eq(earlier, location) {
                continue;
            }
            let message = format!("{} is defined twice", describe(identity(value)));
            let help = format!(
                "the first time is in {} line {}",
                quote(&earlier.file),
                earlier.line
            );
            let Self(code, words, findings) = self;
            findings
                .warning(*code, words.find(location, aim), message)
                .help(help);
        }
    }
}
