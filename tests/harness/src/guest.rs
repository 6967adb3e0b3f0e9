// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest in QEMU that boots a disk image the way a machine boots its disk.
//!
//! Takes a disk image and the firmware; gives a running machine with a serial log and a forwarded ssh
//! port, and waits for it with deadlines. Emulated (TCG), so it runs wherever QEMU does. Knows nothing of what is
//! installed on the disk. The machine ends with its value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::registry::free_port;
use crate::ssh::{Key, Login};
use crate::switch::{Cables, datagrams};
use crate::tool::{Daemon, package_file, tool};

/// How long a guest may take from power-on to a login; emulated on a busy machine of two cores.
pub const BOOT: Duration = Duration::from_secs(420);

/// The loopback address of this machine, as guests have it.
pub const HOST: &str = "10.0.2.2";

/// Where Debian's package `ovmf` has the firmware.
const FIRMWARE: &str = "/usr/share/OVMF";

/// The machine to start.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The disks, raw, the one that it starts from first.
    pub disks: Vec<PathBuf>,
    /// What starts the disk.
    pub firmware: Firmware,
    /// Memory in MiB.
    pub memory: u32,
    /// Directory for serial.log, qemu.log and the firmware's variables.
    pub dir: PathBuf,
    /// What it starts from before its disks.
    pub medium: Option<Medium>,
    /// What it is connected to.
    pub network: Network,
}

/// What a machine is connected to.
#[derive(Debug, Clone)]
pub enum Network {
    /// Nothing: it has no card.
    None,
    /// QEMU's network for users, with the loopback address of this machine as [`HOST`].
    User,
    /// A switch that is on.
    Switch(Cables),
}

/// A medium, and how it is in a machine.
#[derive(Debug, Clone)]
pub struct Medium {
    /// The ISO.
    pub file: PathBuf,
    /// As what.
    pub attached: Attached,
}

/// What a machine takes a medium for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attached {
    /// A disc in a drive.
    Cd,
    /// A USB stick.
    Usb,
}

/// What starts a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// A PC BIOS: `SeaBIOS`.
    Bios,
    /// UEFI: OVMF.
    Uefi,
    /// OVMF that checks signatures, with Microsoft's keys enrolled.
    SecureBoot,
}

/// Where a machine's serial console goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serial {
    /// The file `serial.log`.
    Log,
    /// The terminal: QEMU's stdin and stdout, Ctrl-A X ends it.
    Terminal,
}

impl Machine {
    /// QEMU's command line; `port` of the loopback address leads to the guest's ssh.
    pub fn command(&self, port: u16, serial: Serial) -> Result<Command> {
        let mut qemu = tool("qemu-system-x86_64")?;
        match self.firmware {
            Firmware::Bios => {
                // QEMU's own; it has no terminal but this one without a graphics card.
                package_file("/usr/share/seabios/bios-256k.bin", "seabios")?;
                qemu.args(["-machine", "q35,graphics=off"]);
            }
            Firmware::Uefi => {
                qemu.args(["-machine", "q35"]);
                self.add_ovmf(&mut qemu, "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd")?;
            }
            Firmware::SecureBoot => {
                qemu.args([
                    "-machine",
                    "q35,smm=on",
                    "-global",
                    "driver=cfi.pflash01,property=secure,value=on",
                ]);
                self.add_ovmf(&mut qemu, "OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd")?;
            }
        }
        qemu.args([
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max",
            "-smp",
            "2",
            "-m",
            &self.memory.to_string(),
        ]);
        qemu.args([
            "-nodefaults",
            "-display",
            "none",
            "-device",
            "virtio-rng-pci",
        ]);
        for disk in &self.disks {
            qemu.arg("-drive").arg(format!(
                "if=virtio,format=raw,cache=unsafe,discard=unmap,file={}",
                disk.display()
            ));
        }
        if let Some(medium) = &self.medium {
            medium.add(&mut qemu);
        }
        self.network.add(&mut qemu, port);
        match serial {
            Serial::Log => qemu
                .arg("-serial")
                .arg(format!("file:{}", self.serial_log().display())),
            Serial::Terminal => qemu.args(["-serial", "mon:stdio"]),
        };
        Ok(qemu)
    }

    /// OVMF with variables of this machine's own.
    fn add_ovmf(&self, qemu: &mut Command, code: &str, variables: &str) -> Result<()> {
        let code = package_file(&format!("{FIRMWARE}/{code}"), "ovmf")?;
        let variables = package_file(&format!("{FIRMWARE}/{variables}"), "ovmf")?;
        let own = self.dir.join("firmware-variables.fd");
        fs::copy(&variables, &own).with_context(|| format!("copying {}", variables.display()))?;
        qemu.arg("-drive").arg(format!(
            "if=pflash,format=raw,readonly=on,file={}",
            code.display()
        ));
        qemu.arg("-drive")
            .arg(format!("if=pflash,format=raw,file={}", own.display()));
        Ok(())
    }

    /// The file that a guest's serial console goes to.
    pub fn serial_log(&self) -> PathBuf {
        self.dir.join("serial.log")
    }
}

