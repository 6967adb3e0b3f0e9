// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The commands of the language, one file each: words, options, versions, meaning, typed and canonical form.
//!
//! [`all`] lists every command that pykickstart knows in any of the versions that are read; it is the one source for
//! validation, suggestions, reference pages and completions. A command added to the language is a file here and a
//! line in the list.

mod auth;
mod authselect;
mod autopart;
mod autostep;
mod bootc;
mod bootloader;
mod btrfs;
mod cdrom;
mod clearpart;
mod device;
mod deviceprobe;
mod display;
mod dmraid;
mod driverdisk;
mod encryption;
mod end;
mod eula;
mod fcoe;
mod filesystem;
mod firewall;
mod firstboot;
mod group;
mod harddrive;
mod hmc;
mod ignoredisk;
mod install;
mod iscsi;
mod iscsiname;
mod keyboard;
mod lang;
mod liveimg;
mod logging;
mod logvol;
mod mediacheck;
mod method;
mod module;
mod mount;
mod multipath;
mod network;
mod nfs;
mod nvdimm;
mod ostreecontainer;
mod ostreesetup;
mod part;
mod raid;
mod rdp;
mod realm;
mod repo;
mod reqpart;
mod rescue;
mod rhsm;
mod rootpw;
mod selinux;
mod services;
mod skipx;
mod snapshot;
mod sshkey;
mod sshpw;
mod stratisfs;
mod stratispool;
mod syspurpose;
mod timesource;
mod timezone;
mod updates;
mod url;
mod user;
mod vnc;
mod volgroup;
mod xconfig;
mod zerombr;
mod zfcp;
mod zipl;

pub use auth::Auth;
pub use authselect::Authselect;
pub use autopart::{AutoPart, AutoPartType};
pub use autostep::Autostep;
pub use bootc::Bootc;
pub use bootloader::{BootLocation, Bootloader};
pub use btrfs::{Btrfs, BtrfsLevel};
pub use cdrom::Cdrom;
pub use clearpart::{ClearMode, ClearPart};
pub use display::{DisplayMode, Mode};
pub use driverdisk::DriverDisk;
pub use encryption::Encryption;
pub use end::{End, EndAction};
pub use eula::Eula;
pub use fcoe::Fcoe;
pub use firewall::{Firewall, PortSpec};
pub use firstboot::{FirstBoot, FirstBootMode};
pub use group::Group;
pub use harddrive::HardDrive;
pub use hmc::Hmc;
pub use ignoredisk::IgnoreDisk;
pub use iscsi::Iscsi;
pub use iscsiname::IscsiName;
pub use keyboard::Keyboard;
pub use lang::Lang;
pub use liveimg::LiveImg;
pub use logging::Logging;
pub use logvol::{CacheMode, LogVol};
pub use mediacheck::MediaCheck;
pub use module::Module;
pub use mount::Mount;
pub use network::{BindTo, BootProto, Network, TeamSlave};
pub use nfs::Nfs;
pub use nvdimm::{Nvdimm, NvdimmAction};
pub use ostreecontainer::OstreeContainer;
pub use ostreesetup::OstreeSetup;
pub use part::Part;
pub use raid::{Raid, RaidLevel};
pub use rdp::Rdp;
pub use realm::Realm;
pub use repo::Repo;
pub use reqpart::ReqPart;
pub use rescue::Rescue;
pub use rhsm::Rhsm;
pub use rootpw::RootPw;
pub use selinux::{Selinux, SelinuxMode};
pub use services::Services;
pub use skipx::Skipx;
pub use snapshot::{Snapshot, SnapshotTime};
pub use sshkey::SshKey;
pub use sshpw::SshPw;
pub use stratisfs::StratisFs;
pub use stratispool::StratisPool;
pub use syspurpose::Syspurpose;
pub use timesource::TimeSource;
pub use timezone::Timezone;
pub use updates::Updates;
pub use url::Url;
pub use user::{GroupSpec, User};
pub use vnc::Vnc;
pub use volgroup::VolGroup;
pub use xconfig::Xconfig;
pub use zerombr::ZeroMbr;
pub use zfcp::Zfcp;
pub use zipl::{SecureBoot, Zipl};

pub use crate::arguments::{Arity, Command, Conflict, Effect, Form, Kind, Operand, Opt, Repeat};

use std::sync::OnceLock;

