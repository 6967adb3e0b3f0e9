// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images that hold an ostree commit in objects: made here from commits of the `ostree` program.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::salvage::without_the_first;
use super::*;
use crate::engine::repository::{CommitObject, DirTree, Meta};
use crate::image::fixture::LayoutDir;

const OBJECTS: &str = "sysroot/ostree/repo/objects";

/// A commit of the `ostree` program, and its objects in layers.
struct Source {
    repo: TestRepo,
    commit: String,
}

impl Source {
    /// A commit of `tar`, whose paths are in their places already.
    fn of(tar: Tar) -> Self {
        let repo = TestRepo::new();
        let path = repo.dir.path().join("source.tar");
        fs::write(&path, tar.end()).unwrap();
        let tree = format!("--tree=tar={}", path.display());
        let commit = repo.ostree(&["commit", "--branch=source", &tree, "--fsync=no"]);
        let commit = commit.trim().to_owned();
        Self { repo, commit }
    }

    /// Adds the objects of a kind of metadata.
    fn kind(&self, ending: &str, tar: Tar) -> Tar {
        self.repo.objects(ending).iter().fold(tar, |tar, path| {
            tar.file(&in_layer(path), 0o644, &fs::read(path).unwrap())
        })
    }

    /// Commit and directories, as the first layer begins.
    fn metadata(&self) -> Tar {
        let tar = Tar::default().dir("sysroot/", 0o755).file(
            "sysroot/ostree/repo/config",
            0o644,
            b"[core]\n",
        );
        ["commit", "dirtree", "dirmeta"]
            .into_iter()
            .fold(tar, |tar, ending| self.kind(ending, tar))
    }

    /// Adds the files of which `chosen` says so.
    fn files(&self, tar: Tar, chosen: impl Fn(usize) -> bool) -> Tar {
        let files = self.repo.objects("file");
        let some = files.iter().enumerate().filter(|(at, _)| chosen(*at));
        some.fold(tar, |tar, (_, path)| with_file(tar, path))
    }
}

fn in_layer(object: &Path) -> String {
    let name = object.file_name().unwrap().to_str().unwrap();
    let prefix = object.parent().unwrap().file_name().unwrap();
    format!("{OBJECTS}/{}/{name}", prefix.to_str().unwrap())
}

/// A file's attributes, as a list of its own and a link to it, then the file.
fn with_file(tar: Tar, path: &Path) -> Tar {
    let list = attributes(path);
    let sum = Checksum::of(&list).to_string();
    let (prefix, rest) = sum.split_at(2);
    let list_path = format!("{OBJECTS}/{prefix}/{rest}.file-xattrs");
    let name = in_layer(path);
    let about = fs::symlink_metadata(path).unwrap();
    let tar = tar
        .owner(0, 0)
        .file(&list_path, 0o644, &list)
        .hard_link(&format!("{name}-xattrs-link"), &list_path)
        .owner(about.uid().into(), about.gid().into());
    let tar = if about.is_symlink() {
        let target = fs::read_link(path).unwrap();
        tar.symlink(&name, target.to_str().unwrap())
    } else {
        tar.file(&name, about.mode() & 0o7777, &fs::read(path).unwrap())
    };
    tar.owner(0, 0)
}

/// `a(ayay)` of an object on disk.
fn attributes(path: &Path) -> Vec<u8> {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap();
    let names = names[..length].split(|&byte| byte == 0);
    let mut meta = Meta::implied();
    for name in names.filter(|name| !name.is_empty()) {
        let mut value = vec![0; 70_000];
        let length = rustix::fs::lgetxattr(path, name, &mut value).unwrap();
        meta.xattrs.insert(name.to_vec(), value[..length].to_vec());
    }
    meta.dirmeta()[12..].to_vec()
}

/// An image whose layers up to `last` hold a commit.
fn image(layers: &[Packed], last: usize) -> LayoutDir {
    let layout = LayoutDir::new();
    let mut labelled = config(layers, "amd64");
    labelled["config"]["Labels"]["ostree.final-diffid"] = json!(layers[last].diff_id);
    layout.index(&[layout.image(layers, &labelled)]);
    layout
}

