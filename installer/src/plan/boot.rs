// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What makes the disk start: the boot menu, the signed boot chain on the ESP, GRUB for BIOS.
//!
//! Takes the kickstart, the disk half of the plan, the image's facts and the kernel arguments;
//! gives a [`BootPlan`] with every text and every file name. It does not know where the ESP is
//! mounted, and leaves the entries of the menu to ostree.

use kickstart_parser::Kickstart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::AccessFile;
use super::bios::{self, BiosPlan};
use super::bls::BlsCommand;
use super::bootupd::{self, BootupdPlan, Wanted};
use super::issue::{Code, Issues};
use super::target::ImageFacts;
use super::{DiskPlan, Partition, Plan, boot_password};
use crate::inventory::Firmware;
use crate::template::{Template, render};

/// Where the image keeps a signed boot chain, as paths in its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootPayload {
    /// The vendor's directory below `EFI`, which the signed GRUB has as its prefix.
    pub vendor: String,
    /// shim.
    pub shim: String,
    /// GRUB.
    pub grub: String,
    /// `MokManager`.
    pub mok_manager: Option<String>,
    /// The command for boot entries that is built into GRUB.
    pub bls: Option<BlsCommand>,
}

/// What makes the disk start. Without an ESP and without BIOS nothing does: no boot loader is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootPlan {
    /// The menu: text files on the file system that holds `/boot`, with paths from `/boot`.
    pub menu: Vec<(String, String)>,
    /// The password of the menu.
    pub password: Option<AccessFile>,
    /// The boot chain for UEFI.
    pub esp: Option<EspPlan>,
    /// GRUB for BIOS.
    pub bios: Option<BiosPlan>,
    /// What bootupd of the installed system finds of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootupd: Option<BootupdPlan>,
}

/// The files of the EFI System Partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EspPlan {
    /// The disk.
    pub device: String,
    /// The partition's number.
    pub number: u32,
    /// Text files.
    pub files: Vec<(String, String)>,
    /// The boot chain, from the image: written last of all, and what firmware looks for after what that starts.
    pub chain: Vec<Copy>,
    /// The entry that the firmware of this machine gets, after them.
    pub entry: Option<BootEntry>,
}

/// An entry of the firmware's boot menu, by `efibootmgr`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootEntry {
    /// Its name. An older entry of this name for one of the partitions in `replaces` is removed.
    pub label: String,
    /// Unique GUIDs of the partitions that were, or will be, on the boot disk.
    pub replaces: Vec<Uuid>,
    /// Arguments of `efibootmgr`.
    pub create: Vec<String>,
}

/// A file of the image that goes to the ESP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Copy {
    /// Path in the image.
    pub from: String,
    /// Path on the ESP.
    pub to: String,
}

/// File names of the boot chain by architecture: removable-media loader, then suffix.
pub(super) const EFI_NAMES: [(&str, &str, &str); 2] = [
    ("amd64", "BOOTX64.EFI", "x64"),
    ("arm64", "BOOTAA64.EFI", "aa64"),
];

/// What makes the disk start; none, with an error, where the image lacks what that needs.
pub(super) fn boot(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    kargs: &[String],
    issues: &mut Issues,
) -> Option<BootPlan> {
    if plan.boot_disk.is_none() {
        return Some(BootPlan::default());
    }
    let menu = BootMenu::new(kickstart, plan, kargs)?;
    if let Some(component) = bootupd::of(facts, plan.firmware) {
        let wanted = Wanted {
            kickstart,
            plan,
            facts,
        };
        return bootupd::boot(wanted, &component, &menu, issues);
    }
    let bls = match plan.firmware {
        Firmware::Uefi => facts.boot.as_ref().and_then(|payload| payload.bls),
        Firmware::Bios => bios::bls(facts),
    };
    let mut boot = BootPlan {
        menu: vec![("grub/grub.cfg".to_owned(), menu.render_menu(bls))],
        password: boot_password::file(kickstart.bootloader.as_ref(), plan.seed, menu.directory),
        ..BootPlan::default()
    };
    match plan.firmware {
        Firmware::Uefi => boot.esp = Some(esp(plan, facts, &menu, issues)?),
        // The menu is written, and what starts it is somebody else's.
        Firmware::Bios if plan.boot_options.keep_mbr => {}
        Firmware::Bios => boot.bios = Some(bios::bios(plan, facts, &menu, issues)?),
    }
    Some(boot)
}

