// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Logins: where they are found, how they are given, and that they go nowhere else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::faults::open_with;
use super::fixture::access;
use super::server::{Answer, Asked, Server, served};
use super::*;

pub(super) const SECRET: &str = "pa:ss word";

/// A layout's registry that wants a login in its own way.
pub(super) fn guarded(guard: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Server {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    std::mem::forget(layout);
    Server::start(move |asked, _| guard(asked).unwrap_or_else(|| served(&path, asked)))
}

pub(super) fn unauthorized(challenge: impl Into<String>) -> Answer {
    Answer::new(401, "").header("WWW-Authenticate", challenge)
}

pub(super) fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{SECRET}")))
}

/// A registry that lets `user` in by basic authorization.
fn basic_registry() -> Server {
    guarded(|asked| {
        if asked.header("authorization") == Some(&basic("user")) {
            return None;
        }
        Some(unauthorized("Basic realm=\"lab\""))
    })
}

pub(super) fn auths(entries: &[(&str, &str)]) -> String {
    let entry = |user: &str| json!({"auth": STANDARD.encode(format!("{user}:{SECRET}"))});
    let auths: serde_json::Map<_, _> = entries
        .iter()
        .map(|(name, user)| ((*name).to_owned(), entry(user)))
        .collect();
    json!({ "auths": auths }).to_string()
}

/// A machine with these files.
pub(super) fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, OpenOptions) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let access = Access {
        plain_http: true,
        ..access(root.path())
    };
    (
        root,
        OpenOptions {
            access,
            ..options()
        },
    )
}

pub(super) fn said(result: Result<Image, ImageError>) -> String {
    let error = result.unwrap_err();
    let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(
        !text.contains(SECRET) && !text.contains(&STANDARD.encode(SECRET)),
        "{text}"
    );
    error.to_string()
}

#[test]
fn every_place_is_looked_at() {
    let server = basic_registry();
    let text = auths(&[(&server.host, "user")]);
    let uid = rustix::process::geteuid().as_raw();
    for (path, variable) in [
        ("run/ostree/auth.json", None),
        ("etc/ostree/auth.json", None),
        ("usr/lib/ostree/auth.json", None),
        (
            "runtime/containers/auth.json",
            Some(("XDG_RUNTIME_DIR", "runtime")),
        ),
        (&format!("run/containers/{uid}/auth.json"), None),
        ("home/.config/containers/auth.json", Some(("HOME", "home"))),
        (
            "conf/containers/auth.json",
            Some(("XDG_CONFIG_HOME", "conf")),
        ),
        ("home/.docker/config.json", Some(("HOME", "home"))),
        ("docker/config.json", Some(("DOCKER_CONFIG", "docker"))),
        (
            "elsewhere.json",
            Some(("REGISTRY_AUTH_FILE", "elsewhere.json")),
        ),
    ] {
        let (root, mut options) = machine(&[(path, &text)]);
        if let Some((name, value)) = variable {
            options.access.places = options.access.places.with(name, &root.path().join(value));
        }
        let image = open_with(&server.host, &options).unwrap_or_else(|e| panic!("{path}: {e}"));
        read(&image, 0).unwrap();
    }
}

#[test]
fn the_first_file_with_an_entry_counts_and_a_named_one_alone() {
    let server = basic_registry();
    let right = auths(&[(&server.host, "user")]);
    let wrong = auths(&[(&server.host, "other")]);
    let elsewhere = auths(&[("r.test", "other")]);
    let open = |first: &str, named: Option<&str>| {
        let (root, mut options) = machine(&[
            ("run/ostree/auth.json", first),
            ("etc/ostree/auth.json", &right),
            ("named.json", named.unwrap_or_default()),
        ]);
        options.access.authfile = named.map(|_| root.path().join("named.json"));
        open_with(&server.host, &options)
    };
    assert!(open(&elsewhere, None).is_ok());
    assert!(open("{}", None).is_ok());
    let error = said(open(&wrong, None));
    assert!(
        error.ends_with("answered 401 (the login of `other` is not accepted)"),
        "{error}"
    );
    assert!(open(&wrong, Some(&right)).is_ok());
    let error = said(open(&right, Some(&elsewhere)));
    assert!(
        error.contains("wants a login, and none is known for it"),
        "{error}"
    );
}

#[test]
fn the_longest_entry_counts() {
    let server = basic_registry();
    let host = &server.host;
    let entries = |name: &str| auths(&[(host, "other"), (name, "user")]);
    for (name, good) in [
        (format!("{host}/lab/os"), true),
        (format!("{host}/lab"), true),
        (format!("{host}/la"), false),
        (format!("{host}/lab/os/more"), false),
        (format!("{host}/lab/os:1"), false),
    ] {
        let (_root, options) = machine(&[("run/ostree/auth.json", &entries(&name))]);
        let reference = format!("docker://{host}/lab/os:1").parse().unwrap();
        assert_eq!(Image::open(&reference, &options).is_ok(), good, "{name}");
    }
    // As docker login writes it.
    let address = auths(&[(&format!("https://{host}/v1/"), "user")]);
    let (_root, options) = machine(&[("run/ostree/auth.json", &address)]);
    open_with(host, &options).unwrap();
}

