// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Imports that ended early, and what the next one finds.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

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

/// Reads a layer of files, unless it is there.
pub(super) fn read(from: (&Repository, &Image), at: usize) -> Outcome {
    read_with(from, &Shared::default(), at)
}

fn read_with((repo, image): (&Repository, &Image), shared: &Shared, at: usize) -> Outcome {
    let gate = Gate::default();
    drop(gate.opened_at_end());
    let intact = &Intact::new(repo, shared);
    let gate = &gate;
    let work = Work {
        repo,
        image,
        intact,
        shared,
        gate,
    };
    work.layer(at, Role::Files)
}

#[test]
fn no_ref_leads_to_a_commit_that_was_lost_with_the_next_one() {
    let layers = [
        plain(nasty("etc")),
        plain(base().file("usr/b", 0o644, b"b")),
    ];
    let (repo, layout) = (TestRepo::new(), LayoutDir::of(&layers));
    let image = layout.open().unwrap();
    let mut merge = Merge::new(&repo.repo, &image);
    let [first, second] = [0, 1].map(|at| read((&repo.repo, &image), at).unwrap());
    merge.add(0, first).unwrap();
    // Where commits are written comes after both layers. What is new there meets a file.
    let commits = repo.dir.path().join("tmp/landfall-2");
    for prefix in 0..=255_u8 {
        let blocked = commits.join(format!("{prefix:02x}"));
        if !blocked.exists() {
            fs::write(blocked, "").unwrap();
        }
    }
    let error = merge.add(1, second).unwrap_err();
    assert!(matches!(error, ImportError::Repository { .. }), "{error}");
    merge.publish().unwrap();
    drop(merge);
    assert_eq!(repo.ostree(&["refs"]), "");
    repo.import(&layers).unwrap();
    repo.fsck();
}

#[test]
fn a_layer_whose_verification_was_ended_is_not_asked_for() {
    let repo = TestRepo::new();
    let (_layout, image, _) = imported_without_blob(&repo);
    let shared = Shared::default();
    shared.give_up();
    let ended = read_with((&repo.repo, &image), &shared, 0);
    assert!(matches!(&ended, Err(ImportError::Stopped)), "{ended:?}");
}

/// Changes to an object as a script can make them through a link to it.
const CHANGES: [fn(&Path); 5] = [
    |object| {
        let other = if mode(object) == 0o600 { 0o400 } else { 0o600 };
        fs::set_permissions(object, fs::Permissions::from_mode(other)).unwrap();
    },
    |object| {
        let mut content = fs::read(object).unwrap();
        content[0] ^= 1;
        fs::write(object, content).unwrap();
    },
    |object| {
        let file = fs::OpenOptions::new().append(true).open(object).unwrap();
        (&file).write_all(b"more").unwrap();
    },
    |object| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::lsetxattr(object, "user.new", b"1", flags).unwrap();
    },
    |object| std::os::unix::fs::lchown(object, Some(4242), None).unwrap(),
];

fn mode(object: &Path) -> u32 {
    fs::symlink_metadata(object).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_layer_with_an_object_that_was_changed_is_read_again() {
    for (index, change) in CHANGES.iter().enumerate() {
        let repo = TestRepo::new();
        let (_layout, image, commit) = imported_without_blob(&repo);
        let mut objects = repo.objects("file");
        objects.retain(|object| {
            let about = fs::symlink_metadata(object).unwrap();
            about.is_file() && about.len() > 0
        });
        for object in &objects {
            change(object);
        }
        let error = import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
        assert!(matches!(error, ImportError::Image(_)), "{index}: {error}");
        let mended = repo.import(&[plain(nasty("etc"))]).unwrap();
        assert_eq!(mended.checksum, commit.checksum, "{index}");
        repo.fsck();
    }
}

#[test]
fn a_layer_with_a_link_that_was_changed_is_read_again() {
    let repo = TestRepo::new();
    let (_layout, image, _) = imported_without_blob(&repo);
    let objects = repo.objects("file");
    let link = objects.iter().find(|object| object.is_symlink()).unwrap();
    fs::remove_file(link).unwrap();
    std::os::unix::fs::symlink("elsewhere", link).unwrap();
    import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
    // What is no file at all is not waited for.
    fs::remove_file(link).unwrap();
    run(Command::new("mkfifo").arg(link), "mkfifo");
    import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
    fs::remove_file(link).unwrap();
    repo.import(&[plain(nasty("etc"))]).unwrap();
    repo.fsck();
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

/// More layers than are published together.
fn many() -> Vec<Packed> {
    let layer = |number: u32| {
        let path = format!("usr/{number}");
        plain(base().file(&path, 0o644, &number.to_be_bytes()))
    };
    (0..65).map(layer).collect()
}

/// Imports many layers while `blocked`, a path of the repository, is in the way; gives the refs that were set. What they
/// lead to is there, and without the block the next import does what this one was to do.
fn publish_fails_at(blocked: &Path, is_directory: bool, expected: Checksum) -> Vec<String> {
    let repo = TestRepo::new();
    let path = repo.dir.path().join(blocked);
    if is_directory {
        fs::create_dir_all(&path).unwrap();
    } else {
        fs::write(&path, "").unwrap();
    }
    let error = repo.import(&many()).unwrap_err();
    assert!(
        matches!(&error, ImportError::Repository { .. }),
        "{error:?}"
    );
    let refs: Vec<String> = repo.ostree(&["refs"]).lines().map(str::to_owned).collect();
    for name in &refs {
        // It reads directories, and asks for every file.
        repo.ostree(&["ls", "-R", name]);
    }
    if is_directory {
        fs::remove_dir(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(repo.import(&many()).unwrap().checksum, expected);
    repo.fsck();
    refs
}

#[test]
fn no_ref_leads_to_what_a_failed_publish_left_out() {
    let repo = TestRepo::new();
    let layout = LayoutDir::of(&many());
    let image = layout.open().unwrap();
    let expected = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let names = image.layers.iter().map(|layer| refs::layer(&layer.digest));
    let names: Vec<String> = names.map(Option::unwrap).collect();
    let at = 10;
    // Some objects have their names, others not.
    let commit = resolve(&repo, &names[at]).to_string();
    let blocked = Path::new("objects").join(&commit[..2]);
    let left = publish_fails_at(&blocked, false, expected.checksum);
    assert_eq!(left, [""; 0]);
    // All objects have, and some refs are set.
    let blocked = Path::new("refs/heads").join(&names[at]);
    let mut left = publish_fails_at(&blocked, true, expected.checksum);
    left.sort();
    let mut set = names[..at].to_vec();
    set.sort();
    assert_eq!(left, set);
}
