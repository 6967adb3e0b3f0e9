// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images in a real registry, Debian's `docker-registry`.

use super::super::fixture::TestRegistry;
use super::*;

#[test]
fn registry_serves_the_same_image() {
    let registry = TestRegistry::start();
    // More than fits the channel, so that the reader is waited for.
    let layers = [
        layer(&vec![7; 3 << 20]),
        packed(&noise(), Compression::None),
    ];
    let layout = LayoutDir::of(&layers);
    let local = layout.open().unwrap();
    let reference = registry.push(&layout, "some/os:1", &["--preserve-digests"]);
    let image = Image::open(&reference, &options()).unwrap();
    assert_eq!(
        (&image.digest, &image.manifest),
        (&local.digest, &local.manifest)
    );
    assert_eq!(image.config, local.config);
    for (at, layer) in layers.iter().enumerate() {
        assert_eq!(read(&image, at).unwrap(), layer.blob);
    }
    let by_digest = format!("docker://{}/some/os@{}", registry.host, image.digest);
    assert_eq!(
        Image::open(&by_digest.parse().unwrap(), &options())
            .unwrap()
            .digest,
        image.digest
    );
    let missing = format!("{}/some/os:2", registry.host).parse().unwrap();
    match Image::open(&missing, &options()) {
        Err(ImageError::Refused {
            status: 404, doing, ..
        }) => assert!(doing.contains("some/os:2")),
        other => panic!("{other:?}"),
    }
}

/// Bytes that do not compress, 4 MiB of them, as an archive.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let bytes = (0..4 << 20).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    Tar::default()
        .file("usr/noise", 0o644, &bytes.collect::<Vec<_>>())
        .end()
}

#[test]
fn registry_index_and_docker_manifests() {
    let registry = TestRegistry::start();
    let layers = [layer(b"one")];
    let layout = LayoutDir::of(&layers);
    let docker = registry.push(&layout, "docker:1", &["--format=v2s2"]);
    let image = Image::open(&docker, &options()).unwrap();
    assert!(image.is_docker());
    assert_eq!(image.layers[0].compression().unwrap(), Compression::Gzip);
    assert_eq!(read(&image, 0).unwrap(), layers[0].blob);

    let manifest = layout.image(&layers, &config(&layers, "amd64"));
    let index = layout.manifest(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [platform(manifest.clone(), "amd64")],
    }));
    layout.index(&[index]);
    let multi = registry.push(&layout, "multi:1", &["--multi-arch=all"]);
    assert_eq!(
        Image::open(&multi, &options()).unwrap().digest,
        manifest["digest"]
    );
    let arm64 = OpenOptions {
        arch: "arm64".to_owned(),
        ..options()
    };
    let error = Image::open(&multi, &arm64).unwrap_err();
    assert!(
        matches!(&error, ImageError::WrongArchitecture { .. }),
        "{error}"
    );
}
