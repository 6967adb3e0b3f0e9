// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A disk that is made anew for each run: XFS in a file, on a loop device that bypasses the page cache.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FallocateFlags, fallocate, syncfs};

const SIZE: u64 = 6 << 30;

pub(super) struct Disk {
    directory: PathBuf,
}

impl Disk {
    /// A disk in a file of `directory`.
    pub(super) fn new(directory: &Path) -> Self {
        let disk = Self {
            directory: directory.to_owned(),
        };
        std::fs::create_dir_all(disk.mount_point()).unwrap();
        let file = File::create(disk.file()).unwrap();
        // Whole from the start, so that no run waits for the file system below to find room.
        fallocate(&file, FallocateFlags::empty(), 0, SIZE).unwrap();
        disk
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn file(&self) -> PathBuf {
        self.directory.join("import.disk")
    }

    fn mount_point(&self) -> PathBuf {
        self.directory.join("import.mount")
    }

    /// A new, empty file system.
    pub(super) fn fresh(&self) -> Mounted {
        // What others wrote must not be flushed while time runs.
        syncfs(File::open(&self.directory).unwrap()).unwrap();
        let device = run(Command::new("losetup")
            .args(["--find", "--show", "--direct-io=on"])
            .arg(self.file()));
        let mounted = Mounted {
            device: device.trim().to_owned(),
            path: self.mount_point(),
        };
        // By the device, for it passes by what the file has in the page cache.
        run(Command::new("mkfs.xfs")
            .args(["-q", "-f", "-K"])
            .arg(&mounted.device));
        run(Command::new("mount")
            .arg(&mounted.device)
            .arg(&mounted.path));
        mounted
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.file());
    }
}

pub(super) struct Mounted {
    device: String,
    pub(super) path: PathBuf,
}

impl Mounted {
    pub(super) fn sync(&self) {
        syncfs(File::open(&self.path).unwrap()).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.device)
            .status();
    }
}

/// Runs a program that must succeed; what it prints.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error: io::Error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
