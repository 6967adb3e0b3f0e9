// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a kickstart names disks and partitions: kernel names, links below `/dev/disk`, `LABEL=`, `UUID=`.
//!
//! A spec is one or more of these with `|` between them, which is their union, each with the shell's `*`
//! and `?` in names (Anaconda, `device_matches`). It deliberately does not know what a name is used for.

use std::fmt::Write;

use kickstart_parser::Location;

use super::issue::{Code, Issues};
use crate::inventory::{Disk, Inventory, Partition};

/// Every disk that one of the specs names, each once; a spec that names none is an error.
pub(super) fn find_all<'i>(
    specs: &[String],
    inventory: &'i Inventory,
    (command, at): (&str, &Location),
    issues: &mut Issues,
) -> Vec<&'i Disk> {
    let mut found: Vec<&Disk> = Vec::new();
    for spec in specs {
        let mut seen = false;
        for disk in inventory.disks.iter().filter(|disk| matches(spec, disk)) {
            seen = true;
            if !found.iter().any(|d| d.device == disk.device) {
                found.push(disk);
            }
        }
        if !seen {
            let message = format!("disk `{spec}` given in the `{command}` command does not exist");
            issues.error(Code::DiskMissing, message).at(at);
        }
    }
    found
}

/// Whether a disk spec names the disk.
pub(super) fn matches(spec: &str, disk: &Disk) -> bool {
    let mut names = vec![below_dev(&disk.device), disk.name().to_owned()];
    names.extend(disk.links.iter().map(|link| below_dev(link)));
    names.extend(content_links(
        disk.label.as_deref(),
        disk.fs_uuid.as_deref(),
    ));
    let content = (disk.label.as_deref(), disk.fs_uuid.as_deref());
    names_one(spec, &names, content)
}

/// Whether a spec names a partition of the disk.
pub(super) fn matches_partition(spec: &str, disk: &Disk, partition: &Partition) -> bool {
    let (label, fs_uuid) = (partition.label.as_deref(), partition.fs_uuid.as_deref());
    let number = partition.number;
    let mut names = vec![partition_name(disk, number)];
    let part = |link: &String| format!("{}-part{number}", below_dev(link));
    names.extend(disk.links.iter().map(part));
    names.extend(content_links(label, fs_uuid));
    let in_table = [
        ("partuuid", partition.uuid.map(|uuid| uuid.to_string())),
        ("partlabel", partition.name.clone()),
    ];
    names.extend(
        in_table
            .into_iter()
            .filter_map(|(kind, name)| Some(format!("disk/by-{kind}/{}", encoded(&name?)))),
    );
    names_one(spec, &names, (label, fs_uuid))
}

/// The partitions of these disks that a spec names, by the disk's index.
pub(super) fn find_partitions<'i>(
    spec: &str,
    disks: impl Iterator<Item = &'i Disk>,
) -> Vec<(usize, &'i Partition)> {
    disks
        .enumerate()
        .flat_map(|(index, disk)| {
            let named = move |partition: &&Partition| matches_partition(spec, disk, partition);
            disk.partitions
                .iter()
                .filter(named)
                .map(move |partition| (index, partition))
        })
        .collect()
}

fn below_dev(path: &str) -> String {
    path.trim_start_matches("/dev/").to_owned()
}

/// The links that udev makes by what a device holds.
fn content_links(label: Option<&str>, uuid: Option<&str>) -> Vec<String> {
    let link = |kind, name: &str| format!("disk/by-{kind}/{}", encoded(name));
    label
        .map(|label| link("label", label))
        .into_iter()
        .chain(uuid.map(|uuid| link("uuid", uuid)))
        .collect()
}

/// A name as udev writes it in a link: other characters than these by their bytes (`udev(7)`).
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() || "#+-.:=@_".contains(c) {
            text.push(c);
        } else {
            for byte in c.to_string().bytes() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

fn names_one(spec: &str, names: &[String], (label, uuid): (Option<&str>, Option<&str>)) -> bool {
    spec.split('|').any(|word| {
        if let Some(wanted) = word.strip_prefix("LABEL=") {
            return label == Some(unquoted(wanted));
        }
        if let Some(wanted) = word.strip_prefix("UUID=") {
            return uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(unquoted(wanted)));
        }
        let pattern = word.trim_start_matches("/dev/");
        names.iter().any(|name| glob(pattern, name))
    })
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// Shell pattern with `*` and `?`, which stand for anything but a slash.
fn glob(pattern: &str, name: &str) -> bool {
    pattern.split('/').count() == name.split('/').count()
        && pattern
            .split('/')
            .zip(name.split('/'))
            .all(|(pattern, name)| glob_component(pattern.as_bytes(), name.as_bytes()))
}

/// Goes back to the last `*` only, so that no pattern takes longer than pattern times name.
fn glob_component(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut matched) = (0, 0);
    let mut star = None;
    while matched < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, matched));
            }
            Some(&c) if c == b'?' || c == name[matched] => {
                at += 1;
                matched += 1;
            }
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                star = Some((after, from + 1));
                (at, matched) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|&c| c == b'*')
}

/// The kernel's name of a partition: `vda1`, `nvme0n1p1`.
pub(super) fn partition_name(disk: &Disk, number: u32) -> String {
    let name = disk.name();
    let separator = if name.ends_with(|c: char| c.is_ascii_digit()) {
        "p"
    } else {
        ""
    };
    format!("{name}{separator}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        let json = serde_json::json!({
            "device": "/dev/nvme0n1", "image_file": false, "links": ["/dev/disk/by-id/nvme-X_1"],
            "size_bytes": 1, "sector_bytes": 512, "model": null, "serial": null, "transport": null,
            "removable": false, "read_only": false, "in_use": null, "table": "gpt", "fs": null,
            "partitions": [{"number": 2, "start_bytes": 0, "size_bytes": 1, "type": "83",
                "uuid": "0a1b2c3d-0000-4000-8000-000000000001", "name": "my data",
                "fs": "ext4", "label": "keep me", "fs_uuid": "AB12-CD34"}],
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_partition_has_many_names() {
        let disk = disk();
        for name in [
            "nvme0n1p2",
            "/dev/nvme0n1p2",
            "nvme*p?",
            "sda9|nvme0n1p2",
            "disk/by-id/nvme-X_1-part2",
            "/dev/disk/by-partuuid/0a1b2c3d-0000-4000-8000-000000000001",
            "disk/by-partlabel/my\\x20data",
            "disk/by-label/keep\\x20me",
            "disk/by-uuid/AB12-CD34",
            "LABEL=keep me",
            "LABEL=\"keep me\"",
            "UUID=ab12-cd34",
        ] {
            assert!(
                matches_partition(name, &disk, &disk.partitions[0]),
                "{name}"
            );
            assert_eq!(
                find_partitions(name, [&disk].into_iter()).len(),
                1,
                "{name}"
            );
            assert!(!matches(name, &disk), "{name} is no disk");
        }
        for name in [
            "nvme0n1",
            "nvme0n1p22",
            "LABEL=keep",
            "LABEL=*",
            "by-uuid/AB12-CD34",
            "",
        ] {
            assert!(
                !matches_partition(name, &disk, &disk.partitions[0]),
                "{name}"
            );
        }
    }

    #[test]
    fn names_of_partitions_follow_the_disks() {
        let named = |device: &str| {
            let disk = Disk {
                device: device.to_owned(),
                ..disk()
            };
            partition_name(&disk, 3)
        };
        assert_eq!(named("/dev/sda"), "sda3");
        assert_eq!(named("/dev/mmcblk0"), "mmcblk0p3");
    }
}
