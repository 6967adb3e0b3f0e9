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

/// Arguments for the installer itself that change what is written to the boot loader.
pub(super) const LEAVE_BOOT_ORDER: &str = "inst.leavebootorder";
pub(super) const KEEP_MBR: &str = "inst.nombr";

/// Those words of a kernel's command line that concern an installed system. Nothing else of the line is looked at: it may have secrets.
pub fn concerning_target(command_line: &str) -> Vec<String> {
    let name = |word: &str| word.split('=').next().unwrap_or(word).to_owned();
    let is_kept = |word: &&str| {
        let name = name(word);
        let ours = [LEAVE_BOOT_ORDER, KEEP_MBR];
        KEPT.split(' ').chain(ours).any(|kept| kept == name)
    };
    let words = command_line.split_whitespace().filter(is_kept);
    words.map(str::to_owned).collect()
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
