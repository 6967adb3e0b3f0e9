// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Partitions on several disks, on an MBR, kept, resized and taken over by `mount`: what is on the disks afterwards.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use landfall_harness::disk::{self, Loop, Mounted, Partition};
use landfall_harness::tool::{self, tool};

use super::{Scratch, TARGET, deployment, install, is_startable, partition, run, seed_kickstart};

pub(super) const MIB: u64 = 1 << 20;

/// A disk image with the table that a script for `sfdisk` makes.
pub(super) fn disk(scratch: &Scratch, name: &str, mib: u64, script: &str) -> PathBuf {
    let path = scratch.path(name);
    File::create(&path).unwrap().set_len(mib * MIB).unwrap();
    tool::feed(tool("sfdisk").unwrap().arg("--quiet").arg(&path), script).unwrap();
    path
}

fn numbered(disk: &Path, number: u32) -> Partition {
    let table = disk::table(disk).unwrap();
    let found = table.partitions.iter().find(|p| p.number == number);
    found
        .unwrap_or_else(|| panic!("no partition {number}: {table:#?}"))
        .clone()
}

/// Makes a file system on a partition, with files in it.
pub(super) fn fill(scratch: &Scratch, disk: &Path, partition: &Partition, mkfs: &[&str]) {
    let mut losetup = tool("losetup").unwrap();
    losetup.args(["--find", "--show"]);
    losetup.args(["--offset", &partition.start.to_string()]);
    losetup.args(["--sizelimit", &partition.size.to_string()]);
    let node = tool::run(losetup.arg(disk)).unwrap();
    let node = node.trim();
    let mut making = tool(mkfs[0]).unwrap();
    tool::run(making.args(&mkfs[1..]).arg(node)).unwrap();
    let at = scratch.path("filling");
    fs::create_dir_all(&at).unwrap();
    tool::run(tool("mount").unwrap().arg(node).arg(&at)).unwrap();
    for index in 0..40u32 {
        fs::write(at.join(format!("file {index}")), content(index)).unwrap();
    }
    tool::run(tool("umount").unwrap().arg(&at)).unwrap();
    tool::run(tool("losetup").unwrap().args(["--detach", node])).unwrap();
}

/// Another content for each file, together some MiB.
fn content(index: u32) -> Vec<u8> {
    let bytes = index.to_le_bytes().repeat(40_000);
    bytes[..bytes.len() - index as usize].to_vec()
}

#[track_caller]
pub(super) fn assert_filled(disk: &Path, partition: &Partition) {
    let mounted = Mounted::of(disk, partition).unwrap();
    for index in 0..40u32 {
        let found = fs::read(mounted.path().join(format!("file {index}"))).unwrap();
        assert!(found == content(index), "`file {index}` has changed");
    }
}

/// Bytes of the mounted file system of a partition, used and free.
pub(super) fn file_system_bytes(disk: &Path, partition: &Partition) -> u64 {
    let mounted = Mounted::of(disk, partition).unwrap();
    let told = tool::run(
        tool("stat")
            .unwrap()
            .args(["--file-system", "--format=%b %S"])
            .arg(mounted.path()),
    );
    let told = told.unwrap();
    let numbers: Vec<u64> = told
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    numbers[0] * numbers[1]
}

fn fstab(disk: &Path, root: &Partition) -> String {
    let root = Mounted::of(disk, root).unwrap();
    fs::read_to_string(deployment(root.path()).join("etc/fstab")).unwrap()
}

#[track_caller]
fn has_line(fstab: &str, uuid: &str, rest: &str) {
    let wanted = format!("UUID={uuid} {rest}");
    assert!(
        fstab.lines().any(|line| line == wanted),
        "no line `{wanted}` in:\n{fstab}"
    );
}

#[test]
fn a_new_gpt_and_an_mbr_that_stays() {
    let scratch = Scratch::new();
    let first = scratch.path("a.img");
    let second = disk(
        &scratch,
        "b.img",
        4096,
        "label: dos\n\nsize=600MiB, type=83, bootable\nsize=100MiB, type=7\nsize=10MiB, type=83\n",
    );
    let (kept, foreign) = (numbered(&second, 1), numbered(&second, 2));
    fill(&scratch, &second, &kept, &["mkfs.ext4", "-q", "-F"]);
    let id = disk::table(&second).unwrap().id;
    let kickstart = format!(
        "zerombr\nclearpart --list=b.img3\nreqpart --add-boot\npart / --grow --size=3000 --ondisk=a.img\n\
         part /srv --onpart=b.img1 --noformat --fsoptions=nodev\n\
         part swap --size=256 --ondisk=b.img\npart /var --size=1200 --grow --ondisk=b.img\n\
         part /var/log --size=300 --fstype=ext4 --ondisk=b.img\n\
         part /tmp --fstype=tmpfs --size=200\nostreecontainer --url={TARGET}\n"
    );
    let size = format!("{}:8G", first.display());
    let mut command = install(&scratch, &kickstart, &size);
    run(command.arg("--disk").arg(&second)).expect(0);

    let table = disk::table(&second).unwrap();
    assert_eq!((table.label.as_str(), &table.id), ("dos", &id));
    assert_eq!(numbered(&second, 1), kept);
    assert_eq!(numbered(&second, 2), foreign);
    // The third primary one, then a container with the others.
    let kinds: Vec<(u32, &str)> = table
        .partitions
        .iter()
        .map(|p| (p.number, p.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (1, "83"),
            (2, "7"),
            (3, "83"),
            (4, "f"),
            (5, "82"),
            (6, "83")
        ]
    );
    assert_filled(&second, &kept);
    assert_second_disk_is_used(&first, &second, &kept);
    assert!(is_startable(&first));
}

