// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mirrors and remapped names of `registries.conf`, as servers see them.

use std::net::TcpListener;
use std::path::PathBuf;

use super::faults::open_with;
use super::fixture::access;
use super::server::{Answer, Server, served};
use super::*;

/// A machine with this `registries.conf`; http is only what the file says.
fn machine(text: &str) -> (tempfile::TempDir, OpenOptions) {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("etc/containers/registries.conf");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    let access = access(root.path());
    (
        root,
        OpenOptions {
            access,
            ..options()
        },
    )
}

fn good(layout: &LayoutDir) -> Server {
    let path: PathBuf = layout.path().to_owned();
    Server::start(move |asked, _| served(&path, asked))
}

fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// `r.test` with mirrors that may be insecure, and the registry itself at `primary`.
fn mirrored(mirrors: &[&str], primary: &str) -> String {
    let mut text =
        format!("[[registry]]\nprefix = \"r.test\"\nlocation = \"{primary}\"\ninsecure = true\n");
    for mirror in mirrors {
        let table = "[[registry.mirror]]";
        text = format!("{text}{table}\nlocation = \"{mirror}/copy\"\ninsecure = true\n");
    }
    text
}

#[test]
fn the_first_mirror_that_has_the_image_serves_all_of_it() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let (down, without, mirror, primary) = (
        nobody(),
        Server::start(|_, _| Answer::new(404, "")),
        good(&layout),
        good(&layout),
    );
    let text = mirrored(&[&down, &without.host, &mirror.host], &primary.host);
    let (_root, options) = machine(&text);
    let image = open_with("r.test", &options).unwrap();
    read(&image, 0).unwrap();
    assert_eq!(image.reference.to_string(), "docker://r.test/os:1");
    assert_eq!(mirror.count("/v2/copy/os/"), 3);
    assert_eq!(without.count("/manifests/"), 1);
    assert_eq!(without.count("/blobs/"), 0);
    assert!(primary.asked().is_empty());
}

#[test]
fn the_registry_itself_comes_last() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let (mirror, primary) = (Server::start(|_, _| Answer::new(503, "")), good(&layout));
    let (_root, options) = machine(&mirrored(&[&mirror.host], &primary.host));
    open_with("r.test", &options).unwrap();
    assert_eq!(
        mirror.count("/manifests/"),
        1,
        "a busy mirror is not waited for"
    );
    assert_eq!(primary.count("/v2/os/manifests/1"), 1);
}

#[test]
fn a_mirror_that_breaks_down_is_left_in_the_middle_of_a_layer() {
    let layers = [layer(
        &(0..200_000_u32)
            .flat_map(u32::to_le_bytes)
            .collect::<Vec<_>>(),
    )];
    let layout = LayoutDir::of(&layers);
    let path = layout.path().to_owned();
    let digest = digest_of(&layers[0].blob);
    let mirror =
        Server::start(
            move |asked, before| match (asked.path.ends_with(&digest), before) {
                (false, _) => served(&path, asked),
                (true, 0) => served(&path, asked).cut(1000),
                (true, _) => Answer::new(500, ""),
            },
        );
    let primary = good(&layout);
    let (_root, options) = machine(&mirrored(&[&mirror.host], &primary.host));
    let image = open_with("r.test", &options).unwrap();
    assert_eq!(read(&image, 0).unwrap(), layers[0].blob);
    let asked = primary.asked();
    assert_eq!(asked.last().unwrap().from(), Some(1000));
}

#[test]
fn failures_of_mirrors_are_told_beside_the_registrys() {
    let (down, mirror) = (nobody(), Server::start(|_, _| Answer::new(403, "")));
    let primary = Server::start(|_, _| Answer::new(404, "no such name"));
    let (_root, options) = machine(&mirrored(&[&down, &mirror.host], &primary.host));
    let error = open_with("r.test", &options).unwrap_err().to_string();
    assert!(
        error.starts_with("fetching the manifest of `r.test/os:1` (mirror `"),
        "{error}"
    );
    assert!(
        error.contains(&format!("(mirror `{}/copy/os`: answered 403)", mirror.host)),
        "{error}"
    );
    assert!(error.contains("Connection refused"), "{error}");
    assert!(
        error.ends_with("the registry answered 404 (no such name)"),
        "{error}"
    );
}

#[test]
fn http_needs_leave_by_the_option_or_the_file() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let server = good(&layout);
    let insecure = format!(
        "[[registry]]\nlocation = \"{}\"\ninsecure = true\n",
        server.host
    );
    for (text, plain_http, good) in [
        ("", false, false),
        ("", true, true),
        (insecure.as_str(), false, true),
    ] {
        let (_root, mut options) = machine(text);
        options.access.plain_http = plain_http;
        assert_eq!(open_with(&server.host, &options).is_ok(), good, "{text}");
    }
    // The option is about the registry, not about a mirror.
    let text =
        mirrored(&[&server.host], &server.host).replacen("/copy\"\ninsecure = true", "/copy\"", 1);
    let (_root, mut options) = machine(&text);
    options.access.plain_http = true;
    open_with("r.test", &options).unwrap();
    assert_eq!(server.count("/copy/"), 0);
}

#[test]
fn a_blocked_registry_is_not_asked() {
    let server = Server::start(|_, _| Answer::new(500, ""));
    let text = format!(
        "[[registry]]\nlocation = \"{}\"\nblocked = true\n",
        server.host
    );
    let (_root, options) = machine(&text);
    let error = open_with(&server.host, &options).unwrap_err();
    assert!(matches!(&error, ImageError::Forbidden { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with(&format!("the registry `{}` is blocked", server.host))
    );
    assert!(server.asked().is_empty());
}
