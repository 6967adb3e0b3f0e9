// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Places become partitions: numbers, names, UUIDs, the formatting command.
//!
//! Takes the disks, the places from [`super::allocate`] and the claims on what is there, gives each
//! changed disk before and after. UUIDs are version 5 of the seed and the partition's role, so the same
//! seed and input give the same disk.

use uuid::Uuid;

use super::allocate::{Allocation, Placed};
use super::boot_disk::BIOS_BOOT;
use super::claim::Claim;
use super::filesystem::FileSystem;
use super::request::{Machine, Request};
use super::resize::Resize;
use super::select::Usable;
use super::size::MIB;
use super::table::{Label, PRIMARIES, PartitionType, is_container};
use super::wipe::wipes;
use super::{DiskPlan, Mkfs, Partition, PartitionAction, PartitionBefore};
use crate::inventory;

/// A disk with everything that comes to it.
struct Coming<'p, 'i> {
    index: usize,
    usable: &'p Usable<'i>,
    placed: Vec<Placed>,
    container: Option<(u64, u64)>,
    claims: Vec<&'p Claim<'i>>,
}

/// The disks that change or are used, the boot disk among them; a disk that is neither is left out.
pub(super) fn disk_plans(
    machine: &Machine<'_, '_>,
    allocation: Allocation,
    claims: &[Claim<'_>],
    seed: Uuid,
) -> Vec<DiskPlan> {
    let mut coming: Vec<Coming<'_, '_>> = machine
        .disks
        .iter()
        .enumerate()
        .map(|(index, usable)| Coming {
            index,
            usable,
            placed: Vec::new(),
            container: None,
            claims: claims.iter().filter(|claim| claim.disk == index).collect(),
        })
        .collect();
    for place in allocation.placed {
        coming[place.disk].placed.push(place);
    }
    for made in allocation.containers {
        coming[made.disk].container = Some((made.start * MIB, made.size * MIB));
    }
    coming
        .into_iter()
        .filter(|disk| disk.is_anything() || Some(disk.index) == machine.boot)
        .map(|disk| disk.plan(seed))
        .collect()
}

impl Coming<'_, '_> {
    fn is_anything(&self) -> bool {
        self.usable.relabel
            || !self.placed.is_empty()
            || !self.claims.is_empty()
            || self.usable.kept.len() < self.usable.disk.partitions.len()
    }

    fn plan(mut self, seed: Uuid) -> DiskPlan {
        self.placed.sort_by_key(|place| place.start);
        let (disk, label) = (self.usable.disk, self.usable.label);
        let role = format!("disk {}", self.index);
        let identity = self.usable.relabel.then(|| role_uuid(seed, &role));
        let mut after = self.partitions(seed);
        // A container comes before what lies in it.
        after.sort_by_key(|partition| (partition.start_bytes, !partition.kind.is_container()));
        if label == Label::Mbr {
            mark_active(&mut after);
        }
        DiskPlan {
            device: disk.device.clone(),
            by_id: disk.by_id().map(str::to_owned),
            image_file: disk.image_file,
            size_bytes: disk.size_bytes,
            sector_bytes: disk.sector_bytes,
            label,
            label_uuid: identity.filter(|_| label == Label::Gpt),
            label_id: identity
                .filter(|_| label == Label::Mbr)
                .map(|uuid| uuid.as_fields().0),
            wipes: wipes(self.usable, &after),
            before: before(self.usable),
            after,
        }
    }

    fn partitions(&self, seed: Uuid) -> Vec<Partition> {
        let label = self.usable.label;
        let mut numbers = Numbers::new(self.usable);
        let mut after: Vec<Partition> = Vec::new();
        for kept in &self.usable.kept {
            let claim = self
                .claims
                .iter()
                .find(|claim| claim.is_of(self.index, kept.number));
            let number = numbers.kept(kept);
            after.push(match claim {
                Some(claim) => claimed(claim, number, label, seed),
                None => keep(kept, number),
            });
        }
        for place in &self.placed {
            let number = if place.logical {
                numbers.logical()
            } else {
                numbers.primary()
            };
            after.push(create(place, number, label, seed));
        }
        if let Some((start_bytes, size_bytes)) = self.container {
            let number = numbers.primary();
            after.push(Partition {
                start_bytes,
                size_bytes,
                ..blank(number, PartitionType::EXTENDED, PartitionAction::Create)
            });
        }
        after
    }
}

/// Numbers that are free. Logical partitions of an MBR are numbered along their chain: those that stay keep
/// their order, and new ones come behind them.
struct Numbers {
    taken: Vec<u32>,
    label: Label,
    next_logical: u32,
}

const FIRST_LOGICAL: u32 = 5;

impl Numbers {
    fn new(usable: &Usable<'_>) -> Self {
        Self {
            taken: usable.kept.iter().map(|kept| kept.number).collect(),
            label: usable.label,
            next_logical: FIRST_LOGICAL,
        }
    }

    fn kept(&mut self, kept: &inventory::Partition) -> u32 {
        if !super::table::is_logical(self.label, kept) {
            return kept.number;
        }
        self.next_logical += 1;
        let before = self
            .taken
            .iter()
            .filter(|&&number| number as usize > PRIMARIES && number < kept.number);
        FIRST_LOGICAL + u32::try_from(before.count()).unwrap_or(0)
    }

    fn logical(&mut self) -> u32 {
        let number = self.next_logical;
        self.next_logical += 1;
        number
    }

    fn primary(&mut self) -> u32 {
        let mut free = 1;
        while self.taken.contains(&free) {
            free += 1;
        }
        self.taken.push(free);
        free
    }
}

/// An MBR marks the partition with the kernels, unless it has a mark already (Anaconda,
/// `storage/installation.py`).
fn mark_active(after: &mut [Partition]) {
    let at = |mount: &str| {
        let is_here = |p: &Partition| p.used && p.mount.as_deref() == Some(mount);
        after.iter().position(is_here)
    };
    let kernels = at("/boot").or_else(|| at("/"));
    let is_primary = |p: &Partition| p.number as usize <= PRIMARIES;
    let Some(index) = kernels.filter(|&index| is_primary(&after[index])) else {
        return;
    };
    if !after.iter().any(|p| p.active && is_primary(p)) {
        after[index].active = true;
    }
}

fn before(usable: &Usable<'_>) -> Vec<PartitionBefore> {
    let fate = |number| {
        if usable.keeps(number) {
            PartitionAction::Keep
        } else {
            PartitionAction::Delete
        }
    };
    usable
        .disk
        .partitions
        .iter()
        .map(|partition| PartitionBefore {
            partition: partition.clone(),
            action: fate(partition.number),
        })
        .collect()
}

/// A partition without content.
fn blank(number: u32, kind: PartitionType, action: PartitionAction) -> Partition {
    Partition {
        number,
        start_bytes: 0,
        size_bytes: 0,
        kind,
        uuid: None,
        name: String::new(),
        no_auto: false,
        active: false,
        used: true,
        fs: None,
        fs_uuid: None,
        fs_label: None,
        features: Vec::new(),
        mkfs: None,
        resize: None,
        mount: None,
        mount_options: None,
        action,
    }
}

fn keep(kept: &inventory::Partition, number: u32) -> Partition {
    let kind = PartitionType::of(kept);
    Partition {
        start_bytes: kept.start_bytes,
        size_bytes: kept.size_bytes,
        uuid: kept.uuid,
        name: kept.name.clone().unwrap_or_default(),
        active: kept.active,
        used: is_container(kept) || kind == PartitionType::Guid(BIOS_BOOT),
        fs: kept.fs.as_deref().and_then(FileSystem::from_name),
        fs_uuid: kept.fs_uuid.clone(),
        fs_label: kept.label.clone(),
        ..blank(number, kind, PartitionAction::Keep)
    }
}

/// A partition that is there and is used: with its content, or formatted.
fn claimed(claim: &Claim<'_>, number: u32, label: Label, seed: Uuid) -> Partition {
    let request = &claim.request;
    let kept = Partition {
        size_bytes: claim.size_bytes,
        used: claim.used,
        resize: Resize::of(claim),
        mount: request.mount.clone().filter(|_| claim.used),
        mount_options: request.options.clone(),
        ..keep(claim.partition, number)
    };
    let no_auto = kept.no_auto || (label == Label::Gpt && is_mounted_by_type(request));
    if !claim.format {
        return Partition { no_auto, ..kept };
    }
    let role = request.mount.clone().unwrap_or_else(|| {
        format!(
            "{} {} at {}",
            request.fs.name(),
            claim.disk,
            kept.start_bytes
        )
    });
    Partition {
        kind: type_of(request, label),
        no_auto,
        action: PartitionAction::Format,
        ..with_file_system(kept, make(request, &role, seed))
    }
}

fn create(place: &Placed, number: u32, label: Label, seed: Uuid) -> Partition {
    let request = &place.request;
    let role = request
        .mount
        .clone()
        .unwrap_or_else(|| format!("{} {} {}", request.fs.name(), place.disk, place.start));
    let gpt = label == Label::Gpt;
    Partition {
        start_bytes: place.start * MIB,
        size_bytes: place.size * MIB,
        uuid: gpt.then(|| role_uuid(seed, &format!("partition {role}"))),
        name: if gpt { request.name } else { "" }.to_owned(),
        no_auto: gpt && is_mounted_by_type(request),
        used: request.mount.is_some() || !request.fs.is_mounted(),
        mount: request.mount.clone(),
        mount_options: request.options.clone(),
        ..with_file_system(
            blank(number, type_of(request, label), PartitionAction::Create),
            make(request, &role, seed),
        )
    }
}

/// A file system that is made.
struct Made {
    fs: Option<FileSystem>,
    fs_uuid: Option<String>,
    fs_label: Option<String>,
    features: Vec<String>,
    mkfs: Option<Mkfs>,
}

fn with_file_system(partition: Partition, made: Made) -> Partition {
    Partition {
        fs: made.fs,
        fs_uuid: made.fs_uuid,
        fs_label: made.fs_label,
        features: made.features,
        mkfs: made.mkfs,
        ..partition
    }
}

fn make(request: &Request, role: &str, seed: Uuid) -> Made {
    let fs = request.fs;
    let fs_uuid = file_system_uuid(fs, role_uuid(seed, &format!("file system {role}")));
    let mkfs = fs.mkfs(&fs_uuid, request.label.as_deref());
    Made {
        fs: Some(fs),
        fs_uuid: mkfs.is_some().then_some(fs_uuid),
        fs_label: request.label.clone(),
        features: fs.features(),
        mkfs: mkfs.map(|mkfs| mkfs.with(&request.making)),
    }
}

fn role_uuid(seed: Uuid, role: &str) -> Uuid {
    Uuid::new_v5(&seed, role.as_bytes())
}

/// What the table says that the partition is for; an MBR knows few kinds.
fn type_of(request: &Request, label: Label) -> PartitionType {
    match (label, request.fs) {
        (Label::Gpt, _) => PartitionType::Guid(request.kind),
        (Label::Mbr, FileSystem::Swap) => PartitionType::Byte(0x82),
        (Label::Mbr, FileSystem::Vfat) if request.mount.as_deref() == Some("/boot/efi") => {
            PartitionType::Byte(0xef)
        }
        (Label::Mbr, FileSystem::Vfat) => PartitionType::Byte(0x0c),
        (Label::Mbr, _) => PartitionType::Byte(0x83),
    }
}

/// systemd mounts partitions of these types by itself, at paths that are symbolic links in an
/// ostree system (`/home`), or others than the kickstart's (`/var/tmp` for a `/tmp`).
fn is_mounted_by_type(request: &Request) -> bool {
    let mount = request.mount.as_deref();
    mount.is_some_and(|mount| matches!(mount, "/home" | "/srv" | "/var" | "/tmp"))
}

/// FAT has a 32-bit serial in place of a UUID.
fn file_system_uuid(fs: FileSystem, uuid: Uuid) -> String {
    if fs != FileSystem::Vfat {
        return uuid.to_string();
    }
    let [a, b, c, d, ..] = *uuid.as_bytes();
    format!("{a:02X}{b:02X}-{c:02X}{d:02X}")
}
