// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts and inventories that nobody writes on purpose, and what was found with them.

use landfall_installer::inventory::{Disk, Partition as Old};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;

use super::world::{blank, inventory, worlds};
use super::{BASIC, CASES, ESP, LINUX, LVM, MIB, created, planned};

const WORDS: &[&str] = &[
    "part",
    "partition",
    "clearpart",
    "reqpart",
    "zerombr",
    "ignoredisk",
    "bootloader",
    "network",
    "ostreecontainer --url=x",
    "bootc --source-imgref=",
    "--all",
    "--linux",
    "--list=",
    "--drives=",
    "--only-use=",
    "--initlabel",
    "--disklabel=gpt",
    "--add-boot",
    "--size=",
    "--grow",
    "--maxsize=",
    "--ondisk=",
    "--fstype=",
    "--label=",
    "--fsoptions=",
    "--onpart=",
    "--noformat",
    "--resize",
    "--disklabel=msdos",
    "autopart --type=plain",
    "mount",
    "None",
    "/",
    "/boot",
    "/boot/efi",
    "/var",
    "//",
    "/..",
    "swap",
    "pv.1",
    "sda",
    "sda1",
    "sdb",
    "*",
    "?|*a",
    "-1",
    "0",
    "1",
    "500",
    "17592186044415",
    "9223372036854775807",
    "xfs",
    "ext4",
    "vfat",
    "\"",
    "'",
    "\\",
    "ä",
    "=",
    ",",
    "%post",
    "%end",
    "reboot",
];

/// A word of storage commands, or something that looks like one.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => select(WORDS.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn any_text() -> impl Strategy<Value = String> {
    let joined = (word(), select(vec!["", " ", " ", " ", "\n"])).prop_map(|(word, by)| word + by);
    prop::collection::vec(joined, 0..60).prop_map(|words| words.concat())
}

/// Numbers as a broken or hostile inventory file may have them.
fn any_disks() -> impl Strategy<Value = Vec<Disk>> {
    let number = || prop_oneof![any::<u64>(), 0u64..4096, u64::MAX - 4096..=u64::MAX];
    let old = (
        number(),
        number(),
        select(vec![ESP, LINUX, LVM, "83", "f", ""]),
        prop_oneof![any::<u32>(), 1u32..9],
    );
    let old = old.prop_map(|(start_bytes, size_bytes, kind, number)| Old {
        number,
        start_bytes,
        size_bytes,
        kind: kind.to_owned(),
        uuid: None,
        name: None,
        fs: None,
        label: None,
        fs_uuid: None,
        active: false,
        min_bytes: None,
    });
    let table = select(vec![Some("gpt"), Some("dos"), None]);
    let disk = (number(), table, prop::collection::vec(old, 0..4));
    let disk = disk.prop_map(|(size_bytes, table, partitions)| Disk {
        size_bytes,
        partitions,
        table: table.map(str::to_owned),
        ..blank("sda")
    });
    prop::collection::vec(disk, 0..3)
}

proptest! {
    #![proptest_config(Config { cases: CASES, failure_persistence: None, ..Config::default() })]

    #[test]
    fn planning_never_panics(text in any_text(), disks in any_disks(), (recipe, _) in worlds()) {
        let inventory = inventory(disks);
        let _ = planned(&text, &inventory);
        let _ = planned(&(recipe.text() + &text), &inventory);
        let _ = planned(&recipe.text(), &inventory);
    }
}

/// A table in which one partition lies within another, as some hybrid media have it.
#[test]
fn nested_partitions_are_not_written_over() {
    let old = |number, start: u64, size: u64| Old {
        number,
        start_bytes: start * MIB,
        size_bytes: size * MIB,
        kind: BASIC.to_owned(),
        uuid: None,
        name: None,
        fs: None,
        label: None,
        fs_uuid: None,
        active: false,
        min_bytes: None,
    };
    let disk = Disk {
        size_bytes: 8192 * MIB,
        table: Some("gpt".to_owned()),
        partitions: vec![old(1, 1, 4000), old(2, 100, 200)],
        ..blank("sda")
    };
    let text = "ostreecontainer --url=x/y:1\nreqpart\npart / --grow\n";
    let plan = planned(text, &inventory(vec![disk])).unwrap();
    assert!(created(&plan.disks[0]).all(|p| p.start_bytes >= 4001 * MIB));
}

/// A pattern with many stars once took time exponential in their number.
#[test]
fn a_glob_of_many_stars_is_decided_at_once() {
    let disk = Disk {
        links: vec![format!("/dev/disk/by-id/{}", "a".repeat(200))],
        ..blank("sda")
    };
    let stars = "*a".repeat(60);
    let text = format!("ignoredisk --only-use=disk/by-id/{stars}b\npart /\n");
    let begun = std::time::Instant::now();
    assert_eq!(planned(&text, &inventory(vec![disk])), None);
    assert!(begun.elapsed().as_secs() < 5);
}
