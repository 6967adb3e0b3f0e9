// SPDX-License-Identifier: Apache-2.0 OR MIT
//! End-to-end cases: a kickstart and an expectation side by side.
//!
//! Takes `NAME.ks` and `NAME.toml` from a directory and the `landfall` executable; installs the kickstart on a disk
//! image from a real registry, boots that, and does the steps of the expectation over ssh. Gives success, or an error
//! that says where the logs are. Knows no case by name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::channel::Channel;
use crate::guest::{self, BOOT, Guest, Machine, Network};
use crate::image;
use crate::landfall::{Filling, Install};
use crate::medium::{Making, MediumExpectation};
use crate::ssh::Key;
use crate::step::Step;
use crate::tool;

/// A case as its two files have it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file name without extension.
    pub name: String,
    /// The kickstart with its placeholders.
    pub kickstart: PathBuf,
    /// The other file.
    pub expectation: Expectation,
}

/// Where an installation leaves its files, and who may log in afterwards.
#[derive(Debug)]
pub struct Place<'a> {
    /// For the disk and all else.
    pub dir: &'a Path,
    /// Root's.
    pub key: &'a Key,
    /// File for what `landfall` prints; this terminal if there is none.
    pub log: Option<PathBuf>,
}

/// `NAME.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectation {
    /// What the case proves, one line.
    pub description: String,
    /// The image under `tests/images` that is installed.
    pub image: String,
    /// The disk's size as Landfall takes it.
    pub disk: String,
    /// Sizes of further disks, `disk-2.img` and so on.
    #[serde(default)]
    pub more_disks: Vec<String>,
    /// A script for `sh` that puts something on the disks before, where they are.
    pub prepare: Option<String>,
    /// Memory of the guest in MiB.
    #[serde(default = "memory")]
    pub memory: u32,
    /// What starts the machine.
    #[serde(default)]
    pub firmware: Firmware,
    /// Whether the firmware checks signatures.
    #[serde(default)]
    pub secure_boot: bool,
    /// Whether the installation is killed in the middle once, and the same command run again.
    #[serde(default)]
    pub killed_before: bool,
    /// The machine is started from a medium. A kickstart that installs it ends with `poweroff`.
    pub medium: Option<MediumExpectation>,
    /// Part of every run; the others take turns by commit.
    #[serde(default)]
    pub always: bool,
    /// What is done in the guest, in order; nothing where no machine is installed.
    #[serde(default)]
    pub step: Vec<Step>,
}

/// What starts the machine, in the words of `landfall install --firmware`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// PC BIOS.
    Bios,
    /// UEFI.
    #[default]
    Uefi,
}

fn memory() -> u32 {
    2048
}

impl Firmware {
    const fn word(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::Uefi => "uefi",
        }
    }
}

impl Expectation {
    fn machine_firmware(&self) -> Result<guest::Firmware> {
        match (self.firmware, self.secure_boot) {
            (Firmware::Bios, false) => Ok(guest::Firmware::Bios),
            (Firmware::Uefi, false) => Ok(guest::Firmware::Uefi),
            (Firmware::Uefi, true) => Ok(guest::Firmware::SecureBoot),
            (Firmware::Bios, true) => bail!("a BIOS has no Secure Boot"),
        }
    }

    /// Whether there is a machine to log in to in the end.
    fn installs(&self) -> bool {
        self.medium.as_ref().is_none_or(MediumExpectation::installs)
    }

    /// What is wrong with it: a case must be able to fail, and all of it must be looked at.
    fn check(&self) -> Result<()> {
        if let Some(medium) = &self.medium {
            medium.check()?;
        }
        ensure!(
            self.installs() != self.step.is_empty(),
            "it has no step, or steps without an installed machine"
        );
        Ok(())
    }
}

