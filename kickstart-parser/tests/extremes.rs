// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Inputs that nobody writes: too large, too long, too many includes, files that change while they are read. Each
//! gets one clear error. What that costs in memory is measured through the program, in Landfall's own tests.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;
use std::io;

use kickstart_parser::{Includes, LARGEST_FILE, NoIncludes, Reading, decode, read, render};

/// Code, line and message of every error
fn errors(reading: &Reading) -> Vec<(&str, u32, &str)> {
    let errors = reading
        .diagnostics
        .iter()
        .filter(|diagnostic| matches!(diagnostic.severity, kickstart_parser::Severity::Error));
    errors
        .map(|error| {
            let line = error.location.as_ref().map_or(0, |at| at.line);
            (error.code.as_str(), line, error.message.as_str())
        })
        .collect()
}

/// Every include is this text, under a name that says how often there was one
struct Always<F>(F, Cell<usize>);

impl<F: Fn(usize) -> String> Includes for Always<F> {
    fn fetch(&self, path: &str, _: &str) -> io::Result<(String, String)> {
        self.1.set(self.1.get() + 1);
        Ok((path.to_owned(), (self.0)(self.1.get())))
    }
}

#[test]
fn a_file_of_100_mb_is_not_read() {
    let said = "the file is larger than 64 MiB and is not read";
    let text = "part / --size=1\n".repeat(100_000_000 / 16);
    let reading = read("a.ks", &text, None, &NoIncludes);
    assert_eq!(errors(&reading), [("LF0005", 1, said)]);
    let reading = decode("a.ks", text.into_bytes()).unwrap_err();
    assert_eq!(errors(&reading), [("LF0005", 1, said)]);
    assert!(reading.sources.is_empty());
}

#[test]
fn a_line_of_10_mb_is_passed_over_and_shown_in_part() {
    let long = "a".repeat(10_000_000);
    let text = format!("part {long}\n%post\n{long}\n%end\nfrobnicate\n");
    let reading = read("a.ks", &text, None, &NoIncludes);
    let said = "the line is longer than 1024 KiB and is not read";
    let expected = [
        ("LF0005", 1, said),
        ("LF0020", 5, "unknown command `frobnicate`"),
    ];
    assert_eq!(errors(&reading), expected);
    let script = &reading.kickstart.scripts[0];
    assert_eq!(script.body.len(), long.len() + 1);
    let human = render::human(&reading.diagnostics, &reading.sources, false);
    assert!(human.len() < 2000, "{} bytes", human.len());
}

#[test]
fn all_includes_together_are_no_larger_than_one_file() {
    let comment = format!("#{}\n", "x".repeat(LARGEST_FILE / 4));
    let includes = Always(|_| comment.clone(), Cell::new(0));
    let text = "%include a\n%include b\n%include a\n%include b\n%include a\nlang\n%include a\n";
    let reading = read("a.ks", text, None, &includes);
    let [("LF0034", 6, _), (code, 1, said)] = errors(&reading)[..] else {
        panic!("{:?}", errors(&reading));
    };
    assert_eq!((code, includes.1.get()), ("LF0005", 4));
    assert_eq!(
        said,
        "with this file more than 64 MiB are included; it is not read"
    );
}

#[test]
fn a_file_that_changes_between_two_includes_is_two_files() {
    let includes = Always(|n| "group --name=a\n".repeat(3 - n), Cell::new(0));
    let reading = read("a.ks", "%include b\n%include b\n", None, &includes);
    assert_eq!(reading.kickstart.group.len(), 3);
    assert_eq!(reading.sources.len(), 3);
}

#[test]
fn a_million_includes_are_one_error_after_the_4096th() {
    let includes = Always(|_| String::new(), Cell::new(0));
    let reading = read("a.ks", &"%include b\n".repeat(1_000_000), None, &includes);
    let said = "more than 4096 includes; this one and those after it are left out";
    assert_eq!(errors(&reading), [("LF0015", 4097, said)]);
    assert_eq!(includes.1.get(), 4096);
}
