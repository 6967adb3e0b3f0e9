// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Looks at an installed disk image from outside: its table, its file systems, what is in them.
//!
//! Takes the image file, gives what `sfdisk` and `blkid` say, and read-only mounts that end with their value. Uses
//! no code of Landfall's, so that it can judge it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::tool::{run, tool};

/// A partition as `sfdisk --json` tells it, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Number in the table.
    pub number: u32,
    /// First byte.
    pub start: u64,
    /// Size in bytes.
    pub size: u64,
    /// Type: a GUID in lower case, on an MBR a byte in hexadecimal.
    pub kind: String,
    /// Unique GUID, lower case; empty on an MBR.
    pub uuid: String,
    /// Name.
    pub name: String,
    /// Attributes in sfdisk's words: `GUID:63`.
    pub attributes: String,
}

/// A partition table as `sfdisk --json` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// `gpt` or `dos`.
    pub label: String,
    /// GUID of the table, lower case; of an MBR `0x...`.
    pub id: String,
    /// Partitions in the table's order.
    pub partitions: Vec<Partition>,
}

#[derive(Deserialize)]
struct Sfdisk {
    partitiontable: RawTable,
}

#[derive(Deserialize)]
struct RawTable {
    label: String,
    id: String,
    sectorsize: u64,
    #[serde(default)]
    partitions: Vec<RawPartition>,
}

#[derive(Deserialize)]
struct RawPartition {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    attrs: String,
}

/// The partition table of a disk or disk image, or none if it has none.
pub fn find_table(disk: &Path) -> Result<Option<Table>> {
    match table(disk) {
        Err(error)
            if error
                .to_string()
                .contains("does not contain a recognized partition table") =>
        {
            Ok(None)
        }
        found => found.map(Some),
    }
}

/// The partition table of a disk or disk image.
pub fn table(disk: &Path) -> Result<Table> {
    let json = run(tool("sfdisk")?.arg("--json").arg(disk))?;
    let raw: Sfdisk = serde_json::from_str(&json).context("reading sfdisk's output")?;
    let raw = raw.partitiontable;
    let partitions = raw.partitions.into_iter().map(|p| {
        let digits = p
            .node
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + 1);
        Ok(Partition {
            number: p.node[digits..]
                .parse()
                .context("reading a partition's number")?,
            start: p.start * raw.sectorsize,
            size: p.size * raw.sectorsize,
            kind: p.kind.to_ascii_lowercase(),
            uuid: p.uuid.to_ascii_lowercase(),
            name: p.name,
            attributes: p.attrs,
        })
    });
    Ok(Table {
        label: raw.label,
        id: raw.id.to_ascii_lowercase(),
        partitions: partitions.collect::<Result<_>>()?,
    })
}

/// Says whether both copies of the GPT are whole and the partitions in order.
pub fn verify(disk: &Path) -> Result<()> {
    // It ends with 0 also when one of the copies is broken, and then says so on stderr.
    let output = tool("sfdisk")?.arg("--verify").arg(disk).output()?;
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if !output.status.success() || !said[0].contains("No errors detected") || !said[1].is_empty() {
        bail!(
            "`sfdisk --verify {}` says: {}",
            disk.display(),
            said.concat()
        );
    }
    Ok(())
}

/// What `blkid` says of a partition under `tag`: `TYPE`, `UUID`, `LABEL`; empty if it says nothing.
pub fn content(disk: &Path, partition: &Partition, tag: &str) -> Result<String> {
    let mut blkid = tool("blkid")?;
    blkid.args(["--probe", "--output", "value", "--match-tag", tag]);
    blkid.args(["--offset", &partition.start.to_string()]);
    blkid.args(["--size", &partition.size.to_string()]);
    let output = blkid.arg(disk).output().context("starting blkid")?;
    // With 2 it has found nothing, which it does not explain; what it cannot read, it does.
    let found_nothing = output.status.code() == Some(2) && output.stderr.is_empty();
    if !output.status.success() && !found_nothing {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("blkid ended with {}: {}", output.status, stderr.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A partition of a disk image as a loop device, for programs that check file systems.
#[derive(Debug)]
pub struct Loop {
    /// The device.
    pub node: PathBuf,
}

impl Loop {
    /// The partition, read-only.
    pub fn of(disk: &Path, partition: &Partition) -> Result<Self> {
        let mut losetup = tool("losetup")?;
        losetup.args(["--find", "--show", "--read-only"]);
        losetup.args(["--offset", &partition.start.to_string()]);
        losetup.args(["--sizelimit", &partition.size.to_string()]);
        let node = run(losetup.arg(disk))?;
        Ok(Self {
            node: node.trim().into(),
        })
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // A test that has failed has said why already.
        let _ =
            tool("losetup").and_then(|mut losetup| run(losetup.arg("--detach").arg(&self.node)));
    }
}

/// A partition that is mounted read-only for the length of a test.
#[derive(Debug)]
pub struct Mounted {
    at: PathBuf,
    _device: Loop,
    /// The mount point, if it was made for it.
    _made: Option<tempfile::TempDir>,
}

impl Mounted {
    /// Mounts it; an XFS may be mounted twice, for another disk may have the same plan.
    pub fn of(disk: &Path, partition: &Partition) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix("landfall-mount-")
            .tempdir()?;
        let at = made.path().to_owned();
        Self::mount(disk, partition, at, Some(made))
    }

    /// Mounts it on a directory that is there.
    pub fn at(disk: &Path, partition: &Partition, at: &Path) -> Result<Self> {
        Self::mount(disk, partition, at.to_owned(), None)
    }

    fn mount(
        disk: &Path,
        partition: &Partition,
        at: PathBuf,
        made: Option<tempfile::TempDir>,
    ) -> Result<Self> {
        let device = Loop::of(disk, partition)?;
        let options = match content(disk, partition, "TYPE")?.as_str() {
            "xfs" => "ro,norecovery,nouuid",
            _ => "ro",
        };
        run(tool("mount")?
            .args(["-o", options])
            .arg(&device.node)
            .arg(&at))?;
        Ok(Self {
            at,
            _device: device,
            _made: made,
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = tool("umount").and_then(|mut umount| run(umount.arg(&self.at)));
    }
}

/// Names of the files on a FAT partition, with their directories; mtools shows short names in lower case.
pub fn fat_files(disk: &Path, partition: &Partition) -> Result<Vec<String>> {
    let image = format!("{}@@{}", disk.display(), partition.start);
    let listed = run(tool("mdir")?
        .env("MTOOLS_SKIP_CHECK", "1")
        .args(["-/", "-b", "-i", &image, "::"]));
    let listed = match listed {
        // So it says that there is no file at all.
        Err(error) if error.to_string().contains("File \"::\" not found") => String::new(),
        listed => listed?,
    };
    let names = listed.lines().filter(|line| !line.ends_with('/'));
    Ok(names
        .map(|line| line.trim_start_matches("::/").to_owned())
        .collect())
}

/// A text file on a FAT partition.
pub fn fat_text(disk: &Path, partition: &Partition, path: &str) -> Result<String> {
    let image = format!("{}@@{}", disk.display(), partition.start);
    run(tool("mtype")?
        .env("MTOOLS_SKIP_CHECK", "1")
        .args(["-i", &image, &format!("::/{path}")]))
}
