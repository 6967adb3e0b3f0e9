// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Opening images and reading their layers, good and bad.

mod archives;
mod faults;
mod hostile;
mod logins;
mod mirrors;
mod policies;
mod registries;
mod resuming;
mod server;
mod tls;
mod tokens;

use std::fs;
use std::io::Read as _;

use serde_json::{Value, json};

use super::fixture::{LayoutDir, Packed, Tar, config, options, packed};
use super::*;

fn layer(content: &[u8]) -> Packed {
    packed(
        &Tar::default().file("usr/a", 0o644, content).end(),
        Compression::Gzip,
    )
}

fn read(image: &Image, at: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image
        .blob(&image.layers[at])
        .unwrap()
        .read_to_end(&mut bytes)
        .map(|_| bytes)
}

fn platform(mut descriptor: Value, arch: &str) -> Value {
    descriptor["platform"] = json!({"architecture": arch, "os": "linux"});
    descriptor
}

fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    descriptor
}

#[test]
fn layout_gives_the_image_as_it_lies_there() {
    let layers = [layer(b"one"), layer(b"two")];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    assert_eq!(image.digest, digest_of(image.manifest.as_bytes()));
    assert_eq!(
        image.diff_ids(),
        [layers[0].diff_id.clone(), layers[1].diff_id.clone()]
    );
    assert_eq!(
        image.total_bytes(),
        (layers[0].blob.len() + layers[1].blob.len()) as u64
    );
    assert_eq!(image.labels()["containers.bootc"], "1");
    assert_eq!(image.created(), Some("2024-05-06T07:08:09Z"));
    assert!(image.is_bootable() && !image.is_encapsulated() && !image.is_docker());
    assert_eq!(read(&image, 0).unwrap(), layers[0].blob);
    assert_eq!(read(&image, 1).unwrap(), layers[1].blob);
}

#[test]
fn image_without_labels_is_readable_but_not_bootable() {
    let layers = [layer(b"one")];
    for labels in [json!(null), json!({})] {
        let layout = LayoutDir::new();
        let mut config = config(&layers, "amd64");
        config["config"] = labels;
        layout.index(&[layout.image(&layers, &config)]);
        let image = layout.open().unwrap();
        assert!(!image.is_bootable() && image.labels().is_empty());
    }
}

#[test]
fn manifest_annotation_of_the_time_comes_first() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::of(&layers);
    let mut manifest: Value = serde_json::from_str(&layout.open().unwrap().manifest).unwrap();
    manifest["annotations"] = json!({"org.opencontainers.image.created": "2020-01-01T00:00:00Z"});
    layout.index(&[layout.manifest(&manifest)]);
    assert_eq!(
        layout.open().unwrap().created(),
        Some("2020-01-01T00:00:00Z")
    );
}