impl Network {
    fn add(&self, qemu: &mut Command, port: u16) {
        let ends = match self {
            Self::None => Vec::new(),
            Self::User => vec![format!("user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:22")],
            Self::Switch(cables) => {
                let ends = cables.cards.iter().enumerate();
                ends.map(|(card, (own, other))| datagrams(&format!("net{card}"), own, other))
                    .collect()
            }
        };
        for (card, end) in ends.iter().enumerate() {
            let mac = format!("52:54:00:12:34:{:02x}", 0x56 + card);
            let device = format!("virtio-net-pci,netdev=net{card},mac={mac},romfile=");
            qemu.args(["-netdev", end, "-device", &device]);
        }
    }

    /// The port of the loopback address that leads to the ssh of a machine that is started now.
    fn port(&self) -> Result<u16> {
        match self {
            Self::Switch(cables) => Ok(cables.ssh),
            Self::None | Self::User => free_port(),
        }
    }
}

impl Medium {
    fn add(&self, qemu: &mut Command) {
        let file = self.file.display();
        let drive = format!("if=none,id=medium,format=raw,readonly=on,file={file}");
        match self.attached {
            Attached::Cd => {
                qemu.args(["-drive", &format!("{drive},media=cdrom")]);
                qemu.args(["-device", "ide-cd,drive=medium,bootindex=0"]);
            }
            Attached::Usb => {
                qemu.args(["-drive", &drive, "-device", "qemu-xhci"]);
                qemu.args(["-device", "usb-storage,drive=medium,bootindex=0"]);
            }
        }
    }
}

/// A running guest.
#[derive(Debug)]
pub struct Guest {
    daemon: Daemon,
    serial_log: PathBuf,
    login: Login,
}

impl Guest {
    /// Powers the machine on.
    pub fn start(machine: &Machine, key: Key) -> Result<Self> {
        let port = machine.network.port()?;
        let command = machine.command(port, Serial::Log)?;
        let daemon = Daemon::start(&command, &machine.dir.join("qemu.log"))?;
        Ok(Self {
            daemon,
            serial_log: machine.serial_log(),
            login: Login::new(key, port),
        })
    }

    /// Waits until the machine has switched itself off.
    pub fn wait_for_power_off(&mut self, deadline: Duration) -> Result<()> {
        let end = Instant::now() + deadline;
        loop {
            match self.daemon.ended()? {
                Some(status) if status.success() => return Ok(()),
                _ => self.check(end, "it switched itself off")?,
            }
            sleep(Duration::from_millis(500));
        }
    }

    /// Root's shell in the guest.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// Waits until root can log in.
    pub fn wait_for_login(&mut self, deadline: Duration) -> Result<()> {
        self.boot_id(deadline, None).map(drop)
    }

    /// Waits until the serial console has printed all of `texts`.
    pub fn wait_for_serial(&mut self, texts: &[String], deadline: Duration) -> Result<()> {
        let end = Instant::now() + deadline;
        while !texts.iter().all(|text| self.serial().contains(text)) {
            self.check(end, &format!("{texts:?} on the serial console"))?;
            sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    /// Waits until the serial console has printed one of `texts`.
    pub fn wait_for_any(&mut self, texts: &[&str], deadline: Duration) -> Result<()> {
        let end = Instant::now() + deadline;
        while !texts.iter().any(|text| self.serial().contains(text)) {
            self.check(end, &format!("one of {texts:?} on the serial console"))?;
            sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    /// What the serial console has printed. There is no file before QEMU has made it.
    fn serial(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.serial_log).unwrap_or_default()).into_owned()
    }

    /// Reboots from inside and waits until root can log in again.
    pub fn reboot(&mut self, deadline: Duration) -> Result<()> {
        let before = self.boot_id(Duration::from_secs(30), None)?;
        // The connection may end before the command does.
        let _ = self.login.try_run("systemctl reboot")?;
        self.boot_id(deadline, Some(&before)).map(drop)
    }

    /// The kernel's id of this boot, once root can log in and it is not `other`.
    fn boot_id(&mut self, deadline: Duration, other: Option<&str>) -> Result<String> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(id) = self.login.try_run("cat /proc/sys/kernel/random/boot_id")?
                && Some(id.as_str()) != other
            {
                return Ok(id);
            }
            self.check(end, &format!("a login by `{}`", self.login.command_line()))?;
            sleep(Duration::from_secs(1));
        }
    }

    /// Whether the guest waits for somebody to repair it.
    fn has_given_up(&self) -> bool {
        let log = self.serial();
        let signs = [
            "emergency mode",
            "Kernel panic",
            "grub rescue>",
            "UEFI Interactive Shell",
            // What Landfall says when it could not install.
            "Enter starts a shell here",
            "This machine stays as it is",
        ];
        signs.iter().any(|sign| log.contains(sign))
    }

    /// An error with the end of the serial log when the guest has ended or the time is up.
    fn check(&mut self, end: Instant, awaited: &str) -> Result<()> {
        let why = match self.daemon.ended()? {
            Some(status) => format!("QEMU ended with {status} before {awaited}"),
            None if self.has_given_up() => format!("the guest gave up before {awaited}"),
            None if Instant::now() >= end => format!("waited too long for {awaited}"),
            None => return Ok(()),
        };
        let qemu = last_lines(&self.serial_log.with_file_name("qemu.log"), 5);
        let serial = last_lines(&self.serial_log, 30);
        bail!(
            "{why}
{qemu}
end of {}:
{serial}",
            self.serial_log.display()
        );
    }
}

/// The end of the file, for an error message.
pub fn last_lines(file: &Path, count: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
