// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images looked into without being stored.

use std::fs;

use serde_json::json;

use super::*;
use crate::image::Compression::{Gzip, Zstd};
use crate::image::fixture::{LayoutDir, Packed, Tar, config, packed};

fn places() -> Places {
    let files = ["usr/etc/passwd", "usr/lib/boot/grub"];
    Places {
        files: files.map(str::to_owned).into(),
        directories: vec!["usr/lib/kargs.d".to_owned()],
        below: vec![("usr/lib/efi", "grub.efi")],
    }
}

const OBJECTS: &str = "sysroot/ostree/repo/objects";

fn layer(tar: Tar) -> Packed {
    packed(&tar.end(), Gzip)
}

fn files(files: &[(&str, &str)]) -> Tar {
    let files = files.iter();
    files.fold(Tar::default(), |tar, (path, text)| {
        tar.file(path, 0o644, text.as_bytes())
    })
}

fn surveyed(layout: &LayoutDir) -> Result<Skeleton, ImportError> {
    let image = layout.open().unwrap();
    survey(&image, &places(), &mut |_| ControlFlow::Continue(()))
}

fn of(tars: Vec<Tar>) -> Skeleton {
    let layers: Vec<_> = tars.into_iter().map(layer).collect();
    surveyed(&LayoutDir::of(&layers)).unwrap()
}

fn text(skeleton: &Skeleton, path: &str) -> String {
    String::from_utf8(skeleton.content(path).unwrap().to_vec()).unwrap()
}

#[test]
fn layers_lie_over_each_other_as_in_an_import() {
    let lower = Tar::default()
        .file("etc/passwd", 0o644, b"old")
        .file("usr/bin/gone", 0o755, b"x")
        .file("usr/bin/kept", 0o755, b"x")
        .file("usr/opaque/below", 0o644, b"x")
        .file("usr/lib/kargs.d/a.toml", 0o644, b"a")
        .dir("var/lib", 0o755);
    let upper = Tar::default()
        .file("etc/passwd", 0o644, b"new")
        .file("etc/hostname", 0o644, b"")
        .file("usr/bin/.wh.gone", 0o644, b"")
        .file("usr/opaque/.wh..wh..opq", 0o644, b"")
        .file("usr/opaque/own", 0o644, b"x")
        .file("dev/null", 0o644, b"");
    let skeleton = of(vec![lower, upper]);
    assert_eq!(text(&skeleton, "usr/etc/passwd"), "new");
    assert_eq!(skeleton.names("usr/etc").unwrap(), ["passwd"]);
    assert_eq!(skeleton.names("usr/bin").unwrap(), ["kept"]);
    assert_eq!(skeleton.names("usr/opaque").unwrap(), ["own"]);
    assert_eq!(skeleton.names("").unwrap(), ["usr", "var"]);
    assert_eq!(skeleton.names("var").unwrap(), [""; 0]);
    assert_eq!(text(&skeleton, "usr/lib/kargs.d/a.toml"), "a");
    assert!(skeleton.is_file("usr/bin/kept") && !skeleton.is_file("usr/bin/gone"));
    let other = skeleton.content("usr/bin/kept").unwrap_err();
    assert!(other.to_string().contains("too large"), "{other}");
}

#[test]
fn content_of_a_name_is_found_at_any_depth() {
    let lower = files(&[
        ("usr/lib/efi/grub.efi", "top"),
        ("usr/lib/efi/a/b/grub.efi", "deep"),
        ("usr/lib/efi/a/other.efi", "x"),
        ("usr/lib/efi-not/grub.efi", "x"),
        ("usr/share/grub", "linked"),
    ]);
    let lower = lower
        .hard_link("usr/lib/efi/c/grub.efi", "usr/share/grub")
        .symlink("usr/lib/efi/d/grub.efi", "/usr/share/grub");
    let skeleton = of(vec![lower]);
    for (path, content) in [
        ("grub.efi", "top"),
        ("a/b/grub.efi", "deep"),
        ("c/grub.efi", "linked"),
        ("d/grub.efi", "linked"),
    ] {
        assert_eq!(text(&skeleton, &format!("usr/lib/efi/{path}")), content);
    }
    for path in ["usr/lib/efi/a/other.efi", "usr/lib/efi-not/grub.efi"] {
        assert!(skeleton.content(path).is_err(), "{path}");
    }
}

#[test]
fn content_with_another_name_is_found() {
    let lower = files(&[
        ("usr/share/first", "first"),
        ("usr/share/second", "second"),
        ("usr/share/grub", "grub"),
    ]);
    let upper = Tar::default()
        .hard_link("usr/lib/kargs.d/1.toml", "usr/share/first")
        .symlink("usr/lib/kargs.d/2.toml", "../../share/second")
        .symlink("etc/passwd", "/usr/alias/first")
        .symlink("usr/alias", "share")
        .hard_link("usr/lib/boot/grub", "usr/share/grub");
    let skeleton = of(vec![lower, upper]);
    for (path, content) in [
        ("usr/lib/kargs.d/1.toml", "first"),
        ("usr/lib/kargs.d/2.toml", "second"),
        ("usr/etc/passwd", "first"),
        ("usr/lib/boot/grub", "grub"),
    ] {
        assert_eq!(text(&skeleton, path), content, "{path}");
    }
}

