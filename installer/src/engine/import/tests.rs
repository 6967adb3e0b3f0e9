// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whole imports into a repository, checked with the `ostree` program and against commits it makes.

mod encapsulated;
mod faults;
mod holes;
mod labels;

use std::fs;
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

#[test]
fn nasty_layer_is_what_libostree_makes_of_it() {
    for compression in [Plain, Gzip, Zstd] {
        let repo = TestRepo::new();
        let commit = repo
            .import(&[packed(&nasty("etc").end(), compression)])
            .unwrap();
        let listing = repo.listing(&commit.checksum.to_string());
        assert_eq!(listing, repo.oracle(&nasty("usr/etc").end()));
        assert_eq!(
            (commit.objects, commit.content_bytes),
            (13, (3 << 20) + 17 + 29)
        );
        assert!(listing.contains("security.capability"), "{listing}");
        repo.fsck();
    }
}

#[test]
fn merge_is_what_libostree_makes_of_the_flat_archive() {
    let lower = base()
        .dir("etc", 0o755)
        .file("etc/keep", 0o644, b"1")
        .file("etc/gone", 0o644, b"1")
        .file("etc/hostname", 0o644, b"")
        .file("etc/resolv.conf", 0o644, b"")
        .dir("usr/opaque", 0o755)
        .file("usr/opaque/old", 0o644, b"old")
        .dir("usr/dir", 0o700)
        .file("usr/dir/below", 0o644, b"x")
        .file("usr/file", 0o644, b"x")
        .dir("usr/deep", 0o755)
        .dir("usr/deep/er", 0o755)
        .file("usr/deep/er/x", 0o644, b"x")
        .file("usr/original", 0o644, b"shared");
    let upper = base()
        .dir("etc", 0o750)
        .file("etc/.wh.gone", 0o644, b"")
        .file("etc/new", 0o644, b"2")
        .dir("usr/opaque", 0o711)
        .file("usr/opaque/.wh..wh..opq", 0o644, b"")
        .file("usr/opaque/young", 0o644, b"young")
        .file("usr/dir", 0o644, b"now a file")
        .dir("usr/file", 0o755)
        .file("usr/file/below", 0o644, b"now below")
        .file("usr/.wh.deep", 0o644, b"")
        .hard_link("usr/again", "usr/original")
        .file("dev/.wh.null", 0o644, b"");
    let flat = base()
        .dir("usr/etc", 0o750)
        .file("usr/etc/keep", 0o644, b"1")
        .file("usr/etc/new", 0o644, b"2")
        .dir("usr/opaque", 0o711)
        .file("usr/opaque/young", 0o644, b"young")
        .file("usr/dir", 0o644, b"now a file")
        .dir("usr/file", 0o755)
        .file("usr/file/below", 0o644, b"now below")
        .file("usr/original", 0o644, b"shared")
        .file("usr/again", 0o644, b"shared");
    let repo = TestRepo::new();
    let commit = repo.import(&[plain(lower), plain(upper)]).unwrap();
    assert_eq!(
        repo.listing(&commit.checksum.to_string()),
        repo.oracle(&flat.end())
    );
    repo.fsck();
}

#[test]
fn layer_commits_hold_the_layer_with_its_whiteouts() {
    let repo = TestRepo::new();
    let upper = || {
        base()
            .file("usr/.wh.a", 0o644, b"")
            .file("usr/b", 0o644, b"b")
    };
    let layers = [plain(base().file("usr/a", 0o644, b"a")), plain(upper())];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let layer_ref = |at: usize| {
        format!(
            "ostree/container/blob/{}",
            image.layers[at].digest.replace(':', "_3A_")
        )
    };
    assert_eq!(repo.listing(&layer_ref(1)), repo.oracle(&upper().end()));
    assert_eq!(
        repo.listing(&layer_ref(0)),
        repo.oracle(&base().file("usr/a", 0o644, b"a").end())
    );
    let upper_commit = resolve(&repo, &layer_ref(1));
    assert_eq!(
        repo.metadata(upper_commit, metadata::IMPORTER.0),
        metadata::IMPORTER.1
    );
    assert!(!repo.listing(&commit.checksum.to_string()).contains(".wh."));
    let mut refs: Vec<_> = repo.ostree(&["refs"]).lines().map(str::to_owned).collect();
    refs.sort();
    let mut expected = vec![
        layer_ref(0),
        layer_ref(1),
        "oracle".to_owned(),
        TARGET_REF.to_owned(),
    ];
    expected.sort();
    assert_eq!(refs, expected);
}

/// A ref's commit.
fn resolve(repo: &TestRepo, name: &str) -> Checksum {
    repo.repo.resolve(name).unwrap().unwrap()
}

