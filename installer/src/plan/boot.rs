// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What makes the disk start: the boot menu, and the signed boot chain on the ESP.
//!
//! Takes the kickstart, the disk half of the plan, the image's facts and the kernel arguments;
//! gives a [`BootPlan`] with every text and every file name. It does not know where the ESP is
//! mounted, and leaves the entries of the menu to ostree.

use kickstart_parser::Kickstart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Plan;
use super::issue::{Code, Issues};
use super::target::ImageFacts;
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
}

/// What makes the disk start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootPlan {
    /// Text files on the file system that holds `/boot`, with paths from `/boot`.
    pub boot_files: Vec<(String, String)>,
    /// Text files on the ESP.
    pub esp_files: Vec<(String, String)>,
    /// Files of the image that go to the ESP.
    pub copies: Vec<Copy>,
    /// Files of the image that firmware looks for: written last of all.
    pub reachable: Vec<Copy>,
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
const EFI_NAMES: [(&str, &str, &str); 2] = [
    ("amd64", "BOOTX64.EFI", "x64"),
    ("arm64", "BOOTAA64.EFI", "aa64"),
];

/// The boot menu and the files of the ESP; none, with an error, without a signed boot chain.
pub(super) fn boot(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    kargs: &[String],
    issues: &mut Issues,
) -> Option<BootPlan> {
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
    let menu = BootMenu::new(kickstart, plan, kargs)?;
    let vendor = format!("EFI/{}", payload.vendor);
    let copy = |from: &String, to: String| Copy {
        from: from.clone(),
        to,
    };
    let mut copies = Vec::new();
    for directory in [vendor.as_str(), "EFI/BOOT"] {
        copies.push(copy(&payload.grub, format!("{directory}/grub{suffix}.efi")));
        copies.extend(
            payload
                .mok_manager
                .iter()
                .map(|from| copy(from, format!("{directory}/mm{suffix}.efi"))),
        );
    }
    Some(BootPlan {
        boot_files: vec![("grub/grub.cfg".to_owned(), menu.render_menu())],
        esp_files: vec![(format!("{vendor}/grub.cfg"), menu.render_stub())],
        copies,
        reachable: vec![
            copy(&payload.shim, format!("{vendor}/shim{suffix}.efi")),
            copy(&payload.shim, format!("EFI/BOOT/{removable}")),
        ],
    })
}

/// What the boot menu needs to know.
#[derive(Debug, Serialize)]
struct BootMenu {
    /// UUID of the file system that holds `/boot`.
    uuid: String,
    /// Where `/boot` is on it: empty, or `/boot`.
    path: &'static str,
    /// Seconds.
    timeout: i64,
    serial: Option<Serial>,
}

/// The serial console that the kernel uses too.
#[derive(Debug, Serialize)]
struct Serial {
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
            timeout: timeout.unwrap_or(5),
            serial: kargs.iter().rev().find_map(|karg| serial(karg)),
        })
    }

    fn render_menu(&self) -> String {
        render(Template::BootMenu, self)
    }

    fn render_stub(&self) -> String {
        render(Template::EspStub, self)
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
