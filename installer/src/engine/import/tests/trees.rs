// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trees of merged layers, beside those that the `ostree` program makes of the same files.

use super::*;

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
fn a_layer_with_the_largest_window_has_the_same_tree() {
    let layer = windowed(27);
    // RFC 8878, 3.1.1.1: no single segment, and a window of two to the power of 10 + 17.
    assert_eq!(layer.blob[4] & 0x20, 0);
    assert_eq!(layer.blob[5], 17 << 3);
    let repo = TestRepo::new();
    let trees = [layer, plain(nasty("etc"))].map(|layer| {
        let commit = repo.import(&[layer]).unwrap();
        repo.repo.root_of(commit.checksum).unwrap()
    });
    assert_eq!(trees[0], trees[1]);
    repo.fsck();
}
