// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads the inventory from the machine: `lsblk`, `sfdisk`, `blkid`, `/sys` and `/proc`.
//!
//! Block devices and disk image files are looked at with the same programs, by offset, so that
//! neither udev nor the kernel's partition scan is needed. Nothing is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Disk, ENVIRONMENT, Firmware, Interface, Inventory, MEDIUM, Partition};
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;
use crate::plan::concerning_target;
use crate::plan::size::human;

/// A disk as the user names it: a block device, an image file, or an image file to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskArg {
    /// The device or file.
    pub path: PathBuf,
    /// Size in bytes of an image file that is to be made.
    pub create: Option<u64>,
}

impl std::str::FromStr for DiskArg {
    type Err = String;

    /// `PATH`, or `FILE:SIZE` with a size such as `8G` or `600M` (powers of 1024).
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = Self {
            path: text.into(),
            create: None,
        };
        if Path::new(text).exists() {
            return Ok(whole);
        }
        match text.rsplit_once(':') {
            Some((path, size)) if !path.is_empty() => Ok(Self {
                path: path.into(),
                create: Some(parse_size(size)?),
            }),
            _ => Ok(whole),
        }
    }
}

fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size such as `8G` or `600M`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..].to_ascii_uppercase()[..] {
        "" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number
        .checked_mul(1 << shift)
        .filter(|size| *size > 0)
        .ok_or_else(wrong)
}

/// Programs that probing needs.
const TOOLS: [Tool; 4] = [Tool::Lsblk, Tool::Sfdisk, Tool::Blkid, Tool::Losetup];

/// The machine with all its disks, or with only those that are named.
pub fn probe(disks: &[DiskArg], firmware: Option<Firmware>) -> Result<Inventory, EngineError> {
    Tool::require(&TOOLS)?;
    let only_images = !disks.is_empty() && disks.iter().all(|disk| !is_block_device(&disk.path));
    // A disk image is for some other machine, which is a UEFI machine unless the user says so.
    let default = if only_images {
        Firmware::Uefi
    } else {
        this_firmware()
    };
    Ok(Inventory {
        inventory: 1,
        arch: arch().to_owned(),
        firmware: firmware.unwrap_or(default),
        efi_variables: has_entries("/sys/firmware/efi/efivars"),
        kernel_arguments: kernel_arguments()?,
        memory_bytes: memory_bytes()?,
        disks: if disks.is_empty() {
            all_disks()?
        } else {
            named_disks(disks)?
        },
        interfaces: interfaces()?,
    })
}

/// This machine's architecture in the words of OCI images.
pub fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

fn this_firmware() -> Firmware {
    if Path::new("/sys/firmware/efi").exists() {
        Firmware::Uefi
    } else {
        Firmware::Bios
    }
}

fn has_entries(directory: &str) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

/// What the installer environment was started with, as far as it concerns the installed system.
fn kernel_arguments() -> Result<Vec<String>, EngineError> {
    if !Path::new(ENVIRONMENT).exists() {
        return Ok(Vec::new());
    }
    read("/proc/cmdline").map(|line| concerning_target(&line))
}

fn memory_bytes() -> Result<u64, EngineError> {
    let text = read("/proc/meminfo")?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.unwrap_or(0) * 1024)
}

fn read(path: &str) -> Result<String, EngineError> {
    fs::read_to_string(path).map_err(|e| EngineError::io(format!("reading `{path}`"), e))
}