fn esp(plan: &Plan, facts: &ImageFacts, menu: &BootMenu, issues: &mut Issues) -> Option<EspPlan> {
    let names = EFI_NAMES.iter().find(|(arch, ..)| *arch == plan.arch);
    let (Some(payload), Some((_, removable, suffix))) = (&facts.boot, names) else {
        issues
            .error(
                Code::BootLoaderMissing,
                "the image has no signed shim and GRUB",
            )
            .help("on Debian these are the packages `shim-signed` and `grub-efi-amd64-signed`");
        return None;
    };
    let (disk, partition) = plan.mounted_at("/boot/efi")?;
    let vendor = format!("EFI/{}", payload.vendor);
    let copy = |from: &String, to: String| Copy {
        from: from.clone(),
        to,
    };
    let mut chain = Vec::new();
    for directory in [vendor.as_str(), "EFI/BOOT"] {
        chain.push(copy(&payload.grub, format!("{directory}/grub{suffix}.efi")));
        chain.extend(
            payload
                .mok_manager
                .iter()
                .map(|from| copy(from, format!("{directory}/mm{suffix}.efi"))),
        );
    }
    chain.push(copy(&payload.shim, format!("{vendor}/shim{suffix}.efi")));
    chain.push(copy(&payload.shim, format!("EFI/BOOT/{removable}")));
    Some(EspPlan {
        device: disk.device.clone(),
        number: partition.number,
        files: vec![(
            format!("{vendor}/grub.cfg"),
            render(Template::EspStub, menu),
        )],
        chain,
        entry: plan
            .boot_options
            .entry
            .then(|| entry(plan, &payload.vendor, (disk, partition), suffix)),
    })
}

/// The firmware's entry for shim in the vendor's directory.
pub(super) fn entry(
    plan: &Plan,
    vendor: &str,
    (disk, partition): (&DiskPlan, &Partition),
    suffix: &str,
) -> BootEntry {
    let label = vendor.to_owned();
    let before = disk.before.iter().map(|before| before.partition.uuid);
    let after = disk.after.iter().map(|partition| partition.uuid);
    let create = if plan.boot_options.keep_order {
        "--create-only"
    } else {
        "--create"
    };
    let arguments = [
        "--quiet",
        create,
        "--disk",
        &disk.device,
        "--part",
        &partition.number.to_string(),
        "--label",
        &label,
        "--loader",
        &format!("\\EFI\\{vendor}\\shim{suffix}.efi"),
    ];
    BootEntry {
        create: arguments.map(str::to_owned).to_vec(),
        replaces: before.chain(after).flatten().collect(),
        label,
    }
}

/// What the boot menu, and what finds it, needs to know.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BootMenu {
    /// UUID of the file system that holds `/boot`.
    pub(super) uuid: String,
    /// Where `/boot` is on it: empty, or `/boot`.
    pub(super) path: &'static str,
    /// Where the menu is in `/boot`.
    pub(super) directory: &'static str,
    /// Seconds.
    timeout: i64,
    pub(super) serial: Option<Serial>,
    /// The lines that list the entries, where GRUB has a command for that.
    list: Option<String>,
}

/// The serial console that the kernel uses too.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Serial {
    unit: u32,
    speed: u32,
}

