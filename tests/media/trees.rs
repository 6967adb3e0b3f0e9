// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trees for network boot, made and taken out of a medium.

use std::fs;
use std::path::Path;

use landfall_installer::netboot::NetbootTree;

use super::{Scratch, landfall, medium, run, tree};

#[test]
fn a_medium_holds_the_tree_that_is_made_for_network_boot() {
    let scratch = Scratch::new();
    let (made, taken) = (scratch.path("made"), scratch.path("taken"));
    let image = super::image_argument();
    run(landfall(["netboot", "--image", &image, "--output"]).arg(&made)).expect(0);
    let args = ["iso", "extract", medium().to_str().unwrap(), "--output"];
    run(landfall(args).arg(&taken)).expect(0);
    let made = tree(&made);
    assert_eq!(made, tree(&taken));
    let paths: Vec<_> = made.keys().map(String::as_str).collect();
    assert_eq!(paths, FILES);
    let told = fs::read_to_string(taken.join("landfall.json")).unwrap();
    let told: NetbootTree = serde_json::from_str(&told).unwrap();
    let mut named: Vec<_> = told.files.iter().map(|file| file.path.as_str()).collect();
    named.push("landfall.json");
    named.sort_unstable();
    assert_eq!(named, FILES);
    for file in &told.files {
        assert_eq!(
            (file.size, file.sha256.clone()),
            made[&file.path],
            "{}",
            file.path
        );
    }
    assert_eq!((told.netboot, told.secureboot), (1, true));
    assert_eq!(told.image.reference, image);
    // GRUB for networks, and not the one for discs.
    let other = scratch.path("grubx64.efi");
    super::taken(medium(), "/EFI/BOOT/grubx64.efi", &other);
    assert_ne!(super::sum(&other), made["EFI/BOOT/grubx64.efi"]);
}

const FILES: [&str; 9] = [
    "EFI/BOOT/BOOTX64.EFI",
    "EFI/BOOT/grubx64.efi",
    "EFI/BOOT/mmx64.efi",
    "grub/grub.cfg",
    "grub/i386-pc/core.0",
    "initrd.img",
    "ipxe/boot.ipxe",
    "landfall.json",
    "vmlinuz",
];

#[test]
fn a_tree_is_made_in_a_directory_that_has_nothing_in_it() {
    let scratch = Scratch::new();
    let place = scratch.directory("place");
    fs::write(place.join("mine"), "mine").unwrap();
    let args = ["iso", "extract", medium().to_str().unwrap(), "--output"];
    let said = run(landfall(args).arg(&place)).expect(3).stderr;
    assert!(said.contains("it is not empty"), "{said}");
    assert!(!Path::new(&place).join("vmlinuz").exists());
}
