// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `policy.json`: which images it lets in, and that it is asked first.

use std::path::Path;

use super::fixture::access;
use super::*;

/// What the policy says to a reference; the file is the machine's.
fn judged(policy: &str, reference: &str) -> Result<(), String> {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("etc/containers/policy.json");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, policy).unwrap();
    super::policy::check(&reference.parse().unwrap(), &access(root.path())).map_err(|error| {
        error
            .to_string()
            .replace(&root.path().display().to_string(), "")
    })
}

const ACCEPT: &str = r#"[{"type":"insecureAcceptAnything"}]"#;
const REJECT: &str = r#"[{"type":"reject"}]"#;

/// A policy that rejects by default, with rules for `docker`.
fn docker(rules: &[(&str, &str)]) -> String {
    let rules: Vec<_> = rules
        .iter()
        .map(|(scope, rule)| format!("\"{scope}\":{rule}"))
        .collect();
    format!(
        r#"{{"default":{REJECT},"transports":{{"docker":{{{}}}}}}}"#,
        rules.join(",")
    )
}

#[test]
fn without_a_file_every_image_is_let_in() {
    let none = access(Path::new("/nonexistent"));
    assert!(super::policy::check(&"r.test/os:1".parse().unwrap(), &none).is_ok());
}

#[test]
fn rejection_names_file_scope_and_image() {
    let policy = format!(r#"{{"default":{REJECT}}}"#);
    assert_eq!(
        judged(&policy, "r.test/os:1").unwrap_err(),
        "checking `docker://r.test/os:1` against `/etc/containers/policy.json`: the default rejects it"
    );
    let policy = docker(&[("r.test/lab", REJECT), ("", ACCEPT)]);
    let error = judged(&policy, "r.test/lab/os:1").unwrap_err();
    assert!(
        error.ends_with("the scope `r.test/lab` of the transport `docker` rejects it"),
        "{error}"
    );
    assert!(judged(&policy, "r.test/os:1").is_ok());
}

#[test]
fn a_demanded_signature_is_refused_even_beside_acceptance() {
    for kind in ["signedBy", "sigstoreSigned"] {
        let rule =
            format!(r#"[{{"type":"insecureAcceptAnything"}},{{"type":"{kind}","keyPath":"/k"}}]"#);
        let error = judged(&docker(&[("r.test", &rule)]), "r.test/os:1").unwrap_err();
        assert!(
            error.contains(&format!("demands a signature (`{kind}`)")),
            "{error}"
        );
    }
}

#[test]
fn the_most_specific_scope_counts() {
    let digest = format!("r.a.test:5000/lab/os@sha256:{}", "0".repeat(64));
    // From the most general to the most specific; each reverses the one before.
    let scopes = [
        "",
        "*.test",
        "*.a.test",
        "r.a.test:5000",
        "r.a.test:5000/lab",
        "r.a.test:5000/lab/os",
    ];
    for count in 0..=scopes.len() {
        let rules: Vec<_> = scopes[..count]
            .iter()
            .enumerate()
            .map(|(at, scope)| (*scope, if at % 2 == 0 { ACCEPT } else { REJECT }))
            .collect();
        for reference in ["r.a.test:5000/lab/os:1", &digest] {
            let accepted = judged(&docker(&rules), reference).is_ok();
            assert_eq!(accepted, count % 2 == 1, "{rules:?}");
        }
    }
    let by_tag = docker(&[("r.test/os:2", ACCEPT)]);
    assert!(judged(&by_tag, "r.test/os:2").is_ok());
    assert!(judged(&by_tag, "r.test/os:1").is_err());
    let hub = docker(&[("docker.io/library", ACCEPT)]);
    assert!(judged(&hub, "docker.io/busybox").is_ok());
    assert!(judged(&hub, "docker.io/other/busybox").is_err());
}

#[test]
fn local_images_have_their_paths_as_scopes() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap().join("images");
    fs::create_dir(&real).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let policy = |transport: &str, scope: &str| {
        format!(r#"{{"default":{REJECT},"transports":{{"{transport}":{{"{scope}":{ACCEPT}}}}}}}"#)
    };
    let real = real.display().to_string();
    let parent = dir.path().canonicalize().unwrap().display().to_string();
    for scope in [&format!("{real}:os:1"), &real, &parent, ""] {
        for path in [&real, &link.display().to_string()] {
            let judged = judged(&policy("oci", scope), &format!("oci:{path}:os:1"));
            assert!(judged.is_ok(), "{scope}: {judged:?}");
        }
    }
    assert!(judged(&policy("oci", &real), "oci:/other").is_err());
    let archive = format!("oci-archive:{real}/a.tar");
    assert!(judged(&policy("oci-archive", &real), &archive).is_ok());
    assert!(judged(&policy("oci", &real), &archive).is_err());
    assert!(judged(&policy("docker-archive", ""), "docker-archive:/a.tar:os:1").is_ok());
}

#[test]
fn a_malformed_policy_is_an_error() {
    for (policy, reason) in [
        ("", "EOF"),
        ("{}", "missing field `default`"),
        (r#"{"default":[]}"#, "no requirement"),
        (
            r#"{"default":[{"type":"reject"}],"extra":1}"#,
            "unknown field `extra`",
        ),
        (
            r#"{"default":[{"type":"acceptAll"}]}"#,
            "`acceptAll` is unknown",
        ),
        (r#"{"default":[{}]}"#, "requirement `` is unknown"),
        (
            r#"{"default":[{"type":"insecureAcceptAnything","key":1}]}"#,
            "further fields",
        ),
        (
            r#"{"default":[{"type":"reject","type":"insecureAcceptAnything"}]}"#,
            "`type` stands twice",
        ),
        (
            r#"{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{"a":[{"type":"x"}]}}}"#,
            "`x` is unknown",
        ),
        (
            r#"{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{"a":[],"a":[]}}}"#,
            "`a` stands twice",
        ),
        (&"[".repeat(100_000), "expected"),
        (
            &format!(r#"{{"default":[{{"type":{}"#, "[".repeat(100_000)),
            "recursion limit",
        ),
    ] {
        let error = judged(policy, "r.test/os:1").unwrap_err();
        assert!(
            error.starts_with("reading `/etc/containers/policy.json`: "),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn the_first_file_counts_and_a_named_one_before_it() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("home");
    let write = |path: &str, rule: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!(r#"{{"default":{rule}}}"#)).unwrap();
        path
    };
    let reference = "r.test/os:1".parse().unwrap();
    let mut given = access(root.path());
    let expect = |given: &mut Access, accepted: bool| {
        assert_eq!(super::policy::check(&reference, given).is_ok(), accepted);
    };
    write("usr/share/containers/policy.json", REJECT);
    expect(&mut given, false);
    write("etc/containers/policy.json", ACCEPT);
    expect(&mut given, true);
    write("home/.config/containers/policy.json", REJECT);
    given.places = given.places.with("HOME", &home);
    expect(&mut given, false);
    let variable = write("variable.json", ACCEPT);
    given.places = given.places.with("CONTAINERS_POLICY_JSON", &variable);
    expect(&mut given, true);
    given.policy = Some(write("named.json", REJECT));
    expect(&mut given, false);
    given.policy = Some(root.path().join("missing.json"));
    let error = super::policy::check(&reference, &given)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("missing.json`: there is no such file"),
        "{error}"
    );
}

#[test]
fn opening_asks_the_policy_before_anything_else() {
    let root = tempfile::tempdir().unwrap();
    let policy = root.path().join("policy.json");
    fs::write(&policy, format!(r#"{{"default":{REJECT}}}"#)).unwrap();
    let mut options = options();
    options.access.policy = Some(policy);
    let layout = LayoutDir::of(&[layer(b"one")]);
    let registry = super::server::Server::start(|_, _| super::server::Answer::new(500, ""));
    for reference in [
        layout.reference().to_string(),
        format!("docker://{}/os:1", registry.host),
        "oci-archive:/nonexistent".to_owned(),
    ] {
        let error = Image::open(&reference.parse().unwrap(), &options).unwrap_err();
        assert!(matches!(error, ImageError::Forbidden { .. }), "{error}");
    }
    assert!(registry.asked().is_empty());
}