fn layer_ref(image: &Image, at: usize) -> String {
    refs::layer(&image.layers[at].digest).unwrap()
}

#[test]
fn the_commit_of_one_layer_is_kept_and_deployed() {
    let source = Source::of(nasty("usr/etc"));
    let layers = [plain(source.files(source.metadata(), |_| true))];
    let layout = image(&layers, 0);
    let (repo, image) = (TestRepo::new(), layout.open().unwrap());
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let base = resolve(&repo, &layer_ref(&image, 0));
    assert_eq!(base.to_string(), source.commit);
    assert_ne!(commit.checksum, base);
    assert_eq!(
        repo.listing(&commit.checksum.to_string()),
        source.repo.listing(&source.commit)
    );
    let shown = repo.ostree(&["show", &commit.checksum.to_string()]);
    assert!(shown.contains(&format!("Parent:  {base}")), "{shown}");
    assert_eq!(
        repo.metadata(commit.checksum, "ostree.manifest-digest"),
        image.digest
    );
    repo.fsck();
}

/// A commit in three layers and a layer of files above them.
fn chunked(source: &Source, upper: Tar) -> Vec<Packed> {
    vec![
        plain(source.files(source.metadata(), |at| at % 3 == 0)),
        packed(&source.files(Tar::default(), |at| at % 3 == 1).end(), Zstd),
        packed(&source.files(Tar::default(), |at| at % 3 == 2).end(), Plain),
        plain(upper),
    ]
}

/// A system whose root is an overlay, or is not; `su2` is the name of a link that a layer above hides.
fn lower(overlay: bool, su2: Option<&str>) -> Tar {
    let conf: &[u8] = if overlay {
        b"[composefs]\nenabled=yes\n"
    } else {
        b""
    };
    let tar = base()
        .dir("usr/bin", 0o755)
        .file("usr/bin/su", 0o4755, b"suid")
        .dir("usr/lib", 0o755)
        .dir("usr/lib/ostree", 0o755)
        .file("usr/lib/ostree/prepare-root.conf", 0o644, conf)
        .xattr("security.capability", CAPABILITY)
        .file("usr/lib/ping", 0o755, b"ping")
        .symlink("bin", "usr/bin")
        .dir("var", 0o755);
    su2.into_iter()
        .fold(tar, |tar, name| tar.hard_link(name, "usr/bin/su"))
}

fn upper() -> Tar {
    base()
        .dir("etc", 0o755)
        .file("etc/passwd", 0o644, b"root and more\n")
        .file("usr/bin/.wh.su2", 0o644, b"")
        .hard_link("usr/bin/again", "usr/bin/su")
        .dir("opt", 0o755)
        .file("opt/x", 0o644, b"x")
}

#[test]
fn chunks_and_files_above_them_are_what_libostree_makes_of_the_flat_archive() {
    for overlay in [true, false] {
        let below = lower(overlay, Some("usr/bin/su2")).dir("usr/etc", 0o755);
        let source = Source::of(below.file("usr/etc/passwd", 0o644, b"root\n"));
        let layout = image(&chunked(&source, upper()), 2);
        let (repo, image) = (TestRepo::new(), layout.open().unwrap());
        let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
        let flat = lower(overlay, None)
            .dir("usr/etc", 0o755)
            .file("usr/etc/passwd", 0o644, b"root and more\n")
            .hard_link("usr/bin/again", "usr/bin/su");
        let flat = if overlay {
            flat.dir("opt", 0o755).file("opt/x", 0o644, b"x")
        } else {
            flat
        };
        let listing = repo.listing(&commit.checksum.to_string());
        assert_eq!(listing, repo.oracle(&flat.end()));
        repo.fsck();
    }
}