/// `/srv` is the partition that stayed; `/var/log`, swap and `/var` are new beside it.
fn assert_second_disk_is_used(first: &Path, second: &Path, kept: &Partition) {
    let (log, swap, var) = (
        numbered(second, 3),
        numbered(second, 5),
        numbered(second, 6),
    );
    let holds = |partition: &Partition| disk::content(second, partition, "TYPE").unwrap();
    assert_eq!(
        [holds(&log), holds(&swap), holds(&var)],
        ["ext4", "swap", "xfs"]
    );
    let root = partition(first, "root");
    let fstab = fstab(first, &root);
    let uuid = |partition: &Partition| disk::content(second, partition, "UUID").unwrap();
    has_line(&fstab, &uuid(kept), "/var/srv ext4 nodev 0 2");
    has_line(&fstab, &uuid(&log), "/var/log ext4 defaults 0 2");
    has_line(&fstab, &uuid(&var), "/var xfs defaults 0 2");
    has_line(&fstab, &uuid(&swap), "none swap defaults 0 0");
    assert!(
        fstab
            .lines()
            .any(|line| line == "tmpfs /tmp tmpfs size=200m 0 0"),
        "{fstab}"
    );
    let mounted = Mounted::of(second, &var).unwrap();
    assert!(
        mounted.path().join("home").is_dir(),
        "the initial /var is on its partition"
    );
}

/// How a kickstart names the partitions that are resized.
const RESIZED: [&str; 5] = [
    "LABEL=old",
    "disk.img2",
    "disk.img3",
    "disk.img4",
    "disk.img5",
];

/// The partition has the new size, in bytes, and its place, file system and files.
fn assert_resized(path: &Path, before: &Partition, size: u64) {
    let after = partition(path, &before.name);
    let name = &before.name;
    assert_eq!(after.size, size, "{name}");
    assert_eq!(
        (after.start, &after.uuid),
        (before.start, &before.uuid),
        "{name}"
    );
    assert_filled(path, &after);
    // ext4 and XFS keep some of it for themselves.
    let bytes = file_system_bytes(path, &after);
    assert!(bytes <= size && bytes > size * 85 / 100, "{name}: {bytes}");
}

#[test]
fn file_systems_are_resized_and_keep_their_files() {
    let scratch = Scratch::new();
    let path = disk(
        &scratch,
        "disk.img",
        10_240,
        "label: gpt\n\nsize=3000MiB, name=shrinks\nstart=6146048, size=400MiB, name=\"grows\"\n\
         start=7579648, size=400MiB, name=\"grows too\"\nstart=9013248, size=700MiB, name=\"shrinks too\"\n\
         start=11061248, size=300MiB, name=\"grows ext4\"\n",
    );
    let names = ["shrinks", "grows", "grows too", "shrinks too", "grows ext4"];
    let mkfs: [&[&str]; 5] = [
        &["mkfs.ext4", "-q", "-F", "-L", "old"],
        &["mkfs.xfs", "-q"],
        &["mkfs.btrfs", "-q"],
        &["mkfs.btrfs", "-q"],
        &["mkfs.ext4", "-q", "-F"],
    ];
    for (name, mkfs) in names.iter().zip(mkfs) {
        fill(&scratch, &path, &partition(&path, name), mkfs);
    }
    let before = names.map(|name| partition(&path, name));
    let sizes = [1200u64, 600, 600, 400, 450];
    let lines = RESIZED
        .iter()
        .zip(sizes)
        .enumerate()
        .map(|(index, (spec, size))| {
            format!("part /var/lib/{index} --onpart={spec} --noformat --resize --size={size}\n")
        });
    let lines = lines.collect::<Vec<_>>().concat();
    let kickstart = format!(
        "reqpart\n{lines}part /var/lib/new --size=1500\npart / --grow --size=2500\nostreecontainer --url={TARGET}\n"
    );
    let done = run(&mut install(&scratch, &kickstart, path.to_str().unwrap())).expect(0);
    assert!(done.stdout.contains("resize"), "{}", done.stdout);
    for (before, size) in before.iter().zip(sizes) {
        assert_resized(&path, before, size * MIB);
    }
    let checked = Loop::of(&path, &partition(&path, "shrinks")).unwrap();
    tool::run(
        tool("fsck.ext4")
            .unwrap()
            .args(["-f", "-n"])
            .arg(&checked.node),
    )
    .unwrap();
    // What has become free is used.
    assert!(
        disk::table(&path)
            .unwrap()
            .partitions
            .iter()
            .any(|p| p.start < 3000 * MIB && p.start > 1200 * MIB)
    );
    disk::verify(&path).unwrap();
    assert!(is_startable(&path));
}

