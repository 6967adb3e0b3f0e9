// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Installations on disk image files and block devices, judged from outside by `sfdisk`, `blkid`, `ostree fsck`
//! and by what is in the file systems. Nothing is booted here; `tests/e2e.rs` does that.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod agreement;
mod bios;
mod block_device;
mod bootupd;
mod content;
mod contract;
mod disk_faults;
mod faults;
mod foresight;
mod front;
mod interruption;
mod kept;
mod kinds;
mod lifecycle;
mod refusals;
mod registry_faults;
mod saved_plan;
mod scripts;
mod signals;
mod sources;
mod storage;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use landfall_harness::disk::{self, Partition};
use landfall_harness::image;

/// What the installed system follows in these tests; nobody listens there.
const TARGET: &str = "registry.example.com/lab/plain:v1";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample lab";

/// The manual's kickstart, with the target and the key above.
fn seed_kickstart() -> String {
    let template = include_str!("../e2e/seed-uefi.ks");
    template.replace("@IMAGE@", TARGET).replace("@KEY@", KEY)
}

/// The same with a last script that fails.
fn broken_kickstart() -> String {
    format!("{}\n%post --erroronfail\nexit 3\n%end\n", seed_kickstart())
}

/// The test image as `--image` takes it.
fn image_argument() -> String {
    format!("oci:{}", layout().display())
}

fn layout() -> &'static Path {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    LAYOUT.get_or_init(|| image::layout("plain").unwrap())
}

/// A directory of one test's own, with room for disks.
struct Scratch {
    path: PathBuf,
    /// Removes the directory with this value; none for one that stays.
    _guard: Option<tempfile::TempDir>,
}

impl Scratch {
    fn new() -> Self {
        let guard = tempfile::Builder::new()
            .prefix("landfall-install-")
            .tempdir_in("/var/tmp")
            .unwrap();
        Self {
            path: guard.path().to_owned(),
            _guard: Some(guard),
        }
    }

    /// A directory below `target` that stays until it is made again, for what no value can own.
    fn staying(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        match std::fs::remove_dir_all(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                panic!("removing {}: {e}", path.display())
            }
            _ => std::fs::create_dir_all(&path).unwrap(),
        }
        Self { path, _guard: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A disk image file that is not there yet, and how `--disk` has it made.
    fn new_disk(&self) -> (PathBuf, String) {
        let disk = self.path("disk.img");
        let size = format!("{}:8G", disk.display());
        (disk, size)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

fn landfall<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    // Logs of installations that fail go here.
    let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    command.args(args).stdin(Stdio::null()).env("TMPDIR", logs);
    command
}

/// A search path on which the programs of a directory come first.
fn path_with(programs: &Path) -> std::ffi::OsString {
    let mut path = programs.as_os_str().to_owned();
    path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `landfall install` of the test image, by `kickstart`, on `disk`.
fn install(scratch: &Scratch, kickstart: &str, disk: &str) -> Command {
    install_from(scratch, kickstart, disk, &image_argument())
}

/// `landfall install` of the image at `image`.
fn install_from(scratch: &Scratch, kickstart: &str, disk: &str, image: &str) -> Command {
    let kickstart = scratch.write("ks.cfg", kickstart);
    let mut command = landfall(["install", "--disk", disk, "--image", image]);
    command.arg("--kickstart").arg(kickstart);
    command
}

/// The partition with this name.
fn partition(disk: &Path, name: &str) -> Partition {
    let table = disk::table(disk).unwrap();
    let found = table
        .partitions
        .iter()
        .find(|partition| partition.name == name);
    found
        .unwrap_or_else(|| panic!("no partition `{name}`: {table:#?}"))
        .clone()
}

const ESP: &str = "EFI System Partition";

/// Whether firmware would find a boot loader on the disk; a disk that cannot be read fails the test.
fn is_startable(disk: &Path) -> bool {
    let Some(table) = disk::find_table(disk).unwrap() else {
        return false;
    };
    let Some(esp) = table.partitions.iter().find(|p| p.name == ESP) else {
        return false;
    };
    if disk::content(disk, esp, "TYPE").unwrap() != "vfat" {
        return false;
    }
    let files = match disk::fat_files(disk, esp) {
        // So mtools says of a file system that was not made to its end.
        Err(error) if error.to_string().contains("Fat problem while decoding") => return false,
        files => files.unwrap(),
    };
    // The firmware's menu may still name any of them.
    let is_program = |file: &String| file.to_ascii_lowercase().ends_with(".efi");
    files.iter().any(is_program)
}

/// The one deployment's directory in a mounted root file system.
fn deployment(root: &Path) -> PathBuf {
    let directory = root.join("ostree/deploy/default/deploy");
    let entries = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}
