// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel arguments of the installed system, in their order.
//!
//! Takes the kickstart, the disk half of the plan and the image's facts; gives the list without `ostree=`, which ostree
//! adds. Also says which arguments of the installer environment's kernel an installed system keeps.

use kickstart_parser::Kickstart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::Issues;
use super::settings::{keyboard, selinux};
use super::support::check_karg;
use super::target::ImageFacts;
use super::{FileSystem, Plan, kdump};

/// What the image's configuration for installers says about kernel arguments (bootc, `install` files).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallKargs {
    /// Arguments to add, in order.
    pub add: Vec<String>,
    /// Arguments to leave out: `key`, or `key=value` exactly.
    pub delete: Vec<String>,
}

/// Arguments that a system keeps from its installer (Anaconda, `preserved_arguments`).
const KEPT: &str = "\
    cio_ignore zfcp.allow_lun_scan speakup_synth apic noapic apm ide noht acpi video pci nodmraid \
    nompath nomodeset noiswmd fips selinux biosdevname ipv6.disable net.ifnames net.ifnames.prefix \
    nosmt vga rd.net.dns rd.net.dns-resolve-mode rd.net.dns-backend console clk_ignore_unused \
    pd_ignore_unused arm64.nopauth systemd.tpm2_wait";

/// Whether a switch of the installer is on; a mention without a value is.
pub(crate) fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("0" | "no" | "off"))
}

/// Arguments for the installer itself that change what is written to the boot loader.
pub(super) const LEAVE_BOOT_ORDER: &str = "inst.leavebootorder";
pub(super) const KEEP_MBR: &str = "inst.nombr";
/// Likewise: whether the installed system has SELinux on.
const SELINUX: [&str; 2] = ["inst.selinux", "inst.noselinux"];

/// What stands before this word is the menu's own and nobody's wish.
const END_OF_MENU: &str = "landfall.menu";

/// Those words of a kernel's command line that concern an installed system. Nothing else of the line is looked at: it may have secrets.
pub fn concerning_target(command_line: &str) -> Vec<String> {
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let begin = words.iter().rposition(|word| *word == END_OF_MENU);
    let words = words.into_iter().skip(begin.map_or(0, |at| at + 1));
    let name = |word: &str| word.split('=').next().unwrap_or(word).to_owned();
    let is_kept = |word: &&str| {
        let name = name(word);
        let ours = [LEAVE_BOOT_ORDER, KEEP_MBR].into_iter().chain(SELINUX);
        KEPT.split(' ').chain(ours).any(|kept| kept == name)
    };
    words.filter(is_kept).map(str::to_owned).collect()
}

/// What the installed system keeps of the arguments that concern it. The kickstart's `selinux` goes before the installer's
/// options of that name.
pub(super) fn kept(arguments: &[String], kickstart: &Kickstart) -> Vec<String> {
    let is_own = |argument: &&String| !argument.starts_with("inst.");
    let mut kept: Vec<String> = arguments.iter().filter(is_own).cloned().collect();
    let word = "selinux=0".to_owned();
    if switches_selinux_off(arguments) && !selinux::is_said(kickstart) && !kept.contains(&word) {
        kept.push(word);
    }
    kept
}

/// Whether the last of the installer's options about SELinux says so. `inst.noselinux` is not taken back by its value.
fn switches_selinux_off(arguments: &[String]) -> bool {
    let wish = |argument: &String| {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.as_str(), None),
        };
        let [selinux, noselinux] = SELINUX;
        (name == noselinux)
            .then_some(true)
            .or((name == selinux).then(|| !is_on(value)))
    };
    arguments.iter().filter_map(wish).next_back() == Some(true)
}

