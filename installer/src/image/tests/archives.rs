// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images in archives: of layouts, and as `docker save` writes them, good and bad.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixture::run;
use super::*;

/// A file with this content, for as long as it is kept.
struct Archive {
    dir: tempfile::TempDir,
}

impl Archive {
    fn new(content: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.tar"), content).unwrap();
        Self { dir }
    }

    /// As skopeo copies a layout there.
    fn copied(layout: &LayoutDir, transport: &str, name: &str) -> Self {
        let archive = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let target = format!("{transport}:{}{name}", archive.path().display());
        let mut skopeo = Command::new("skopeo");
        skopeo.args([
            "--insecure-policy",
            "copy",
            &layout.reference().to_string(),
            &target,
        ]);
        run(&mut skopeo, "skopeo");
        archive
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("a.tar")
    }

    fn open(&self, transport: &str, name: &str) -> Result<Image, ImageError> {
        open(transport, &self.path(), name)
    }
}

fn open(transport: &str, path: &Path, name: &str) -> Result<Image, ImageError> {
    let reference = format!("{transport}:{}{name}", path.display());
    Image::open(&reference.parse().unwrap(), &options())
}

#[test]
fn an_archive_of_a_layout_is_the_same_image() {
    let layers = [layer(b"one"), layer(&vec![7; 100_000])];
    let layout = LayoutDir::of(&layers);
    let local = layout.open().unwrap();
    let archive = Archive::copied(&layout, "oci-archive", ":r.test/os:1");
    for name in ["", ":r.test/os:1"] {
        let image = archive.open("oci-archive", name).unwrap();
        assert_eq!(
            (&image.digest, &image.manifest),
            (&local.digest, &local.manifest)
        );
        // In any order, and at once.
        let mut second = image.blob(&image.layers[1]).unwrap();
        second.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(read(&image, 0).unwrap(), layers[0].blob);
        let mut rest = Vec::new();
        second.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, layers[1].blob[10..]);
    }
    let error = archive
        .open("oci-archive", ":other")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("reading `index.json` in `"), "{error}");
    assert!(
        error.contains("no image named `other`, only: `r.test/os:1`"),
        "{error}"
    );
}

#[test]
fn what_docker_save_writes_is_an_image_with_the_same_tree() {
    let layers = [layer(b"one"), layer(b"two")];
    let layout = LayoutDir::of(&layers);
    let archive = Archive::copied(&layout, "docker-archive", ":r.test/os:1");
    let image = archive.open("docker-archive", "").unwrap();
    let local = layout.open().unwrap();
    assert_eq!(image.diff_ids(), local.diff_ids());
    assert_eq!(image.labels(), local.labels());
    assert_eq!(image.digest, digest_of(image.manifest.as_bytes()));
    assert!(!image.is_docker());
    for (at, diff_id) in local.diff_ids().iter().enumerate() {
        assert_eq!(&image.layers[at].digest, diff_id);
        assert_eq!(image.layers[at].compression().unwrap(), Compression::None);
        assert_eq!(&digest_of(&read(&image, at).unwrap()), diff_id);
    }
    for name in [":r.test/os:1", ":@0"] {
        let again = archive.open("docker-archive", name).unwrap();
        assert_eq!(
            (again.manifest, again.digest),
            (image.manifest.clone(), image.digest.clone())
        );
    }
    let error = archive
        .open("docker-archive", ":r.test/os:2")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no image `r.test/os:2`, only: `r.test/os:1`"),
        "{error}"
    );
}

/// An archive of docker save with one layer; `list` is `manifest.json`, given the configuration's name.
fn docker(list: &dyn Fn(&str) -> Value, more: impl Fn(Tar) -> Tar) -> Archive {
    let layers = [layer(b"one")];
    let config = config(&layers, "amd64").to_string();
    let name = format!("{}.json", &digest_of(config.as_bytes())["sha256:".len()..]);
    let list = list(&name).to_string();
    let tar = Tar::default()
        .file("./manifest.json", 0o644, list.as_bytes())
        .file(&name, 0o644, config.as_bytes());
    Archive::new(&more(tar).end())
}

fn plain_layer() -> Vec<u8> {
    Tar::default().file("usr/a", 0o644, b"one").end()
}

fn entry(config: &str, tag: &str, layer: &str) -> Value {
    json!({"Config": config, "RepoTags": [tag], "Layers": [layer]})
}

#[test]
fn linked_layers_and_several_images() {
    let list = |config: &str| {
        json!([
            entry(config, "os:1", "b/layer.tar"),
            entry(config, "os:2", "c/layer.tar")
        ])
    };
    let archive = docker(&list, |tar| {
        tar.symlink("b/layer.tar", "../a/layer.tar")
            .hard_link("c/layer.tar", "a/layer.tar")
            .file("a/layer.tar", 0o644, &plain_layer())
            .dir("a", 0o755)
    });
    for name in [":os:1", ":docker.io/library/os:2", ":@1"] {
        let image = archive.open("docker-archive", name).unwrap();
        assert_eq!(read(&image, 0).unwrap(), plain_layer());
    }
    let error = archive.open("docker-archive", "").unwrap_err().to_string();
    assert!(
        error.contains("it has 2 images, name one of: `os:1`, `os:2`"),
        "{error}"
    );
    assert!(archive.open("docker-archive", ":@2").is_err());
}

