// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the machine has, as data: disks with what is on them, firmware, memory, network.
//!
//! [`probe`] (feature `engine`) is the only place that reads it from the world; a recorded
//! inventory is as good as a probed one, for tests and for planning on another machine. Whether
//! a disk may be used is not decided here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Its presence says that this is the installer environment: nobody is asked, and its kernel was started for the machine
/// that is installed.
pub const ENVIRONMENT: &str = "/run/landfall/environment";

/// Where the medium is mounted that a machine was started from, as Anaconda has it.
pub const MEDIUM: &str = "/run/install/repo";

#[cfg(feature = "engine")]
pub mod probe;

/// One machine, or the disk image files that stand for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Format version, 1.
    pub inventory: u32,
    /// CPU architecture as in OCI images: `amd64`, `arm64`.
    pub arch: String,
    /// How the machine boots.
    pub firmware: Firmware,
    /// The firmware's variables can be written: boot entries are kept there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub efi_variables: bool,
    /// Arguments of the installer environment's kernel that concern the system that is installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_arguments: Vec<String>,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Disks, in the kernel's order.
    pub disks: Vec<Disk>,
    /// Network interfaces without the loopback.
    pub interfaces: Vec<Interface>,
}

/// How the machine starts an operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// UEFI.
    Uefi,
    /// PC BIOS.
    Bios,
}

/// A whole disk: a block device or a disk image file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Path to open: `/dev/vda`, or the image file.
    pub device: String,
    /// True for a disk image file.
    pub image_file: bool,
    /// Persistent names below `/dev/disk`, sorted.
    pub links: Vec<String>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Logical sector size in bytes.
    pub sector_bytes: u32,
    /// Model as the device reports it.
    pub model: Option<String>,
    /// Serial number as the device reports it.
    pub serial: Option<String>,
    /// Bus: `nvme`, `sata`, `usb`, `virtio`.
    pub transport: Option<String>,
    /// Removable medium.
    pub removable: bool,
    /// Cannot be written.
    pub read_only: bool,
    /// Why it cannot be touched now: a mount point, swap, a holder such as `dm-0`.
    pub in_use: Option<String>,
    /// This machine is installed from it: it is the medium that it was started from, or has a volume `OEMDRV`. No kickstart can
    /// have it erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub source: bool,
    /// Partition table: `gpt`, `dos`; none where there is none.
    pub table: Option<String>,
    /// How many partitions a GPT has room for, where it is not 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_entries: Option<u32>,
    /// What the whole disk is formatted as, where it has no partition table: `ext4`, `LVM2_member`.
    pub fs: Option<String>,
    /// Label of that file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// UUID of that file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_uuid: Option<String>,
    /// Partitions in the order of their place on the disk.
    pub partitions: Vec<Partition>,
}

impl Disk {
    /// The device's last path component: `vda`, `disk.img`.
    pub fn name(&self) -> &str {
        self.device.rsplit('/').next().unwrap_or(&self.device)
    }

    /// The persistent name to show and to record, preferring hardware ids over paths.
    pub fn by_id(&self) -> Option<&str> {
        self.links
            .iter()
            .find(|link| link.starts_with("/dev/disk/by-id/"))
            .map(String::as_str)
    }
}

/// A partition that is on a disk now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Number in the table, from 1.
    pub number: u32,
    /// First byte.
    pub start_bytes: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Type: a GUID on GPT, hexadecimal on MBR.
    #[serde(rename = "type")]
    pub kind: String,
    /// Unique GUID (GPT).
    pub uuid: Option<Uuid>,
    /// Name in the table (GPT).
    pub name: Option<String>,
    /// What it is formatted as: `xfs`, `vfat`, `LVM2_member`.
    pub fs: Option<String>,
    /// File system label.
    pub label: Option<String>,
    /// File system UUID, or the FAT serial as `1234-ABCD`.
    pub fs_uuid: Option<String>,
    /// Marked as the one to boot from (MBR).
    #[serde(default, skip_serializing_if = "is_false")]
    pub active: bool,
    /// Smallest size in bytes that the file system can be shrunk to, where that is known (ext4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bytes: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// Kernel name.
    pub name: String,
    /// MAC address, lower case with colons.
    pub mac: String,
    /// A cable is plugged in.
    pub carrier: bool,
}

/// The inventory's SHA-256, lower-case hexadecimal, over its JSON form.
pub fn sha256(inventory: &Inventory) -> String {
    // A struct of strings and numbers always serialises.
    let json = serde_json::to_vec(inventory).unwrap_or_default();
    crate::plan::hex_sha256(&json)
}
