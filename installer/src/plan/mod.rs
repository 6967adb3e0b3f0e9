// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Deciding: kickstart and inventory in, a plan with nothing left to decide out.
//!
//! [`plan_disks`] makes the disk half before the first write, [`plan_target`] the half that needs
//! the image's facts. Both are functions of values: they read no file, ask no device and draw no
//! random number (UUIDs come from the seed). Where an option would need a choice at execution,
//! the choice belongs here. Sizes and places are decided in [`allocate`].

mod access;
mod allocate;
mod autopart;
mod bios;
mod bls;
mod boot;
mod boot_disk;
mod boot_password;
mod bootupd;
mod certificate;
mod check;
mod claim;
mod display;
mod esp;
mod files;
mod filesystem;
mod grub_script;
mod ignored;
mod issue;
mod kargs;
mod kdump;
mod layout;
mod network;
mod password;
mod purpose;
mod region;
mod request;
mod resize;
mod saved;
mod select;
mod settings;
pub mod size;
mod source;
mod spec;
mod support;
mod swap;
mod table;
mod target;
mod users;
mod wipe;

use kickstart_parser::{Kickstart, ScriptKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::hex::hex;
use crate::inventory::{self, Firmware, Inventory};

use request::Wanted;

pub use access::{AccessFile, TargetAccess};
pub use bios::{BiosPayload, BiosPlan, GrubModules};
pub use bls::BlsCommand;
pub use boot::{BootPayload, BootPlan, MOST_FILE_BYTES};
pub use bootupd::{BootupdPayload, BootupdPlan, ChainFile, StaticConfiguration};
pub use certificate::trusted;
pub use display::{render_disks, render_target, render_waits};
pub use esp::{BootEntry, Copy, EspPlan};
pub use filesystem::{FileSystem, Mkfs};
pub use issue::{Code, Issue, Issues, Severity};
pub(crate) use kargs::is_on;
pub use kargs::{BootOptions, InstallKargs, concerning_target};
pub use network::{
    additions as network_additions, for_environment as network_for_environment,
    host_name_of_command_line, is_card,
};
pub use resize::{Resize, ResizeCommand};
pub use saved::differences;
pub use settings::SettingsFacts;
pub use source::needs_registry;
pub use table::{Label, PartitionType};
pub use target::{
    Action, ImageFacts, MountPlan, Origin, Program, ScriptPlan, TargetPlan, plan_target, waits,
};

/// The whole plan, version 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Format version, 1.
    pub plan: u32,
    /// Every UUID of the plan is a version 5 UUID of this and the role.
    pub seed: Uuid,
    /// SHA-256 of the kickstart with its includes, lower-case hexadecimal.
    pub kickstart_sha256: String,
    /// SHA-256 of the inventory's JSON form, lower-case hexadecimal.
    pub inventory_sha256: String,
    /// What the disks will boot with.
    pub firmware: Firmware,
    /// The disk that the machine starts from; none where no boot loader is installed.
    pub boot_disk: Option<String>,
    /// How it starts from it.
    #[serde(default)]
    pub boot_options: BootOptions,
    /// CPU architecture as in OCI images.
    pub arch: String,
    /// The image.
    pub image: ImagePlan,
    /// The disks that are changed or used.
    pub disks: Vec<DiskPlan>,
    /// File systems in memory, which have no partition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_memory: Vec<MemoryFileSystem>,
    /// What is lost, a line each.
    pub destroys: Vec<String>,
    /// `%pre-install` scripts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_install: Vec<ScriptPlan>,
    /// What of the installation is not kept in the installed system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nosave: Vec<Unsaved>,
    /// Network devices of the installing machine that profiles are bound to by their addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<inventory::Interface>,
    /// The part that needs the image's facts; none while they are not known.
    pub target: Option<TargetPlan>,
    /// What is not known before the image is on the target, a point each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
}

/// What of an installation can be left out of the installed system.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unsaved {
    /// The log, the events and what scripts printed.
    Logs,
    /// The kickstart as it was given.
    InputKs,
    /// The kickstart as it was carried out.
    OutputKs,
}

impl Unsaved {
    /// As `inst.nosave` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::InputKs => "input_ks",
            Self::OutputKs => "output_ks",
        }
    }
}

