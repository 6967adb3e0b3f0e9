// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Imports that must fail: hostile layers, damaged blobs, kinds that are not supported.

use super::*;

/// The error of importing one layer, which must leave no ref behind.
fn fault(archive: &[u8], compression: Compression) -> String {
    let repo = TestRepo::new();
    let error = repo
        .import(&[plain(base()), packed(archive, compression)])
        .unwrap_err();
    assert!(matches!(&error, ImportError::Layer { .. }), "{error:?}");
    assert!(!repo.ostree(&["refs"]).contains("container/image"));
    error.to_string()
}

/// Each archive is refused with a message that holds the word.
fn all_refused(archives: Vec<(Tar, &str)>) {
    for (tar, word) in archives {
        let message = fault(&tar.end(), Gzip);
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn hostile_names_are_refused() {
    let deep = "d/".repeat(300) + "x";
    let long = "p/".repeat(4000);
    all_refused(vec![
        (base().file("../../etc/shadow", 0o644, b"x"), "`..`"),
        (base().file("usr/../../x", 0o644, b"x"), "`..`"),
        (base().hard_link("usr/x", "../../../etc/shadow"), "`..`"),
        (
            base().raw(b'0', b"usr/\xff", (0o644, b""), b"x"),
            "not UTF-8",
        ),
        (
            base().raw(b'2', b"usr/l", (0o777, b"\xff"), b""),
            "not UTF-8",
        ),
        (base().file("usr/.wh.", 0o644, b""), "whiteout"),
        (base().file(&deep, 0o644, b""), "deeper"),
        (base().file(&long, 0o644, b""), "longer than 4095"),
        (base().file(".", 0o644, b"x"), "the root is not a directory"),
    ]);
}

#[test]
fn entries_that_cannot_be_installed_are_refused() {
    all_refused(vec![
        (
            base().entry(b'3', "usr/null", 0o666, b""),
            "a character device",
        ),
        (base().entry(b'4', "usr/sda", 0o666, b""), "a block device"),
        (base().entry(b'6', "usr/pipe", 0o666, b""), "a named pipe"),
        (
            base().pax("GNU.sparse.major", b"1").dir("usr/x", 0o755),
            "map of a file with holes",
        ),
        (
            base()
                .pax("GNU.sparse.map", b"0,1,0,1")
                .pax("GNU.sparse.size", b"2")
                .file("usr/x", 0o644, b"xx"),
            "map of a file with holes",
        ),
        (
            base()
                .pax("GNU.sparse.map", b"0,0")
                .pax("GNU.sparse.size", b"99999999999999")
                .file("usr/x", 0o644, b""),
            "99999999999999 bytes",
        ),
        (
            base().entry(b'Z', "usr/what", 0o666, b"x"),
            "unknown type `Z`",
        ),
        (
            base().pax("uid", b"4294967296").file("usr/x", 0o644, b""),
            "4294967296",
        ),
    ]);
}

#[test]
fn links_and_parents_that_make_no_sense_are_refused() {
    let file = || base().file("usr/l", 0o644, b"");
    all_refused(vec![
        (base().symlink("usr/l", ""), "to nothing"),
        (base().hard_link("usr/l", "usr/none"), "which is no file"),
        (base().hard_link("usr/l", "run/x"), "not installed"),
        (
            base().dir("usr/d", 0o755).hard_link("usr/l", "usr/d"),
            "a directory",
        ),
        (file().file("usr/l/x", 0o644, b""), "parent"),
        (file().dir("usr/l/x", 0o755), "parent"),
        (
            base().symlink("usr/l", "/etc").file("usr/l/x", 0o644, b""),
            "parent",
        ),
    ]);
}

#[test]
fn hostile_archives_are_refused() {
    let huge = |kind| {
        Tar::default()
            .raw(kind, b"x", (0o644, b""), &vec![b'a'; 2 << 20])
            .end()
    };
    let cut = |at: usize| base().file("usr/a", 0o644, &[b'a'; 2000]).unended()[..at].to_vec();
    let mut zeros = vec![0; 512];
    zeros.extend(base().end());
    for (archive, word) in [
        (b"this is no archive".repeat(100), "not a tar archive"),
        (vec![0xff; 4096], "not a tar archive"),
        (huge(b'x'), "a header of 2097152 bytes"),
        (huge(b'L'), "a header of 2097152 bytes"),
        (cut(1536 + 1000), "cut short"),
        (cut(100), "cut short"),
        (zeros, "zeros between"),
        (
            Tar::default()
                .raw(b'x', b"p", (0o644, b""), b"99 path=x\n")
                .end(),
            "malformed pax",
        ),
        (
            Tar::default().raw(b'x', b"p", (0o644, b""), b"0 ").end(),
            "malformed pax",
        ),
        (
            Tar::default()
                .raw(b'x', b"p", (0o644, b""), b"11 size=-1\n")
                .end(),
            "malformed pax",
        ),
        (
            base()
                .file("usr/first", 0o644, b"x")
                .pax("size", b"18446744073709551615")
                .file("usr/a", 0o644, b"")
                .end(),
            "cut short",
        ),
        (
            [base().end(), vec![1; 17 << 20]].concat(),
            "follow the archive",
        ),
    ] {
        for compression in [Plain, Gzip] {
            let message = fault(&archive, compression);
            assert!(message.contains(word), "{message}");
        }
    }
}

#[test]
fn messages_name_layer_and_entry() {
    let message = fault(&base().file("../x\u{1b}[m", 0o644, b"").end(), Plain);
    assert!(
        message.starts_with("unpacking the layer `sha256:"),
        "{message}"
    );
    assert!(
        message.contains("at `../x\\u{1b}[m`: a path with `..`"),
        "{message}"
    );
}

#[test]
fn absurd_size_is_refused_by_the_repository_or_the_end_of_the_data() {
    let repo = TestRepo::new();
    let tar = base()
        .pax("size", b"9000000000000000000")
        .file("usr/a", 0o644, &[b'a'; 4096]);
    let error = repo.import(&[plain(tar)]).unwrap_err();
    assert!(
        matches!(
            &error,
            ImportError::Layer { .. } | ImportError::Repository { .. }
        ),
        "{error:?}"
    );
}

/// Imports one good layer whose blob was changed in the layout after the manifest was made.
fn import_changed(change: impl Fn(&mut Vec<u8>)) -> ImportError {
    let repo = TestRepo::new();
    let layers = [plain(nasty("etc"))];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let path = layout.blob_path(&image.layers[0].digest);
    let mut blob = layers[0].blob.clone();
    change(&mut blob);
    fs::write(path, blob).unwrap();
    let error = import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
    assert_eq!(repo.ostree(&["refs"]), "");
    assert_eq!(objects(&repo), Vec::<PathBuf>::new());
    error
}

/// Files that an aborted import left among the objects.
fn objects(repo: &TestRepo) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    walk(&repo.dir.path().join("objects"), &mut found);
    found
}

#[test]
fn blob_that_is_not_its_digest_is_blamed_for_that() {
    let changes: [fn(&mut Vec<u8>); 5] = [
        |blob| *blob.last_mut().unwrap() ^= 1,
        |blob| blob[0] ^= 1,
        |blob| {
            let middle = blob.len() / 2;
            blob[middle] ^= 0x55;
        },
        |blob| blob.truncate(blob.len() / 2),
        |blob| blob.push(0),
    ];
    for change in changes {
        let error = import_changed(change);
        assert!(matches!(&error, ImportError::Image(_)), "{error:?}");
        assert!(error.to_string().contains("verifying the blob"), "{error}");
    }
}

#[test]
fn damaged_packing_under_a_good_digest_is_a_bad_layer() {
    for compression in [Gzip, Zstd] {
        let mut layer = packed(&nasty("etc").end(), compression);
        layer.blob.truncate(layer.blob.len() - 5);
        let error = TestRepo::new().import(&[layer]).unwrap_err();
        assert!(matches!(&error, ImportError::Layer { .. }), "{error:?}");
    }
}

#[test]
fn a_window_that_would_take_too_much_memory_is_refused() {
    let error = TestRepo::new().import(&[windowed(28)]).unwrap_err();
    assert!(matches!(&error, ImportError::Layer { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.starts_with("unpacking the layer `sha256:")
            && message.ends_with(": its zstd window is larger than 128 MiB"),
        "{message}"
    );
}

#[test]
fn archive_that_is_not_its_diff_id_is_refused() {
    let mut layer = plain(base());
    layer.diff_id = format!("sha256:{}", "0".repeat(64));
    let error = TestRepo::new().import(&[layer]).unwrap_err().to_string();
    assert!(error.contains("diff_id `sha256:000"), "{error}");
}

/// What is told when layers end with these, in this order.
fn told(outcomes: Vec<Outcome>) -> ImportError {
    let (repo, layout) = (TestRepo::new(), LayoutDir::of(&[plain(base())]));
    let image = layout.open().unwrap();
    let mut merge = Merge::new(&repo.repo, &image);
    let (sender, receiver) = channel();
    for outcome in outcomes.into_iter().enumerate() {
        sender.send(outcome).unwrap();
    }
    drop(sender);
    collect(&mut merge, &receiver, &Shared::default(), &mut go_on).unwrap_err()
}

#[test]
fn a_full_disk_is_told_though_another_layer_was_stopped_before() {
    let full =
        || ImportError::repository("writing a layer")(std::io::ErrorKind::StorageFull.into());
    let error = told(vec![Err(ImportError::Stopped), Err(full())]);
    assert!(matches!(error, ImportError::Repository { .. }), "{error}");
    let error = told(vec![Err(full()), Err(ImportError::Stopped)]);
    assert!(matches!(error, ImportError::Repository { .. }), "{error}");
    let error = told(vec![Err(ImportError::Stopped)]);
    assert!(matches!(error, ImportError::Stopped), "{error}");
}

#[test]
fn a_reference_that_makes_no_ref_is_refused() {
    let image = LayoutDir::of(&[plain(base())]);
    let empty = import(
        &TestRepo::new().repo,
        &image.open().unwrap(),
        "",
        &mut go_on,
    );
    assert!(matches!(empty, Err(ImportError::Unsupported { .. })));
}