#[test]
fn merge_commit_says_what_bootc_reads() {
    let repo = TestRepo::new();
    let layout = LayoutDir::of(&[plain(base())]);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(resolve(&repo, TARGET_REF), commit.checksum);
    let get = |key| repo.metadata(commit.checksum, key);
    assert_eq!(get("ostree.manifest-digest"), image.digest);
    assert_eq!(get("ostree.manifest"), image.manifest);
    assert_eq!(get("ostree.container.image-config"), image.config);
    assert_eq!(get("ostree.importer.version"), env!("CARGO_PKG_VERSION"));
    let shown = repo.ostree(&["show", "--raw", &commit.checksum.to_string()]);
    assert_eq!(shown.matches("'ostree.").count(), 4, "{shown}");
    let shown = repo.ostree(&["show", &commit.checksum.to_string()]);
    assert!(
        shown.contains("Date:  2024-05-06 07:08:09 +0000"),
        "{shown}"
    );
    assert!(
        !shown.contains("Parent:") && shown.contains("(no subject)"),
        "{shown}"
    );
    let again = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(again.checksum, commit.checksum);
}

#[test]
fn docker_manifest_is_stored_as_oci_under_its_own_digest() {
    let repo = TestRepo::new();
    let layers = [plain(base())];
    let layout = LayoutDir::of(&layers);
    let mut docker: Value = serde_json::from_str(&layout.open().unwrap().manifest).unwrap();
    docker["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json");
    docker["config"]["mediaType"] = json!("application/vnd.docker.container.image.v1+json");
    docker["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
    layout.index(&[layout.manifest(&docker)]);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let get = |key| repo.metadata(commit.checksum, key);
    assert_eq!(get("ostree.manifest-digest"), image.digest);
    let stored: Value = serde_json::from_str(&get("ostree.manifest")).unwrap();
    assert_eq!(
        stored["mediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    assert_eq!(
        stored["config"]["mediaType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert_eq!(
        stored["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    assert_eq!(stored["layers"][0]["digest"], docker["layers"][0]["digest"]);
}

#[test]
fn what_ostree_cannot_keep_is_left_out() {
    let repo = TestRepo::new();
    let device = |tar: Tar| tar.entry(b'3', "dev/null", 0o666, b"");
    let tar = device(base().dir("dev", 0o755))
        .dir("run", 0o755)
        .file("run/x", 0o644, b"x")
        .hard_link("tmp/y", "run/x")
        .entry(b'6', "tmp/pipe", 0o644, b"")
        .xattr("security.selinux", b"system_u:object_r:usr_t:s0\0")
        .xattr("user.empty", b"")
        .xattr("user.kept", b"1")
        .file("usr/labelled", 0o644, b"x")
        .raw(b'2', b"usr/link", (0o755, b"labelled"), b"");
    let commit = repo.import(&[plain(tar)]).unwrap();
    let flat = base()
        .dir("dev", 0o755)
        .dir("run", 0o755)
        .xattr("user.kept", b"1")
        .file("usr/labelled", 0o644, b"x")
        .symlink("usr/link", "labelled");
    assert_eq!(
        repo.listing(&commit.checksum.to_string()),
        repo.oracle(&flat.end())
    );
    repo.fsck();
}

#[test]
fn missing_parents_belong_to_root_and_keep_those_below() {
    let repo = TestRepo::new();
    let lower = base().owner(5, 5).dir("usr/lib", 0o700);
    let upper = Tar::default()
        .owner(9, 9)
        .file("usr/lib/x", 0o600, b"x")
        .file("opt/a/b", 0o600, b"y");
    let commit = repo.import(&[plain(lower), plain(upper)]).unwrap();
    let flat = base()
        .owner(5, 5)
        .dir("usr/lib", 0o700)
        .owner(0, 0)
        .dir("opt", 0o755)
        .dir("opt/a", 0o755)
        .owner(9, 9)
        .file("usr/lib/x", 0o600, b"x")
        .file("opt/a/b", 0o600, b"y");
    assert_eq!(
        repo.listing(&commit.checksum.to_string()),
        repo.oracle(&flat.end())
    );
}

#[test]
fn build_litter_goes_only_if_empty() {
    let repo = TestRepo::new();
    let tar = base()
        .file("etc/hostname", 0o644, b"name\n")
        .symlink("etc/resolv.conf", "../run/r");
    let commit = repo.import(&[plain(tar)]).unwrap();
    let listing = repo.listing(&commit.checksum.to_string());
    assert!(listing.contains("/usr/etc/hostname") && listing.contains("/usr/etc/resolv.conf"));
}

#[test]
fn later_entries_of_a_name_win() {
    let repo = TestRepo::new();
    let tar = base()
        .hard_link("usr/early", "usr/late")
        .hard_link("usr/replaced", "usr/late")
        .file("usr/late", 0o644, b"late")
        .file("usr/replaced", 0o644, b"own")
        .file("usr/twice", 0o644, b"1")
        .file("usr/twice", 0o600, b"2")
        .dir("usr/d", 0o700)
        .file("usr/d/x", 0o644, b"x")
        .dir("usr/d", 0o755);
    let flat = base()
        .file("usr/early", 0o644, b"late")
        .file("usr/late", 0o644, b"late")
        .file("usr/replaced", 0o644, b"own")
        .file("usr/twice", 0o600, b"2")
        .dir("usr/d", 0o755)
        .file("usr/d/x", 0o644, b"x");
    let commit = repo.import(&[plain(tar)]).unwrap();
    assert_eq!(
        repo.listing(&commit.checksum.to_string()),
        repo.oracle(&flat.end())
    );
}

#[test]
fn layers_in_many_pieces_are_read_to_their_end() {
    let archive = base().file("usr/a", 0o644, &vec![b'a'; 100_000]).end();
    let (head, tail) = archive.split_at(50_000);
    let mut gzip = crate::image::fixture::gzip(head);
    gzip.extend(crate::image::fixture::gzip(tail));
    let mut zstd = zstd::encode_all(head, 3).unwrap();
    zstd.extend(zstd::encode_all(tail, 3).unwrap());
    // A skippable frame, as `zstd:chunked` ends with.
    zstd.extend([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    for (compression, blob) in [(Gzip, gzip), (Zstd, zstd)] {
        let mut layer = packed(&archive, compression);
        layer.blob = blob;
        let repo = TestRepo::new();
        let commit = repo.import(&[layer]).unwrap();
        let flat = base().file("usr/a", 0o644, &vec![b'a'; 100_000]);
        assert_eq!(
            repo.listing(&commit.checksum.to_string()),
            repo.oracle(&flat.end())
        );
    }
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

#[test]
fn a_stopped_import_leaves_no_ref() {
    let repo = TestRepo::new();
    let layout = LayoutDir::of(&[plain(nasty("etc"))]);
    let mut stop = |_| ControlFlow::Break(());
    let error = import(&repo.repo, &layout.open().unwrap(), TARGET, &mut stop).unwrap_err();
    assert!(matches!(error, ImportError::Stopped), "{error}");
    assert_eq!(repo.ostree(&["refs"]), "");
}

/// An image whose layer was imported before, and whose blob is gone.
fn imported_without_blob(repo: &TestRepo) -> (LayoutDir, Image, Commit) {
    let layout = LayoutDir::of(&[plain(nasty("etc"))]);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    fs::remove_file(layout.blob_path(&image.layers[0].digest)).unwrap();
    (layout, image, commit)
}

#[test]
fn a_layer_that_is_there_is_not_read_again() {
    let repo = TestRepo::new();
    let (_layout, image, commit) = imported_without_blob(&repo);
    let mut last = 0;
    let mut watch = |done| {
        last = done;
        ControlFlow::Continue(())
    };
    let again = import(&repo.repo, &image, TARGET, &mut watch).unwrap();
    assert_eq!(again.checksum, commit.checksum);
    assert_eq!((again.objects, last), (0, image.total_bytes()));
    assert_eq!(again.reused_bytes, image.total_bytes());
    repo.fsck();
}

#[test]
fn a_layer_that_is_there_keeps_the_directories_below_it() {
    let repo = TestRepo::new();
    let lower = base().dir("usr/a/", 0o700).file("usr/a/x", 0o644, b"x");
    let upper = Tar::default().file("usr/a/y", 0o644, b"y");
    let layers = [plain(lower), plain(upper)];
    let first = repo.import(&layers).unwrap().checksum;
    assert_eq!(repo.import(&layers).unwrap().checksum, first);
}

#[test]
fn an_import_that_failed_is_taken_up_where_it_was() {
    let layers = || {
        [
            plain(nasty("etc")),
            plain(base().file("usr/b", 0o644, b"b")),
        ]
    };
    let (repo, cut) = (TestRepo::new(), LayoutDir::of(&layers()));
    let image = cut.open().unwrap();
    fs::remove_file(cut.blob_path(&image.layers[1].digest)).unwrap();
    import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
    assert_eq!(repo.ostree(&["refs"]).lines().count(), 1);
    repo.fsck();
    let whole = LayoutDir::of(&layers());
    fs::remove_file(whole.blob_path(&image.layers[0].digest)).unwrap();
    let commit = import(&repo.repo, &whole.open().unwrap(), TARGET, &mut go_on).unwrap();
    let other = TestRepo::new().import(&layers()).unwrap();
    assert_eq!(commit.checksum, other.checksum);
    repo.fsck();
}

#[test]
fn a_layer_that_is_not_whole_is_read_again() {
    for (ending, damage) in [("dirtree", false), ("dirmeta", true), ("file", false)] {
        let repo = TestRepo::new();
        let (_layout, image, commit) = imported_without_blob(&repo);
        let first = repo.objects(ending).remove(0);
        if damage {
            fs::write(first, "damaged").unwrap();
        } else {
            fs::remove_file(first).unwrap();
        }
        let error = import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
        assert!(matches!(error, ImportError::Image(_)), "{error}");
        let mended = repo.import(&[plain(nasty("etc"))]).unwrap();
        assert_eq!(mended.checksum, commit.checksum, "{ending}");
        repo.fsck();
    }
}

#[test]
fn what_an_interrupted_import_left_is_cleared() {
    let repo = TestRepo::new();
    let left = repo.dir.path().join("tmp/landfall-0/ab");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("unfinished"), "x").unwrap();
    repo.import(&[plain(nasty("etc"))]).unwrap();
    let mut names = fs::read_dir(repo.dir.path().join("tmp")).unwrap();
    assert!(names.all(|entry| entry.unwrap().file_name() == "cache"));
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
