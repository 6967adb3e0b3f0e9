// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `plan` says, `install` does: field by field against `sfdisk --json` and `blkid`.

use landfall_harness::disk;
use serde_json::Value;

use super::{Scratch, image_argument, install, landfall, run, seed_kickstart};

const SEED: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

#[test]
fn plan_install_sfdisk_and_blkid_agree() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = scratch.write("plan.cfg", &seed_kickstart());
    let mut plan = landfall([
        "plan",
        "--json",
        "--seed",
        SEED,
        "--disk",
        &size,
        "--kickstart",
    ]);
    let planned = run(plan.arg(kickstart).args(["--image", &image_argument()])).expect(0);
    assert!(!disk.exists(), "`plan` made the disk image");
    let plan: Value = serde_json::from_str(&planned.stdout).unwrap();

    run(install(&scratch, &seed_kickstart(), &size).args(["--seed", SEED])).expect(0);

    let table = disk::table(&disk).unwrap();
    let planned = &plan["disks"][0];
    assert_eq!(planned["label"], table.label.as_str());
    assert_eq!(planned["label_uuid"], table.id.as_str());
    assert_eq!(
        planned["size_bytes"],
        std::fs::metadata(&disk).unwrap().len()
    );
    let after = planned["after"].as_array().unwrap();
    assert_eq!(after.len(), 3);
    assert_eq!(table.partitions.len(), after.len());
    for (planned, found) in after.iter().zip(&table.partitions) {
        assert_eq!(planned["number"], found.number);
        assert_eq!(planned["start_bytes"], found.start);
        assert_eq!(planned["size_bytes"], found.size);
        assert_eq!(planned["type"], found.kind.as_str());
        assert_eq!(planned["uuid"], found.uuid.as_str());
        assert_eq!(planned["name"], found.name.as_str());
        for (field, tag) in [("fs", "TYPE"), ("fs_uuid", "UUID"), ("fs_label", "LABEL")] {
            let content = disk::content(&disk, found, tag).unwrap();
            assert_eq!(
                planned[field].as_str().unwrap_or(""),
                content,
                "{field} of {}",
                found.name
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
    let scratch = Scratch::new();
    let kickstart = scratch.write("ks.cfg", &seed_kickstart());
    let plan = |seed: &str| {
        let disk = scratch.path("disk.img");
        let disk = format!("{}:8G", disk.display());
        run(landfall([
            "plan",
            "--json",
            "--seed",
            seed,
            "--disk",
            &disk,
            "--kickstart",
        ])
        .arg(&kickstart))
        .expect(0)
        .stdout
    };
    let other = "6f9619ff-8b86-4d01-b42d-00cf4fc96400";
    assert_eq!(plan(SEED), plan(SEED));
    assert_ne!(plan(SEED).replace(SEED, ""), plan(other).replace(other, ""));
}
