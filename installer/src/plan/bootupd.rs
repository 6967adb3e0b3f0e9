// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot loader of an image that has bootupd: for UEFI the files that `bootupctl backend install --write-uuid` puts on
//! the disk, for BIOS its menu, and what it records of them, so that `bootupctl` of the installed system finds its own work.
//!
//! Takes the payload as it is in the image's tree; gives a [`BootPlan`]. Why the program itself is not run is told in
//! `docs/explanation/boot.md`. The names and forms are those of bootupd 0.3.2 (`efi.rs`, `bootupd.rs`, `grubconfigs.rs`).

mod chain;
mod menu;
mod record;

use kickstart_parser::Kickstart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::chain::Chain;
use super::Plan;
use super::bios::{self, BiosPlan};
use super::bls::BlsCommand;
use super::boot::{BootMenu, BootPlan};
use super::esp::{self, EspPlan};
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};
use crate::inventory::Firmware;

/// What the image has of bootupd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootupdPayload {
    /// What is said about the boot chain for UEFI, `EFI.json`.
    pub efi: Option<String>,
    /// What is said about GRUB for BIOS, `BIOS.json`.
    pub bios: Option<String>,
    /// The directory of the boot chain for UEFI, a path in the tree.
    pub directory: String,
    /// What is in it.
    pub files: Vec<ChainFile>,
    /// The texts of the menu.
    pub configuration: Option<StaticConfiguration>,
}

/// What is in the directory of the boot chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainFile {
    /// Path from there.
    pub path: String,
    /// Size of a regular file; none of what is no such file.
    pub bytes: Option<u64>,
    /// The command for boot entries that is built into it, of a GRUB.
    pub bls: Option<BlsCommand>,
}

/// The menu as the image has it, in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticConfiguration {
    /// What comes first.
    pub before: String,
    /// Names and texts of what is added, in their order.
    pub parts: Vec<(String, String)>,
    /// What finds the menu from the ESP.
    pub stub: String,
}

/// What bootupd of the installed system finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootupdPlan {
    /// Where its record is in the installed system.
    pub path: String,
    /// Its record, but for sizes and digests of the files in it, which are files of the ESP's boot chain.
    pub state: Value,
}

/// Where bootupd has the menu, below `/boot`.
pub(super) const DIRECTORY: &str = "grub2";
/// Of bootupd: updates the boot loader at every start.
const UPDATE_UNIT: &str = "bootloader-update.service";
/// Where newer images have the boot chain: `NAME/VERSION/EFI/..`; in others it is at its place.
const BY_PACKAGE: &str = "usr/lib/efi";
/// Packages of other boot loaders in there.
const OTHERS: [&str; 2] = ["grub-cc", "systemd-boot"];
/// What bootupd would install for a firmware.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component<'f> {
    facts: &'f ImageFacts,
    payload: &'f BootupdPayload,
    name: &'static str,
    metadata: &'f str,
}

/// What bootupd of the image installs for this firmware; without its own word for that it installs nothing.
pub(super) fn of(facts: &ImageFacts, firmware: Firmware) -> Option<Component<'_>> {
    let payload = facts.bootupd.as_ref()?;
    let (name, metadata) = match firmware {
        Firmware::Uefi => ("EFI", &payload.efi),
        Firmware::Bios => ("BIOS", &payload.bios),
    };
    facts.programs.contains("bootupctl").then_some(())?;
    Some(Component {
        facts,
        payload,
        name,
        metadata: metadata.as_deref()?,
    })
}

/// The boot loader; none, with an error, where bootupd of the image could not install it either. The menu is in
/// [`DIRECTORY`].
pub(super) fn boot(
    plan: &Plan,
    component: &Component<'_>,
    menu: &BootMenu<'_>,
    issues: &mut Issues,
) -> Option<BootPlan> {
    let Component { facts, payload, .. } = *component;
    let metadata = record::metadata(component, issues)?;
    let Some(configuration) = &payload.configuration else {
        let message = "bootupd of the image has no menu in `/usr/lib/bootupd/grub2-static`";
        issues.error(Code::BootLoaderMissing, message);
        return None;
    };
    let chain = match plan.firmware {
        Firmware::Uefi => Some(chain::read(payload, &plan.arch, issues)?),
        Firmware::Bios => None,
    };
    let bls = chain
        .as_ref()
        .map_or_else(|| bios::bls(facts), |chain| chain.bls);
    check_place(menu, bls, issues);
    let text = configuration.menu();
    menu::check(menu, &text, issues);
    let mut boot = BootPlan {
        menu: menu::files(menu, &text, bls.is_some()),
        password: menu.password(plan),
        ..BootPlan::default()
    };
    match &chain {
        Some(chain) => {
            let texts = menu::on_esp(configuration, menu);
            boot.esp = Some(esp(plan, chain, &texts, issues)?);
        }
        None if plan.boot_options.keep_mbr => return Some(boot),
        None => {
            let modules = bios::all_modules(facts, menu);
            let bios = bios::bios(plan, facts, menu, issues)?;
            boot.bios = Some(BiosPlan { modules, ..bios });
        }
    }
    boot.bootupd = Some(record::record(component, &metadata, chain.as_ref()));
    Some(boot)
}

/// A function would be there for a GRUB without a command, until an update brings one that has it.
fn check_place(menu: &BootMenu<'_>, bls: Option<BlsCommand>, issues: &mut Issues) {
    if bls == Some(BlsCommand::Patched) || menu.path.is_empty() {
        return;
    }
    let message = "the image's GRUB finds boot entries only on a partition for `/boot`, as bootupd's menu asks for them";
    issues
        .error(Code::BootLoaderMissing, message)
        .help("`reqpart --add-boot` adds one");
}

fn esp(
    plan: &Plan,
    chain: &Chain,
    texts: &[(&str, String)],
    issues: &mut Issues,
) -> Option<EspPlan> {
    let (_, partition) = plan.mounted_at("/boot/efi")?;
    chain.check_room(partition.size_bytes, issues)?;
    let copies = chain.copies();
    let removable = esp::names(&plan.arch)?.removable;
    if !copies
        .iter()
        .any(|copy| copy.to.eq_ignore_ascii_case(removable))
    {
        let message = format!(
            "bootupd of the image installs no `{removable}`: the disk starts only by an entry of the firmware"
        );
        issues.warning(Code::BootLoaderMissing, message);
    }
    esp::esp(plan, &chain.vendor, copies, texts)
}

/// Keeps bootupd of the installed system off a boot loader that is somebody else's: without a record it would take it for an
/// older one, and install over it.
pub(super) fn mask(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let keeps_mbr = plan.firmware == Firmware::Bios && plan.boot_options.keep_mbr;
    let is_others = plan.boot_disk.is_none() || keeps_mbr;
    (is_others && facts.units.contains(UPDATE_UNIT)).then_some(())?;
    let message = format!("`{UPDATE_UNIT}` is masked: the boot loader is not Landfall's");
    issues
        .warning(Code::NoEffect, message)
        .help("`systemctl unmask` lets bootupd replace the boot loader at the next start")
        .location = kickstart.bootloader.as_ref().map(|c| c.location.clone());
    Some(Action::Link {
        path: format!("/etc/systemd/system/{UPDATE_UNIT}"),
        target: "/dev/null".to_owned(),
    })
}