impl BootMenu {
    fn new(kickstart: &Kickstart, plan: &Plan, kargs: &[String]) -> Option<Self> {
        let boot = plan.mounted_at("/boot");
        let path = if boot.is_some() { "" } else { "/boot" };
        let (_, partition) = boot.or_else(|| plan.mounted_at("/"))?;
        let timeout = kickstart
            .bootloader
            .as_ref()
            .and_then(|bootloader| bootloader.timeout);
        Some(Self {
            uuid: partition.fs_uuid.clone()?,
            path,
            directory: "grub",
            timeout: timeout.unwrap_or(5),
            serial: kargs.iter().rev().find_map(|karg| serial(karg)),
            list: None,
        })
    }

    /// The same in another directory.
    pub(super) fn at(&self, directory: &'static str) -> Self {
        Self {
            directory,
            ..self.clone()
        }
    }

    fn render_menu(&self, bls: Option<BlsCommand>) -> String {
        let Some(command) = bls else {
            return render(Template::BootMenu, self);
        };
        let listing = Self {
            list: Some(command.list(self.path)),
            ..self.clone()
        };
        render(Template::BlsMenu, &listing)
    }
}

/// `console=ttyS0,115200n8` as GRUB's unit and speed.
fn serial(karg: &str) -> Option<Serial> {
    let (unit, options) = match karg.strip_prefix("console=ttyS")?.split_once(',') {
        Some((unit, options)) => (unit, options),
        None => (karg.strip_prefix("console=ttyS")?, "9600"),
    };
    let digits: String = options.chars().take_while(char::is_ascii_digit).collect();
    Some(Serial {
        unit: unit.parse().ok()?,
        speed: digits.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::grub_script::commands;

    /// Which module of GRUB has a command; what the core image always has is in `kernel`.
    const COMMANDS: [(&str, &str); 18] = [
        ("set", "kernel"),
        ("export", "normal"),
        ("menuentry", "normal"),
        ("[", "test"),
        ("source", "configfile"),
        ("configfile", "configfile"),
        ("search", "search"),
        ("search.fs_uuid", "search_fs_uuid"),
        ("regexp", "regexp"),
        ("password_pbkdf2", "password_pbkdf2"),
        ("serial", "serial"),
        ("terminal_input", "terminal"),
        ("terminal_output", "terminal"),
        ("linux", "linux"),
        ("initrd", "linux"),
        ("true", "true"),
        ("blscfg", "blscfg"),
        ("insmod", "kernel"),
    ];

    fn menu() -> BootMenu {
        BootMenu {
            uuid: "1234".to_owned(),
            path: "/boot",
            directory: "grub2",
            timeout: 5,
            serial: serial("console=ttyS0,115200"),
            list: None,
        }
    }

    /// Without bootupd no module is beside the menu, so that what is not built in is an error on the screen.
    #[test]
    fn grub_for_bios_has_every_command_of_its_menus() {
        let menu = menu();
        let listing = |command| (menu.render_menu(Some(command)), command.modules());
        let own = |template| (render(template, &menu), &[][..]);
        let texts = [
            (menu.render_menu(None), &[][..]),
            listing(BlsCommand::Patched),
            listing(BlsCommand::Upstream),
            own(Template::BootupdMenu),
            own(Template::BootupdConsole),
            own(Template::CoreEarly),
        ];
        for (text, more) in texts {
            let is_function = |name: &str| text.contains(&format!("function {name} {{"));
            let calls = commands(&text);
            assert!(calls.len() > 1, "{text}");
            for name in calls.iter().filter(|name| !is_function(name)) {
                let (_, module) = COMMANDS.iter().find(|(known, _)| known == name).unwrap();
                let is_there = *module == "kernel"
                    || bios::MODULES.contains(module)
                    || (name == "blscfg" && !more.is_empty());
                assert!(
                    is_there,
                    "`{name}` is of `{module}`, which is not built in:\n{text}"
                );
            }
        }
    }
}
