// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GRUB for BIOS: a boot sector, and a core image that it starts.
//!
//! Takes the disk half of the plan and what the image has for i386-pc; gives a [`BiosPlan`] with the exact command
//! that builds the core image and the place that it goes to. Every module that the menu needs is built in, so that
//! nothing but the menu has to be found on a file system. The bytes are put together by the engine.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bls::BlsCommand;
use super::boot::BootMenu;
use super::boot_disk::core_place;
use super::issue::{Code, Issues};
use super::target::ImageFacts;
use super::{FileSystem, Plan};
use crate::template::{Template, render};

/// What the image has of GRUB for BIOS, as paths in its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BiosPayload {
    /// The directory of modules and images, absolute.
    pub directory: String,
    /// The program that makes core images: `grub-mkimage`, `grub2-mkimage`.
    pub mkimage: String,
    /// Names of the modules.
    pub modules: BTreeSet<String>,
    /// Names of their files, and of the lists that say which command is in which.
    pub files: Vec<String>,
}

/// GRUB for BIOS on the boot disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BiosPlan {
    /// The disk.
    pub device: String,
    /// The boot sector's image, a path in the image.
    pub boot_image: String,
    /// What the core image runs first: it finds the menu.
    pub early: String,
    /// Where that text is while the core image is built, a path in the installed system.
    pub early_path: String,
    /// The command that builds the core image, in the installed system.
    pub mkimage: Vec<String>,
    /// Where it builds it.
    pub core_path: String,
    /// First byte of the core image on the disk.
    pub core_start_bytes: u64,
    /// Bytes that it may have.
    pub core_room_bytes: u64,
    /// What the menu finds besides what is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<GrubModules>,
}

/// GRUB's modules as `grub-install` leaves them beside the menu, so that it loads any that a menu asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrubModules {
    /// The directory in the image.
    pub from: String,
    /// The directory in the installed system.
    pub to: String,
    /// Names of the files.
    pub files: Vec<String>,
}

/// What the menu, and finding it, needs besides the file system of `/boot`.
pub(super) const MODULES: [&str; 21] = [
    "biosdisk",
    "part_gpt",
    "part_msdos",
    "search_fs_uuid",
    "search",
    "normal",
    "configfile",
    "linux",
    "serial",
    "terminal",
    "echo",
    "test",
    "regexp",
    "ls",
    "cat",
    "loadenv",
    "boot",
    "halt",
    "reboot",
    "minicmd",
    "password_pbkdf2",
];

/// GRUB for BIOS; none, with an error, where the image lacks what it is made of.
pub(super) fn bios(
    plan: &Plan,
    facts: &ImageFacts,
    menu: &BootMenu<'_>,
    issues: &mut Issues,
) -> Option<BiosPlan> {
    let disk = plan.boot_disk()?;
    let Some((core_start_bytes, core_room_bytes)) = core_place(disk) else {
        let message = format!("`{}` has no place for GRUB's core image", disk.device);
        issues.error(Code::NoBootLoader, message);
        return None;
    };
    let Some(payload) = &facts.bios else {
        issues
            .error(Code::BootLoaderMissing, "the image has no GRUB for BIOS")
            .help(
                "`/usr/lib/grub/i386-pc` and `grub-mkimage` are needed; on Debian they are in the packages \
                 `grub-pc-bin` and `grub-common`, on Fedora in `grub2-pc-modules` and `grub2-tools`",
            );
        return None;
    };
    let modules = modules(plan, bls(facts))?;
    for module in modules
        .iter()
        .filter(|module| !payload.modules.contains(**module))
    {
        let message = format!("the image's GRUB for BIOS has no module `{module}`");
        issues.error(Code::BootLoaderMissing, message);
    }
    let early_path = "/run/landfall/early.cfg".to_owned();
    let core_path = "/run/landfall/core.img".to_owned();
    let prefix = format!("{}/{}", menu.path, menu.directory);
    let options = [
        payload.mkimage.as_str(),
        "--directory",
        &payload.directory,
        "--format",
        "i386-pc",
        "--prefix",
        &prefix,
        "--config",
        &early_path,
        "--output",
        &core_path,
    ];
    let mkimage = options.into_iter().chain(modules).map(str::to_owned);
    Some(BiosPlan {
        device: disk.device.clone(),
        boot_image: format!("{}/boot.img", payload.directory),
        early: render(Template::CoreEarly, menu),
        mkimage: mkimage.collect(),
        early_path,
        core_path,
        core_start_bytes,
        core_room_bytes,
        modules: None,
    })
}

/// All modules for a menu that is not Landfall's own.
pub(super) fn all_modules(facts: &ImageFacts, menu: &BootMenu<'_>) -> Option<GrubModules> {
    let payload = facts.bios.as_ref()?;
    Some(GrubModules {
        from: payload.directory.clone(),
        to: format!("/boot/{}/i386-pc", menu.directory),
        files: payload.files.clone(),
    })
}

/// The command for boot entries that is built in.
pub(super) fn bls(facts: &ImageFacts) -> Option<BlsCommand> {
    BlsCommand::of_modules(&facts.bios.as_ref()?.modules)
}

/// The modules that are built in.
fn modules(plan: &Plan, bls: Option<BlsCommand>) -> Option<Vec<&'static str>> {
    let (_, partition) = plan.mounted_at("/boot").or_else(|| plan.mounted_at("/"))?;
    let file_system = match partition.fs? {
        FileSystem::Xfs => "xfs",
        FileSystem::Ext4 => "ext2",
        FileSystem::Btrfs => "btrfs",
        FileSystem::Vfat => "fat",
        FileSystem::Swap | FileSystem::BiosBoot => return None,
    };
    let bls = bls.map_or::<&[_], _>(&[], BlsCommand::modules);
    let modules = MODULES.iter().chain(bls).copied();
    Some(modules.chain([file_system]).collect())
}
