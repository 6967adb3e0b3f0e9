// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Disks for machines with a BIOS: the bytes that start GRUB, and that nothing starts before they are there.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use landfall_harness::disk;

use super::block_device::Device;
use super::{Scratch, TARGET, broken_kickstart, install, partition, run, seed_kickstart};

const BIOS_BOOT: &str = "21686148-6449-6e6f-744e-656564454649";

fn install_for_bios(scratch: &Scratch, kickstart: &str, disk: &str) -> Command {
    let mut command = install(scratch, kickstart, disk);
    command.args(["--firmware", "bios"]);
    command
}

fn sector(disk: &Path, number: u64) -> [u8; 512] {
    let mut sector = [0; 512];
    File::open(disk)
        .unwrap()
        .read_exact_at(&mut sector, number * 512)
        .unwrap();
    sector
}

/// A BIOS runs the first sector's code if the signature is there; without code it hangs, or goes on to the next disk.
fn has_boot_code(disk: &Path) -> bool {
    sector(disk, 0)[..440].iter().any(|byte| *byte != 0)
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| (sum << 8) + u64::from(*byte))
}

#[test]
fn the_first_sector_starts_a_core_image_that_knows_where_it_lies() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let ended = run(&mut install_for_bios(&scratch, &seed_kickstart(), &size)).expect(0);
    assert!(
        ended.stdout.contains("Start a BIOS machine"),
        "{}",
        ended.stdout
    );

    let table = disk::table(&disk).unwrap();
    disk::verify(&disk).unwrap();
    let names: Vec<&str> = table.partitions.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["BIOS boot", "boot", "root"]);
    let home = partition(&disk, "BIOS boot");
    assert_eq!(
        (home.kind.as_str(), home.start, home.size),
        (BIOS_BOOT, 1 << 20, 1 << 20)
    );

    let first = sector(&disk, 0);
    assert_eq!(first[0x180..0x184], *b"GRUB");
    assert_eq!(number(&first[0x5c..0x64]), home.start / 512);
    assert_eq!(
        first[0x64], 0xff,
        "the drive is the one that the BIOS names"
    );
    assert_eq!(first[0x66..0x68], [0x90, 0x90]);
    assert_eq!(first[0x1c2], 0xee, "the protective entry of the GPT stays");
    assert_eq!(first[0x1fe..], [0x55, 0xaa]);

    let core = sector(&disk, home.start / 512);
    assert_eq!(number(&core[0x1f4..0x1fc]), home.start / 512 + 1);
    assert_eq!(number(&core[0x1fe..0x200]), 0x820);
    assert_eq!(
        number(&core[0x1e8..0x1f4]),
        0,
        "there is one list of blocks"
    );
    let count = number(&core[0x1fc..0x1fe]);
    assert!((100..2047).contains(&count), "{count} sectors");
    let last = sector(&disk, home.start / 512 + count);
    let after = sector(&disk, home.start / 512 + count + 1);
    assert!(last.iter().any(|byte| *byte != 0) && after == [0; 512]);
}

#[test]
fn a_failure_of_the_last_script_leaves_no_boot_code() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let broken = broken_kickstart();
    run(&mut install_for_bios(&scratch, &broken, &size)).expect(4);
    assert_eq!(disk::table(&disk).unwrap().partitions.len(), 3);
    assert!(!has_boot_code(&disk));
    let home = partition(&disk, "BIOS boot");
    let mut left = vec![0; 1 << 20];
    File::open(&disk)
        .unwrap()
        .read_exact_at(&mut left, home.start)
        .unwrap();
    assert!(left.iter().all(|byte| *byte == 0), "a core image is there");

    let whole = disk.to_str().unwrap();
    run(&mut install_for_bios(&scratch, &seed_kickstart(), whole)).expect(0);
    assert!(has_boot_code(&disk));
}

#[test]
fn a_failure_on_a_disk_that_started_takes_its_boot_code_though_the_table_stays() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let by_mbr = |clear: &str, rest: &str| {
        format!(
            "{clear}\npart /boot --size=600 {}\npart / --size=3000 {}\nostreecontainer --url={TARGET}\n{rest}",
            if rest.is_empty() {
                ""
            } else {
                "--onpart=disk.img1"
            },
            if rest.is_empty() {
                ""
            } else {
                "--onpart=disk.img2"
            },
        )
    };
    let first = by_mbr("zerombr\nclearpart --all --disklabel=msdos", "");
    run(&mut install_for_bios(&scratch, &first, &size)).expect(0);
    assert!(has_boot_code(&disk));

    let failing = "%post --erroronfail\nexit 3\n%end\n";
    let again = by_mbr("clearpart --none", failing);
    let whole = disk.to_str().unwrap();
    run(&mut install_for_bios(&scratch, &again, whole)).expect(4);
    assert!(!has_boot_code(&disk));
}

#[test]
fn without_a_boot_loader_there_is_no_boot_code_and_no_menu() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = format!("{}bootloader --location=none\n", seed_kickstart());
    run(&mut install_for_bios(&scratch, &kickstart, &size)).expect(0);
    assert!(!has_boot_code(&disk));
    let boot = disk::Mounted::of(&disk, &partition(&disk, "boot")).unwrap();
    assert!(!boot.path().join("grub").exists());
    assert!(boot.path().join("loader/entries").exists());
}

#[test]
fn with_nombr_the_menu_is_there_and_the_first_sector_is_left_alone() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = format!("{}bootloader --nombr\n", seed_kickstart());
    run(&mut install_for_bios(&scratch, &kickstart, &size)).expect(0);
    assert!(!has_boot_code(&disk));
    let boot = disk::Mounted::of(&disk, &partition(&disk, "boot")).unwrap();
    let mut menu = String::new();
    File::open(boot.path().join("grub/grub.cfg"))
        .unwrap()
        .read_to_string(&mut menu)
        .unwrap();
    assert!(menu.contains("menuentry"), "{menu}");
}

#[test]
fn a_block_device_gets_the_same_bytes() {
    let scratch = Scratch::new();
    let file = scratch.path("disk");
    File::create(&file).unwrap().set_len(8 << 30).unwrap();
    let device = Device::of(&file);
    let path = device.0.to_str().unwrap();
    run(install_for_bios(&scratch, &seed_kickstart(), path).arg("--yes")).expect(0);
    let first = sector(&file, 0);
    assert_eq!(first[0x180..0x184], *b"GRUB");
    let start = number(&first[0x5c..0x64]);
    assert_eq!(start, partition(&file, "BIOS boot").start / 512);
    let core = sector(&file, start);
    assert_eq!(number(&core[0x1f4..0x1fc]), start + 1);
    disk::verify(&file).unwrap();
}