#[test]
fn a_layer_of_objects_is_kept_alive_by_a_commit_that_lists_them() {
    let source = Source::of(lower(true, None));
    let layout = image(&chunked(&source, upper()), 2);
    let (repo, image) = (TestRepo::new(), layout.open().unwrap());
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    for at in [1, 2] {
        let commit = resolve(&repo, &layer_ref(&image, at));
        let (tree, meta) = repo.repo.root_of(commit).unwrap();
        assert_eq!(repo.repo.dirmeta(meta).unwrap(), Meta::implied());
        let listed = repo.repo.dirtree(tree).unwrap();
        assert!(!listed.files.is_empty() && listed.directories.is_empty());
        for (name, checksum) in listed.files {
            assert_eq!(*name, checksum.to_string());
        }
    }
    repo.ostree(&["prune", "--refs-only"]);
    repo.fsck();
    // All layers are there: their blobs are not wanted.
    for layer in &image.layers {
        fs::remove_file(layout.blob_path(&layer.digest)).unwrap();
    }
    let again = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(again.checksum, commit.checksum);
}

/// Imports a commit again after `damage` to an object of each of its three layers in turn: that layer is read again, and
/// nothing is different. Tells how many bytes were not read, and how many the first layer has.
fn reused_after(damage: impl Fn(&Path)) -> Vec<(u64, u64)> {
    let source = Source::of(lower(true, None));
    let layers = chunked(&source, upper());
    let objects = source.repo.objects("file");
    let reused = |at| {
        let (repo, layout) = (TestRepo::new(), image(&layers, 2));
        let image = layout.open().unwrap();
        let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
        let mut of_layer = objects.iter().skip(at).step_by(3);
        let object = of_layer.find(|object| !object.is_symlink()).unwrap();
        let object = object.strip_prefix(source.repo.dir.path()).unwrap();
        damage(&repo.dir.path().join(object));
        let again = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
        assert_eq!(again.checksum, commit.checksum);
        let read = image.total_bytes() - again.reused_bytes;
        assert!(read >= image.layers[at].size, "layer {at}");
        repo.fsck();
        (again.reused_bytes, image.layers[0].size)
    };
    (0..3).map(reused).collect()
}

#[test]
fn a_layer_of_objects_with_one_that_was_changed_is_read_again() {
    let mode = |object: &Path| {
        fs::set_permissions(object, fs::Permissions::from_mode(0o604)).unwrap();
    };
    // One with a link to the object is read again, too, and the first, which may hold any.
    let reused = reused_after(mode);
    assert!(reused.iter().all(|(reused, _)| *reused > 0), "{reused:?}");
}

#[test]
fn a_layer_of_objects_with_one_that_is_missing_is_read_again() {
    let reused = reused_after(|object| fs::remove_file(object).unwrap());
    // Another one may hold what the first one lacks, but here each says what it holds.
    let keeps_first = |(reused, first): &(u64, u64)| reused >= first;
    assert!(reused[1..].iter().all(keeps_first), "{reused:?}");
}

#[test]
fn layers_above_a_commit_that_is_lost_are_salvaged() {
    let source = Source::of(lower(true, None));
    let above = || base().dir("opt", 0o755).file("opt/x", 0o644, b"x");
    let linked = above().hard_link("usr/bin/again", "usr/bin/su");
    for (upper, is_kept) in [(above(), true), (linked, false)] {
        let layout = image(&chunked(&source, upper), 2);
        without_the_first(&TestRepo::new(), &layout, &[true, true, is_kept]);
    }
}

#[test]
fn what_is_salvaged_above_a_root_that_is_no_overlay_has_no_more_than_is_deployed() {
    let source = Source::of(lower(false, None));
    let upper = base().dir("opt", 0o755).file("opt/x", 0o644, b"x");
    let layout = image(&chunked(&source, upper.file("usr/x", 0o644, b"x")), 2);
    let repo = TestRepo::new();
    without_the_first(&repo, &layout, &[true; 3]);
    let listing = repo.listing(TARGET_REF);
    assert!(
        listing.contains(" /usr/x\n") && !listing.contains("/opt"),
        "{listing}"
    );
}

