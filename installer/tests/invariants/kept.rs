// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What goes and what stays.

use landfall_installer::inventory::Partition as Old;
use landfall_installer::plan::{FileSystem, Partition, PartitionAction, Wipe};

use super::recipe::Take;
use super::{MIB, for_every_plan, is_container, is_logical, on};

#[test]
fn only_what_the_kickstart_names_is_touched() {
    for_every_plan(|recipe, inventory, plan| {
        for disk_plan in &plan.disks {
            let disk = on(inventory, disk_plan);
            assert!(recipe.may_use(disk) && disk.in_use.is_none());
            let relabels = recipe.relabels(disk);
            let is_new = disk_plan.label_uuid.is_some() || disk_plan.label_id.is_some();
            assert_eq!(is_new, relabels, "{disk_plan:#?}");
            assert_eq!(Some(disk_plan.label), recipe.label(disk));
            assert_eq!(disk_plan.before.len(), disk.partitions.len());
            for (before, old) in disk_plan.before.iter().zip(&disk.partitions) {
                assert_eq!(&before.partition, old);
                let goes = relabels || recipe.removes(disk, old);
                assert_eq!(before.action == PartitionAction::Delete, goes, "{old:?}");
            }
        }
    });
}

#[test]
fn disks_that_are_cleared_are_in_the_plan() {
    for_every_plan(|recipe, inventory, plan| {
        for disk in inventory.disks.iter().filter(|disk| recipe.may_use(disk)) {
            let removed = disk.partitions.iter().any(|old| recipe.removes(disk, old));
            // A disk without a table cannot be used, so it stays as it is.
            if removed && recipe.label(disk).is_some() {
                assert!(
                    plan.disks.iter().any(|p| p.device == disk.device),
                    "{disk:?}"
                );
            }
        }
    });
}

#[test]
fn what_is_kept_stays_as_it_is() {
    for_every_plan(|recipe, inventory, plan| {
        for disk_plan in &plan.disks {
            let disk = on(inventory, disk_plan);
            let kept: Vec<&Old> = disk_plan
                .before
                .iter()
                .filter(|before| before.action == PartitionAction::Keep)
                .map(|before| &before.partition)
                .collect();
            let new = |p: &&Partition| p.action == PartitionAction::Create;
            let after: Vec<&Partition> = disk_plan.after.iter().filter(|p| !new(p)).collect();
            assert_eq!(kept.len(), after.len());
            for (old, new) in kept.iter().zip(after) {
                let before = |other: &&&Old| other.number > 4 && other.number < old.number;
                let number = if is_logical(disk_plan.label, old.number) {
                    5 + u32::try_from(kept.iter().filter(before).count()).unwrap()
                } else {
                    old.number
                };
                assert_eq!(number, new.number);
                assert!(disk.partitions.contains(old));
                match recipe.take(disk, old.number) {
                    Some(take) => assert_taken(take, old, new),
                    None => assert_same(old, new),
                }
            }
        }
    });
}

#[test]
fn no_wiped_byte_lies_in_what_is_kept_or_beyond_the_disk() {
    for_every_plan(|_, _, plan| {
        for disk in &plan.disks {
            for wipe in &disk.wipes {
                let end = wipe.start_bytes + wipe.size_bytes;
                assert!(end <= disk.size_bytes && wipe.size_bytes <= MIB, "{wipe:?}");
                let stays =
                    |p: &&Partition| p.action == PartitionAction::Keep && !p.kind.is_container();
                for kept in disk.after.iter().filter(stays) {
                    let kept_end = kept.start_bytes + kept.size_bytes;
                    assert!(
                        end <= kept.start_bytes || kept_end <= wipe.start_bytes,
                        "{wipe:?} {kept:?}"
                    );
                }
            }
            for new in disk
                .after
                .iter()
                .filter(|p| p.action != PartitionAction::Keep && !p.kind.is_container())
            {
                let head = |w: &&Wipe| w.start_bytes == new.start_bytes;
                assert!(
                    disk.wipes.iter().any(|w| head(&w)),
                    "{new:?} keeps its old head"
                );
            }
        }
    });
}

fn assert_same(old: &Old, new: &Partition) {
    assert_eq!(old.size_bytes, new.size_bytes);
    assert_identity(old, new);
    assert_eq!(new.action, PartitionAction::Keep);
    assert_content(old, new);
    assert!(new.mount.is_none() && new.resize.is_none());
}

fn assert_identity(old: &Old, new: &Partition) {
    assert_eq!((old.start_bytes, old.uuid), (new.start_bytes, new.uuid));
    assert_eq!(old.name.as_deref().unwrap_or(""), new.name);
}

fn assert_content(old: &Old, new: &Partition) {
    let kind = match old.uuid {
        Some(_) => old.kind.clone(),
        None => format!("0x{:0>2}", old.kind),
    };
    assert_eq!(kind, new.kind.to_string());
    assert_eq!((&old.fs_uuid, &old.label), (&new.fs_uuid, &new.fs_label));
    assert_eq!(new.fs, old.fs.as_deref().and_then(FileSystem::from_name));
    assert!(new.mkfs.is_none() && new.features.is_empty());
}

fn assert_taken(take: &Take, old: &Old, new: &Partition) {
    let size = take.resize.map_or(old.size_bytes, |size| size * MIB);
    assert_eq!(size, new.size_bytes);
    assert_identity(old, new);
    assert_eq!(new.mount.as_deref(), Some(take.mount));
    let resize = new.resize.as_ref();
    assert_eq!(resize.is_some(), size != old.size_bytes);
    if take.keep {
        assert_eq!(new.action, PartitionAction::Keep);
        assert_content(old, new);
        assert!(size >= old.min_bytes.unwrap(), "{new:?}");
        assert!(resize.is_none_or(|resize| !resize.commands.is_empty()));
    } else {
        assert_eq!(new.action, PartitionAction::Format);
        assert_ne!(old.fs_uuid, new.fs_uuid);
        assert!(new.mkfs.is_some() && resize.is_none_or(|resize| resize.commands.is_empty()));
    }
}

#[test]
fn destroys_lists_exactly_what_goes() {
    for_every_plan(|recipe, inventory, plan| {
        let mut expected = Vec::new();
        for disk in inventory.disks.iter().filter(|disk| recipe.may_use(disk)) {
            let relabels = recipe.relabels(disk);
            if recipe.label(disk).is_none() {
                continue;
            }
            if let (Some(fs), true) = (&disk.fs, relabels) {
                expected.push(format!("{}: {fs} on the whole disk, ", disk.device));
            }
            for old in disk
                .partitions
                .iter()
                .filter(|old| recipe.removes(disk, old) && !is_container(old))
            {
                let fs = old.fs.as_deref().unwrap_or("unknown content");
                let (name, label) = (disk.name(), old.label.as_ref().unwrap());
                expected.push(format!("{name}{}: {fs} `{label}`, ", old.number));
            }
            for take in recipe.takes.iter().filter(|take| !take.keep) {
                let is_of = |old: &&Old| take.name == format!("{}{}", disk.name(), old.number);
                if let Some(old) = disk.partitions.iter().find(is_of) {
                    let label = old.label.as_ref().unwrap();
                    expected.push(format!("{}: ext4 `{label}`, ", take.name));
                }
            }
        }
        assert_eq!(plan.destroys.len(), expected.len(), "{:#?}", plan.destroys);
        for (line, start) in plan.destroys.iter().zip(expected) {
            assert!(line.starts_with(&start), "`{line}` is not about `{start}`");
        }
    });
}