/// Where the content comes from and what the installed system follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePlan {
    /// Where the content is pulled from: `docker://…`, `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`.
    pub source: String,
    /// What the installed system follows, `docker://…`.
    pub target: String,
    /// Digest of the manifest for this architecture, where it is known.
    pub digest: Option<String>,
    /// What the installed system is given to reach the registry that it follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<AccessFile>,
}

/// A `tmpfs` of the installed system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryFileSystem {
    /// Mount point.
    pub mount: String,
    /// Mount options for fstab.
    pub options: String,
}

/// One disk, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiskPlan {
    /// Path of the device or the image file.
    pub device: String,
    /// Persistent name below `/dev/disk/by-id`.
    pub by_id: Option<String>,
    /// True for a disk image file.
    pub image_file: bool,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Logical sector size in bytes.
    pub sector_bytes: u32,
    /// Partition table after the installation.
    pub label: Label,
    /// GUID of a new GPT; none where the old table stays.
    pub label_uuid: Option<Uuid>,
    /// Identifier of a new MBR; none where the old table stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_id: Option<u32>,
    /// What is overwritten with zeros before the new table: the heads and tails, where file
    /// systems and RAID members have their signatures, of what goes and of what comes.
    pub wipes: Vec<Wipe>,
    /// Partitions now.
    pub before: Vec<PartitionBefore>,
    /// Partitions afterwards, in the order of their place.
    pub after: Vec<Partition>,
}

/// A stretch of a disk that is overwritten with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wipe {
    /// First byte.
    pub start_bytes: u64,
    /// Size in bytes, at most 1 MiB.
    pub size_bytes: u64,
}

/// A partition that is on the disk now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionBefore {
    /// What it is.
    #[serde(flatten)]
    pub partition: inventory::Partition,
    /// What becomes of it: `keep` or `delete`.
    pub action: PartitionAction,
}

/// A partition of the finished disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Partition {
    /// Number in the table, from 1; the logical ones of an MBR from 5.
    pub number: u32,
    /// First byte; a multiple of 1 MiB for partitions that are created.
    pub start_bytes: u64,
    /// Size in bytes; a multiple of 1 MiB for partitions that are created.
    pub size_bytes: u64,
    /// Type: a GUID, on an MBR a byte such as `0x83`.
    #[serde(rename = "type")]
    pub kind: PartitionType,
    /// Unique GUID; none on an MBR.
    pub uuid: Option<Uuid>,
    /// Name in the table; empty on an MBR.
    pub name: String,
    /// Sets attribute 63 of the discoverable partitions specification: only fstab mounts it.
    pub no_auto: bool,
    /// Marked as the one to boot from (MBR).
    #[serde(default, skip_serializing_if = "is_false")]
    pub active: bool,
    /// The new system mounts it, swaps on it or needs it otherwise.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub used: bool,
    /// What it is formatted as.
    pub fs: Option<FileSystem>,
    /// UUID of the file system; FAT has a serial, `1234-ABCD`.
    pub fs_uuid: Option<String>,
    /// Label of the file system.
    pub fs_label: Option<String>,
    /// File-system features that are set explicitly.
    pub features: Vec<String>,
    /// The command that formats it, without the device.
    pub mkfs: Option<Mkfs>,
    /// How it comes to its size from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Mount point in the installed system.
    pub mount: Option<String>,
    /// Mount options for fstab beyond the defaults.
    pub mount_options: Option<String>,
    /// What is done to it.
    pub action: PartitionAction,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What is done to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartitionAction {
    /// It stays as it is.
    Keep,
    /// It is created and formatted.
    Create,
    /// It stays and is formatted again.
    Format,
    /// It is deleted.
    Delete,
}

/// What the command line decides besides the kickstart.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Seed of the plan's UUIDs.
    pub seed: Uuid,
    /// SHA-256 of the kickstart with its includes.
    pub kickstart_sha256: String,
    /// `--image`: take the content from there.
    pub image: Option<String>,
    /// A medium whose image is taken if the kickstart names it.
    pub medium: Option<MediumImage>,
    /// Which tables disks get where the kickstart does not say; none: GPT.
    pub disklabel: Option<Label>,
    /// `--target-ref`: what the installed system follows.
    pub target_ref: Option<String>,
    /// `--target-authfile` and its like: files for the installed system.
    pub target_access: TargetAccess,
    /// `--nosave`: what is not kept in the installed system.
    pub nosave: Vec<Unsaved>,
}