/// Root and boot file systems first, then the image's, then the kickstart's, then what follows from it.
pub(super) fn kargs(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<String> {
    let mut kargs = storage(plan);
    let more = of_image(facts)
        .chain(append(kickstart).map(str::to_owned))
        .chain(resume(plan))
        .chain(plan.boot_options.arguments.iter().cloned())
        .chain(selinux::karg(kickstart))
        .chain(keyboard::karg(kickstart, facts))
        .chain(kdump::karg(kickstart, &plan.arch));
    for karg in more {
        if !kargs.contains(&karg) {
            kargs.push(karg);
        }
    }
    for karg in &kargs {
        check_karg(karg, None, issues);
    }
    kargs
}

fn storage(plan: &Plan) -> Vec<String> {
    let uuid = |mount| plan.mounted_at(mount).and_then(|(_, p)| p.fs_uuid.clone());
    let options = plan
        .mounted_at("/")
        .and_then(|(_, p)| p.mount_options.clone());
    let mut kargs = Vec::new();
    kargs.extend(uuid("/").map(|uuid| format!("root=UUID={uuid}")));
    // The root has no line in fstab: the initramfs mounts it.
    kargs.extend(options.map(|options| format!("rootflags={options}")));
    kargs.push("rw".to_owned());
    kargs.extend(uuid("/boot").map(|uuid| format!("boot=UUID={uuid}")));
    kargs
}

/// The image's: those for installers, then those of `kargs.d`, which bootc follows up at updates.
fn of_image(facts: &ImageFacts) -> impl Iterator<Item = String> {
    let is_left_out = |karg: &&String| {
        let matches = |delete: &String| {
            let key = karg.split('=').next();
            *delete == **karg || (!delete.contains('=') && key == Some(delete.as_str()))
        };
        facts.install_kargs.delete.iter().any(matches)
    };
    let all = facts.install_kargs.add.iter().chain(&facts.kargs);
    all.filter(move |karg| !is_left_out(karg)).cloned()
}

fn append(kickstart: &Kickstart) -> impl Iterator<Item = &str> {
    let bootloader = kickstart.bootloader.as_ref();
    let append = bootloader.and_then(|bootloader| bootloader.append.as_deref());
    append.unwrap_or("").split_whitespace()
}

/// Where a hibernated system is resumed from: the largest swap space (Anaconda, on PCs and ARM machines).
fn resume(plan: &Plan) -> Option<String> {
    if !matches!(plan.arch.as_str(), "amd64" | "arm64") {
        return None;
    }
    let used = |partition: &super::Partition| {
        partition.fs == Some(FileSystem::Swap) && partition.mkfs.is_some()
    };
    let swap = plan.partitions().filter(|(_, p)| used(p));
    let (_, largest) = swap.max_by_key(|(_, partition)| partition.size_bytes)?;
    let uuid = largest.fs_uuid.as_ref()?;
    Some(format!("resume=UUID={uuid}"))
}

/// What the disk half decides about starting the machine, besides the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BootOptions {
    /// No boot code is written to a disk for BIOS.
    pub keep_mbr: bool,
    /// The firmware of this machine gets a boot entry.
    pub entry: bool,
    /// The boot entry does not become the first in the firmware's order.
    pub keep_order: bool,
    /// Kernel arguments of the installer environment that the installed system keeps.
    pub arguments: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_installers_command_line_only_what_the_system_needs_is_kept() {
        let line = "BOOT_IMAGE=/vmlinuz landfall.token=hush inst.ks=http://x/ks nomodeset console=tty0 \
                    console=ttyS0,115200 rd.net.dns=1.1.1.1 inst.nombr consoleblank=0 root=live:x\n";
        assert_eq!(
            concerning_target(line),
            [
                "nomodeset",
                "console=tty0",
                "console=ttyS0,115200",
                "rd.net.dns=1.1.1.1",
                "inst.nombr"
            ]
        );
    }

    #[test]
    fn words_of_the_menu_are_not_kept() {
        let line = "console=tty0 console=ttyS0,115200 fips=1 landfall.menu inst.nombr landfall.menu nomodeset console=hvc0";
        assert_eq!(concerning_target(line), ["nomodeset", "console=hvc0"]);
        assert!(concerning_target("console=ttyS0 landfall.menu").is_empty());
        assert_eq!(
            concerning_target("console=ttyS0 landfall.menu2"),
            ["console=ttyS0"]
        );
    }

    #[test]
    fn selinux_is_off_as_the_installer_was_told_unless_the_kickstart_says() {
        let kept = |line: &str, text: &str| {
            let reading = kickstart_parser::read("ks", text, None, &kickstart_parser::NoIncludes);
            super::kept(&concerning_target(line), &reading.kickstart).join(" ")
        };
        for line in [
            "inst.selinux=0",
            "inst.noselinux",
            "inst.selinux inst.selinux=off",
            "inst.noselinux=0",
            "selinux=0 inst.noselinux",
        ] {
            assert_eq!(kept(line, ""), "selinux=0", "{line}");
        }
        for line in [
            "inst.selinux",
            "inst.selinux=1",
            "inst.noselinux inst.selinux",
        ] {
            assert_eq!(kept(line, ""), "", "{line}");
        }
        for mode in ["enforcing", "permissive"] {
            let text = format!("selinux --{mode}\n");
            assert_eq!(kept("inst.noselinux nosmt", &text), "nosmt", "{mode}");
        }
    }

    #[test]
    fn an_image_leaves_out_by_key_or_exactly() {
        let list = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let facts = ImageFacts {
            kargs: list("a=1 b quiet"),
            install_kargs: InstallKargs {
                add: list("a=2 c=1 c=2"),
                delete: list("a c=2 q"),
            },
            ..ImageFacts::default()
        };
        let left: Vec<String> = of_image(&facts).collect();
        assert_eq!(left, ["c=1", "b", "quiet"]);
    }
}
