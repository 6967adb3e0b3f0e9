// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `registries.conf` makes of names, good files and bad.

use std::fs;

use super::*;

/// A machine with these files below `etc/containers`.
fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Access) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join("etc/containers").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let access = Access {
        places: Places::below(root.path()),
        ..Access::default()
    };
    (root, access)
}

/// The places in short: `+` mirror, `!` insecure.
fn asked(name: &str, access: &Access) -> Result<Vec<String>, String> {
    let routes = routes(&name.parse().unwrap(), access).map_err(|e| e.to_string())?;
    let short = |route: Route| {
        let mirror = if route.mirror { "+" } else { "" };
        let insecure = if route.insecure { "!" } else { "" };
        format!("{mirror}{insecure}{}", route.reference)
    };
    Ok(routes.into_iter().map(short).collect())
}

fn with(text: &str, name: &str) -> Result<Vec<String>, String> {
    let (_root, access) = machine(&[("registries.conf", text)]);
    asked(name, &access)
}

#[test]
fn the_example_of_the_manual_page() {
    let text = r#"
        unqualified-search-registries = ["example.com"]
        [[registry]]
        prefix = "example.com/foo"
        insecure = false
        blocked = false
        location = "internal.example.net/bar"
        [[registry.mirror]]
        location = "mirror-0.local/mirror-for-foo"
        [[registry.mirror]]
        location = "mirror-1.local/mirrors/foo/"
        insecure = true
        [[registry]]
        location = "registry.com"
        [[registry.mirror]]
        location = "mirror.registry.com"
    "#;
    assert_eq!(
        with(text, "example.com/foo/image:1").unwrap(),
        [
            "+mirror-0.local/mirror-for-foo/image:1",
            "+!mirror-1.local/mirrors/foo/image:1",
            "internal.example.net/bar/image:1"
        ]
    );
    assert_eq!(
        with(text, "registry.com/image").unwrap(),
        [
            "+mirror.registry.com/image:latest",
            "registry.com/image:latest"
        ]
    );
    assert_eq!(
        with(text, "example.com/food:1").unwrap(),
        ["example.com/food:1"]
    );
}

#[test]
fn the_longest_prefix_wins_and_wildcards_match_domains() {
    let text = r#"
        [[registry]]
        prefix = "*.example.com"
        insecure = true
        [[registry]]
        prefix = "a.example.com/lab"
        location = "b.example.org:5000/copy"
    "#;
    let all = |name| with(text, name).unwrap();
    assert_eq!(
        all("a.example.com/lab/os:1"),
        ["b.example.org:5000/copy/os:1"]
    );
    assert_eq!(all("a.example.com/other:1"), ["!a.example.com/other:1"]);
    assert_eq!(all("x.y.example.com:99/os:1"), ["!x.y.example.com:99/os:1"]);
    for other in [
        "example.com/os:1",
        "badexample.com/os:1",
        "a.example.com.evil.org/os:1",
    ] {
        assert_eq!(all(other), [other]);
    }
}

#[test]
fn a_wildcard_after_a_longer_prefix_does_not_stand_in_for_it() {
    let table = |prefix: &str, blocked: bool| {
        format!(
            "[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{}\"\nblocked = {blocked}\n",
            prefix.trim_start_matches("*.")
        )
    };
    for (blocked, wide, name) in [
        ("bad.example.com", "*.example.com", "bad.example.com/os:1"),
        ("b.example.com", "*.example.com", "b.example.com/os:1"),
        (
            "*.lab.example.com",
            "*.example.com",
            "a.lab.example.com/os:1",
        ),
    ] {
        let (narrow, wide) = (table(blocked, true), table(wide, false));
        for text in [format!("{narrow}{wide}"), format!("{wide}{narrow}")] {
            let error = with(&text, name).unwrap_err();
            assert!(
                error.ends_with(&format!("the registry `{blocked}` is blocked")),
                "{error}"
            );
        }
    }
    // The rest of the name follows what the wildcard covers, not its own length.
    let text = "[[registry]]\nprefix = \"*.example.com\"\nlocation = \"m.test/copy\"\n";
    assert_eq!(
        with(text, "a.b.example.com/os:1").unwrap(),
        ["m.test/copy/os:1"]
    );
}

#[test]
fn mirrors_for_digests_or_tags_alone() {
    let digest = format!("r.test/os@sha256:{}", "0".repeat(64));
    let only = |pull: &str| {
        format!(
            "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\nlocation = \"m.test\"\n{pull}"
        )
    };
    let count = |text: &str, name: &str| with(text, name).unwrap().len();
    let all = only("pull-from-mirror = \"all\"");
    let by_digest = only("pull-from-mirror = \"digest-only\"");
    let by_tag = only("pull-from-mirror = \"tag-only\"");
    let global = all.replace("pull-from-mirror = \"all\"", "").replacen(
        "[[registry.m",
        "mirror-by-digest-only = true\n[[registry.m",
        1,
    );
    for (text, tags, digests) in [
        (all, 2, 2),
        (by_digest, 1, 2),
        (by_tag, 2, 1),
        (global, 1, 2),
    ] {
        assert_eq!(count(&text, "r.test/os:1"), tags, "{text}");
        assert_eq!(count(&text, &digest), digests, "{text}");
    }
    let both = format!("r.test/os:1@sha256:{}", "0".repeat(64));
    assert_eq!(with("", &both).unwrap(), [digest]);
}

#[test]
fn drop_ins_replace_tables_of_the_same_prefix() {
    let (_root, access) = machine(&[
        (
            "registries.conf",
            "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
        ),
        (
            "registries.conf.d/10-a.conf",
            "[[registry]]\nlocation = \"r.test\"\ninsecure = true\n",
        ),
        ("registries.conf.d/20-b.txt", "not read"),
    ]);
    assert_eq!(asked("r.test/os:1", &access).unwrap(), ["!r.test/os:1"]);
}