/// The network cards of this machine, by name: interfaces with hardware behind them.
pub(crate) fn interfaces() -> Result<Vec<Interface>, EngineError> {
    let directory = Path::new("/sys/class/net");
    let context = || format!("reading `{}`", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|e| EngineError::io(context(), e))? {
        let path = entry.map_err(|e| EngineError::io(context(), e))?.path();
        if !path.join("device").exists() {
            continue;
        }
        let value = |name| {
            fs::read_to_string(path.join(name))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        found.push(Interface {
            name: path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default(),
            mac: value("address").to_ascii_lowercase(),
            carrier: value("carrier") == "1",
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

#[derive(Debug, Deserialize)]
struct Lsblk {
    blockdevices: Vec<Device>,
}

#[derive(Debug, Deserialize)]
struct Device {
    name: String,
    path: String,
    #[serde(rename = "type")]
    kind: String,
    size: u64,
    ro: bool,
    rm: bool,
    #[serde(rename = "log-sec")]
    log_sec: u32,
    model: Option<String>,
    serial: Option<String>,
    tran: Option<String>,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Device>,
}

fn lsblk(path: Option<&Path>) -> Result<Vec<Device>, EngineError> {
    const COLUMNS: &str = "NAME,PATH,TYPE,SIZE,RO,RM,LOG-SEC,MODEL,SERIAL,TRAN,MOUNTPOINTS";
    let mut args = vec![
        "--json".into(),
        "--bytes".into(),
        "--output".into(),
        COLUMNS.into(),
    ];
    args.extend(path.map(|path| path.as_os_str().to_owned()));
    let run = Tool::Lsblk.with(args);
    let line = run.line().to_owned();
    let list: Lsblk = serde_json::from_str(&run.output()?)
        .map_err(|e| EngineError::io(format!("reading the output of `{line}`"), e.into()))?;
    Ok(list.blockdevices)
}

/// Disks that a kickstart may mean: no RAM disks, no empty drives, no loop devices.
fn all_disks() -> Result<Vec<Disk>, EngineError> {
    const NEVER: [&str; 5] = ["zram", "ram", "fd", "mtd", "nbd"];
    let is_disk = |device: &Device| {
        device.kind == "disk"
            && device.size > 0
            && !NEVER.iter().any(|prefix| device.name.starts_with(prefix))
            && !(device.name.starts_with("mmcblk") && device.name.contains("boot"))
    };
    let links = links();
    lsblk(None)?
        .into_iter()
        .filter(is_disk)
        .map(|device| block_disk(device, &links))
        .collect()
}

fn named_disks(disks: &[DiskArg]) -> Result<Vec<Disk>, EngineError> {
    let links = links();
    refuse_twice(disks)?;
    disks.iter().map(|disk| named_disk(disk, &links)).collect()
}

/// One disk under two names would be planned twice.
fn refuse_twice(disks: &[DiskArg]) -> Result<(), EngineError> {
    let mut seen = Vec::new();
    for disk in disks {
        let real = real_path(&disk.path);
        if seen.contains(&real) {
            let message = format!("the disk `{}` is given twice", disk.path.display());
            return Err(EngineError::Refused(message));
        }
        seen.push(real);
    }
    Ok(())
}

/// The path without links; of a file that is not there, the directory's.
fn real_path(path: &Path) -> PathBuf {
    let beside = || {
        let parent = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Some(fs::canonicalize(parent).ok()?.join(path.file_name()?))
    };
    fs::canonicalize(path)
        .ok()
        .or_else(beside)
        .unwrap_or_else(|| path.to_owned())
}

fn named_disk(disk: &DiskArg, links: &[(PathBuf, PathBuf)]) -> Result<Disk, EngineError> {
    let path = &disk.path;
    if is_block_device(path) {
        let real = fs::canonicalize(path)
            .map_err(|e| EngineError::io(format!("resolving `{}`", path.display()), e))?;
        let device = lsblk(Some(&real))?.into_iter().next();
        let device = device
            .ok_or_else(|| EngineError::Refused(format!("`{}` is no disk", path.display())))?;
        if device.kind == "part" {
            let message = format!("`{}` is a partition; name the whole disk", path.display());
            return Err(EngineError::Refused(message));
        }
        return block_disk(device, links);
    }
    match (disk.create, fs::metadata(path)) {
        (Some(size), Err(e)) if e.kind() == std::io::ErrorKind::NotFound => {
            check_parent(path)?;
            if real_path(path).starts_with("/dev") {
                let message = format!("no disk image is made below `/dev`: `{}`", path.display());
                return Err(EngineError::Refused(message));
            }
            Ok(empty_image(path, size))
        }
        (create, Ok(metadata)) if metadata.is_file() => {
            if create.is_some_and(|size| size != metadata.len()) {
                let size = human(metadata.len());
                let message = format!("`{}` exists already and has {size}", path.display());
                return Err(EngineError::Refused(message));
            }
            image_disk(path, metadata.len())
        }
        (_, Ok(_)) => Err(EngineError::Refused(format!(
            "`{}` is neither a block device nor a file",
            path.display()
        ))),
        (_, Err(e)) => Err(EngineError::io(
            format!("opening the disk `{}`", path.display()),
            e,
        )),
    }
}

fn check_parent(path: &Path) -> Result<(), EngineError> {
    let parent = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let context = || format!("looking at the directory `{}`", parent.display());
    fs::metadata(parent)
        .map(drop)
        .map_err(|e| EngineError::io(context(), e))
}

fn is_block_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_block_device())
}

fn block_disk(device: Device, links: &[(PathBuf, PathBuf)]) -> Result<Disk, EngineError> {
    let names = links
        .iter()
        .filter(|(_, real)| real == Path::new(&device.path));
    let mut disk = Disk {
        in_use: user_of(&device),
        source: is_source(&device),
        links: names
            .map(|(link, _)| link.to_string_lossy().into_owned())
            .collect(),
        image_file: false,
        size_bytes: device.size,
        sector_bytes: device.log_sec,
        model: device.model.map(|model| model.trim().to_owned()),
        serial: device.serial,
        transport: device.tran,
        removable: device.rm,
        read_only: device.ro,
        ..empty_image(Path::new(&device.path), device.size)
    };
    read_content(&mut disk)?;
    disk.source |= has_kickstarts(&disk);
    Ok(disk)
}

/// Whether a volume for kickstarts and drivers is on the disk (Anaconda, `ignore_oemdrv_disks`).
fn has_kickstarts(disk: &Disk) -> bool {
    let labels = disk.partitions.iter().map(|partition| &partition.label);
    labels
        .chain([&disk.label])
        .any(|label| label.as_deref() == Some("OEMDRV"))
}

/// The first mount point or holder on the disk or anything below it.
fn user_of(device: &Device) -> Option<String> {
    let mounted = device.mountpoints.iter().flatten().next();
    let use_of = |at: &String| {
        if at == "[SWAP]" {
            format!("`{}` is in use as swap", device.path)
        } else {
            format!("`{}` is mounted at `{at}`", device.path)
        }
    };
    mounted
        .map(use_of)
        .or_else(|| {
            let holder = device.children.iter().find(|child| child.kind != "part");
            holder.map(|child| format!("`{}` is on it", child.path))
        })
        .or_else(|| device.children.iter().find_map(user_of))
}

/// Whether the medium that this machine was started from is on the device.
fn is_source(device: &Device) -> bool {
    let mut mounted = device.mountpoints.iter().flatten();
    mounted.any(|at| at == MEDIUM) || device.children.iter().any(is_source)
}

fn empty_image(path: &Path, size: u64) -> Disk {
    Disk {
        device: path.to_string_lossy().into_owned(),
        image_file: true,
        links: Vec::new(),
        size_bytes: size,
        sector_bytes: 512,
        model: None,
        serial: None,
        transport: None,
        removable: false,
        read_only: false,
        in_use: None,
        source: false,
        table: None,
        table_entries: None,
        fs: None,
        label: None,
        fs_uuid: None,
        partitions: Vec::new(),
    }
}

fn image_disk(path: &Path, size: u64) -> Result<Disk, EngineError> {
    let mut disk = empty_image(path, size);
    disk.read_only = rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err();
    disk.in_use = used_by_loop(path)?;
    read_content(&mut disk)?;
    Ok(disk)
}

/// The loop device that stands for the file. The kernel frees one a moment after its last user is gone, as after an
/// installation that was ended just now.
fn used_by_loop(path: &Path) -> Result<Option<String>, EngineError> {
    let deadline = Instant::now() + Duration::from_secs(3);
    loop {
        let loops = Tool::Losetup
            .with(["--associated".as_ref(), path.as_os_str()])
            .output()?;
        let name = loops.split(':').next().filter(|name| !name.is_empty());
        if name.is_none() || Instant::now() > deadline {
            return Ok(name.map(str::to_owned));
        }
        sleep(Duration::from_millis(50));
    }
}

/// Links below `/dev/disk` with what they point to, sorted.
fn links() -> Vec<(PathBuf, PathBuf)> {
    let mut found: Vec<(PathBuf, PathBuf)> = ["/dev/disk/by-id", "/dev/disk/by-path"]
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.path(), fs::canonicalize(entry.path()).ok()?)))
        .collect();
    found.sort();
    found
}

