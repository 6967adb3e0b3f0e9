// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What firmware, kernels and other programs find on a medium.

use std::fs;

use landfall_harness::tool;
use serde_json::Value;

use super::{KICKSTART, Scratch, TARGET, landfall, layout, medium, run, sum, taken, tree, xorriso};

#[test]
fn firmware_of_both_kinds_finds_a_boot_image() {
    let said = xorriso(&["-report_el_torito", "plain"], medium());
    let images: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("El Torito boot img"))
        .collect();
    // Number, platform, bootable, no emulation.
    let words = |line: &str| {
        let words = line
            .split_ascii_whitespace()
            .skip_while(|word| *word != ":");
        let words: Vec<_> = words.skip(1).take(4).map(str::to_owned).collect();
        words.join(" ")
    };
    let images: Vec<_> = images.into_iter().map(words).collect();
    assert_eq!(images, ["1 BIOS y none", "2 UEFI y none"], "{said}");
    assert!(
        said.contains("El Torito img path :   1  /images/eltorito.img"),
        "{said}"
    );
    assert!(said.contains("boot-info-table grub2-boot-info"), "{said}");
    let said = xorriso(&["-report_system_area", "plain"], medium());
    let kinds = said
        .lines()
        .find(|line| line.starts_with("System area summary"));
    assert_eq!(
        kinds.unwrap().split_once(':').unwrap().1.trim(),
        "MBR protective-msdos-label grub2-mbr cyl-align-off GPT"
    );
}