#[test]
fn links_stay_in_the_tree_and_end() {
    let skeleton = of(vec![
        Tar::default()
            .file("usr/file", 0o644, b"x")
            .symlink("usr/out", "../../../../usr/file")
            .symlink("usr/loop", "loop2")
            .symlink("usr/loop2", "/usr/loop")
            .symlink("usr/below", "file/x")
            .symlink("bin", "usr/bin"),
    ]);
    assert!(skeleton.is_file("usr/out"));
    assert!(skeleton.is_directory("usr/..") && !skeleton.is_directory("usr/file"));
    assert_eq!(skeleton.top_link("bin"), Some("usr/bin"));
    assert_eq!(skeleton.top_link("usr"), None);
    let kind = |path: &str| skeleton.names(path).unwrap_err().kind();
    assert_eq!(kind("usr/none"), std::io::ErrorKind::NotFound);
    assert_eq!(kind("usr/below"), std::io::ErrorKind::NotADirectory);
    assert_eq!(kind("usr/file"), std::io::ErrorKind::NotADirectory);
    let error = skeleton.names("usr/loop").unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
}

/// A commit's layers as they are without ostree: names that are links to objects. `settings` are those of the root.
fn encapsulated(settings: &[u8], upper: Tar) -> LayoutDir {
    let object = |name: &str| format!("{OBJECTS}/ab/{name}.file");
    let base = Tar::default()
        .file(&object("1"), 0o644, b"passwd")
        .hard_link("etc/passwd", &object("1"))
        .file(&object("2"), 0o644, settings)
        .hard_link("usr/lib/ostree/prepare-root.conf", &object("2"))
        .file(&object("3"), 0o644, b"both")
        .hard_link("usr/share/other", &object("3"))
        .symlink("opt", "var/opt")
        .file(&object("4"), 0o644, b"more")
        // Only now does the third object have a name that is asked for.
        .hard_link("usr/lib/kargs.d/a.toml", &object("3"));
    let layers = [layer(base), packed(&upper.end(), Zstd)];
    let layout = LayoutDir::new();
    let mut labelled = config(&layers, "amd64");
    labelled["config"]["Labels"]["ostree.final-diffid"] = json!(layers[0].diff_id);
    layout.index(&[layout.image(&layers, &labelled)]);
    layout
}

#[test]
fn an_ostree_commit_is_read_by_its_names() {
    let upper = || {
        Tar::default()
            .file("usr/bin/own", 0o755, b"")
            .file("opt", 0o644, b"")
            .dir("data", 0o755)
    };
    let overlay = surveyed(&encapsulated(b"[composefs]\nenabled=yes\n", upper())).unwrap();
    assert_eq!(text(&overlay, "usr/etc/passwd"), "passwd");
    assert_eq!(text(&overlay, "usr/lib/kargs.d/a.toml"), "both");
    assert!(overlay.is_file("usr/bin/own") && overlay.is_directory("data"));
    assert_eq!(overlay.top_link("opt"), None);

    let deployed = surveyed(&encapsulated(b"", upper())).unwrap();
    assert!(deployed.is_file("usr/bin/own") && !deployed.is_directory("data"));
    assert_eq!(deployed.top_link("opt"), Some("var/opt"));
    assert_eq!(text(&deployed, "usr/lib/kargs.d/a.toml"), "both");
    assert_eq!(deployed.names("sysroot").unwrap(), [""; 0]);
}

#[test]
fn what_could_not_be_imported_is_found() {
    let fault = |tar: Tar| {
        let lower = Tar::default().file("usr/file", 0o644, b"x");
        let error = surveyed(&LayoutDir::of(&[layer(lower), layer(tar)])).unwrap_err();
        assert!(matches!(error, ImportError::Layer { .. }), "{error:?}");
        error.to_string()
    };
    for (tar, word) in [
        (Tar::default().file("../x", 0o644, b""), "`..`"),
        (
            Tar::default().entry(b'3', "usr/null", 0o666, b""),
            "a character device",
        ),
        (
            Tar::default().hard_link("usr/x", "usr/nothing"),
            "which is no file",
        ),
        (
            Tar::default()
                .file("usr/a", 0o644, b"")
                .file("usr/a/b", 0o644, b""),
            "not a directory",
        ),
    ] {
        let message = fault(tar);
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn settings_have_a_limit() {
    let large = vec![b'#'; 24 << 20];
    let names = ["a", "b", "c"].map(|name| format!("usr/lib/kargs.d/{name}"));
    let tar = |count| {
        let names = names.iter().take(count);
        names.fold(Tar::default(), |tar, name| tar.file(name, 0o644, &large))
    };
    assert_eq!(of(vec![tar(2)]).content(&names[1]).unwrap(), large);
    let error = surveyed(&LayoutDir::of(&[layer(tar(3))])).unwrap_err();
    assert!(
        error.to_string().contains("more than 67108864 bytes"),
        "{error}"
    );
}

#[test]
fn a_file_with_many_names_counts_once() {
    let large = vec![b'#'; 8 << 20];
    let object = format!("{OBJECTS}/ab/1.file");
    let mut tar = Tar::default().file(&object, 0o644, &large);
    for number in 0..9 {
        tar = tar.hard_link(&format!("usr/lib/kargs.d/{number}"), &object);
    }
    assert_eq!(of(vec![tar]).content("usr/lib/kargs.d/8").unwrap(), large);
}

#[test]
fn a_damaged_blob_and_a_stop_end_it() {
    let layout = LayoutDir::of(&[layer(Tar::default().file("usr/a", 0o644, b"a"))]);
    let image = layout.open().unwrap();
    let mut stop = |_| ControlFlow::Break(());
    let error = survey(&image, &places(), &mut stop).unwrap_err();
    assert!(matches!(error, ImportError::Stopped), "{error}");
    let path = layout.blob_path(&image.layers[0].digest);
    let mut blob = fs::read(&path).unwrap();
    let middle = blob.len() / 2;
    blob[middle] ^= 1;
    fs::write(&path, blob).unwrap();
    let error = surveyed(&layout).unwrap_err();
    assert!(matches!(error, ImportError::Image(_)), "{error}");
}
