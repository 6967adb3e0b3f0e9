// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall check`: verdicts, exit codes, JSON, files that are no kickstarts.

use std::fs::{self, File};

use crate::{Outcome, codes, files, run, run_with_input};

const VALID: &str = "#version=F45\nlang en_US.UTF-8\npart / --grow\n";
const WRONG: &str = "lang en_US.UTF-8\npart / --sise=1\n";

#[test]
fn the_exit_code_is_that_of_the_worst_file() {
    let directory = files(&[("valid.ks", VALID), ("wrong.ks", WRONG)]);
    let check = |names: &[&str]| run(directory.path(), &[&["check"], names].concat());
    assert_eq!(check(&["valid.ks"]).code, 0);
    assert_eq!(check(&["wrong.ks", "valid.ks"]).code, 1);
    let all = check(&["missing.ks", "wrong.ks", "valid.ks"]);
    assert_eq!(all.code, 2);
    for verdict in [
        "missing.ks cannot be read\n",
        "wrong.ks has errors\n",
        "valid.ks is a valid kickstart of F45\n",
    ] {
        assert!(all.out.contains(verdict), "{}", all.out);
    }
    assert_eq!(check(&[]).code, 2);
}

#[test]
fn people_see_the_line_the_span_and_the_help() {
    let directory = files(&[("wrong.ks", WRONG)]);
    let outcome = run(directory.path(), &["check", "wrong.ks"]);
    for line in [
        "error[LF0030]",
        "wrong.ks:2:8",
        "part / --sise=*",
        "^^^^^^\n",
        "help: did you mean `--size`?",
    ] {
        assert!(outcome.out.contains(line), "{line}: {}", outcome.out);
    }
    assert!(!outcome.out.contains('\u{1b}') && outcome.err.is_empty());
}

#[test]
fn json_is_a_line_for_each_file_in_the_order_given() {
    let directory = files(&[("valid.ks", VALID), ("wrong.ks", WRONG)]);
    let args = [
        "check",
        "--format",
        "json",
        "wrong.ks",
        "missing.ks",
        "valid.ks",
    ];
    let outcome = run(directory.path(), &args);
    let verdicts = outcome.json();
    let said: Vec<_> = verdicts
        .iter()
        .map(|v| (v["file"].as_str().unwrap(), v["ok"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("wrong.ks", false),
            ("missing.ks", false),
            ("valid.ks", true)
        ]
    );
    let keys = |value: &serde_json::Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(keys(&verdicts[0]), "diagnostics file ok syntax");
    let diagnostic = &verdicts[0]["diagnostics"][0];
    let fields = "code column end_column end_line file help line message severity";
    assert_eq!(keys(diagnostic), fields);
    let place = ["line", "column", "end_line", "end_column"]
        .map(|field| diagnostic[field].as_u64().unwrap());
    assert_eq!(place, [2, 8, 2, 14]);
}

#[test]
fn strict_fails_on_what_pykickstarts_validator_fails_on() {
    let deprecated = "#version=RHEL9\ntimezone --isUtc Europe/Berlin\npart / --grow\n";
    for (text, code) in [
        (deprecated, 1),
        ("text\n", 0),
        ("", 1),
        (" \n\n", 1),
        ("%packages\n%end\n", 0),
    ] {
        assert_eq!(run_with_input(&["check", "-"], text).code, 0, "{text:?}");
        let strict = run_with_input(&["check", "--strict", "--format", "json", "-"], text);
        assert_eq!(strict.code, code, "{text:?}");
        assert_eq!(strict.json()[0]["ok"], code == 0, "{text:?}");
    }
}

#[test]
fn syntax_goes_before_the_version_that_the_file_declares() {
    let text = "#version=RHEL9\ntimezone --isUtc Europe/Berlin\n";
    let syntax = |args: &[&str]| {
        let outcome = run_with_input(
            &[&["check", "--format", "json"], args, &["-"]].concat(),
            text,
        );
        (
            outcome.json()[0]["syntax"].as_str().unwrap().to_owned(),
            outcome.code,
        )
    };
    assert_eq!(syntax(&[]), ("RHEL9".to_owned(), 0));
    assert_eq!(syntax(&["--syntax", "RHEL10"]), ("RHEL10".to_owned(), 1));
    assert_eq!(syntax(&["--syntax", "rhel8"]), ("RHEL8".to_owned(), 0));
    let outcome = run_with_input(&["check", "--syntax", "RHEL7", "-"], text);
    assert!(
        outcome.code == 2 && outcome.err.contains("RHEL8, RHEL9, RHEL10"),
        "{}",
        outcome.err
    );
}

#[test]
fn what_is_no_text_is_said_with_its_place() {
    let directory = files(&[("valid.ks", VALID)]);
    let path = directory.path().join("x.ks");
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let outcome = run(
            directory.path(),
            &["check", "--format", "json", "x.ks", "valid.ks"],
        );
        let verdicts = outcome.json();
        assert_eq!((outcome.code, verdicts[1]["ok"].as_bool()), (1, Some(true)));
        let diagnostic = &verdicts[0]["diagnostics"][0];
        let number = |field: &str| diagnostic[field].as_u64().unwrap();
        (
            codes(&verdicts[0])[0].to_owned(),
            number("line"),
            number("column"),
        )
    };
    assert_eq!(
        said(b"text\nlang \xc3\xbc\xff"),
        ("LF0009".to_owned(), 2, 7)
    );
    assert_eq!(said(b"text\nla\0ng"), ("LF0009".to_owned(), 2, 3));
    assert_eq!(said(b"\xff\xfet\0"), ("LF0009".to_owned(), 1, 1));
    assert_eq!(
        said("\u{feff}text\n".as_bytes()),
        ("LF0020".to_owned(), 1, 1)
    );
}

#[test]
fn a_huge_file_is_refused_without_reading_it() {
    let directory = files(&[]);
    File::create(directory.path().join("huge.ks"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let outcome = run(
        directory.path(),
        &["check", "--format", "json", "huge.ks", "/dev/zero"],
    );
    let found: Vec<_> = outcome
        .json()
        .iter()
        .map(|verdict| codes(verdict).join(" "))
        .collect();
    assert_eq!(
        (outcome.code, found),
        (1, vec!["LF0005".to_owned(), "LF0005".to_owned()])
    );
}

/// Every way to write a secret, `hunter2`, each in a line that there is something to say about
const SECRETS: &str = include_str!("../../kickstart-parser/tests/secrets.txt");

#[test]
fn secrets_are_in_no_output() {
    for line in SECRETS.lines().chain([SECRETS]) {
        for args in [
            &["check", "--format", "human"][..],
            &["check", "--format", "json"][..],
            &["check", "--format", "sarif"][..],
            &["kickstart", "dump"][..],
            &["kickstart", "dump", "--json"][..],
        ] {
            let Outcome { out, err, .. } = run_with_input(&[args, &["-"]].concat(), line);
            assert!(!out.contains("hunter2"), "{args:?} {line}: {out}");
            assert!(!err.contains("hunter2"), "{args:?} {line}: {err}");
        }
    }
}

#[test]
fn secrets_are_in_no_name_of_a_file() {
    let directory = files(&[]);
    for args in [
        &["check"][..],
        &["check", "--format=json"][..],
        &["check", "--format=sarif"][..],
        &["kickstart", "dump"][..],
    ] {
        let name = "http://u:hunter2@127.0.0.1:1/a.ks";
        let Outcome { code, out, err } = run(directory.path(), &[args, &[name]].concat());
        assert_eq!(code, 2);
        assert!(!(out + &err).contains("hunter2"), "{args:?}");
    }
}