#[test]
fn a_stick_has_a_file_system_with_the_label_and_an_esp() {
    let mut sfdisk = tool::tool("sfdisk").unwrap();
    let said = tool::run(sfdisk.arg("--json").arg(medium())).unwrap();
    let table: Value = serde_json::from_str(&said).unwrap();
    let table = &table["partitiontable"];
    assert_eq!(table["label"], "gpt");
    let partitions = table["partitions"].as_array().unwrap();
    let types: Vec<_> = partitions
        .iter()
        .map(|p| p["type"].as_str().unwrap())
        .collect();
    assert_eq!(types[0], "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
    assert_eq!(types[1], "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
    let start = |n: usize| partitions[n]["start"].as_u64().unwrap() * 512;
    let blkid = |start: u64, tag: &str| {
        let mut blkid = tool::tool("blkid").unwrap();
        blkid.args(["-p", "-o", "value", "-s", tag, "-O"]);
        let said = tool::run(blkid.arg(start.to_string()).arg(medium())).unwrap();
        said.trim().to_owned()
    };
    assert_eq!(blkid(start(0), "LABEL"), "LANDFALL");
    assert_eq!(blkid(start(0), "TYPE"), "iso9660");
    assert_eq!(blkid(start(1), "TYPE"), "vfat");
    let mut mdir = tool::tool("mdir").unwrap();
    let esp = format!("{}@@{}", medium().display(), start(1));
    let said = tool::run(mdir.args(["-b", "-/", "-i", &esp])).unwrap();
    for file in ["BOOTX64.EFI", "grubx64.efi", "mmx64.efi", "grub.cfg"] {
        let path = format!("::/efi/boot/{file}").to_lowercase();
        assert!(said.to_lowercase().contains(&path), "{said}");
    }
}

#[test]
fn the_image_is_on_it_as_it_was() {
    let scratch = Scratch::new();
    let to = scratch.path("oci");
    taken(medium(), "/landfall/oci", &to);
    let (here, there) = (tree(layout()), tree(&to));
    let blobs = |tree: &std::collections::BTreeMap<String, _>| -> Vec<_> {
        let blobs = tree.iter().filter(|(path, _)| path.starts_with("blobs/"));
        blobs
            .map(|(path, sum): (&String, &(u64, String))| (path.clone(), sum.clone()))
            .collect()
    };
    assert_eq!(blobs(&here), blobs(&there));
    assert_eq!(here["oci-layout"], there["oci-layout"]);
    let index = |at: &std::path::Path| -> Value {
        let mut index: Value =
            serde_json::from_slice(&fs::read(at.join("index.json")).unwrap()).unwrap();
        index["manifests"][0].take()
    };
    let (here, there) = (index(layout()), index(&to));
    assert_eq!(
        (&here["digest"], &here["size"]),
        (&there["digest"], &there["size"])
    );
    let name = &there["annotations"]["org.opencontainers.image.ref.name"];
    assert_eq!(name.as_str().unwrap(), super::image_argument());
}

#[test]
fn it_says_of_itself_what_is_on_it() {
    let scratch = Scratch::new();
    let file = scratch.path("landfall.json");
    taken(medium(), "/landfall/landfall.json", &file);
    let told: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let args = ["iso", "inspect", "--json", medium().to_str().unwrap()];
    let inspected = run(&mut landfall(args)).expect(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&inspected).unwrap(), told);
    assert_eq!(told["target"], TARGET);
    let files = told["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    for file in files {
        let path = file["path"].as_str().unwrap();
        let to = scratch.path("file");
        taken(medium(), &format!("/{path}"), &to);
        let sum = sum(&to);
        fs::remove_file(&to).unwrap();
        assert_eq!(
            (&file["size"], &file["sha256"]),
            (&sum.0.into(), &sum.1.into()),
            "{path}"
        );
    }
    let ks = scratch.path("ks.cfg");
    taken(medium(), "/ks.cfg", &ks);
    assert_eq!(sum(&ks).1, told["kickstart_sha256"].as_str().unwrap());
    let text = fs::read_to_string(&ks).unwrap();
    assert_eq!(
        text.trim_end_matches('\n'),
        KICKSTART.trim_end_matches('\n')
    );
}

#[test]
fn a_person_reads_what_it_installs() {
    let said = run(&mut landfall([
        "iso",
        "inspect",
        medium().to_str().unwrap(),
    ]))
    .expect(0);
    for line in [
        format!("image             {} (sha256:", super::image_argument()),
        format!("followed          {TARGET}"),
        "label             LANDFALL".to_owned(),
        format!("kickstart         {} bytes", KICKSTART.len()),
    ] {
        assert!(said.stdout.contains(&line), "{}", said.stdout);
    }
}

#[test]
fn menus_are_scripts_that_grub_accepts() {
    let scratch = Scratch::new();
    for path in ["/boot/grub/grub.cfg", "/netboot/grub.cfg"] {
        let to = scratch.path("grub.cfg");
        taken(medium(), path, &to);
        tool::run(tool::tool("grub-script-check").unwrap().arg(&to)).unwrap();
        fs::remove_file(to).unwrap();
    }
}

#[test]
fn without_the_image_it_is_small() {
    let scratch = Scratch::new();
    let output = scratch.path("boot.iso");
    let image = super::image_argument();
    let args = [
        "iso",
        "--image",
        &image,
        "--no-payload",
        "--label",
        "NET_1",
        "--output",
    ];
    run(landfall(args).arg(&output)).expect(0);
    let listed = xorriso(&["-find", "/landfall"], &output);
    assert!(!listed.contains("oci"), "{listed}");
    assert!(listed.contains("/landfall/landfall.json"), "{listed}");
    assert_eq!(
        xorriso(&["-pvd_info"], &output)
            .lines()
            .find(|l| l.starts_with("Volume Id"))
            .unwrap(),
        "Volume Id    : NET_1"
    );
}

#[test]
fn the_installer_may_be_made_of_another_image() {
    let scratch = Scratch::new();
    let output = scratch.path("other.iso");
    let plain = format!(
        "oci:{}",
        landfall_harness::image::layout("plain").unwrap().display()
    );
    let args = [
        "iso",
        "--image",
        &plain,
        "--env-image",
        &super::image_argument(),
        "--output",
    ];
    run(landfall(args).arg(&output)).expect(0);
    let args = ["iso", "inspect", "--json", output.to_str().unwrap()];
    let told: Value = serde_json::from_str(&run(&mut landfall(args)).expect(0).stdout).unwrap();
    assert_eq!(told["image"]["reference"], plain);
    assert_eq!(told["environment"]["reference"], super::image_argument());
    assert_ne!(told["environment"]["digest"], told["image"]["digest"]);
}
