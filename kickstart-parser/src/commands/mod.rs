// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The commands of the language, one file each: words, options, meaning, typed form.
//!
//! [`all`] lists every command that pykickstart knows for Fedora 45, and the ones of Red Hat Enterprise Linux
//! that Fedora lacks; it is the one source for validation, suggestions, reference pages and completions. A command
//! added to the language is a file here and a line in the list.

mod bootc;
mod bootloader;
mod clearpart;
mod display;
mod end;
mod firewall;
mod group;
mod ignoredisk;
mod keyboard;
mod lang;
mod network;
mod ostreecontainer;
mod part;
mod recognised;
mod reqpart;
mod rootpw;
mod services;
mod sshkey;
mod timezone;
mod user;
mod zerombr;

pub use bootc::Bootc;
pub use bootloader::{BootLocation, Bootloader};
pub use clearpart::{ClearMode, ClearPart};
pub use end::{End, EndAction};
pub use firewall::{Firewall, PortSpec};
pub use group::Group;
pub use ignoredisk::IgnoreDisk;
pub use keyboard::Keyboard;
pub use lang::Lang;
pub use network::{BindTo, BootProto, Network, TeamSlave};
pub use ostreecontainer::OstreeContainer;
pub use part::Part;
pub use reqpart::ReqPart;
pub use rootpw::RootPw;
pub use services::Services;
pub use sshkey::SshKey;
pub use timezone::Timezone;
pub use user::{GroupSpec, User};
pub use zerombr::ZeroMbr;

pub use crate::arguments::{Command, Effect, Kind, Operand, Opt, Repeat};

static CARRIED_OUT: [Command; 22] = [
    bootc::COMMAND,
    bootloader::COMMAND,
    clearpart::COMMAND,
    display::CMDLINE,
    display::GRAPHICAL,
    display::TEXT,
    end::COMMAND,
    firewall::COMMAND,
    group::COMMAND,
    ignoredisk::COMMAND,
    keyboard::COMMAND,
    lang::COMMAND,
    network::COMMAND,
    ostreecontainer::COMMAND,
    part::COMMAND,
    reqpart::COMMAND,
    rootpw::COMMAND,
    services::COMMAND,
    sshkey::COMMAND,
    timezone::COMMAND,
    user::COMMAND,
    zerombr::COMMAND,
];

/// Every command of the language, in no particular order
pub fn all() -> impl Iterator<Item = &'static Command> + Clone {
    CARRIED_OUT.iter().chain(recognised::COMMANDS)
}

/// The command that is written as `word`
pub fn find(word: &str) -> Option<&'static Command> {
    all().find(|command| command.words.contains(&word))
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
        assert_eq!(
            words.len(),
            77,
            "75 words of Fedora 45 and two of Red Hat Enterprise Linux"
        );
    }

    #[test]
    fn every_option_is_described_once() {
        for command in all() {
            let mut names = HashSet::new();
            for option in command.options {
                assert!(
                    !option.help.is_empty() && !option.help.ends_with('.'),
                    "{} {}",
                    command.word(),
                    option.name()
                );
                for name in option.names {
                    assert!(
                        name.starts_with("--") && names.insert(name),
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
            for other in command.conflicts {
                assert!(
                    find(other).is_some_and(|found| found.word() == *other),
                    "{} {other}",
                    command.word()
                );
            }
        }
    }
}
