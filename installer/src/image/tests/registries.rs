// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images in a real registry, and what servers can answer instead.

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

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
    drop_a_reader_early(&image);
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

fn drop_a_reader_early(image: &Image) {
    let before = threads();
    let mut reader = image.blob(&image.layers[1]).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    drop(reader);
    let deadline = Instant::now() + Duration::from_secs(10);
    while threads() > before {
        assert!(Instant::now() < deadline, "the download goes on");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Threads of this process that download.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == registry::THREAD).count()
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

/// A server that gives the same answer to every request; gives its host.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    host
}

fn open_from(host: &str) -> ImageError {
    let reference = format!("docker://{host}/os:1").parse().unwrap();
    Image::open(&reference, &options()).unwrap_err()
}

#[test]
fn refusals_keep_their_status() {
    for (answer, expected) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            401,
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
            403,
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            404,
        ),
        (
            "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\nConnection: close\r\n\r\nlater\n\x1b[m",
            503,
        ),
    ] {
        let error = open_from(&server(answer));
        match &error {
            ImageError::Refused { status, .. } => assert_eq!(*status, expected),
            other => panic!("{other:?}"),
        }
        assert!(!error.to_string().contains(['\n', '\x1b']), "{error:?}");
    }
}

#[test]
fn garbage_and_short_answers_are_told_apart() {
    let garbage = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    let error = open_from(&server(garbage));
    assert!(matches!(&error, ImageError::Invalid { .. }), "{error:?}");
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\nhello";
    let error = open_from(&server(short));
    assert!(
        matches!(&error, ImageError::Unreachable { .. }),
        "{error:?}"
    );
}

#[test]
fn nobody_there_is_unreachable_and_says_who() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = open_from(&format!("127.0.0.1:{port}"));
    assert!(
        matches!(&error, ImageError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("127.0.0.1:{port}/os:1")),
        "{error}"
    );
    // https is the default, and this server does not speak it.
    let host = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let https = OpenOptions {
        plain_http: false,
        ..options()
    };
    let reference = format!("docker://{host}/os:1").parse().unwrap();
    let error = Image::open(&reference, &https).unwrap_err();
    assert!(
        matches!(&error, ImageError::Unreachable { .. }),
        "{error:?}"
    );
}