/// Each list of layers, which holds all of a commit, is refused with a message that holds the word.
fn all_refused(cases: Vec<(Vec<Tar>, &str)>) {
    for (layers, word) in cases {
        let layers: Vec<Packed> = layers.into_iter().map(plain).collect();
        let layout = image(&layers, layers.len() - 1);
        let image = layout.open().unwrap();
        let error = import(&TestRepo::new().repo, &image, TARGET, &mut go_on).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn layers_that_are_not_one_commit_are_refused() {
    let source = Source::of(nasty("usr/etc"));
    let (metadata, whole) = (source.metadata(), || {
        source.files(source.metadata(), |_| true)
    });
    let again = source.repo.objects("file").remove(0);
    all_refused(vec![
        (vec![base()], "no ostree commit"),
        (vec![with_file(whole(), &again)], "there twice"),
        (vec![source.kind("commit", whole())], "a second commit"),
        (
            vec![whole(), source.kind("dirmeta", Tar::default())],
            "outside the first layer",
        ),
        (vec![metadata], "do not hold all of it"),
    ]);
}

#[test]
fn objects_that_are_not_what_they_say_are_refused() {
    let source = Source::of(nasty("usr/etc"));
    let files = source.repo.objects("file");
    let is_regular = |path: &&PathBuf| fs::symlink_metadata(path).unwrap().is_file();
    let name = in_layer(files.iter().find(is_regular).unwrap());
    let digits = "0".repeat(62);
    let with = |name: &str, content: &[u8]| vec![source.metadata().file(name, 0o644, content)];
    let object = |ending: &str| format!("{OBJECTS}/00/{digits}.{ending}");
    let link = format!("{name}-xattrs-link");
    let huge = vec![0; 11 << 20];
    all_refused(vec![
        (with(&name, b"else"), "has the checksum"),
        (with(&object("dirtree"), b"x"), "not what its name says"),
        (with(&object("what"), b"x"), "no object of an ostree"),
        (
            with(&format!("{OBJECTS}/00/1.file"), b"x"),
            "no object of an ostree",
        ),
        (with(&link, b"nonsense"), "no list of attributes"),
        (
            vec![source.metadata().hard_link(&link, "nowhere")],
            "no list of attributes",
        ),
        (with(&object("file-xattrs"), b""), "another checksum"),
        (with(&object("dirmeta"), &huge), "more than 10485760"),
    ]);
}

/// An object of metadata in a layer.
fn object(tar: Tar, ending: &str, bytes: &[u8]) -> (Tar, Checksum) {
    let sum = Checksum::of(bytes);
    let hex = sum.to_string();
    let path = format!("{OBJECTS}/{}/{}.{ending}", &hex[..2], &hex[2..]);
    (tar.file(&path, 0o644, bytes), sum)
}

/// A commit whose root has `levels` of directories below it, each with `names` for the next.
fn nested(levels: usize, names: usize) -> Vec<Packed> {
    let (mut tar, meta) = object(Tar::default(), "dirmeta", &Meta::implied().dirmeta());
    let mut below = None;
    for _ in 0..levels {
        let mut tree = DirTree::default();
        for name in (0..names).filter_map(|name| Some((name, below?))) {
            let (name, sum) = name;
            tree.directories
                .insert(name.to_string().into(), (sum, meta));
        }
        let (next, sum) = object(tar, "dirtree", &tree.to_bytes());
        (tar, below) = (next, Some(sum));
    }
    let commit = CommitObject {
        metadata: std::collections::BTreeMap::new(),
        time: 0,
        tree: below.unwrap(),
        meta,
        parent: None,
    };
    let (tar, _) = object(tar, "commit", &commit.to_bytes());
    vec![plain(tar)]
}

#[test]
fn trees_without_bounds_are_refused() {
    for (levels, names) in [(5000, 1), (12, 100)] {
        let layout = image(&nested(levels, names), 0);
        let image = layout.open().unwrap();
        let error = import(&TestRepo::new().repo, &image, TARGET, &mut go_on).unwrap_err();
        assert!(
            error.to_string().contains("more than 256 levels or"),
            "{error}"
        );
    }
}

#[test]
fn a_label_that_names_no_layer_is_refused() {
    let layers = [plain(base())];
    let layout = LayoutDir::new();
    let mut labelled = config(&layers, "amd64");
    labelled["config"]["Labels"]["ostree.final-diffid"] = json!("sha256:0");
    layout.index(&[layout.image(&layers, &labelled)]);
    let error = check(&layout.open().unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("`ostree.final-diffid` names no layer"),
        "{error}"
    );
}
