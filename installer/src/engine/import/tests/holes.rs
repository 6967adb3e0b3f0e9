// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files with holes, in every form that GNU tar gives them.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use super::*;

/// A tree with `usr/holes`, `size` bytes long, with bytes at some places.
fn tree(size: u64, places: impl Iterator<Item = u64>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("usr")).unwrap();
    let file = File::create(dir.path().join("usr/holes")).unwrap();
    file.set_len(size).unwrap();
    for place in places {
        let bytes = place.to_string().repeat(1000);
        file.write_all_at(&bytes.as_bytes()[..1000], place).unwrap();
    }
    dir
}

fn archive(dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut tar = Command::new("tar");
    tar.args(arguments)
        .args(["--owner=0", "--group=0", "--sort=name"]);
    tar.arg("--create").arg("--file").arg(out.path());
    run(tar.arg("-C").arg(dir).arg("."), "tar");
    fs::read(out.path()).unwrap()
}

const FORMATS: [&[&str]; 4] = [
    &["--sparse", "--format=gnu"],
    &["--sparse", "--format=pax", "--sparse-version=0.0"],
    &["--sparse", "--format=pax", "--sparse-version=0.1"],
    &["--sparse", "--format=pax", "--sparse-version=1.0"],
];

#[test]
fn content_is_the_same_with_and_without_a_map() {
    // So many pieces that the old map goes on in more than one block, and a hole at the end.
    let dir = tree(40 << 20, (1..60).map(|at| at * 600_000 / 4096 * 4096));
    let repo = TestRepo::new();
    let whole = repo.oracle(&archive(dir.path(), &["--format=gnu"]));
    for format in FORMATS {
        let packed = archive(dir.path(), format);
        assert!(packed.len() < 1 << 20, "{format:?}");
        let commit = repo.import(&[plain_bytes(&packed)]).unwrap();
        let listing = repo.listing(&commit.checksum.to_string());
        assert_eq!(listing, whole, "{format:?}");
    }
    repo.fsck();
}

#[test]
fn a_file_of_holes_only_and_a_small_one() {
    for (size, places) in [(20 << 20, vec![]), (100_000, vec![8192]), (5000, vec![])] {
        let dir = tree(size, places.into_iter());
        let repo = TestRepo::new();
        let whole = repo.oracle(&archive(dir.path(), &["--format=gnu"]));
        for format in FORMATS {
            let packed = archive(dir.path(), format);
            let commit = repo.import(&[plain_bytes(&packed)]).unwrap();
            assert_eq!(repo.listing(&commit.checksum.to_string()), whole);
        }
    }
}

#[test]
fn a_hole_of_one_gibibyte_takes_no_space() {
    let dir = tree(1 << 30, [512 << 20].into_iter());
    let packed = archive(dir.path(), FORMATS[3]);
    let repo = TestRepo::new();
    repo.import(&[plain_bytes(&packed)]).unwrap();
    let sizes = repo.objects("file").into_iter().map(|path| {
        let about = fs::metadata(path).unwrap();
        (about.len(), about.blocks() * 512)
    });
    let (size, on_disk) = sizes.max().unwrap();
    assert_eq!(size, 1 << 30);
    assert!(on_disk <= 1 << 20, "{on_disk} bytes");
}

fn plain_bytes(archive: &[u8]) -> Packed {
    packed(archive, Gzip)
}

#[test]
fn all_holes_of_an_archive_have_a_limit() {
    let file = |tar: Tar, _| {
        tar.pax("GNU.sparse.size", b"42949672960")
            .pax("GNU.sparse.map", b"0,0")
            .file("usr/a", 0o644, b"")
    };
    let bytes = (0..2).fold(Tar::default(), file).end();
    let mut archive = crate::engine::import::archive::Archive::new(&bytes[..]);
    assert_eq!(archive.next().unwrap().unwrap().size, 40 << 30);
    let error = archive.next().unwrap_err().to_string();
    assert!(error.contains("bytes of holes"), "{error}");
}
