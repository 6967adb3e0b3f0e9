// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A whole block device: here a loop device, whose partitions the kernel is told about.

use std::fs::File;
use std::path::PathBuf;

use landfall_harness::disk;
use landfall_harness::tool::{self, tool};

use super::{Scratch, broken_kickstart, install, is_startable, run, seed_kickstart};

/// A file as a whole disk.
pub(super) struct Device(pub(super) PathBuf);

impl Device {
    pub(super) fn of(file: &std::path::Path) -> Self {
        let node = tool::run(
            tool("losetup")
                .unwrap()
                .args(["--find", "--show", "--partscan"])
                .arg(file),
        )
        .unwrap();
        Self(node.trim().into())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = tool("partx").and_then(|mut partx| tool::run(partx.arg("--delete").arg(&self.0)));
        let _ =
            tool("losetup").and_then(|mut losetup| tool::run(losetup.arg("--detach").arg(&self.0)));
    }
}

#[test]
fn a_block_device_is_erased_only_with_yes() {
    let scratch = Scratch::new();
    let file = scratch.path("disk");
    File::create(&file).unwrap().set_len(8 << 30).unwrap();
    let device = Device::of(&file);
    let path = device.0.to_str().unwrap();

    let install = || {
        let mut command = install(&scratch, &seed_kickstart(), path);
        // This machine may start by BIOS; the disk is for one that does not.
        command.args(["--firmware", "uefi"]);
        command
    };
    let refused = run(&mut install()).expect(3);
    assert!(
        refused.stderr.contains("hint: `--yes` carries it out"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stdout.contains(path),
        "the plan is shown: {}",
        refused.stdout
    );
    assert!(
        disk::table(&file).is_err(),
        "something was written without `--yes`"
    );

    let done = run(install().arg("--yes")).expect(0);
    assert!(
        done.stdout.contains("Start the machine from its disk"),
        "{}",
        done.stdout
    );
    assert_eq!(disk::table(&file).unwrap().partitions.len(), 3);
    assert!(is_startable(&file));
}

#[test]
fn a_failed_installation_on_a_block_device_is_taken_up() {
    // Not the seed of another test: XFS mounts no two file systems of one UUID.
    const SEED: &str = "5eed5eed-b10c-4eed-8eed-5eed5eed5eed";
    let scratch = Scratch::new();
    let file = scratch.path("disk");
    File::create(&file).unwrap().set_len(8 << 30).unwrap();
    let device = Device::of(&file);
    let path = device.0.to_str().unwrap();
    let install = |kickstart: &str| {
        let mut command = install(&scratch, kickstart, path);
        command.args(["--firmware", "uefi", "--yes", "--json", "--seed", SEED]);
        run(&mut command)
    };
    let broken = broken_kickstart();
    install(&broken).expect(4);
    let done = install(&seed_kickstart()).expect(0);
    let taken_up = "an earlier installation by the same plan is taken up";
    assert!(done.stdout.contains(taken_up), "{}", done.stdout);
    assert!(is_startable(&file));
}