#[test]
fn compressed_layers_need_their_digest_for_a_name() {
    let packed = layer(b"one");
    let named = format!(
        "blobs/sha256/{}",
        &digest_of(&packed.blob)["sha256:".len()..]
    );
    for (name, good) in [(named.as_str(), true), ("a/layer.tar", false)] {
        let archive = docker(&|config| json!([entry(config, "os:1", name)]), |tar| {
            tar.file(name, 0o644, &packed.blob)
        });
        match archive.open("docker-archive", "") {
            Ok(image) => {
                assert!(good);
                assert_eq!(image.layers[0].compression().unwrap(), Compression::Gzip);
                assert_eq!(read(&image, 0).unwrap(), packed.blob);
            }
            Err(error) => {
                assert!(!good, "{error}");
                assert!(error.to_string().contains("a compressed layer"), "{error}");
            }
        }
    }
}

#[test]
fn a_tampered_archive_is_refused() {
    let archive = docker(&|config| json!([entry(config, "os:1", "l")]), |tar| {
        tar.file(
            "l",
            0o644,
            &Tar::default().file("usr/a", 0o644, b"two").end(),
        )
    });
    let image = archive.open("docker-archive", "").unwrap();
    assert!(
        read(&image, 0)
            .unwrap_err()
            .to_string()
            .contains("has the digest")
    );
    let archive = docker(&|config| json!([entry(config, "os:1", "l")]), |tar| {
        let name = format!("{}.json", "0".repeat(64));
        tar.file(&name, 0o644, b"{}")
    });
    let error = archive.open("docker-archive", "").unwrap_err().to_string();
    assert!(error.contains("reading `l` in `"), "{error}");
    assert!(error.ends_with("the archive does not have it"), "{error}");
}

#[test]
fn bad_lists_are_refused() {
    let layers = |n: usize| json!([{"Config": "c", "Layers": vec!["l"; n]}]);
    let lists: [(Value, &str); 5] = [
        (json!([]), "it has 0 images"),
        (json!({}), "invalid type: map"),
        (
            json!([{"Config": "../../etc/passwd", "Layers": ["l"]}]),
            "does not have it",
        ),
        (
            json!([{"Config": "loop", "Layers": ["l"]}]),
            "its links lead to no file",
        ),
        (layers(3), "does not have it"),
    ];
    for (list, reason) in lists {
        let archive = docker(&|_| list.clone(), |tar| {
            tar.symlink("loop", "pool").symlink("pool", "loop")
        });
        let error = archive.open("docker-archive", "").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let archive = docker(
        &|config| json!([{"Config": config, "Layers": ["l", "l"]}]),
        |tar| tar,
    );
    let error = archive.open("docker-archive", "").unwrap_err().to_string();
    assert!(error.contains("1 diff_ids for 2 layers"), "{error}");
}

fn index_json() -> Tar {
    Tar::default().file("index.json", 0o644, b"{}")
}

fn refuse(archives: &[(Vec<u8>, &str)]) {
    for (content, reason) in archives {
        let error = Archive::new(content).open("oci-archive", "").unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("reading the archive `"), "{error}");
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn what_is_not_a_tar_archive_is_refused() {
    let mut damaged = index_json().end();
    damaged[0] ^= 1;
    refuse(&[
        (Vec::new(), "it is not a tar archive"),
        (b"hello".to_vec(), "it is not a tar archive"),
        (damaged, "it is not a tar archive"),
        (
            super::fixture::gzip(&index_json().end()),
            "it is compressed",
        ),
        (index_json().unended()[..512].to_vec(), "it is cut short"),
    ]);
}

#[test]
fn absurd_sizes_and_counts_are_refused() {
    let many = (0..17_000).fold(Tar::default(), |tar, n| {
        tar.file(&n.to_string(), 0o644, b"")
    });
    let mut absurd = index_json().end();
    absurd[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    absurd[148..156].fill(b' ');
    let sum: u32 = absurd[..512].iter().map(|byte| u32::from(*byte)).sum();
    absurd[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let long = Tar::default().pax("comment", &vec![b'x'; 70_000]);
    refuse(&[
        (absurd, "it is cut short"),
        (many.end(), "more than 16384 members"),
        (long.file("a", 0o644, b"").end(), "64 KiB"),
    ]);
}

#[test]
fn members_that_no_image_has_are_refused() {
    let with = |key: &str, value: &[u8]| Tar::default().pax(key, value).file("a", 0o644, b"").end();
    let device = index_json().entry(b'3', "dev", 0o600, b"");
    refuse(&[
        (device.end(), "`dev` is of the type `3`"),
        (with("GNU.sparse.major", b"1"), "sparse"),
        (with("size", b"many"), "is no number"),
        (with("path", b"\xff"), "not UTF-8"),
    ]);
}

#[test]
fn long_names_are_read() {
    let name = format!("{}/index.json", "d".repeat(200));
    let gnu = |tar: Tar| {
        tar.raw(
            b'L',
            b"././@LongLink",
            (0o644, b""),
            format!("{name}\0").as_bytes(),
        )
    };
    for tar in [
        gnu(Tar::default()).file("short", 0o644, b"x"),
        Tar::default().file(&name, 0o644, b"x"),
    ] {
        let archive = Archive::new(&tar.end());
        let file = archive::TarFile::open(&archive.path()).unwrap();
        let mut text = String::new();
        file.file(&name).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
    }
}

#[test]
fn a_missing_archive_is_unreachable() {
    let error = open("oci-archive", Path::new("/nonexistent.tar"), "").unwrap_err();
    assert_eq!(error.to_string(), "reading the archive `/nonexistent.tar`");
    let error = open("docker-archive", Path::new("/"), "").unwrap_err();
    assert!(
        error.to_string().ends_with("it is not a regular file"),
        "{error}"
    );
}