#[test]
fn the_users_file_stands_in_for_the_systems() {
    let (root, mut access) = machine(&[
        (
            "registries.conf",
            "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
        ),
        (
            "registries.conf.d/10-a.conf",
            "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
        ),
    ]);
    let home = root.path().join("home");
    fs::create_dir_all(home.join(".config/containers")).unwrap();
    fs::write(home.join(".config/containers/registries.conf"), "").unwrap();
    assert!(asked("r.test/os:1", &access).is_err());
    access.places = access.places.with("HOME", &home);
    assert_eq!(asked("r.test/os:1", &access).unwrap(), ["r.test/os:1"]);
    let missing = root.path().join("missing.conf");
    access.places = access.places.with("CONTAINERS_REGISTRIES_CONF", &missing);
    let error = asked("r.test/os:1", &access).unwrap_err();
    assert!(
        error.contains("missing.conf`: there is no such file"),
        "{error}"
    );
}

#[test]
fn a_blocked_registry_is_named_with_its_file() {
    let text = "[[registry]]\nprefix = \"r.test/lab\"\nlocation = \"r.test/lab\"\nblocked = true\n";
    let error = with(text, "r.test/lab/os:1").unwrap_err();
    assert!(
        error.starts_with("checking `docker://r.test/lab/os:1` against"),
        "{error}"
    );
    assert!(
        error.ends_with("registries.conf`: the registry `r.test/lab` is blocked"),
        "{error}"
    );
    assert!(with(text, "r.test/other:1").is_ok());
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    for (text, reason) in [
        (
            "[[registry]]\nlocation = \"https://r.test\"",
            "without `http://`",
        ),
        (
            "[[registry]]\ninsecure = true",
            "neither a prefix nor a location",
        ),
        (
            "[[registry]]\nprefix = \"r.test\"",
            "`r.test` has no location",
        ),
        (
            "[[registry]]\nprefix = \"r.*.test\"\nlocation = \"a\"",
            "elsewhere than first",
        ),
        (
            "[[registry]]\nprefix = \"*.r.test/os\"",
            "is not `*.` and a domain",
        ),
        (
            "[registries.search]\nregistries = [\"r.test\"]",
            "version 1",
        ),
        ("[[registry]\n", "line 1, column 12: "),
        (
            "[[registry]]\nlocation = \"r.test\"\nmirror-by-digest-only = true\n\
             [[registry.mirror]]\nlocation = \"m\"\npull-from-mirror = \"all\"",
            "contradicts",
        ),
        (
            "[[registry]]\nprefix = \"r.test\"\nlocation = \"UP:x:y\"",
            "no name in a registry",
        ),
    ] {
        let error = with(text, "r.test/os:1").unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_quoted() {
    for (text, reason) in [
        (
            r#"{"auths": {"r.test": {"auth": "aHVzaA=="}}}"#,
            "registries.conf`: line 1, column ",
        ),
        (
            "# all\n[[registry]]\ninsecure = \"aHVzaA==\"\n",
            "line 3, column 12: expected a boolean",
        ),
        (
            "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\n\
             location = \"m\"\npull-from-mirror = \"aHVzaA==\"\n",
            "line 5, column 20: expected one of",
        ),
        ("registry = \"aHVzaA==\"", "expected a sequence"),
        (
            "[[registry]]\nlocation = \"https://me:aHVzaA==@r.test\"",
            "`r.test` must be without",
        ),
    ] {
        let error = with(text, "r.test/os:1").unwrap_err();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("aHVzaA"), "{error}");
    }
}

fn table(prefix: &str, location: &str) -> String {
    format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
}

/// `r.test` with a mirror.
fn mirror(location: &str, more: &str) -> String {
    let table = table("r.test", "r.test");
    format!("{table}[[registry.mirror]]\nlocation = \"{location}\"\n{more}")
}

#[test]
fn a_login_before_a_location_is_not_told() {
    let by_digest = "location = \"r.test\"\nmirror-by-digest-only = true\n";
    let contradiction = mirror("me:s3cret@m.test/x", "pull-from-mirror = \"all\"\n");
    let contradiction = contradiction.replacen("location = \"r.test\"\n", by_digest, 1);
    let digest = format!("@sha256:{}", "0".repeat(64));
    for (text, rest, told) in [
        (
            table("r.test", "me:s3cret@m.test/x"),
            ":1",
            "it leads to `m.test/x/os:1`",
        ),
        (
            mirror("me:s3cret@m.test/x", ""),
            ":1",
            "it leads to `m.test/x/os:1`",
        ),
        (
            mirror("me:a/s3cret@m.test", ""),
            ":1",
            "it leads to `m.test/os:1`",
        ),
        (
            mirror("me:a@s3cret@m.test", ""),
            &digest,
            "it leads to `m.test/os@sha256:0",
        ),
        (
            mirror("https://me:s3cret@m.test/x", ""),
            ":1",
            "`m.test/x` must be without",
        ),
        (contradiction, ":1", "`pull-from-mirror` of `m.test/x`"),
        (
            table("me:s3cret@r.test", ""),
            ":1",
            "the prefix `r.test` has no",
        ),
        (
            table("me:s3cret@*.test", "r.test"),
            ":1",
            "first in `*.test`",
        ),
        (
            table("*.me:s3cret@r.test", "r.test"),
            ":1",
            "the prefix `r.test` is not",
        ),
    ] {
        let error = with(&text, &format!("r.test/os{rest}")).unwrap_err();
        assert!(error.contains(told), "{error}");
        assert!(
            !error.contains("s3cret") && !error.contains("me:"),
            "{error}"
        );
    }
}
