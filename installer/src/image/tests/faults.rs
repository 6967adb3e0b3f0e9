// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registries that refuse, are busy, send nonsense or nothing, and are not there.

use std::error::Error as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::server::{Answer, Server, served};
use super::*;

pub(super) fn open(host: &str) -> Result<Image, ImageError> {
    open_with(host, &options())
}

pub(super) fn open_with(host: &str, options: &OpenOptions) -> Result<Image, ImageError> {
    Image::open(&format!("docker://{host}/os:1").parse().unwrap(), options)
}

/// A server that gives the same answer to everything.
fn always(answer: Answer) -> Server {
    Server::start(move |_, _| answer.clone())
}

#[test]
fn refusals_are_told_with_status_and_words() {
    let json = r#"{"errors":[{"code":"DENIED","message":"not for you"},{"code":"ODD"}]}"#;
    for (answer, text) in [
        (Answer::new(400, ""), "answered 400 (no reason given)"),
        (
            Answer::new(401, ""),
            "answered 401 (`HOST` wants a login, and none is known for it)",
        ),
        (Answer::new(403, json), "answered 403 (not for you; ODD)"),
        (
            Answer::new(404, "page\n\x1b[31m"),
            "answered 404 (page  [31m)",
        ),
        (Answer::new(302, ""), "answered 302"),
    ] {
        let server = always(answer);
        let error = open(&server.host).unwrap_err();
        let text = text.replace("HOST", &server.host);
        assert!(error.to_string().contains(&text), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("fetching the manifest of `127.0.0.1:"),
            "{error}"
        );
        assert!(matches!(error, ImageError::Refused { .. }));
        assert_eq!(server.asked().len(), 1, "a lasting refusal was asked again");
    }
}

#[test]
fn a_busy_registry_is_asked_again() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    for status in [408, 429, 500, 502, 503, 504] {
        let path = layout.path().to_owned();
        let server = Server::start(move |asked, before| match before {
            0 | 1 => Answer::new(status, ""),
            _ => served(&path, asked),
        });
        let image = open(&server.host).unwrap();
        assert_eq!(server.count("/manifests/"), 3);
        read(&image, 0).unwrap();
        assert_eq!(server.count(&image.layers[0].digest), 3);
    }
}

#[test]
fn patience_with_a_busy_registry_ends() {
    let server = always(Answer::new(503, "later"));
    let error = open(&server.host).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the registry answered 503 (later)"),
        "{error}"
    );
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn retry_after_is_kept_to_and_bounded() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    let server = Server::start(move |asked, before| match before {
        0 => Answer::new(429, "").header("Retry-After", "1"),
        _ => served(&path, asked),
    });
    let began = Instant::now();
    open(&server.host).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    let server = always(Answer::new(429, "much").header("Retry-After", "3600"));
    let began = Instant::now();
    let error = open(&server.host).unwrap_err();
    assert!(error.to_string().contains("answered 429 (much)"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn an_answer_that_is_no_manifest_is_invalid() {
    let server = always(Answer::new(200, "hello"));
    let error = open(&server.host).unwrap_err();
    assert!(matches!(&error, ImageError::Invalid { .. }), "{error}");
    let v1 = r#"{"schemaVersion":1,"name":"os","fsLayers":[]}"#;
    let error = open(&always(Answer::new(200, v1)).host).unwrap_err();
    assert!(
        error.to_string().contains("of Docker's schema version 1"),
        "{error}"
    );
}

#[test]
fn a_manifest_without_end_is_cut_off() {
    let huge = always(Answer::new(200, vec![b' '; 5 << 20]));
    let error = open(&huge.host).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is longer than 4194304 bytes"),
        "{error}"
    );
    let lying = Answer::new(200, vec![b' '; 5 << 20]).header("Content-Length", "99999999999999");
    let error = open(&always(lying).host).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is longer than 4194304 bytes"),
        "{error}"
    );
}

#[test]
fn a_manifest_that_is_cut_or_stalls_is_unreachable() {
    for (answer, reason) in [
        (Answer::new(200, vec![b' '; 100]).cut(50), "end of file"),
        (
            Answer::new(200, vec![b' '; 100]).stall(50),
            "no answer in time",
        ),
    ] {
        let server = always(answer);
        let error = open(&server.host).unwrap_err();
        let source = error.source().unwrap().to_string();
        assert!(source.contains(reason), "{error}: {source}");
        assert_eq!(server.asked().len(), 3);
    }
}

#[test]
fn the_digest_of_a_reference_is_checked() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    let server = Server::start(move |asked, _| {
        let mut answer = served(&path, asked);
        if asked.path.contains("/manifests/") {
            answer.body.push(b' ');
        }
        answer
    });
    let digest = layout.open().unwrap().digest;
    let by_digest = format!("docker://{}/os@{digest}", server.host);
    let error = Image::open(&by_digest.parse().unwrap(), &options()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("verifying the manifest `{digest}`")),
        "{text}"
    );
    assert!(text.contains("has the digest"), "{text}");
    let other = format!("docker://{}/os@sha512:{}", server.host, "0".repeat(128));
    let error = Image::open(&other.parse().unwrap(), &options()).unwrap_err();
    assert!(error.to_string().contains("other than SHA-256"), "{error}");
}

#[test]
fn redirects_in_a_circle_end() {
    let server = always(Answer::new(307, "").header("Location", "/v2/os/manifests/1"));
    let error = open(&server.host).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "too many redirects");
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn nobody_there_is_unreachable_and_says_who() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = format!("127.0.0.1:{port}");
    let error = open(&host).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("fetching the manifest of `{host}/os:1`")
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("Connection refused"), "{source}");
}

#[test]
fn https_is_the_default_and_not_left() {
    let server = always(Answer::new(200, ""));
    let mut https = options();
    https.access.plain_http = false;
    let error = open_with(&server.host, &https).unwrap_err();
    assert!(
        matches!(&error, ImageError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(server.asked().is_empty());
}

#[test]
fn an_image_is_read_by_several_threads_at_once() {
    let layers: Vec<_> = (0..8_u8).map(|n| layer(&vec![n; 100_000])).collect();
    let layout = LayoutDir::of(&layers);
    let path = layout.path().to_owned();
    let server = Server::start(move |asked, _| served(&path, asked));
    let image = open(&server.host).unwrap();
    std::thread::scope(|scope| {
        for (at, layer) in layers.iter().enumerate() {
            let image = &image;
            scope.spawn(move || assert_eq!(read(image, at).unwrap(), layer.blob));
        }
    });
}