#[test]
fn a_login_does_not_follow_a_redirect_to_another_host() {
    let layout = LayoutDir::of(&[layer(b"one")]);
    let path = layout.path().to_owned();
    let storage = Server::start(move |asked, _| served(&path, asked));
    let (path, place) = (layout.path().to_owned(), storage.host.clone());
    let registry = Server::start(move |asked, _| {
        if asked.header("authorization") != Some(&basic("user")) {
            return unauthorized("Basic realm=\"lab\"");
        }
        if asked.path.contains("/blobs/") {
            let target = format!("http://{place}{}?signature=s", asked.path);
            return Answer::new(307, "").header("Location", target.replace("?signature=s", ""));
        }
        served(&path, asked)
    });
    let text = auths(&[(&registry.host, "user")]);
    let (_root, options) = machine(&[("run/ostree/auth.json", &text)]);
    let image = open_with(&registry.host, &options).unwrap();
    read(&image, 0).unwrap();
    assert!(!storage.asked().is_empty());
    for asked in storage.asked() {
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.header("referer"), None);
    }
}

#[test]
fn a_challenge_from_storage_gets_no_login_and_no_address_is_told() {
    let storage = Server::start(|_, _| unauthorized("Basic realm=\"mine\""));
    let place = format!(
        "http://localhost:{}/x?sig=hush",
        storage.host.rsplit(':').next().unwrap()
    );
    let registry = guarded(move |asked| {
        let there = Answer::new(307, "").header("Location", place.clone());
        asked.path.contains("/manifests/").then_some(there)
    });
    let text = auths(&[(&registry.host, "user"), ("localhost", "user")]);
    let (_root, options) = machine(&[("run/ostree/auth.json", &text)]);
    let error = said(open_with(&registry.host, &options));
    assert!(!error.contains("hush"), "{error}");
    assert_eq!(storage.asked().len(), 1);
    assert_eq!(storage.asked()[0].header("authorization"), None);
}

#[test]
fn bad_files_are_named_and_not_quoted() {
    for (text, reason) in [
        (format!("{{\"auths\": {SECRET}}}"), "line 1, column"),
        (json!({"auths": SECRET}).to_string(), "is not JSON as in"),
        (
            json!({"auths": {"HOST": {"auth": SECRET}}}).to_string(),
            "the entry `HOST` is not",
        ),
        (
            json!({"auths": {"HOST": {"auth": STANDARD.encode("nocolon")}}}).to_string(),
            "the entry `HOST` is not `USER:PASSWORD`",
        ),
        (
            json!({"credHelpers": {"HOST": "../evil"}}).to_string(),
            "not a plain word",
        ),
        (
            json!({"credHelpers": {"HOST": "landfall-missing"}}).to_string(),
            "running the credential helper `docker-credential-landfall-missing`",
        ),
    ] {
        let server = basic_registry();
        let text = text.replace("HOST", &server.host);
        let (root, options) = machine(&[("run/ostree/auth.json", &text)]);
        let error = said(open_with(&server.host, &options));
        let file = root.path().join("run/ostree/auth.json");
        assert!(
            error.starts_with(&format!("reading `{}`: ", file.display())),
            "{error}"
        );
        assert!(
            error.contains(&reason.replace("HOST", &server.host)),
            "{error}"
        );
        assert!(server.asked().is_empty());
    }
    let (root, mut options) = machine(&[]);
    options.access.authfile = Some(root.path().join("none.json"));
    let error = said(open_with("r.test", &options));
    assert!(
        error.ends_with("none.json`: there is no such file"),
        "{error}"
    );
}

/// Makes `docker-credential-NAME`, reachable by its name alone.
fn helper(directory: &Path, name: &str, script: &str) {
    let path = directory.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn credential_helpers_are_asked() {
    // The tests of a process share one PATH: this one runs in a process of its own.
    const INNER: &str = "LANDFALL_TEST_HELPERS";
    if std::env::var_os(INNER).is_none() {
        let bin = tempfile::tempdir().unwrap();
        helper(
            bin.path(),
            "good",
            r#"read s; [ "$1" = get ] && printf '{"ServerURL":"%s","Username":"user","Secret":"pa:ss word"}' "$s""#,
        );
        helper(
            bin.path(),
            "empty",
            "echo credentials not found in native keychain; exit 1",
        );
        helper(bin.path(), "broken", "echo 'pa:ss word'");
        helper(bin.path(), "failing", "echo 'pa:ss word'; exit 3");
        let path = format!(
            "{}:{}",
            bin.path().display(),
            std::env::var("PATH").unwrap()
        );
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args([
            "--exact",
            "image::tests::logins::credential_helpers_are_asked",
        ]);
        super::fixture::run(again.env("PATH", path).env(INNER, "1"), "");
        return;
    }
    let server = basic_registry();
    let host = &server.host;
    let with = |text: Value| {
        let (_root, options) = machine(&[("run/ostree/auth.json", &text.to_string())]);
        open_with(host, &options)
    };
    with(json!({"credHelpers": {host: "good"}})).unwrap();
    with(json!({"credsStore": "good"})).unwrap();
    let error = said(with(json!({"credHelpers": {host: "empty"}})));
    assert!(error.contains("none is known for it"), "{error}");
    let error = said(with(json!({"credsStore": "landfall-missing"})));
    assert!(error.contains("none is known for it"), "{error}");
    let error = said(with(json!({"credHelpers": {host: "broken"}})));
    assert!(
        error.ends_with("its answer is not JSON with a login"),
        "{error}"
    );
    let error = said(with(json!({"credHelpers": {host: "failing"}})));
    assert!(error.ends_with("exit status: 3"), "{error}");
}
