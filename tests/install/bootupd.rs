// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image with bootupd: what is on the ESP and in `/boot`, and that nothing starts before all of it is there.
//! That bootupd takes it for its own is judged by itself, in the end-to-end case `bootupd`.

use std::fs;
use std::path::Path;

use landfall_harness::tool::{self, tool};
use landfall_harness::{disk, image};
use serde_json::{Map, Value, json};

use super::{
    ESP, Scratch, broken_kickstart, deployment, install_from, is_startable, partition, run,
    seed_kickstart,
};

fn bootupd() -> String {
    format!("oci:{}", image::layout("bootupd").unwrap().display())
}

#[test]
fn the_boot_chain_is_bootupds_and_its_record_is_beside_the_menu() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    run(&mut install_from(
        &scratch,
        &seed_kickstart(),
        &size,
        &bootupd(),
    ))
    .expect(0);

    let esp = partition(&disk, ESP);
    let mut files = disk::fat_files(&disk, &esp).unwrap();
    for file in &mut files {
        file.make_ascii_lowercase();
    }
    files.sort();
    let expected = [
        "efi/boot/bootx64.efi",
        "efi/boot/fbx64.efi",
        "efi/debian/bootuuid.cfg",
        "efi/debian/bootx64.csv",
        "efi/debian/grub.cfg",
        "efi/debian/grubx64.efi",
        "efi/debian/mmx64.efi",
        "efi/debian/shimx64.efi",
    ];
    assert_eq!(files, expected);
    assert!(is_startable(&disk));
    let home = partition(&disk, "boot");
    let uuid = disk::content(&disk, &home, "UUID").unwrap();
    let set = format!("set BOOT_UUID=\"{uuid}\"\n");
    let on_esp = disk::fat_text(&disk, &esp, "EFI/debian/bootuuid.cfg").unwrap();
    assert_eq!(on_esp, set);

    let boot = disk::Mounted::of(&disk, &home).unwrap();
    let read = |name: &str| fs::read_to_string(boot.path().join(name)).unwrap();
    assert_eq!(read("grub2/bootuuid.cfg"), set);
    assert_eq!(read("grub2/grubenv").len(), 1024);
    let menu = read("grub2/grub.cfg");
    assert!(menu.contains("function blscfg {"), "{menu}");
    assert!(
        menu.contains("### BEGIN 10_blscfg.cfg ###\nblscfg\n"),
        "{menu}"
    );
    assert!(!boot.path().join("grub").exists());
    let record: Value = serde_json::from_str(&read("bootupd-state.json")).unwrap();
    assert_eq!(record, expected_record(&disk));
}

/// What bootupd would write of the image's boot chain, but for who has put the menu there.
fn expected_record(disk: &Path) -> Value {
    let root = disk::Mounted::of(disk, &partition(disk, "root")).unwrap();
    let lib = deployment(root.path()).join("usr/lib");
    let text = fs::read_to_string(lib.join("bootupd/updates/EFI.json")).unwrap();
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let chain = lib.join("efi");
    let mut sums = tool("sh").unwrap();
    let sums = sums
        .current_dir(&chain)
        .args(["-c", "sha512sum */*/EFI/*/*"]);
    let mut children = Map::new();
    for line in tool::run(sums).unwrap().lines() {
        let (digest, source) = line.split_once("  ").unwrap();
        let (_, place) = source.split_once("/EFI/").unwrap();
        let about = json!({
            "source": source,
            "size": fs::metadata(chain.join(source)).unwrap().len(),
            "sha512": format!("sha512:{digest}"),
        });
        children.insert(place.to_owned(), about);
    }
    assert_eq!(children.len(), 6, "{children:?}");
    json!({
        "installed": {
            "EFI": { "meta": metadata, "filetree": { "children": children }, "adopted-from": null },
        },
        "pending": null,
        "static-configs": {
            "timestamp": metadata["timestamp"],
            "version": "landfall",
            "versions": null,
            "default-bootloader": null,
        },
    })
}

/// Its menu loads modules that are not built into the core image.
#[test]
fn for_bios_grubs_modules_are_beside_bootupds_menu() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let mut command = install_from(&scratch, &seed_kickstart(), &size, &bootupd());
    run(command.args(["--firmware", "bios"])).expect(0);

    let boot = disk::Mounted::of(&disk, &partition(&disk, "boot")).unwrap();
    let modules = boot.path().join("grub2/i386-pc");
    let lines = fs::read_to_string(modules.join("command.lst")).unwrap();
    // Every command that is in a module is in one that is there.
    let named: Vec<_> = lines
        .lines()
        .filter_map(|line| line.rsplit_once(": "))
        .collect();
    assert!(named.len() > 100, "{lines}");
    for (command, module) in named {
        let file = modules.join(format!("{module}.mod"));
        assert!(file.is_file(), "{command} of {module}");
    }
    assert!(modules.join("all_video.mod").is_file());
    assert!(!modules.join("boot.img").exists());
    assert!(boot.path().join("bootupd-state.json").is_file());
}

#[test]
fn a_failure_of_the_last_script_leaves_nothing_that_starts() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let broken = broken_kickstart();
    run(&mut install_from(&scratch, &broken, &size, &bootupd())).expect(4);
    let mut files = disk::fat_files(&disk, &partition(&disk, ESP)).unwrap();
    files.sort();
    assert_eq!(files, ["EFI/debian/bootuuid.cfg", "EFI/debian/grub.cfg"]);
    assert!(!is_startable(&disk));
}