#[derive(Debug, Deserialize)]
struct Sfdisk {
    partitiontable: Table,
}

#[derive(Debug, Deserialize)]
struct Table {
    label: String,
    sectorsize: Option<u64>,
    /// A number in quotes.
    #[serde(rename = "table-length")]
    length: Option<String>,
    #[serde(default)]
    partitions: Vec<TablePartition>,
}

#[derive(Debug, Deserialize)]
struct TablePartition {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
    /// A GUID; on an MBR, what `sfdisk` makes of disk and number.
    uuid: Option<String>,
    name: Option<String>,
    #[serde(default)]
    bootable: bool,
}

/// Fills in the partition table and what each partition holds.
fn read_content(disk: &mut Disk) -> Result<(), EngineError> {
    let whole = blkid(&disk.device, None)?;
    disk.table = whole.get("PTTYPE").map(str::to_owned);
    if disk.table.is_none() {
        disk.fs = whole.get("TYPE").map(str::to_owned);
        disk.label = whole.get("LABEL").map(str::to_owned);
        disk.fs_uuid = whole.get("UUID").map(str::to_owned);
        return Ok(());
    }
    let run = Tool::Sfdisk.with(["--json", &disk.device]);
    let context = format!("reading the output of `{}`", run.line());
    let table: Sfdisk =
        serde_json::from_str(&run.output()?).map_err(|e| EngineError::io(context, e.into()))?;
    let table = table.partitiontable;
    disk.table = Some(table.label);
    disk.table_entries = table.length.and_then(|length| length.parse().ok());
    let sector = table.sectorsize.unwrap_or(512);
    for partition in table.partitions {
        let number = number_of(&partition.node, &disk.device);
        disk.partitions
            .push(read_partition(&disk.device, number, partition, sector)?);
    }
    if disk.in_use.is_none() {
        for partition in &mut disk.partitions {
            partition.min_bytes = least_size(&disk.device, partition)?;
        }
    }
    disk.partitions
        .sort_by_key(|partition| partition.start_bytes);
    Ok(())
}

