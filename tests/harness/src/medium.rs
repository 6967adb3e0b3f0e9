// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of a case that starts a machine from a medium, once or several times.
//!
//! Takes `[medium]` of `NAME.toml`, the kickstart and the machine's disks; makes the medium, starts the machine, and looks at
//! what its serial console says and what became of its disks. Knows nothing of what is done when the machine is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::damage::Damage;
use crate::guest::{Attached, Guest, Machine, Medium, Network};
use crate::landfall::Iso;
use crate::server::Server;
use crate::ssh::Key;
use crate::switch::Switch;
use crate::tool::{self, tool};

/// How long a machine may take from power-on to the end of a start; emulated on a busy machine of two cores.
const START: Duration = Duration::from_secs(900);
/// How long a firmware may look for something to start.
const FIRMWARE: Duration = Duration::from_secs(120);
/// What firmware says that finds nothing: a PC BIOS, UEFI, and UEFI with a shell of its own.
const NOTHING_TO_START: [&str; 3] = [
    "No bootable device",
    "No bootable option or device was found",
    "UEFI Interactive Shell",
];
/// Where the server has the kickstart.
const SERVED: &str = "/ks.cfg";

/// `[medium]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MediumExpectation {
    /// How it is in the machine.
    pub attached: Attached,
    /// The machine's network while it is started from the medium; behind trunk ports it stays there.
    #[serde(default)]
    pub network: NetworkExpectation,
    /// Where the machine has its kickstart from.
    #[serde(default)]
    pub kickstart: Source,
    /// More arguments of `landfall iso`; `@SERVER@` is host and port of the web server.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Each of these must be in one request that the web server gets.
    #[serde(default)]
    pub request: Vec<String>,
    /// The starts from the medium, in order.
    pub start: Vec<Start>,
}

/// A network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkExpectation {
    /// There is no card.
    #[default]
    None,
    /// One card.
    Card,
    /// Cards in ports that carry one VLAN, tagged.
    Trunk {
        /// How many.
        cards: usize,
        /// The VLAN's number.
        vlan: u16,
    },
}

/// Where a kickstart is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// In the medium.
    #[default]
    Embedded,
    /// On a web server, at `http://@SERVER@/ks.cfg`.
    Served,
    /// Where `prepare` has put the file `kickstart.ks`.
    Prepared,
}

/// `[[medium.start]]`: the machine is powered on with the medium.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    /// A byte of the medium that is wrong this time.
    pub damage: Option<Damage>,
    /// Each of these must be on the serial console.
    pub serial: Vec<String>,
    /// None of these may be.
    #[serde(default)]
    pub serial_not: Vec<String>,
    /// How it ends.
    #[serde(default)]
    pub ends: End,
    /// Disks that are byte for byte what they were before: `disk.img`, `disk-2.img`.
    #[serde(default)]
    pub unchanged: Vec<String>,
    /// Whether the firmware finds nothing to start on the disks afterwards.
    #[serde(default)]
    pub not_bootable: bool,
}

/// The end of a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The machine switches itself off: it is installed.
    #[default]
    PowerOff,
    /// Its power is cut as soon as all of `serial` is there.
    PowerCut,
}

/// What a machine is installed by.
#[derive(Debug, Clone, Copy)]
pub struct Making<'m> {
    /// The `landfall` executable.
    pub landfall: &'m Path,
    /// The kickstart, complete.
    pub kickstart: &'m Path,
    /// The layout of the image.
    pub image: &'m Path,
    /// What the system is to follow.
    pub target: &'m str,
}

impl MediumExpectation {
    /// Whether a machine is installed in the end.
    pub fn installs(&self) -> bool {
        self.start
            .last()
            .is_some_and(|start| start.ends == End::PowerOff)
    }

    /// What is wrong with it: a case must be able to fail.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.start.is_empty(), "a medium without a start");
        for start in &self.start {
            ensure!(!start.serial.is_empty(), "a start without `serial`");
        }
        Ok(())
    }

    /// Switches on what is between the machine's cards and its network.
    pub fn switch(&self) -> Result<Option<Switch>> {
        match self.network {
            NetworkExpectation::Trunk { cards, vlan } => Switch::start(cards, vlan).map(Some),
            _ => Ok(None),
        }
    }

    /// Makes the medium and does the starts of a machine, which has its disks.
    pub fn run(&self, making: Making<'_>, machine: &Machine, key: &Key) -> Result<()> {
        let iso = machine.dir.join("medium.iso");
        let server = Server::start(SERVED, fs::read(making.kickstart)?)?;
        let address = server.address_in_guest();
        let arguments = self.arguments.iter();
        Iso {
            landfall: making.landfall,
            kickstart: (self.kickstart == Source::Embedded).then_some(making.kickstart),
            image: making.image,
            target: making.target,
            arguments: &arguments
                .map(|argument| argument.replace("@SERVER@", &address))
                .collect::<Vec<_>>(),
            output: &iso,
        }
        .make()?;
        let machine = Machine {
            medium: Some(Medium {
                file: iso.clone(),
                attached: self.attached,
            }),
            network: match self.network {
                NetworkExpectation::None => Network::None,
                _ => machine.network.clone(),
            },
            ..machine.clone()
        };
        for (start, number) in self.start.iter().zip(1..) {
            start
                .run(&machine, (&iso, number), key)
                .with_context(|| format!("start {number} from the medium"))?;
        }
        check_requests(&self.request, &server.requests())?;
        Ok(fs::remove_file(iso)?)
    }
}

