// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A partition that stays: its entry in the table and every byte of it, with neighbours that go.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use landfall_harness::disk::{self, Partition};
use landfall_harness::tool::{self, tool};

use super::{Scratch, TARGET, install, is_startable, partition, run};

/// One that ends where the kept one begins and is smaller than what is wiped of a partition, the one that is kept,
/// and one with a file system behind it.
const TABLE: &str = r#"label: gpt
first-lba: 34

start=34, size=2014, type=A19D880F-05FC-4D3B-A006-743F0F84911E, name="old"
start=2048, size=131072, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="keepme"
start=133120, size=1048576, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="old data"
"#;

const DISK_BYTES: u64 = 9 << 30;
const CHUNK: usize = 64 << 10;

fn chunks(partition: &Partition) -> impl Iterator<Item = (u64, Vec<u8>)> + use<> {
    let start = partition.start;
    (0..partition.size / CHUNK as u64).map(move |index| {
        // Never 0, and another for each chunk and its neighbours.
        let byte = u8::try_from(1 + index % 255).unwrap();
        (start + index * CHUNK as u64, vec![byte; CHUNK])
    })
}

fn fill(disk: &Path, partition: &Partition) {
    let file = OpenOptions::new().write(true).open(disk).unwrap();
    for (offset, bytes) in chunks(partition) {
        file.write_all_at(&bytes, offset).unwrap();
    }
}

/// The first place where the partition no longer has what it was filled with.
fn first_change(disk: &Path, partition: &Partition) -> Option<u64> {
    let file = File::open(disk).unwrap();
    let mut found = vec![0; CHUNK];
    chunks(partition).find_map(|(offset, bytes)| {
        file.read_exact_at(&mut found, offset).unwrap();
        let at = found.iter().zip(&bytes).position(|(a, b)| a != b)?;
        Some(offset + at as u64)
    })
}

fn make_disk(scratch: &Scratch) -> PathBuf {
    let disk = scratch.path("disk.img");
    File::create(&disk).unwrap().set_len(DISK_BYTES).unwrap();
    tool::feed(tool("sfdisk").unwrap().arg("--quiet").arg(&disk), TABLE).unwrap();
    fill(&disk, &partition(&disk, "keepme"));
    let data = partition(&disk, "old data");
    let offset = format!("offset={}", data.start);
    let mut mkfs = tool("mkfs.ext4").unwrap();
    mkfs.args(["-q", "-F", "-E", &offset]).arg(&disk);
    tool::run(mkfs.arg(format!("{}K", data.size / 1024))).unwrap();
    assert_eq!(disk::content(&disk, &data, "TYPE").unwrap(), "ext4");
    disk
}

/// The plan says of each partition that was there what becomes of it.
#[track_caller]
fn says(plan: &str, name: &str, action: &str) {
    let name = format!("  {name}  ");
    let rows: Vec<&str> = plan.lines().filter(|line| line.contains(&name)).collect();
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row.ends_with(&format!(" {action}"))),
        "`{name}` is not `{action}`:\n{plan}"
    );
}

#[test]
fn a_partition_that_is_not_cleared_keeps_its_entry_and_every_byte() {
    let scratch = Scratch::new();
    let disk = make_disk(&scratch);
    let before = disk::table(&disk).unwrap();
    let kept = partition(&disk, "keepme");
    assert_eq!(first_change(&disk, &kept), None, "the test's own filling");
    let kickstart = format!(
        "clearpart --linux\nreqpart --add-boot\npart / --grow --fstype=xfs\nostreecontainer --url={TARGET}\n"
    );
    let done = run(&mut install(&scratch, &kickstart, disk.to_str().unwrap())).expect(0);
    for (name, action) in [
        ("old", "DELETE"),
        ("old data", "DELETE"),
        ("keepme", "keep"),
    ] {
        says(&done.stdout, name, action);
    }
    let after = disk::table(&disk).unwrap();
    assert_eq!(after.id, before.id, "the table was made anew");
    assert_eq!(partition(&disk, "keepme"), kept);
    assert_eq!(
        first_change(&disk, &kept),
        None,
        "a byte of it changed here"
    );
    let mut names: Vec<&str> = after.partitions.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [super::ESP, "boot", "keepme", "root"]);
    disk::verify(&disk).unwrap();
    assert!(is_startable(&disk));
}