/// The number at the end of a partition's node name.
fn number_of(node: &str, device: &str) -> u32 {
    let rest = node.strip_prefix(device).unwrap_or(node);
    let digits = rest
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(rest, |at| &rest[at + 1..]);
    digits.parse().unwrap_or(0)
}

fn read_partition(
    device: &str,
    number: u32,
    partition: TablePartition,
    sector: u64,
) -> Result<Partition, EngineError> {
    let (start_bytes, size_bytes) = (partition.start * sector, partition.size * sector);
    let content = blkid(device, Some((start_bytes, size_bytes)))?;
    Ok(Partition {
        number,
        start_bytes,
        size_bytes,
        kind: partition.kind.to_ascii_lowercase(),
        uuid: partition.uuid.and_then(|uuid| uuid.parse().ok()),
        name: partition.name,
        fs: content.get("TYPE").map(str::to_owned),
        label: content.get("LABEL").map(str::to_owned),
        fs_uuid: content.get("UUID").map(str::to_owned),
        active: partition.bootable,
        min_bytes: None,
    })
}

/// What `resize2fs` says about a file system of the ext family; none if it cannot say, or is not there.
fn least_size(device: &str, partition: &Partition) -> Result<Option<u64>, EngineError> {
    let is_ext = matches!(partition.fs.as_deref(), Some("ext2" | "ext3" | "ext4"));
    if !is_ext || !Tool::Resize2fs.is_present() {
        return Ok(None);
    }
    let at = format!("{device}?offset={}", partition.start_bytes);
    let header = Tool::Dumpe2fs.with(["-h", &at]).tolerate(&[1]).output()?;
    let estimate = Tool::Resize2fs.with(["-P", &at]).tolerate(&[1]).output()?;
    let field = |text: &str, name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().parse::<u64>().ok()
    };
    let blocks = field(&estimate, "Estimated minimum size of the filesystem");
    let size = field(&header, "Block size");
    Ok(blocks
        .zip(size)
        .and_then(|(blocks, size)| blocks.checked_mul(size)))
}

/// What `blkid` found, as `KEY=value` lines.
struct Content(String);

impl Content {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }
}

/// Probes the device's own bytes, not a cache; status 2 says that nothing was found.
fn blkid(device: &str, part: Option<(u64, u64)>) -> Result<Content, EngineError> {
    let mut args = vec![
        "--probe".to_owned(),
        "--output".to_owned(),
        "export".to_owned(),
    ];
    if let Some((start, size)) = part {
        args.extend([
            "--offset".to_owned(),
            start.to_string(),
            "--size".to_owned(),
            size.to_string(),
        ]);
    }
    args.push(device.to_owned());
    Tool::Blkid.with(args).tolerate(&[2]).output().map(Content)
}
