// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the machine does when the installation is over: the kickstart's `reboot`, `poweroff`, `halt`, `shutdown`.
//!
//! Only for the installer environment, which the caller knows about. As in Anaconda, media are ejected by a hook of
//! dracut's when everything is unmounted, and `--kexec` starts the installed kernel without the firmware.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kickstart_parser::commands::{End, EndAction};
use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::mount::Mounts;
use super::node::Nodes;
use super::root::Root;
use super::tool::Tool;
use crate::plan::{FileSystem, Plan};

/// Where dracut looks for what it runs last of all, and the name that Anaconda has for it.
const HOOKS: &str = "/run/initramfs/usr/lib/dracut/hooks/shutdown";
const HOOK: &str = "99anaconda-eject.sh";

/// What is to be done when everything else is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalAction {
    action: EndAction,
    eject: bool,
    /// The installed kernel waits in memory.
    kexec: bool,
}

/// Programs that the final action needs.
pub(super) fn tools(end: &End) -> Vec<Tool> {
    let mut tools = vec![Tool::Systemctl];
    tools.extend(end.kexec.then_some(Tool::Kexec));
    tools
}

impl FinalAction {
    /// The action that the kickstart asks for. For `--kexec` the kernel of the complete installation is loaded, whose file
    /// systems are mounted at `at` meanwhile; if that fails, it is told, and the machine starts again by its firmware.
    pub(super) fn prepare(end: &End, plan: &Plan, at: &Path, warn: &mut dyn FnMut(String)) -> Self {
        let kexec = end.kexec && end.action == EndAction::Reboot;
        let loaded = kexec
            && load_from(plan, at)
                .inspect_err(|error| {
                    let chain = error.chain().join(": ");
                    warn(format!("the machine starts again by its firmware: {chain}"));
                })
                .is_ok();
        Self {
            action: end.action,
            eject: end.eject,
            kexec: loaded,
        }
    }

    /// Whether media are ejected.
    pub const fn ejects(&self) -> bool {
        self.eject
    }

    /// Media stay where they are, whatever the kickstart says, or were ejected.
    #[must_use]
    pub const fn without_ejecting(mut self) -> Self {
        self.eject = false;
        self
    }

    /// Takes the loaded kernel out of memory.
    pub(super) fn give_up(self) {
        if self.kexec {
            // Nothing starts it but the action that is given up.
            let _ = Tool::Kexec.with(["--unload"]).run();
        }
    }

    /// Does it. The machine goes down while this returns.
    pub fn carry_out(&self) -> Result<(), EngineError> {
        if self.eject {
            eject(Path::new(HOOKS))
                .map_err(|e| EngineError::io("preparing to eject the installation medium", e))?;
        }
        Tool::Systemctl.with(["--no-wall", self.verb()]).run()
    }

    const fn verb(self) -> &'static str {
        match self.action {
            EndAction::Reboot if self.kexec => "kexec",
            EndAction::Reboot => "reboot",
            EndAction::PowerOff | EndAction::Shutdown => "poweroff",
            EndAction::Halt => "halt",
        }
    }
}

/// Loads the kernel of the installation that `plan` has led to.
fn load_from(plan: &Plan, at: &Path) -> Result<(), EngineError> {
    let nodes = Nodes::attach(plan)?;
    let mut mounts = Mounts::default();
    for (mounted, point) in [("/", at.to_owned()), ("/boot", at.join("boot"))] {
        if let Some((disk, partition)) = plan.mounted_at(mounted) {
            let fs = partition.fs.map_or("auto", FileSystem::name);
            mounts.device_read_only(nodes.of(&disk.device, partition.number)?, &point, fs)?;
        }
    }
    let system =
        Root::open(at).map_err(|e| EngineError::io(format!("opening `{}`", at.display()), e))?;
    let loaded = load(&system);
    // An open handle keeps the mount busy.
    drop(system);
    loaded.and(mounts.unmount())
}

/// Loads the kernel of the only boot entry.
fn load(system: &Root) -> Result<(), EngineError> {
    let entry = Entry::find(system)
        .map_err(|e| EngineError::io("looking for the boot entry of the installed system", e))?;
    let open = |path: &str| {
        system
            .file(&format!("/boot/{path}"))
            .or_else(|_| system.file(path))
            .map_err(|e| EngineError::io(format!("opening `{path}` of the installed system"), e))
    };
    let (kernel, initrd) = (open(&entry.linux)?, open(&entry.initrd)?);
    // Links of the image lead nowhere else this way.
    let handle = |fd: i32| format!("/proc/{}/fd/{fd}", std::process::id());
    Tool::Kexec
        .with([
            "--load".to_owned(),
            handle(kernel.as_raw_fd()),
            format!("--initrd={}", handle(initrd.as_raw_fd())),
            format!("--command-line={}", entry.options),
        ])
        .run()
}

