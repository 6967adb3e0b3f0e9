// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What callers rely on besides the kickstart itself: includes that are not followed or never end, the JSON form of
//! a verdict, masks over secrets, schemas, and that odd input costs no more than its size.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use kickstart_parser::{
    Class, Code, Includes, Kickstart, NoIncludes, Severity, json_line, read, render,
};

fn codes(reading: &kickstart_parser::Reading) -> Vec<Code> {
    reading
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

#[test]
fn an_include_that_is_not_followed_is_a_warning_and_may_hold_what_is_missing() {
    let reading = read(
        "a.ks",
        "%include /tmp/part.ks\nreqpart\nsshkey --username=a k\n",
        None,
        &NoIncludes,
    );
    assert_eq!(codes(&reading), [Code::IncludeSkipped]);
    assert!(!reading.has_errors());
}

/// Every file includes two new ones
struct Endless(Cell<usize>);

impl Includes for Endless {
    fn fetch(&self, _: &str, _: &str) -> io::Result<(String, String)> {
        self.0.set(self.0.get() + 1);
        let n = self.0.get();
        Ok((format!("{n}.ks"), format!("%include {n}a\n%include {n}b\n")))
    }
}

#[test]
fn includes_without_end_are_an_error_and_end() {
    let endless = Endless(Cell::new(0));
    let reading = read("a.ks", "%include b\n", None, &endless);
    assert!(reading.has_errors());
    assert!(
        codes(&reading)
            .iter()
            .all(|code| *code == Code::IncludeLoop)
    );
    assert_eq!(endless.0.get(), 4096);
}

#[test]
fn a_verdict_is_one_line_of_json() {
    let reading = read(
        "a.ks",
        "prat /\npart / --size=x\ntimezone --isUtc\n",
        None,
        &NoIncludes,
    );
    let expected = concat!(
        r#"{"file":"a.ks","syntax":"F45","ok":false,"diagnostics":["#,
        r#"{"severity":"error","code":"LF0020","message":"unknown command `prat`","file":"a.ks","line":1,"#,
        r#""column":1,"end_line":1,"end_column":5,"help":"did you mean `part`?"},"#,
        r#"{"severity":"error","code":"LF0036","message":"`--size` is a whole number, not `x`","file":"a.ks","#,
        r#""line":2,"column":15,"end_line":2,"end_column":16,"help":"write digits only, without a unit"},"#,
        r#"{"severity":"deprecation","code":"LF0037","message":"`--isUtc` is deprecated","file":"a.ks","line":3,"#,
        r#""column":10,"end_line":3,"end_column":17,"help":null}]}"#,
    );
    assert_eq!(json_line("a.ks", &reading), expected);
}

#[test]
fn a_diagnostic_without_a_place_has_nulls_and_is_no_error() {
    let line = json_line("a.ks", &read("a.ks", "text\n", None, &NoIncludes));
    assert!(line.contains(r#""ok":true"#), "{line}");
    assert!(
        line.contains(
            r#""code":"LF0053","message":"no partition for `/`","file":"a.ks","line":null"#
        ),
        "{line}"
    );
}

#[test]
fn secrets_are_in_no_dump_and_no_message() {
    let text = "rootpw hunter2 hunter2\nuser --name=a --password=hunter2 --bogus\npart / --passphrase=hunter2 --resize\n\
                bootloader --md5pass=hunter2 hunter\nnetwork --wpakey=hunter2 --bindto=x\nvnc --password=hunter2\n";
    let reading = read("a.ks", text, None, &NoIncludes);
    assert_eq!(reading.diagnostics.len(), 7);
    assert_eq!(
        reading
            .kickstart
            .rootpw
            .as_ref()
            .unwrap()
            .password
            .as_ref()
            .unwrap()
            .expose(),
        "hunter2"
    );
    assert!(!format!("{:?}", reading.kickstart).contains("hunter2"));
    assert!(
        !serde_json::to_string(&reading.kickstart)
            .unwrap()
            .contains("hunter2")
    );
    assert!(!json_line("a.ks", &reading).contains("hunter2"));
    assert!(!render::human(&reading.diagnostics, &reading.sources, true).contains("hunter2"));
}

/// Each line of `secrets.txt` alone, and all together: what the program prints is made of these
#[test]
fn no_spelling_of_a_secret_is_shown() {
    let text = include_str!("secrets.txt");
    for line in text.lines().chain([text]) {
        let reading = read("a.ks", line, None, &NoIncludes);
        for shown in [
            render::human(&reading.diagnostics, &reading.sources, false),
            json_line("a.ks", &reading),
            render::dump(&reading.kickstart),
            render::dump_json(&reading.kickstart),
        ] {
            assert!(!shown.contains("hunter2"), "{line}\n{shown}");
        }
    }
}

#[test]
fn a_kickstart_survives_json_and_has_a_schema() {
    let text =
        "part / --size=5\nuser --name=a --groups=b(1)\nclearpart --all\nreboot\n%post\nx\n%end\n";
    let kickstart = read("a.ks", text, None, &NoIncludes).kickstart;
    let json = serde_json::to_string(&kickstart).unwrap();
    assert_eq!(serde_json::from_str::<Kickstart>(&json).unwrap(), kickstart);
    let schema = serde_json::to_value(schemars::schema_for!(Kickstart)).unwrap();
    assert!(schema["properties"]["ostreecontainer"].is_object());
}

#[test]
fn long_lines_and_many_lines_take_time_in_proportion() {
    let many = 1 << 17;
    for text in [
        "part / --size=1 --grow\n".repeat(5_000),
        "a".repeat(4 * many),
        format!("lang {}", "a ".repeat(many)),
        format!("lang \"{}", "\\\"".repeat(many)),
        "\n".repeat(many),
        "'".repeat(many),
    ] {
        let start = Instant::now();
        let reading = read("a.ks", &text, None, &NoIncludes);
        assert!(!reading.diagnostics.is_empty());
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?} for {:.20}",
            start.elapsed(),
            text
        );
    }
}

#[test]
fn what_could_not_be_installed_is_a_warning_of_check_and_an_error_of_an_installation() {
    let text = include_str!("data/ok/consistency.ks");
    let reading = read("a.ks", text, None, &NoIncludes);
    assert!(!reading.has_errors());
    let judged = reading.clone().for_installation();
    let errors = |reading: &kickstart_parser::Reading| -> Vec<Code> {
        let errors = reading
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error);
        errors.map(|d| d.code).collect()
    };
    let all = errors(&judged);
    let consistency = Code::ALL
        .iter()
        .filter(|code| code.class() == Class::Consistency);
    for code in consistency.filter(|code| **code != Code::ReqpartAlone) {
        assert!(all.contains(code), "{code}");
    }
    assert!(all.contains(&Code::CommandNotYet));
    let alone = "ostreecontainer --url=a.example/b:1\nreqpart\n";
    let alone = read("a.ks", alone, None, &NoIncludes).for_installation();
    assert_eq!(errors(&alone), [Code::ReqpartAlone]);
}
