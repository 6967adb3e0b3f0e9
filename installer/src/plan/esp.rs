// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The EFI System Partition: which files of the image go where on it, and the firmware's entry for them.
//!
//! Takes the disk half of the plan and a boot chain, gives an [`EspPlan`]. The chain of an image with bootupd is found in
//! `bootupd/chain.rs`; what the files are is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::boot::{BootMenu, BootPayload};
use super::{DiskPlan, Partition, Plan};
use crate::template::{Template, render};

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

/// Names in the boot chain of an architecture.
#[derive(Debug)]
pub(super) struct Names {
    /// What firmware looks for on a removable disk, below the ESP.
    pub(super) removable: &'static str,
    /// What `shim`, `grub` and `mm` end with, before `.efi`.
    pub(super) suffix: &'static str,
}

/// The names for an architecture; none where no signed chain is known.
pub(super) fn names(arch: &str) -> Option<Names> {
    match arch {
        "amd64" => Some(Names {
            removable: "EFI/BOOT/BOOTX64.EFI",
            suffix: "x64",
        }),
        "arm64" => Some(Names {
            removable: "EFI/BOOT/BOOTAA64.EFI",
            suffix: "aa64",
        }),
        _ => None,
    }
}

/// The ESP with a chain whose shim and GRUB are in `vendor`, a directory below `EFI`, and with text files beside them.
pub(super) fn esp(
    plan: &Plan,
    vendor: &str,
    chain: Vec<Copy>,
    texts: &[(&str, String)],
) -> Option<EspPlan> {
    let names = names(&plan.arch)?;
    let place = plan.mounted_at("/boot/efi")?;
    let (disk, partition) = place;
    let text = |(name, text): &(&str, String)| (format!("EFI/{vendor}/{name}"), text.clone());
    let wants_entry = plan.boot_options.entry;
    Some(EspPlan {
        device: disk.device.clone(),
        number: partition.number,
        files: texts.iter().map(text).collect(),
        chain,
        entry: wants_entry.then(|| entry(plan, vendor, place, names.suffix)),
    })
}

/// The ESP of an image whose boot chain Landfall puts together: in the vendor's directory, and where firmware looks.
pub(super) fn of_payload(
    payload: &BootPayload,
    plan: &Plan,
    menu: &BootMenu<'_>,
) -> Option<EspPlan> {
    let Names { removable, suffix } = names(&plan.arch)?;
    let copy = |from: &str, to: String| Copy {
        from: from.to_owned(),
        to,
    };
    let vendor = format!("EFI/{}", payload.vendor);
    let mut chain = Vec::new();
    for directory in [vendor.as_str(), "EFI/BOOT"] {
        chain.push(copy(&payload.grub, format!("{directory}/grub{suffix}.efi")));
        let manager = payload.mok_manager.iter();
        chain.extend(manager.map(|from| copy(from, format!("{directory}/mm{suffix}.efi"))));
    }
    chain.push(copy(&payload.shim, format!("{vendor}/shim{suffix}.efi")));
    chain.push(copy(&payload.shim, removable.to_owned()));
    let stub = ("grub.cfg", render(Template::EspStub, menu));
    esp(plan, &payload.vendor, chain, &[stub])
}

/// The firmware's entry for shim in the vendor's directory.
fn entry(
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