#[test]
fn index_is_resolved_by_architecture() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::new();
    let amd = layout.image(&layers, &config(&layers, "amd64"));
    let arm = layout.image(&layers, &config(&layers, "arm64"));
    let index = layout.manifest(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [platform(arm.clone(), "arm64"), platform(amd.clone(), "amd64")],
    }));
    layout.index(&[index]);
    assert_eq!(layout.open().unwrap().digest, amd["digest"]);
    let arm64 = OpenOptions {
        arch: "arm64".to_owned(),
        ..options()
    };
    assert_eq!(
        Image::open(&layout.reference(), &arm64).unwrap().digest,
        arm["digest"]
    );
    let riscv = OpenOptions {
        arch: "riscv64".to_owned(),
        ..options()
    };
    match Image::open(&layout.reference(), &riscv) {
        Err(ImageError::WrongArchitecture { wanted, found, .. }) => {
            assert_eq!(
                (wanted.as_str(), found),
                ("riscv64", vec!["amd64".into(), "arm64".into()])
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn several_images_for_one_platform_need_a_name() {
    let layout = LayoutDir::new();
    let image = |content: &[u8]| {
        let layers = [layer(content)];
        platform(layout.image(&layers, &config(&layers, "amd64")), "amd64")
    };
    let (one, two) = (image(b"one"), image(b"two"));
    let (first, second) = (named(one.clone(), "v1"), named(two.clone(), "v2"));
    layout.index(&[first.clone(), second.clone()]);
    let error = layout.open().unwrap_err().to_string();
    assert!(error.starts_with("reading `"), "{error}");
    let told =
        "index.json`: it lists several images for this architecture, name one of: `v1`, `v2`";
    assert!(error.ends_with(told), "{error}");
    let by_name = format!("{}:v2", layout.reference()).parse().unwrap();
    let chosen = Image::open(&by_name, &options()).unwrap();
    assert_eq!(chosen.digest, two["digest"]);
    layout.index(&[first.clone(), two.clone()]);
    let error = layout.open().unwrap_err().to_string();
    let digest = two["digest"].as_str().unwrap();
    assert!(
        error.ends_with(&format!("`v1`, `{digest}` (without a name)")),
        "{error}"
    );
    // One that does not tell its platform may be for this one, wherever it stands.
    let mut untold = second.clone();
    untold.as_object_mut().unwrap().remove("platform");
    for entries in [
        [first.clone(), untold.clone()],
        [untold.clone(), first.clone()],
    ] {
        layout.index(&entries);
        let error = layout.open().unwrap_err().to_string();
        assert!(error.ends_with(told), "{error}");
    }
    // One image under two names is one image, and a variant that not every machine has is no rival.
    let mut newer = second;
    newer["platform"]["variant"] = json!("v3");
    layout.index(&[newer, first, named(one.clone(), "latest")]);
    assert_eq!(layout.open().unwrap().digest, one["digest"]);
}

#[test]
fn configuration_of_another_architecture_is_refused() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::new();
    let arm = layout.image(&layers, &config(&layers, "arm64"));
    for entry in [arm.clone(), platform(arm, "amd64")] {
        layout.index(&[entry]);
        let error = layout.open().unwrap_err();
        assert!(
            matches!(&error, ImageError::WrongArchitecture { .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("for `amd64`: the image is for `arm64`"),
            "{error}"
        );
    }
}

#[test]
fn names_in_a_layout() {
    let (one, two) = ([layer(b"one")], [layer(b"two")]);
    let layout = LayoutDir::new();
    let first = layout.image(&one, &config(&one, "amd64"));
    let second = layout.image(&two, &config(&two, "amd64"));
    layout.index(&[
        named(first, "example.org/os:1"),
        named(second.clone(), "example.org/os:2"),
    ]);
    let dir = layout.path().to_owned();
    let open = |tag: Option<&str>| {
        Image::open(
            &ImageRef::Layout {
                dir: dir.clone(),
                tag: tag.map(Into::into),
            },
            &options(),
        )
    };
    assert_eq!(
        open(Some("example.org/os:2")).unwrap().digest,
        second["digest"]
    );
    let error = open(Some("other")).unwrap_err().to_string();
    assert!(
        error.contains("`other`") && error.contains("example.org/os:1"),
        "{error}"
    );
    let error = open(None).unwrap_err();
    assert!(matches!(error, ImageError::Invalid { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("name one of: `example.org/os:1`, `example"),
        "{error}"
    );
}

#[test]
fn wrong_and_truncated_blobs_are_errors_of_reading() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let path = layout.blob_path(&image.layers[0].digest);
    let mut bad = layers[0].blob.clone();
    *bad.last_mut().unwrap() ^= 1;
    for content in [
        bad,
        layers[0].blob[..20].to_vec(),
        [&layers[0].blob[..], b"x"].concat(),
    ] {
        fs::write(&path, content).unwrap();
        let error = from_io(read(&image, 0).unwrap_err(), "");
        assert!(matches!(&error, ImageError::Invalid { .. }), "{error}");
        assert!(
            error.to_string().contains(&image.layers[0].digest),
            "{error}"
        );
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        image.blob(&image.layers[0]),
        Err(ImageError::Unreachable { .. })
    ));
}

#[test]
fn tampered_manifest_and_configuration_are_refused() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let manifest: Value = serde_json::from_str(&image.manifest).unwrap();
    for digest in [
        manifest["config"]["digest"].as_str().unwrap(),
        &image.digest,
    ] {
        let path = layout.blob_path(digest);
        let good = fs::read_to_string(&path).unwrap();
        fs::write(&path, good.replace("sha256", "sha257")).unwrap();
        let error = layout.open().unwrap_err();
        assert!(matches!(&error, ImageError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("has the digest"), "{error}");
        fs::write(&path, good).unwrap();
    }
}

/// Opens an image whose manifest was changed before it was stored.
fn open_changed(change: impl Fn(&mut Value)) -> Result<Image, ImageError> {
    let layers = [layer(b"one")];
    let layout = LayoutDir::of(&layers);
    let mut manifest: Value = serde_json::from_str(&layout.open()?.manifest).unwrap();
    change(&mut manifest);
    layout.index(&[layout.blob(
        "application/vnd.oci.image.manifest.v1+json",
        manifest.to_string().as_bytes(),
    )]);
    layout.open()
}

#[test]
fn unsupported_kinds_are_told_before_anything_is_read() {
    let changes: [fn(&mut Value); 5] = [
        |manifest| manifest["schemaVersion"] = json!(1),
        |manifest| {
            manifest["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json");
        },
        |manifest| {
            manifest["layers"][0]["mediaType"] =
                json!("application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
        },
        |manifest| manifest["layers"][0]["digest"] = json!(format!("sha512:{}", "0".repeat(128))),
        |manifest| manifest["config"]["digest"] = json!(format!("sha512:{}", "0".repeat(128))),
    ];
    for change in changes {
        let error = open_changed(change).unwrap_err();
        assert!(matches!(&error, ImageError::Unsupported { .. }), "{error}");
    }
}

#[test]
fn invalid_manifests_are_refused() {
    let changes: [fn(&mut Value); 6] = [
        |manifest| manifest["layers"] = json!([]),
        |manifest| *manifest = json!({"schemaVersion": 2}),
        |manifest| *manifest = json!([1]),
        |manifest| manifest["manifests"] = json!([]),
        |manifest| manifest["layers"] = json!([manifest["layers"][0], manifest["layers"][0]]),
        |manifest| manifest["layers"][0]["digest"] = json!("sha256:../../../etc/passwd"),
    ];
    for change in changes {
        let error = open_changed(change).unwrap_err();
        assert!(matches!(&error, ImageError::Invalid { .. }), "{error}");
    }
    assert!(open_changed(|_| {}).is_ok());
}

#[test]
fn huge_documents_are_refused_before_they_are_read() {
    let error = open_changed(|manifest| manifest["config"]["size"] = json!(5 << 20)).unwrap_err();
    assert!(error.to_string().contains("more than 4194304"), "{error}");
    let layout = LayoutDir::of(&[layer(b"one")]);
    fs::write(layout.path().join("index.json"), vec![b' '; 5 << 20]).unwrap();
    let error = layout.open().unwrap_err();
    assert!(error.to_string().contains("longer than 4194304"), "{error}");
}

#[test]
fn index_that_leads_nowhere_ends() {
    let layers = [layer(b"one")];
    let layout = LayoutDir::new();
    let mut entry = layout.image(&layers, &config(&layers, "amd64"));
    for _ in 0..=MAX_INDEXES {
        entry = layout.manifest(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        }));
    }
    layout.index(&[entry]);
    let error = layout.open().unwrap_err();
    assert!(error.to_string().contains("lead to no image"), "{error}");
}

#[test]
fn missing_layout_is_unreachable() {
    let reference = "oci:/nonexistent/layout".parse().unwrap();
    let error = Image::open(&reference, &options()).unwrap_err();
    assert!(matches!(&error, ImageError::Unreachable { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "reading `/nonexistent/layout/index.json`"
    );
}