/// Every command, in the order in which pykickstart writes those of equal rank
pub(crate) static COMMANDS: &[Command] = &[
    auth::COMMAND,
    authselect::COMMAND,
    autopart::COMMAND,
    autostep::COMMAND,
    btrfs::COMMAND,
    bootc::COMMAND,
    bootloader::COMMAND,
    cdrom::COMMAND,
    clearpart::COMMAND,
    device::COMMAND,
    deviceprobe::COMMAND,
    display::TEXT,
    display::CMDLINE,
    display::GRAPHICAL,
    dmraid::COMMAND,
    driverdisk::COMMAND,
    eula::COMMAND,
    fcoe::COMMAND,
    firewall::COMMAND,
    firstboot::COMMAND,
    group::COMMAND,
    harddrive::COMMAND,
    hmc::COMMAND,
    ignoredisk::COMMAND,
    install::COMMAND,
    iscsi::COMMAND,
    iscsiname::COMMAND,
    keyboard::COMMAND,
    lang::COMMAND,
    liveimg::COMMAND,
    logvol::COMMAND,
    logging::COMMAND,
    mediacheck::COMMAND,
    method::COMMAND,
    module::COMMAND,
    mount::COMMAND,
    multipath::COMMAND,
    nfs::COMMAND,
    network::COMMAND,
    nvdimm::COMMAND,
    ostreecontainer::COMMAND,
    ostreesetup::COMMAND,
    part::COMMAND,
    rdp::COMMAND,
    rhsm::COMMAND,
    raid::COMMAND,
    realm::COMMAND,
    end::COMMAND,
    repo::COMMAND,
    reqpart::COMMAND,
    rescue::COMMAND,
    rootpw::COMMAND,
    selinux::COMMAND,
    services::COMMAND,
    skipx::COMMAND,
    snapshot::COMMAND,
    sshkey::COMMAND,
    sshpw::COMMAND,
    stratisfs::COMMAND,
    stratispool::COMMAND,
    syspurpose::COMMAND,
    timesource::COMMAND,
    timezone::COMMAND,
    updates::COMMAND,
    url::COMMAND,
    user::COMMAND,
    vnc::COMMAND,
    volgroup::COMMAND,
    xconfig::COMMAND,
    zfcp::COMMAND,
    zerombr::COMMAND,
    zipl::COMMAND,
];

/// Every command of the language in any version
pub fn all() -> impl Iterator<Item = &'static Command> + Clone {
    COMMANDS.iter()
}

/// The command that is written as `word` in any version
pub fn find(word: &str) -> Option<&'static Command> {
    position(word).map(|at| &COMMANDS[at])
}

/// Where the command that is written as `word` stands in the table
pub(crate) fn position(word: &str) -> Option<usize> {
    static SLOTS: OnceLock<[Vec<(&str, usize)>; SLOT_COUNT]> = OnceLock::new();
    let slots = SLOTS.get_or_init(|| {
        let mut slots = [const { Vec::new() }; SLOT_COUNT];
        for (at, command) in COMMANDS.iter().enumerate() {
            for word in command.words {
                slots[slot(word)].push((*word, at));
            }
        }
        slots
    });
    let mut found = slots[slot(word)].iter();
    found.find(|(known, _)| *known == word).map(|(_, at)| *at)
}

const SLOT_COUNT: usize = 256;

/// Where to look for a command. Only the words of the language are put into slots, so that no input can crowd one.
fn slot(word: &str) -> usize {
    let bytes = word.as_bytes();
    let at = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
    (at(0) * 5 + at(1) * 3 + at(bytes.len().wrapping_sub(1)) * 7 + bytes.len()) % SLOT_COUNT
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_belongs_to_one_command() {
        let mut words = HashSet::new();
        for word in all().flat_map(|command| command.words) {
            assert!(words.insert(word), "{word}");
        }
        assert_eq!(words.len(), 77, "of every version together");
    }

    #[test]
    fn no_slot_has_many_words() {
        let words = || all().flat_map(|command| command.words);
        for word in words() {
            assert!(
                words().filter(|other| slot(other) == slot(word)).count() <= 4,
                "{word}"
            );
        }
    }

    #[test]
    fn every_option_is_described_once() {
        for command in all() {
            let mut names = HashSet::new();
            for option in command.all_options() {
                assert!(
                    !option.help.is_empty() && !option.help.ends_with('.'),
                    "{} {}",
                    command.word(),
                    option.name()
                );
                for name in option.names {
                    assert!(
                        name.starts_with("--") && names.insert((name, option.versions.to_string())),
                        "{} {name}",
                        command.word()
                    );
                }
            }
        }
    }

    #[test]
    fn conflicts_name_commands() {
        for command in all() {
            for other in command.conflicts.iter().flat_map(|rule| rule.with) {
                assert!(
                    find(other).is_some_and(|found| found.word() == *other),
                    "{} {other}",
                    command.word()
                );
            }
        }
    }
}