/// The image of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediumImage {
    /// Where it is: `oci:DIR`.
    pub layout: String,
    /// References by which a kickstart may mean it.
    pub names: Vec<String>,
    /// What installed systems follow, if not the kickstart's reference.
    pub target: Option<String>,
}

/// A plan and what is worth saying about it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Warnings.
    pub issues: Issues,
}

/// Makes the disk half of the plan.
pub fn plan_disks(
    kickstart: &Kickstart,
    inventory: &Inventory,
    choices: &Choices,
) -> Result<Planned, Issues> {
    let mut issues = Issues::default();
    let image = source::choose(kickstart, choices, &mut issues);
    support::check(kickstart, &mut issues);
    certificate::check(kickstart, &mut issues);
    kdump::check(kickstart, &inventory.arch, &mut issues);
    ignored::warn(kickstart, &mut issues);
    let interfaces = network::interfaces(&kickstart.network, &inventory.interfaces, &mut issues);
    let disks = select::select(kickstart, inventory, choices.disklabel, &mut issues);
    let machine = request::Machine {
        inventory,
        disks: &disks,
        boot: boot_disk::choose(kickstart, &disks, &mut issues),
    };
    boot_disk::check(kickstart, &machine, &mut issues);
    let Wanted {
        requests,
        claims,
        in_memory,
    } = request::requests(kickstart, &machine, &mut issues);
    let allocation = allocate::allocate(&machine, &claims, requests, &mut issues);
    check::placed(&allocation.placed, &claims, &mut issues);
    let lies = (allocation.placed.as_slice(), claims.as_slice());
    let machine = request::Machine {
        boot: boot_disk::settle(kickstart, &machine, lies, &mut issues),
        ..machine
    };
    let boot_disk = machine.boot.map(|index| disks[index].disk.device.clone());
    let boot_options = machine.boot_options(kickstart);
    let destroys = wipe::destroys(&disks, &claims);
    let mut disks = layout::disk_plans(&machine, allocation, &claims, choices.seed);
    if inventory.firmware == Firmware::Bios && !boot_options.keep_mbr {
        wipe::boot_code(&mut disks, boot_disk.as_deref());
    }
    let (Some(image), false) = (image, issues.has_errors()) else {
        return Err(issues);
    };
    let plan = Plan {
        plan: 1,
        seed: choices.seed,
        kickstart_sha256: choices.kickstart_sha256.clone(),
        inventory_sha256: inventory::sha256(inventory),
        firmware: inventory.firmware,
        boot_options,
        boot_disk,
        arch: inventory.arch.clone(),
        image,
        destroys,
        pre_install: ScriptPlan::of_kind(kickstart, ScriptKind::PreInstall),
        nosave: choices.nosave.clone(),
        interfaces,
        disks,
        in_memory,
        target: None,
        waits: waits(kickstart, None),
    };
    boot_disk::check_gap(&plan, &mut issues);
    if issues.has_errors() {
        return Err(issues);
    }
    Ok(Planned { plan, issues })
}

impl ImagePlan {
    /// Whether the image can be looked into without fetching it.
    pub fn is_at_hand(&self) -> bool {
        !self.source.starts_with("docker://")
    }
}

impl Plan {
    /// The partition that is mounted at `mount`, with its disk.
    pub fn mounted_at(&self, mount: &str) -> Option<(&DiskPlan, &Partition)> {
        self.partitions()
            .find(|(_, partition)| partition.mount.as_deref() == Some(mount))
    }

    /// The disk that the machine starts from.
    pub fn boot_disk(&self) -> Option<&DiskPlan> {
        let device = self.boot_disk.as_ref()?;
        self.disks.iter().find(|disk| disk.device == *device)
    }

    /// Whether something is left out of the installed system.
    pub fn unsaved(&self, what: Unsaved) -> bool {
        self.nosave.contains(&what)
    }

    /// Every partition of the finished disks, with its disk.
    pub fn partitions(&self) -> impl Iterator<Item = (&DiskPlan, &Partition)> {
        self.disks
            .iter()
            .flat_map(|disk| disk.after.iter().map(move |p| (disk, p)))
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