impl Case {
    /// All cases of a directory by name. A file without its other half is an error.
    pub fn discover(dir: &Path) -> Result<Vec<Self>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
            names.push(entry?.path().with_extension(""));
        }
        names.sort();
        names.dedup();
        names.iter().map(|stem| Self::read(stem)).collect()
    }

    fn read(stem: &Path) -> Result<Self> {
        let (kickstart, toml) = (stem.with_extension("ks"), stem.with_extension("toml"));
        ensure!(kickstart.is_file(), "{} is missing", kickstart.display());
        let text =
            fs::read_to_string(&toml).with_context(|| format!("reading {}", toml.display()))?;
        let expectation: Expectation =
            toml::from_str(&text).with_context(|| format!("reading {}", toml.display()))?;
        expectation
            .check()
            .with_context(|| format!("judging {}", toml.display()))?;
        let name = stem
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            name,
            kickstart,
            expectation,
        })
    }

    /// Installs, boots and does the steps, with everything it leaves in the fresh directory `dir`.
    pub fn run(&self, landfall: &Path, dir: &Path) -> Result<()> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        self.try_run(landfall, dir).with_context(|| {
            format!(
                "case `{}`, its logs and disk are in {}",
                self.name,
                dir.display()
            )
        })
    }

    /// Installs the kickstart from the channel, and gives the machine that boots the result.
    pub fn install(
        &self,
        landfall: &Path,
        place: &Place<'_>,
        channel: &Channel,
    ) -> Result<Machine> {
        let what = &self.expectation;
        let (dir, key) = (place.dir, place.key);
        let filled = dir.join("kickstart.ks");
        let reference = channel.reference();
        self.fill(&filled, &reference, (channel, key))?;
        let registries = dir.join("registries.conf");
        fs::write(&registries, channel.registries_conf())?;
        if let Some(script) = &what.prepare {
            prepare(script, dir)?;
        }
        let disks = what.disks(dir);
        let install = Install {
            landfall: landfall.to_owned(),
            kickstart: filled,
            disks: disks.clone(),
            firmware: what.firmware.word(),
            target: channel.reference_in_guest(),
            target_registries: registries,
            log: place.log.clone(),
        };
        if what.killed_before {
            install.run_and_kill()?;
        }
        install.run()?;
        Ok(Machine {
            disks: disks.into_iter().map(|(path, _)| path).collect(),
            firmware: what.machine_firmware()?,
            memory: what.memory,
            dir: dir.to_owned(),
            medium: None,
            network: Network::User,
        })
    }

    fn fill(&self, to: &Path, image: &str, (channel, key): (&Channel, &Key)) -> Result<()> {
        Filling {
            image,
            key: &key.public()?,
            registries: &channel.registries_conf(),
        }
        .fill(&self.kickstart, to)
    }

    /// Makes a medium and starts a machine from it; gives the machine without the medium.
    fn install_from_medium(
        &self,
        landfall: &Path,
        place: &Place<'_>,
        (channel, medium, network): (&Channel, &MediumExpectation, Network),
    ) -> Result<Machine> {
        let what = &self.expectation;
        let (dir, kickstart) = (place.dir, place.dir.join("kickstart.ks"));
        let reference = channel.reference_in_guest();
        self.fill(&kickstart, &reference, (channel, place.key))?;
        if let Some(script) = &what.prepare {
            prepare(script, dir)?;
        }
        let disks = what.disks(dir);
        for (path, size) in &disks {
            let mut truncate = tool::tool("truncate")?;
            tool::run(truncate.arg("--size").arg(size).arg(path))?;
        }
        let machine = Machine {
            disks: disks.into_iter().map(|(path, _)| path).collect(),
            firmware: what.machine_firmware()?,
            memory: what.memory,
            dir: dir.to_owned(),
            medium: None,
            network,
        };
        let making = Making {
            landfall,
            kickstart: &kickstart,
            image: &image::layout(&what.image)?,
            target: &reference,
        };
        medium.run(making, &machine, place.key)?;
        Ok(machine)
    }

    fn try_run(&self, landfall: &Path, dir: &Path) -> Result<()> {
        let key = Key::create(dir)?;
        let mut channel = Channel::open(&self.expectation.image)?;
        let place = Place {
            dir,
            key: &key,
            log: Some(dir.join("install.log")),
        };
        let medium = self.expectation.medium.as_ref();
        // It must be on as long as the machine.
        let switch = medium.map(MediumExpectation::switch).transpose()?.flatten();
        let network = switch.as_ref().map_or(Network::User, |switch| {
            Network::Switch(switch.cables().clone())
        });
        let machine = match medium {
            Some(medium) => {
                self.install_from_medium(landfall, &place, (&channel, medium, network))?
            }
            None => self.install(landfall, &place, &channel)?,
        };
        if self.expectation.installs() {
            self.take_steps(&machine, key, &mut channel)?;
        }
        for disk in &machine.disks {
            fs::remove_file(disk)?;
        }
        Ok(())
    }

    fn take_steps(&self, machine: &Machine, key: Key, channel: &mut Channel) -> Result<()> {
        let mut guest = Guest::start(machine, key)?;
        guest.wait_for_login(BOOT)?;
        for (index, step) in self.expectation.step.iter().enumerate() {
            step.take(&mut guest, channel)
                .with_context(|| format!("step {} of the guest", index + 1))?;
        }
        Ok(())
    }
}

impl Expectation {
    /// The files of the disks in `dir`, with their sizes.
    fn disks(&self, dir: &Path) -> Vec<(PathBuf, String)> {
        let more = self.more_disks.iter().zip(2..);
        let more =
            more.map(|(size, number)| (dir.join(format!("disk-{number}.img")), size.clone()));
        let first = (dir.join("disk.img"), self.disk.clone());
        std::iter::once(first).chain(more).collect()
    }
}

/// Runs the script of a case where its disks will be.
fn prepare(script: &str, dir: &Path) -> Result<()> {
    let mut shell = std::process::Command::new("sh");
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    shell.args(["-e", "-u", "-c", script]).env("PATH", path);
    tool::run(shell.current_dir(dir)).map(drop)
}

/// Index of the case among `count` rotating ones that is run at this commit.
pub fn turn(commit: &str, count: usize) -> usize {
    let number = commit
        .get(..8)
        .and_then(|start| usize::from_str_radix(start, 16).ok())
        .unwrap_or(0);
    number % count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_of_the_project_are_complete() {
        let cases = Case::discover(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e")).unwrap();
        assert!(cases.iter().any(|case| case.expectation.always));
        for case in cases {
            let kickstart = fs::read_to_string(&case.kickstart).unwrap();
            assert!(
                kickstart.contains("@IMAGE@") && kickstart.contains("@KEY@"),
                "{}",
                case.name
            );
        }
    }

    #[test]
    fn turns_go_round() {
        assert_eq!(turn("00000003aa", 2), 1);
        assert_eq!(turn("00000004aa", 2), 0);
        assert_eq!(turn("unknown", 2), 0);
        assert_eq!(turn("00000004aa", 0), 0);
    }
}
