// SPDX-License-Identifier: Apache-2.0 OR MIT
//! File systems: which types exist, their limits, and the exact command that makes each.
//!
//! Features are listed instead of left to the tool's defaults, and are those that GRUB 2.06 and
//! Linux 5.14 read, so that the image's own boot loader and kernel can mount what the installer's
//! newer or older tools have made. It does not know where a file system lies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::size::MIB;

/// What a partition is formatted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileSystem {
    /// XFS.
    Xfs,
    /// ext4.
    Ext4,
    /// Btrfs, as a plain file system on one partition.
    Btrfs,
    /// FAT32, for the EFI System Partition.
    Vfat,
    /// Swap space.
    Swap,
    /// GRUB's core image on a GPT for BIOS, without a file system.
    BiosBoot,
}

/// The program that formats, without the device, which comes last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mkfs {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// It has arguments of the kickstart, and is tried on an empty file before anything is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tried: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Mkfs {
    /// The command with further arguments of the kickstart.
    pub(super) fn with(mut self, arguments: &[String]) -> Self {
        self.argv.extend_from_slice(arguments);
        self.tried = !arguments.is_empty();
        self
    }
}

impl FileSystem {
    /// The type that `--fstype` names; `efi` is Anaconda's word for the ESP's FAT.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "xfs" => Some(Self::Xfs),
            "ext4" => Some(Self::Ext4),
            "btrfs" => Some(Self::Btrfs),
            "vfat" | "efi" => Some(Self::Vfat),
            "swap" => Some(Self::Swap),
            _ => None,
        }
    }

    /// The name that `blkid` and fstab use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
            Self::BiosBoot => "biosboot",
        }
    }

    /// Whether it has files in it, and so a mount point.
    pub const fn is_mounted(self) -> bool {
        !matches!(self, Self::Swap | Self::BiosBoot)
    }

    /// Smallest size in bytes that the type's own tool accepts.
    pub const fn min_bytes(self) -> u64 {
        match self {
            // mkfs.xfs since 5.19 refuses anything smaller.
            Self::Xfs => 300 * MIB,
            Self::Ext4 => 2 * MIB,
            Self::Btrfs => 256 * MIB,
            // FAT32 needs 65525 clusters; with 512-byte clusters that is just above 33 MiB.
            Self::Vfat => 36 * MIB,
            Self::Swap | Self::BiosBoot => MIB,
        }
    }

    /// Longest label in bytes.
    pub const fn max_label_bytes(self) -> usize {
        match self {
            Self::Xfs => 12,
            Self::Ext4 => 16,
            Self::Btrfs => 255,
            Self::Vfat => 11,
            Self::Swap => 15,
            Self::BiosBoot => 0,
        }
    }

    /// Features that are switched on or off explicitly.
    pub fn features(self) -> Vec<String> {
        let list: &[&str] = match self {
            Self::Xfs => &[
                "crc=1",
                "finobt=1",
                "rmapbt=0",
                "reflink=1",
                "bigtime=1",
                "inobtcount=1",
                "sparse=1",
                "nrext64=0",
            ],
            Self::Ext4 => &[
                "none",
                "has_journal",
                "ext_attr",
                "resize_inode",
                "dir_index",
                "filetype",
                "extent",
                "64bit",
                "flex_bg",
                "sparse_super",
                "large_file",
                "huge_file",
                "dir_nlink",
                "extra_isize",
                "metadata_csum",
            ],
            Self::Btrfs => &["extref", "skinny-metadata", "no-holes", "free-space-tree"],
            Self::Vfat => &["fat32"],
            Self::Swap | Self::BiosBoot => &[],
        };
        list.iter().map(ToString::to_string).collect()
    }

    /// The command that makes it, to which the engine adds the device; none where nothing is made.
    pub fn mkfs(self, uuid: &str, label: Option<&str>) -> Option<Mkfs> {
        let mut argv: Vec<String> = match self {
            Self::Xfs => xfs_argv(uuid),
            Self::Ext4 => words(&[
                "mkfs.ext4",
                "-q",
                "-F",
                "-O",
                &self.features().join(","),
                "-U",
                uuid,
            ]),
            Self::Btrfs => btrfs_argv(uuid),
            Self::Vfat => words(&["mkfs.vfat", "-F", "32", "-i", &uuid.replace('-', "")]),
            Self::Swap => words(&["mkswap", "-q", "-U", uuid]),
            Self::BiosBoot => return None,
        };
        if let Some(label) = label {
            argv.extend(words(&[
                if self == Self::Vfat { "-n" } else { "-L" },
                label,
            ]));
        }
        Some(Mkfs { argv, tried: false })
    }
}

fn xfs_argv(uuid: &str) -> Vec<String> {
    let metadata = format!("crc=1,finobt=1,rmapbt=0,reflink=1,bigtime=1,inobtcount=1,uuid={uuid}");
    words(&[
        "mkfs.xfs",
        "-q",
        "-f",
        "-m",
        &metadata,
        "-i",
        "sparse=1,nrext64=0",
    ])
}

fn btrfs_argv(uuid: &str) -> Vec<String> {
    words(&[
        "mkfs.btrfs",
        "-q",
        "-f",
        "-O",
        "extref,skinny-metadata,no-holes",
        "-R",
        "free-space-tree",
        "-U",
        uuid,
    ])
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
