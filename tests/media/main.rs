// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Media, made by the built program and judged from outside: by xorriso, sfdisk, `grub-script-check`, and byte by byte. Nothing
//! is booted here; `tests/e2e.rs` does that.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod customize;
mod form;
mod interruption;
mod refusals;
mod reproducible;
mod small;
mod trees;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use landfall_harness::{image, tool};
use sha2::{Digest as _, Sha256};

/// What installed systems follow; nobody listens there.
const TARGET: &str = "registry.example.com/lab/media:v1";
const KICKSTART: &str = "\
ostreecontainer --url=registry.example.com/lab/media:v1
clearpart --all --initlabel
reqpart --add-boot
part / --grow
rootpw --lock
poweroff
";

/// A directory of one test's own, with room for media.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        let made = tempfile::Builder::new()
            .prefix("landfall-media-")
            .tempdir_in("/var/tmp");
        Self(made.unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
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

/// The program, with the environments that were made before by the same one: that of the test image is there.
fn landfall<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    // Or tests that run side by side would all make it.
    medium();
    program(args)
}

fn program<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command
        .args(args)
        .stdin(Stdio::null())
        .env("XDG_CACHE_HOME", cache())
        .env_remove("SOURCE_DATE_EPOCH")
        .env_remove("TMPDIR");
    command
}

/// Where environments are kept from run to run. Those of another program would never be found again.
fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media-cache");
        let stamp = cache.join("stamp");
        let program = fs::metadata(env!("CARGO_BIN_EXE_landfall")).unwrap();
        let program = format!("{:?} {}", program.modified().unwrap(), program.len());
        if fs::read_to_string(&stamp).is_ok_and(|text| text == program) {
            return cache;
        }
        if cache.exists() {
            fs::remove_dir_all(&cache).unwrap();
        }
        fs::create_dir_all(&cache).unwrap();
        fs::write(stamp, program).unwrap();
        cache
    })
}

fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The image that media are made of.
fn layout() -> &'static Path {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    LAYOUT.get_or_init(|| image::layout("media").unwrap())
}

fn image_argument() -> String {
    format!("oci:{}", layout().display())
}

/// `landfall iso` of the test image, with an embedded kickstart that follows [`TARGET`].
fn iso(kickstart: &Path, output: &Path) -> Command {
    iso_by(landfall(["iso"]), kickstart, output)
}

fn iso_by(mut command: Command, kickstart: &Path, output: &Path) -> Command {
    command
        .arg("--image")
        .arg(image_argument())
        .args(["--target-ref", TARGET, "--kickstart"])
        .arg(kickstart)
        .arg("--output")
        .arg(output);
    command
}

/// An ISO that the tests only look at, made once.
fn medium() -> &'static Path {
    static MEDIUM: OnceLock<PathBuf> = OnceLock::new();
    MEDIUM.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media");
        fs::create_dir_all(&directory).unwrap();
        let kickstart = directory.join("medium.ks");
        fs::write(&kickstart, KICKSTART).unwrap();
        let output = directory.join("medium.iso");
        run(&mut iso_by(program(["iso"]), &kickstart, &output)).expect(0);
        output
    })
}

/// What xorriso says of a medium.
fn xorriso(args: &[&str], medium: &Path) -> String {
    let mut command = tool::tool("xorriso").unwrap();
    command.args(["-indev"]).arg(medium).args(args);
    tool::quietly(&mut command).unwrap()
}

/// Takes a file or a directory out of a medium, by a program that is not ours.
fn taken(medium: &Path, path: &str, to: &Path) {
    let mut command = tool::tool("xorriso").unwrap();
    command.args(["-osirrox", "on", "-indev"]).arg(medium);
    command.args(["-extract", path]).arg(to);
    tool::quietly(&mut command).unwrap();
}

/// The files below a directory with their sizes and digests.
fn tree(directory: &Path) -> BTreeMap<String, (u64, String)> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(directory).unwrap();
            found.insert(name.display().to_string(), sum(&path));
        }
    }
    found
}

/// Size and digest of a file.
fn sum(path: &Path) -> (u64, String) {
    let content = fs::read(path).unwrap();
    let digest = Sha256::digest(&content);
    let digest: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    (content.len() as u64, digest.concat())
}