#[test]
fn mount_takes_over_the_partitions_of_an_earlier_system() {
    let scratch = Scratch::new();
    let path = scratch.path("disk.img");
    let size = format!("{}:8G", path.display());
    let first = seed_kickstart().replace(
        "part / --grow --fstype xfs",
        "part / --size=3000\npart /home --size=500\npart swap --size=100\n",
    );
    run(&mut install(&scratch, &first, &size)).expect(0);
    let before = disk::table(&path).unwrap();
    let home = partition(&path, "home");
    let marked = |at: &Path| at.join("kept");
    let mut losetup = tool("losetup").unwrap();
    losetup.args([
        "--find",
        "--show",
        "--offset",
        &home.start.to_string(),
        "--sizelimit",
        &home.size.to_string(),
    ]);
    let node = tool::run(losetup.arg(&path)).unwrap();
    let at = scratch.path("home");
    fs::create_dir(&at).unwrap();
    tool::run(tool("mount").unwrap().arg(node.trim()).arg(&at)).unwrap();
    fs::write(marked(&at), "here").unwrap();
    tool::run(tool("umount").unwrap().arg(&at)).unwrap();
    tool::run(tool("losetup").unwrap().args(["--detach", node.trim()])).unwrap();

    let swap = partition(&path, "swap");
    let uuid = |name| disk::content(&path, &partition(&path, name), "UUID").unwrap();
    let old_root = uuid("root");
    let kickstart = format!(
        "mount disk.img1 /boot/efi --reformat\nmount disk.img2 /boot --reformat=ext4\n\
         mount UUID={old_root} / --reformat=xfs --mkfsoptions=\"-i size=1024\" --mountoptions=noatime\n\
         mount disk/by-partlabel/home /home --mountoptions=nodev\nmount disk.img{} none\nostreecontainer --url={TARGET}\n",
        swap.number
    );
    run(&mut install(&scratch, &kickstart, path.to_str().unwrap())).expect(0);
    assert_eq!(disk::table(&path).unwrap(), before, "the table has changed");
    assert_ne!(uuid("root"), old_root);
    assert_eq!(
        disk::content(&path, &partition(&path, "boot"), "TYPE").unwrap(),
        "ext4"
    );
    let fstab = fstab(&path, &partition(&path, "root"));
    has_line(&fstab, &uuid("home"), "/var/home xfs nodev 0 2");
    has_line(&fstab, &uuid("swap"), "none swap defaults 0 0");
    let mounted = Mounted::of(&path, &home).unwrap();
    assert_eq!(fs::read_to_string(marked(mounted.path())).unwrap(), "here");
    assert!(is_startable(&path));
}

#[test]
fn a_var_that_stays_keeps_what_is_in_it() {
    let scratch = Scratch::new();
    let path = disk(
        &scratch,
        "disk.img",
        8192,
        "label: gpt\n\nsize=1000MiB, name=old\n",
    );
    let old = partition(&path, "old");
    fill(&scratch, &path, &old, &["mkfs.ext4", "-q", "-F"]);
    let kickstart = format!(
        "reqpart\npart / --grow\npart /var --onpart=disk.img1 --noformat\nostreecontainer --url={TARGET}\n"
    );
    let done = run(&mut install(&scratch, &kickstart, path.to_str().unwrap())).expect(0);
    assert!(done.stderr.contains("LF1027"), "{}", done.stderr);
    assert_filled(&path, &old);
    let mounted = Mounted::of(&path, &old).unwrap();
    assert!(
        mounted.path().join("roothome").is_dir(),
        "the image's /var is added"
    );
}

#[test]
fn a_table_of_four_entries_takes_no_fifth_partition() {
    let scratch = Scratch::new();
    let script = "label: gpt\ntable-length: 4\nsize=600M\nsize=600M\nsize=600M\n";
    let disk = disk(&scratch, "disk.img", 8192, script);
    let kickstart =
        format!("clearpart --none\nreqpart\npart / --grow\nostreecontainer --url={TARGET}\n");
    let ended = run(&mut install(&scratch, &kickstart, disk.to_str().unwrap())).expect(3);
    let message = "would have 5 partitions, but its table holds 4";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
}
