// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What pykickstart takes for defined twice. Each kind of thing has its own identity, and both definitions count.

use std::collections::HashMap;
use std::hash::Hash;

use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Located, Location};

/// Looks at everything of which a kickstart can have several
pub(super) fn check(kickstart: &Kickstart, findings: &mut Findings) {
    check_storage(kickstart, findings);
    check_devices(kickstart, findings);
    check_accounts(kickstart, findings);
}

fn check_storage(kickstart: &Kickstart, findings: &mut Findings) {
    let mut twice = Twice(Code::MountPointTwice, findings);
    let parts = kickstart.part.iter().filter(|part| part.mntpoint != "swap");
    twice.each(
        parts,
        |part| &part.mntpoint,
        |mount| format!("partition {}", quote(mount)),
    );
    twice.each(
        &kickstart.btrfs,
        |btrfs| &btrfs.mntpoint,
        |mount| format!("btrfs volume {}", quote(mount)),
    );
    let mut twice = Twice(Code::Duplicate, findings);
    twice.each(
        &kickstart.raid,
        |raid| &raid.device,
        |device| format!("RAID device {}", quote(device)),
    );
    twice.each(
        &kickstart.volgroup,
        |group| &group.name,
        |name| format!("volume group {}", quote(name)),
    );
    twice.each(
        &kickstart.logvol,
        |volume| (&volume.vgname, &volume.name),
        |(group, name)| format!("logical volume {} of group {}", quote(name), quote(group)),
    );
    twice.each(
        &kickstart.stratispool,
        |pool| &pool.name,
        |name| format!("Stratis pool {}", quote(name)),
    );
    twice.each(
        &kickstart.stratisfs,
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

fn check_devices(kickstart: &Kickstart, findings: &mut Findings) {
    let mut twice = Twice(Code::Duplicate, findings);
    twice.each(
        &kickstart.network,
        |network| network.device.as_deref().unwrap_or(""),
        |device| match device {
            "" => "network without a device".to_owned(),
            device => format!("network device {}", quote(device)),
        },
    );
    twice.each(
        &kickstart.fcoe,
        |fcoe| &fcoe.nic,
        |nic| format!("FCoE device {}", quote(nic)),
    );
    twice.each(
        &kickstart.zfcp,
        |zfcp| (&zfcp.devnum, &zfcp.wwpn, &zfcp.fcplun),
        |(devnum, ..)| format!("zFCP device {}", quote(devnum)),
    );
    let named = kickstart
        .nvdimm
        .iter()
        .filter(|nvdimm| nvdimm.namespace.is_some() || !nvdimm.blockdevs.is_empty());
    twice.each(
        named,
        |nvdimm| (nvdimm.action, &nvdimm.namespace, &nvdimm.blockdevs),
        |_| "NVDIMM".to_owned(),
    );
}

fn check_accounts(kickstart: &Kickstart, findings: &mut Findings) {
    let mut twice = Twice(Code::Duplicate, findings);
    twice.each(
        &kickstart.user,
        |user| &user.name,
        |name| format!("user {}", quote(name)),
    );
    twice.each(
        &kickstart.group,
        |group| &group.name,
        |name| format!("group {}", quote(name)),
    );
    twice.each(
        &kickstart.repo,
        |repo| &repo.name,
        |name| format!("repository {}", quote(name)),
    );
    let of_user = |name: &String| format!("ssh key of {}", quote(name));
    twice.each(&kickstart.sshkey, |key| &key.username, of_user);
    twice.each(
        &kickstart.sshpw,
        |account| &account.username,
        |name| format!("ssh account {}", quote(name)),
    );
}

/// Warns of what comes a second time, by this rule
struct Twice<'f>(Code, &'f mut Findings);

impl Twice<'_> {
    fn each<'k, T: 'k, K: Eq + Hash>(
        &mut self,
        values: impl IntoIterator<Item = &'k Located<T>>,
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
            let Self(code, findings) = self;
            findings
                .warning(*code, location.clone(), message)
                .help(help);
        }
    }
}
