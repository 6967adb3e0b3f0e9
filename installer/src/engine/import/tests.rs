// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whole imports into a repository, checked with the `ostree` program and against commits it makes.

mod encapsulated;
mod faults;
mod holes;
mod labels;
mod records;
mod resuming;
mod salvage;
mod trees;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::image::Compression::{self, Gzip, None as Plain, Zstd};
use crate::image::fixture::{LayoutDir, Packed, Tar, TestRegistry, config, options, packed, run};

const TARGET: &str = "docker://example.org/os:1";
const TARGET_REF: &str = "ostree/container/image/docker_3A__2F__2F_example_2E_org/os_3A_1";

/// A repository on a real file system: it holds owners and attributes.
struct TestRepo {
    dir: tempfile::TempDir,
    repo: Repository,
}

impl TestRepo {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::create(dir.path(), "").unwrap();
        Self { dir, repo }
    }

    fn ostree(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("ostree");
        command
            .arg(arguments[0])
            .arg(format!("--repo={}", self.dir.path().display()));
        run(command.args(&arguments[1..]), "ostree")
    }

    /// Every name of a commit with mode, owner, size, checksums and attributes.
    fn listing(&self, commit: &str) -> String {
        self.ostree(&["ls", "-R", "-C", "-X", commit])
    }

    /// Paths of the objects of a kind.
    fn objects(&self, ending: &str) -> Vec<PathBuf> {
        let directories = fs::read_dir(self.dir.path().join("objects")).unwrap();
        let all = directories.flat_map(|entry| fs::read_dir(entry.unwrap().path()).unwrap());
        all.map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .collect()
    }

    fn fsck(&self) {
        let report = self.ostree(&["fsck"]);
        assert!(!report.contains("orrupt"), "{report}");
    }

    fn import(&self, layers: &[Packed]) -> Result<Commit, ImportError> {
        let image = LayoutDir::of(layers);
        import(&self.repo, &image.open().unwrap(), TARGET, &mut go_on)
    }

    /// What `ostree commit` makes of an archive with paths already in their places.
    fn oracle(&self, archive: &[u8]) -> String {
        let path = self.dir.path().join("oracle.tar");
        fs::write(&path, archive).unwrap();
        let tree = format!("--tree=tar={}", path.display());
        let commit = self.ostree(&["commit", "--branch=oracle", &tree, "--fsync=no"]);
        self.listing(commit.trim())
    }

    fn metadata(&self, commit: Checksum, key: &str) -> String {
        let option = format!("--print-metadata-key={key}");
        let shown = self.ostree(&["show", &option, &commit.to_string()]);
        // GVariant text; what is stored here has no escapes but these.
        let quoted = shown.trim_end().trim_matches(['\'', '"']);
        quoted
            .replace("\\n", "\n")
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
    }
}

/// Directories that every tree here has, so that nothing is implied and the oracle is exact.
fn base() -> Tar {
    Tar::default().dir("./", 0o755).dir("usr/", 0o755)
}

fn plain(tar: Tar) -> Packed {
    packed(&tar.end(), Gzip)
}

/// A layer as `zstd --long=BITS` packs it.
fn windowed(bits: u32) -> Packed {
    let archive = nasty("etc").end();
    let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
    zstd.long_distance_matching(true).unwrap();
    zstd.window_log(bits).unwrap();
    // The window stands in the header, for the length is not known when that is written.
    zstd.write_all(&archive).unwrap();
    let mut layer = packed(&archive, Zstd);
    layer.blob = zstd.finish().unwrap();
    layer
}

/// `cap_net_raw` and others, version 2; with a newline in it, which naive pax readers stumble over.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\x0a\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// In the order in which they stand in an image.
const ATTRIBUTES: [(&str, &[u8]); 3] = [
    ("user.b", b"2"),
    ("user.Beta", &[b'x'; 300]),
    ("user.alpha", b"line\nline"),
];

/// `etc` is where the archive has it: `usr/etc` in the one for the oracle.
fn nasty(etc: &str) -> Tar {
    let long = "n".repeat(255);
    let target = "t/".repeat(180);
    base()
        .dir(&format!("{etc}/"), 0o755)
        .file(&format!("{etc}/passwd"), 0o644, b"root\n")
        .dir("usr/bin", 0o755)
        .file("usr/bin/su", 0o4755, b"suid")
        .hard_link("usr/bin/su2", "usr/bin/su")
        .file("usr/bin/wall", 0o2755, b"sgid")
        .xattr("security.capability", CAPABILITY)
        .file("usr/bin/ping", 0o755, b"ping")
        .dir("usr/share", 0o755)
        .xattrs(&ATTRIBUTES, etc == "usr/etc")
        .file("usr/share/attributes", 0o640, b"")
        .xattr("user.dir", b"d")
        .dir("usr/share/marked", 0o1777)
        .file("usr/share/empty", 0o644, b"")
        .hard_link("usr/share/empty2", "./usr/share/empty")
        .file(&format!("usr/share/{long}"), 0o600, b"long")
        .file("usr/share/\u{e4}\u{1f600} \t\u{202e}", 0o644, b"utf8")
        .symlink("usr/share/link", "../../etc/passwd")
        .symlink("usr/share/longlink", &target)
        .file("usr/share/big", 0o644, &vec![b'z'; (3 << 20) + 17])
        .owner(1000, 65534)
        .file("usr/share/owned", 0o400, b"mine")
        .owner(4_000_000_000, 7)
        .dir("usr/share/far", 0o700)
        .owner(0, 0)
        .dir("var", 0o755)
        .symlink("bin", "usr/bin")
}

/// A ref's commit.
fn resolve(repo: &TestRepo, name: &str) -> Checksum {
    repo.repo.resolve(name).unwrap().unwrap()
}

#[test]
fn progress_grows_to_the_total() {
    let repo = TestRepo::new();
    let layers = [plain(nasty("etc")), packed(&nasty("etc").end(), Plain)];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let mut seen = vec![0];
    let mut watch = |done| {
        seen.push(done);
        ControlFlow::Continue(())
    };
    import(&repo.repo, &image, TARGET, &mut watch).unwrap();
    assert!(seen.is_sorted() && seen.len() > 3, "{seen:?}");
    assert_eq!(seen.last(), Some(&image.total_bytes()));
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn image_from_a_registry_is_the_image_from_the_layout() {
    let registry = TestRegistry::start();
    let layers = [
        plain(nasty("etc")),
        packed(&base().file("usr/x", 0o644, b"x").end(), Zstd),
    ];
    let layout = LayoutDir::of(&layers);
    let (local, remote) = (TestRepo::new(), TestRepo::new());
    let from_layout = import(&local.repo, &layout.open().unwrap(), TARGET, &mut go_on).unwrap();
    let image = Image::open(
        &registry.push(&layout, "os:1", &["--preserve-digests"]),
        &options(),
    )
    .unwrap();
    let from_registry = import(&remote.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(from_registry, from_layout);
    remote.fsck();
}
