// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Disks that cannot be installed on: each is refused with the documented exit code before a byte is written.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use landfall_harness::disk;
use landfall_harness::tool::{self, tool};

use super::{Ended, Scratch, TARGET, install, run, seed_kickstart};

/// A file as a loop device, for the length of a test.
struct Device(PathBuf);

impl Device {
    fn of(file: &Path, more: &[&str]) -> Self {
        let mut losetup = tool("losetup").unwrap();
        losetup.args(["--find", "--show"]).args(more);
        Self(tool::run(losetup.arg(file)).unwrap().trim().into())
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = tool("partx").and_then(|mut partx| tool::run(partx.arg("--delete").arg(&self.0)));
        let _ =
            tool("losetup").and_then(|mut losetup| tool::run(losetup.arg("--detach").arg(&self.0)));
    }
}

/// Something in use, and the program that ends it.
struct InUse(&'static str, PathBuf);

impl Drop for InUse {
    fn drop(&mut self) {
        let _ = tool(self.0).and_then(|mut end| tool::run(end.arg(&self.1)));
    }
}

/// A disk with one partition that holds what `mkfs` makes.
fn old_disk(scratch: &Scratch, mkfs: &str) -> PathBuf {
    let path = scratch.path("old.img");
    File::create(&path).unwrap().set_len(8 << 30).unwrap();
    let script = "label: gpt\n\nsize=100MiB, name=old\n";
    tool::feed(tool("sfdisk").unwrap().arg("--quiet").arg(&path), script).unwrap();
    let old = disk::table(&path).unwrap().partitions[0].clone();
    let start = old.start.to_string();
    let size = old.size.to_string();
    let device = Device::of(&path, &["--offset", &start, "--sizelimit", &size]);
    tool::run(tool(mkfs).unwrap().arg(&device.0)).unwrap();
    path
}

fn head(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open(path)
        .unwrap()
        .take(8 << 20)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Tries to install on the device and expects a refusal that leaves the file behind it as it is.
#[track_caller]
fn refused(scratch: &Scratch, device: &str, file: &Path) -> Ended {
    let before = head(file);
    let mut command = install(scratch, &seed_kickstart(), device);
    let ended = run(command.args(["--firmware", "uefi", "--yes"])).expect(3);
    assert!(before == head(file), "something was written");
    ended
}

#[test]
fn a_disk_with_a_mounted_partition() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, "mkfs.ext4");
    let device = Device::of(&file, &["--partscan"]);
    tool::run(tool("partx").unwrap().arg("--update").arg(&device.0)).unwrap();
    let at = scratch.path("mounted");
    std::fs::create_dir(&at).unwrap();
    let partition = format!("{}p1", device.path());
    tool::run(tool("mount").unwrap().arg(&partition).arg(&at)).unwrap();
    let _mounted = InUse("umount", at.clone());
    let ended = refused(&scratch, device.path(), &file);
    let expected = format!("`{partition}` is mounted at `{}`", at.display());
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("LF1006") && ended.stderr.contains("hint: unmount it"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_disk_with_swap_in_use() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, "mkswap");
    let device = Device::of(&file, &["--partscan"]);
    tool::run(tool("partx").unwrap().arg("--update").arg(&device.0)).unwrap();
    let partition = format!("{}p1", device.path());
    tool::run(tool("swapon").unwrap().arg(&partition)).unwrap();
    let _swap = InUse("swapoff", partition.clone().into());
    let ended = refused(&scratch, device.path(), &file);
    let expected = format!("`{partition}` is in use as swap");
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn a_disk_image_that_is_a_device_already() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, "mkfs.ext4");
    let device = Device::of(&file, &[]);
    let ended = refused(&scratch, file.to_str().unwrap(), &file);
    let expected = format!("is in use: {}", device.path());
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn a_disk_that_cannot_be_written() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, "mkfs.ext4");
    let device = Device::of(&file, &["--read-only"]);
    let ended = refused(&scratch, device.path(), &file);
    let expected = format!("`{}` is read-only", device.path());
    assert!(
        ended.stderr.contains(&expected) && ended.stderr.contains("LF1007"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_disk_that_is_not_there() {
    let scratch = Scratch::new();
    let mut command = install(&scratch, &seed_kickstart(), "/dev/landfall-no-such-disk");
    let ended = run(command.arg("--yes")).expect(3);
    assert!(
        ended.stderr.contains("/dev/landfall-no-such-disk"),
        "{}",
        ended.stderr
    );
}

/// The tables, and each partition as it is asked for: not a MiB less.
#[test]
fn a_disk_that_is_a_mib_too_small() {
    let scratch = Scratch::new();
    // 1 MiB in front, 500 for the ESP, 2048 for /boot, and the backup table in the last one.
    let kickstart = seed_kickstart().replace("part / --grow", "part / --size=3000");
    let kickstart = scratch.write("small.cfg", &kickstart);
    for (mib, code) in [(5550, 0), (5549, 3)] {
        let disk = scratch.path("small.img");
        let mut plan = super::landfall(["plan", "--image", &super::image_argument(), "--disk"]);
        plan.arg(format!("{}:{mib}M", disk.display()));
        let ended = run(plan.arg("--kickstart").arg(&kickstart)).expect(code);
        let message = "the partition for `/` does not fit: 3000 MiB are needed, the largest free space is 2999 MiB";
        assert_eq!(
            ended.stderr.contains(message),
            code != 0,
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn options_that_mkfs_does_not_take_are_found_before_anything_is_written() {
    let scratch = Scratch::new();
    let file = old_disk(&scratch, "mkfs.ext4");
    let before = head(&file);
    for (fs, options, texts) in [
        ("xfs", "-i size=7", ["mkfs.xfs", "size=7"]),
        // What the plan calls the file system by would be wrong.
        (
            "ext4",
            "-U random",
            ["mkfs.ext4", "no file system with the UUID of the plan"],
        ),
    ] {
        let kickstart = format!(
            "clearpart --all\nreqpart\npart / --fstype={fs} --grow --mkfsoptions=\"{options}\"\n\
             ostreecontainer --url={TARGET}\n"
        );
        let ended = run(&mut install(&scratch, &kickstart, file.to_str().unwrap())).expect(3);
        for text in texts {
            assert!(ended.stderr.contains(text), "{}", ended.stderr);
        }
    }
    assert!(before == head(&file), "something was written");
}