/// A boot entry as the Boot Loader Specification has it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    linux: String,
    initrd: String,
    options: String,
}

impl Entry {
    fn find(system: &Root) -> io::Result<Self> {
        const ENTRIES: &str = "/boot/loader/entries";
        let names = system.names(ENTRIES)?;
        let name = names
            .iter()
            .find(|name| Path::new(name).extension() == Some("conf".as_ref()))
            .ok_or(io::ErrorKind::NotFound)?;
        let text = system.text(&format!("{ENTRIES}/{name}"))?;
        Self::parse(&text).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{name}` has no kernel, initramfs or arguments"),
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            let found = lines.find(|(found, _)| *found == key);
            found.map(|(_, value)| value.trim().to_owned())
        };
        Some(Self {
            linux: value("linux")?,
            initrd: value("initrd")?,
            options: value("options")?,
        })
    }
}

/// Sees to it that dracut ejects the mounted media when nothing uses them any more.
fn eject(hooks: &Path) -> io::Result<()> {
    let media = media(&fs::read_to_string("/proc/self/mountinfo")?);
    if media.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(hooks)?;
    let mut script = String::from("#!/bin/sh\n");
    for device in media {
        script.extend(["eject ", &device, "\n"]);
    }
    let path = hooks.join(HOOK);
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))
}

/// Devices of mounted optical media: by their type, or as what has an ISO 9660 file system (`proc_pid_mountinfo(5)`).
fn media(mountinfo: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in mountinfo.lines() {
        let Some((_, mount)) = line.split_once(" - ") else {
            continue;
        };
        let mut fields = mount.split(' ');
        let (fs, device) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        // It becomes a word of a shell script.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        let is_medium = fs == "iso9660" || device.starts_with("/dev/sr");
        let is_device = device.starts_with("/dev/") && device.chars().all(is_plain);
        if is_medium && is_device && !found.iter().any(|known| known == device) {
            found.push(device.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_becomes_the_verb_that_anaconda_uses() {
        let verb = |action, kexec| {
            let eject = false;
            FinalAction {
                action,
                eject,
                kexec,
            }
            .verb()
        };
        assert_eq!(verb(EndAction::Reboot, false), "reboot");
        assert_eq!(verb(EndAction::Reboot, true), "kexec");
        assert_eq!(verb(EndAction::PowerOff, false), "poweroff");
        assert_eq!(verb(EndAction::Shutdown, false), "poweroff");
        assert_eq!(verb(EndAction::Halt, false), "halt");
    }

    #[test]
    fn the_entry_has_what_the_kernel_is_started_with() {
        let text = "title Example (ostree:0)\nversion 1\noptions root=UUID=1 rw ostree=/ostree/boot.1/x/0\n\
            linux /boot/ostree/default-a/vmlinuz-6\ninitrd /boot/ostree/default-a/initramfs-6.img\n";
        let entry = Entry::parse(text).unwrap();
        assert_eq!(entry.options, "root=UUID=1 rw ostree=/ostree/boot.1/x/0");
        assert_eq!(entry.linux, "/boot/ostree/default-a/vmlinuz-6");
        assert_eq!(Entry::parse("linux /a\noptions b\n"), None);
    }

    #[test]
    fn media_are_what_is_mounted_of_optical_discs() {
        let table = "22 1 0:21 / /run rw - tmpfs tmpfs rw\n\
            30 1 11:0 / /run/install/repo ro shared:1 - iso9660 /dev/sr0 ro\n\
            31 1 11:0 / /mnt ro - iso9660 /dev/sr0 ro\n\
            32 1 11:1 / /mnt2 ro - udf /dev/sr1 ro\n\
            33 1 8:1 / /mnt3 ro - iso9660 /dev/sda1 ro\n\
            34 1 8:2 / /mnt4 ro - iso9660 /dev/x;reboot ro\n\
            35 1 8:3 / /mnt5 rw - ext4 /dev/sdb1 rw\n";
        assert_eq!(media(table), ["/dev/sr0", "/dev/sr1", "/dev/sda1"]);
    }
}
