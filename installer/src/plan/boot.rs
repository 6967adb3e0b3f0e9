// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What makes the disk start: the boot menu, and what starts it.
//!
//! Takes the kickstart, the disk half of the plan, the image's facts and the kernel arguments;
//! gives a [`BootPlan`] with every text and every file name. It does not know where the ESP is
//! mounted, and leaves the entries of the menu to ostree.

use kickstart_parser::commands::Bootloader;
use kickstart_parser::{Kickstart, Located};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::AccessFile;
use super::bios::{self, BiosPlan};
use super::bls::BlsCommand;
use super::bootupd::{self, BootupdPlan};
use super::esp::{self, EspPlan};
use super::issue::{Code, Issues};
use super::target::ImageFacts;
use super::{Plan, boot_password};
use crate::inventory::Firmware;
use crate::template::{Template, render};

/// Bytes of one file that is copied to make the disk start; those of distributions have under 5 MiB.
pub const MOST_FILE_BYTES: u64 = 64 << 20;

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
        return bootupd::boot(plan, &component, &menu.at(bootupd::DIRECTORY), issues);
    }
    let bls = match plan.firmware {
        Firmware::Uefi => facts.boot.as_ref().and_then(|payload| payload.bls),
        Firmware::Bios => bios::bls(facts),
    };
    let mut boot = BootPlan {
        menu: vec![("grub/grub.cfg".to_owned(), menu.render_menu(bls))],
        password: menu.password(plan),
        ..BootPlan::default()
    };
    match plan.firmware {
        Firmware::Uefi => boot.esp = Some(signed_chain(plan, facts, &menu, issues)?),
        // The menu is written, and what starts it is somebody else's.
        Firmware::Bios if plan.boot_options.keep_mbr => {}
        Firmware::Bios => boot.bios = Some(bios::bios(plan, facts, &menu, issues)?),
    }
    Some(boot)
}

fn signed_chain(
    plan: &Plan,
    facts: &ImageFacts,
    menu: &BootMenu<'_>,
    issues: &mut Issues,
) -> Option<EspPlan> {
    let payload = facts.boot.as_ref();
    let Some(payload) = payload.filter(|_| esp::names(&plan.arch).is_some()) else {
        issues
            .error(
                Code::BootLoaderMissing,
                "the image has no signed shim and GRUB",
            )
            .help("on Debian these are the packages `shim-signed` and `grub-efi-amd64-signed`");
        return None;
    };
    esp::of_payload(payload, plan, menu)
}

/// What the boot menu, and what finds it, needs to know.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BootMenu<'k> {
    /// What the kickstart wants of it.
    #[serde(skip)]
    pub(super) command: Option<&'k Located<Bootloader>>,
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

impl<'k> BootMenu<'k> {
    fn new(kickstart: &'k Kickstart, plan: &Plan, kargs: &[String]) -> Option<Self> {
        let boot = plan.mounted_at("/boot");
        let path = if boot.is_some() { "" } else { "/boot" };
        let (_, partition) = boot.or_else(|| plan.mounted_at("/"))?;
        let command = kickstart.bootloader.as_ref();
        let timeout = command.and_then(|command| command.timeout);
        Some(Self {
            command,
            uuid: partition.fs_uuid.clone()?,
            path,
            directory: "grub",
            timeout: timeout.unwrap_or(5),
            serial: kargs.iter().rev().find_map(|karg| serial(karg)),
            list: None,
        })
    }

    /// The file that the menu reads its password from.
    pub(super) fn password(&self, plan: &Plan) -> Option<AccessFile> {
        boot_password::file(self.command, plan.seed, self.directory)
    }

    /// The same in another directory.
    fn at(&self, directory: &'static str) -> Self {
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

    fn menu() -> BootMenu<'static> {
        BootMenu {
            command: None,
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