fn check_requests(expected: &[String], requests: &[String]) -> Result<()> {
    let has_all = |head: &String| expected.iter().all(|text| head.contains(text.as_str()));
    ensure!(
        expected.is_empty() || requests.iter().any(has_all),
        "no request has all of {expected:?}, these came: {requests:#?}"
    );
    Ok(())
}

impl Start {
    fn run(&self, machine: &Machine, (iso, number): (&Path, usize), key: &Key) -> Result<()> {
        tool::log(&format!("start {number} from the medium"));
        let disks: Vec<PathBuf> = self
            .unchanged
            .iter()
            .map(|name| machine.dir.join(name))
            .collect();
        let before = digests(&disks)?;
        if let Some(damage) = &self.damage {
            damage.flip(iso)?;
        }
        let serial = self.serial_of(machine, number, key)?;
        if let Some(damage) = &self.damage {
            damage.flip(iso)?;
        }
        self.check_serial(&serial)?;
        ensure!(
            digests(&disks)? == before,
            "{:?} are not what they were",
            self.unchanged
        );
        if self.not_bootable {
            starts_nothing(machine, key)?;
        }
        Ok(())
    }

    /// Powers the machine on; gives what was on its serial console.
    fn serial_of(&self, machine: &Machine, number: usize, key: &Key) -> Result<String> {
        let mut guest = Guest::start(machine, key.clone())?;
        match self.ends {
            End::PowerOff => guest.wait_for_power_off(START)?,
            End::PowerCut => guest.wait_for_serial(&self.serial, START)?,
        }
        drop(guest);
        let kept = machine.dir.join(format!("start-{number}.log"));
        fs::rename(machine.serial_log(), &kept)?;
        Ok(String::from_utf8_lossy(&fs::read(kept)?).into_owned())
    }

    fn check_serial(&self, serial: &str) -> Result<()> {
        for text in &self.serial {
            ensure!(
                serial.contains(text.as_str()),
                "the serial console has no `{text}` but:\n{serial}"
            );
        }
        for text in &self.serial_not {
            ensure!(
                !serial.contains(text.as_str()),
                "the serial console has `{text}`:\n{serial}"
            );
        }
        Ok(())
    }
}

fn digests(files: &[PathBuf]) -> Result<String> {
    if files.is_empty() {
        return Ok(String::new());
    }
    tool::run(tool("sha256sum")?.arg("--").args(files))
}

/// Powers the machine on without the medium, and waits until its firmware gives up.
fn starts_nothing(machine: &Machine, key: &Key) -> Result<()> {
    let machine = Machine {
        medium: None,
        network: Network::None,
        ..machine.clone()
    };
    let mut guest = Guest::start(&machine, key.clone())?;
    guest.wait_for_any(&NOTHING_TO_START, FIRMWARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: &str = "attached = 'cd'\n[[start]]\nserial = ['is installed']\n";

    #[test]
    fn the_shortest_medium_has_no_network_and_installs() {
        let medium: MediumExpectation = toml::from_str(SHORTEST).unwrap();
        assert_eq!(medium.network, NetworkExpectation::None);
        assert_eq!(medium.kickstart, Source::Embedded);
        assert!(medium.installs() && medium.check().is_ok());
    }

    #[test]
    fn networks_and_ends_are_words() {
        let text = "attached = 'usb'\nnetwork.trunk = { cards = 2, vlan = 5 }\nkickstart = 'served'\n\
                    [[start]]\nserial = ['a']\nends = 'power-cut'\n";
        let medium: MediumExpectation = toml::from_str(text).unwrap();
        let trunk = NetworkExpectation::Trunk { cards: 2, vlan: 5 };
        assert_eq!(medium.network, trunk);
        assert!(!medium.installs());
    }

    #[test]
    fn what_could_not_fail_and_what_is_misspelt_is_an_error() {
        let silent: MediumExpectation =
            toml::from_str("attached = 'cd'\n[[start]]\nserial = []\n").unwrap();
        assert!(silent.check().is_err());
        let endless: MediumExpectation = toml::from_str("attached = 'cd'\nstart = []\n").unwrap();
        assert!(endless.check().is_err());
        assert!(toml::from_str::<MediumExpectation>(&format!("{SHORTEST}seriall = 1\n")).is_err());
    }

    #[test]
    fn a_console_without_a_text_or_with_a_wrong_one_fails() {
        let text = "serial = ['on']\nserial-not = ['off']";
        let start: Start = toml::from_str(text).unwrap();
        assert!(start.check_serial("on").is_ok());
        assert!(start.check_serial("nothing").is_err());
        assert!(start.check_serial("on off").is_err());
    }

    #[test]
    fn one_changed_byte_of_a_disk_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let disks = [dir.path().join("disk.img"), dir.path().join("disk-2.img")];
        fs::write(&disks[0], [0; 4096]).unwrap();
        fs::write(&disks[1], [0; 4096]).unwrap();
        let before = digests(&disks).unwrap();
        assert_eq!(digests(&disks).unwrap(), before);
        let mut changed = [0; 4096];
        changed[4095] = 1;
        fs::write(&disks[1], changed).unwrap();
        assert_ne!(digests(&disks).unwrap(), before);
    }

    #[test]
    fn one_request_must_have_everything() {
        let expected = ["a".to_owned(), "b".to_owned()];
        let requests = |heads: [&str; 2]| heads.map(str::to_owned);
        assert!(check_requests(&expected, &requests(["a", "b"])).is_err());
        assert!(check_requests(&expected, &requests(["", "a b"])).is_ok());
        assert!(check_requests(&[], &[]).is_ok());
    }
}
