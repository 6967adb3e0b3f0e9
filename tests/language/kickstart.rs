// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart`: format, flatten, diff, dump.

use std::fs;

use serde_json::Value;

use crate::{files, run, run_with_input};

const UNTIDY: &str = "# web\n\n\n  lang   en_US.UTF-8\npart / --size 100\n";
const TIDY: &str = "# web\n\nlang en_US.UTF-8\npart / --size=100\n";

#[test]
fn fmt_prints_checks_or_writes() {
    let directory = files(&[("a.ks", UNTIDY), ("b.ks", TIDY)]);
    let fmt = |args: &[&str]| run(directory.path(), &[&["kickstart", "fmt"], args].concat());
    let printed = fmt(&["a.ks"]);
    assert_eq!((printed.code, printed.out.as_str()), (0, TIDY));
    let checked = fmt(&["--check", "a.ks", "b.ks"]);
    assert_eq!(
        (checked.code, checked.out.as_str()),
        (1, "a.ks is not in order\n")
    );
    assert_eq!(
        fs::read_to_string(directory.path().join("a.ks")).unwrap(),
        UNTIDY
    );
    let written = fmt(&["--write", "a.ks", "b.ks"]);
    assert_eq!((written.code, written.out.as_str()), (0, ""));
    assert_eq!(
        fs::read_to_string(directory.path().join("a.ks")).unwrap(),
        TIDY
    );
    assert_eq!(fmt(&["--check", "a.ks", "b.ks"]).code, 0);
    assert_eq!(fmt(&["missing.ks"]).code, 2);
    assert_eq!(run_with_input(&["kickstart", "fmt", "-"], UNTIDY).out, TIDY);
    assert_eq!(
        run_with_input(&["kickstart", "fmt", "-w", "-"], UNTIDY).code,
        2
    );
}

#[test]
fn flatten_puts_includes_in_and_names_the_version() {
    let directory = files(&[
        ("a.ks", "# web\n%include b.ks\nlang en_US.UTF-8\n"),
        ("b.ks", "%post\necho done\n%end\n"),
        ("wrong.ks", "frobnicate\n"),
    ]);
    let flatten = |args: &[&str]| {
        run(
            directory.path(),
            &[&["kickstart", "flatten"], args].concat(),
        )
    };
    let flat = flatten(&["--syntax", "RHEL9", "a.ks"]);
    assert_eq!(flat.code, 0, "{}", flat.err);
    assert!(
        flat.out.starts_with("#version=RHEL9\n") && flat.out.contains("lang en_US.UTF-8\n"),
        "{}",
        flat.out
    );
    assert!(
        flat.out.ends_with("%post\necho done\n%end\n"),
        "{}",
        flat.out
    );
    assert_eq!(
        flatten(&["--syntax", "RHEL9", "-o", "flat.ks", "a.ks"]).out,
        ""
    );
    assert_eq!(
        fs::read_to_string(directory.path().join("flat.ks")).unwrap(),
        flat.out
    );
    let wrong = flatten(&["wrong.ks"]);
    assert!(
        wrong.code == 1 && wrong.out.is_empty() && wrong.err.contains("LF0020"),
        "{}",
        wrong.err
    );
    assert_eq!(flatten(&["missing.ks"]).code, 2);
}

#[test]
fn diff_says_what_went_and_what_came() {
    let directory = files(&[]);
    let diff = |args: &[&str]| {
        run(
            directory.path(),
            &[
                &["kickstart", "diff", "--from", "RHEL9", "--to", "RHEL10"],
                args,
            ]
            .concat(),
        )
    };
    let text = diff(&[]).out;
    assert!(
        text.contains("commands removed in RHEL10: auth, authconfig, "),
        "{text}"
    );
    let json: Value = serde_json::from_str(&diff(&["--json"]).out).unwrap();
    assert_eq!(
        (&json["from"], &json["to"]),
        (&"RHEL9".into(), &"RHEL10".into())
    );
    assert!(
        json["added"].as_array().unwrap().contains(&"rdp".into()),
        "{json}"
    );
    assert_eq!(
        run(directory.path(), &["kickstart", "diff", "--from", "RHEL1"]).code,
        2
    );
}

#[test]
fn dump_shows_what_is_understood_without_secrets() {
    let text = "rootpw hunter2\nlang de_DE.UTF-8\nfrobnicate\n";
    for args in [
        &["kickstart", "dump", "-"][..],
        &["kickstart", "dump", "--json", "-"][..],
    ] {
        let outcome = run_with_input(args, text);
        assert_eq!(outcome.code, 1, "there is an unknown command");
        assert!(
            outcome.out.contains("de_DE.UTF-8") && !outcome.out.contains("hunter2"),
            "{}",
            outcome.out
        );
    }
    let json: Value =
        serde_json::from_str(&run_with_input(&["kickstart", "dump", "--json", "-"], text).out)
            .unwrap();
    assert_eq!(json["rootpw"]["value"]["password"], "***");
}
