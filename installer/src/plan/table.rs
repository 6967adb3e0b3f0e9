// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Partition tables: the two kinds, the types of their partitions, and what each kind has room for.
//!
//! An MBR has four entries; one of them may be a container ("extended") whose partitions ("logical")
//! are a chain with a sector of its own before each. It knows nothing of mount points.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::size::MIB;
use crate::inventory::{Disk, Partition};

/// A kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// GUID partition table.
    Gpt,
    /// Master boot record, in the words of `parted` `msdos`, of `sfdisk` `dos`.
    Mbr,
}

/// A new GPT has this many entries.
const GPT_ENTRIES: usize = 128;
/// The primary partitions of an MBR, its container among them.
pub(super) const PRIMARIES: usize = 4;
/// `libfdisk`, and with it what reads the table afterwards, knows no more partitions of an MBR.
const MBR_ENTRIES: usize = 60;
/// Bytes at the end of a disk that may hold the backup partition table.
const BACKUP_BYTES: u64 = 33 * 4096;

impl Label {
    /// The label in the words of `clearpart --disklabel`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "gpt" => Some(Self::Gpt),
            "msdos" | "mbr" => Some(Self::Mbr),
            _ => None,
        }
    }

    /// The label of the disk as it is; none where there is none that partitions could be added to.
    pub(super) fn of(disk: &Disk) -> Option<Self> {
        match disk.table.as_deref()? {
            "gpt" => Some(Self::Gpt),
            // A protective MBR without its GPT: what lies behind it is not known.
            "dos" if disk.partitions.iter().any(|p| p.kind == "ee") => None,
            "dos" => Some(Self::Mbr),
            _ => None,
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpt => "GPT",
            Self::Mbr => "MBR",
        }
    }

    /// Most partitions of a table.
    pub(super) const fn entries(self) -> usize {
        match self {
            Self::Gpt => GPT_ENTRIES,
            Self::Mbr => MBR_ENTRIES,
        }
    }

    /// The first MiB of a disk that no partition can lie in: behind its end, or where the table cannot name it.
    pub(super) fn end_mib(self, disk: &Disk) -> u64 {
        match self {
            Self::Gpt => disk.size_bytes.saturating_sub(BACKUP_BYTES) / MIB,
            Self::Mbr => disk.size_bytes.min(mbr_limit(disk)) / MIB,
        }
    }

    /// Whether the table can name every sector of the disk.
    pub(super) fn spans(self, disk: &Disk) -> bool {
        self == Self::Gpt || disk.size_bytes <= mbr_limit(disk)
    }
}

/// Sectors have numbers of 32 bits.
fn mbr_limit(disk: &Disk) -> u64 {
    u64::from(u32::MAX) * u64::from(disk.sector_bytes)
}

/// What a table says that a partition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionType {
    /// GPT.
    Guid(Uuid),
    /// MBR.
    Byte(u8),
}

/// The container of an MBR, addressed by sector numbers.
const EXTENDED: u8 = 0x0f;

impl PartitionType {
    /// The type of a container of logical partitions.
    pub(super) const EXTENDED: Self = Self::Byte(EXTENDED);

    /// Whether it is the container of an MBR's logical partitions.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Byte(0x05 | EXTENDED | 0x85))
    }

    /// What the inventory calls the type: a GUID, or a byte in hexadecimal.
    pub(super) fn of(partition: &Partition) -> Self {
        let kind = partition.kind.as_str();
        let byte = || u8::from_str_radix(kind.trim_start_matches("0x"), 16).ok();
        kind.parse()
            .map(Self::Guid)
            .ok()
            .or_else(|| byte().map(Self::Byte))
            .unwrap_or(Self::Guid(Uuid::nil()))
    }
}

/// Whether it is the container of an MBR's logical partitions.
pub(super) fn is_container(partition: &Partition) -> bool {
    PartitionType::of(partition).is_container()
}

/// Whether it lies in the container of an MBR.
pub(super) fn is_logical(label: Label, partition: &Partition) -> bool {
    label == Label::Mbr && partition.number as usize > PRIMARIES
}

impl fmt::Display for PartitionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid(guid) => guid.fmt(f),
            Self::Byte(byte) => write!(f, "0x{byte:02x}"),
        }
    }
}

impl FromStr for PartitionType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither a GUID nor a byte such as `0x83`");
        match text.strip_prefix("0x") {
            Some(digits) => u8::from_str_radix(digits, 16)
                .map(Self::Byte)
                .map_err(|_| wrong()),
            None => text.parse().map(Self::Guid).map_err(|_| wrong()),
        }
    }
}

impl Serialize for PartitionType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartitionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for PartitionType {
    fn schema_name() -> Cow<'static, str> {
        "PartitionType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Type of a partition: a GUID on GPT, a byte such as `0x83` on MBR",
            "pattern": "^(0x[0-9a-f]{2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_they_are_read() {
        for text in ["0x83", "0x0f", "0fc63daf-8483-4772-8e79-3d69d8477de4"] {
            let kind: PartitionType = text.parse().unwrap();
            assert_eq!(kind.to_string(), text);
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<PartitionType>(&json).unwrap(), kind);
        }
        for text in ["", "83", "0x183", "0x", "0fc63daf"] {
            assert!(text.parse::<PartitionType>().is_err(), "{text}");
        }
    }

    #[test]
    fn containers_are_known_by_their_types() {
        for (byte, container) in [(0x05, true), (0x0f, true), (0x85, true), (0x83, false)] {
            assert_eq!(PartitionType::Byte(byte).is_container(), container);
        }
    }
}
