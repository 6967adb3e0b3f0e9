// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every kickstart under `tests/data` against the expectation beside it.
//!
//! `ok/NAME.ks` has no errors and becomes the typed kickstart of `ok/NAME.json`; `err/NAME.ks` has errors, and all
//! that is said about it is in `err/NAME.diag`. A case in `ok` may have a `.diag` too, for its warnings, and must
//! have one if there are any. `UPDATE_EXPECT=1` writes the expectations. Includes come from the same directory.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kickstart_parser::{Includes, Reading, parse, read, render};

struct Directory(PathBuf);

impl Includes for Directory {
    fn fetch(&self, path: &str, _: &str) -> io::Result<(String, String)> {
        match fs::read_to_string(self.0.join(path)) {
            Ok(text) => Ok((path.to_owned(), text)),
            // The system's own sentence differs between systems, so the expectation has ours.
            Err(_) => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    }
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn cases(name: &str) -> Vec<PathBuf> {
    let mut cases: Vec<_> = fs::read_dir(directory(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "ks"))
        .collect();
    cases.sort();
    cases
}

fn read_case(path: &Path) -> Reading {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        parse(name, &text).to_string(),
        text,
        "{name} is not reproduced"
    );
    read(
        name,
        &text,
        None,
        &Directory(path.parent().unwrap().to_owned()),
    )
}

/// Compares with the file, or writes it; gives what is wrong
fn compare(path: &Path, actual: &str) -> Option<String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, actual).unwrap();
        return None;
    }
    match fs::read_to_string(path) {
        Ok(expected) if expected == actual => None,
        Ok(expected) => Some(format!(
            "{}:\n--- expected\n{expected}\n--- actual\n{actual}",
            path.display()
        )),
        Err(error) => Some(format!("{}: {error}\n--- actual\n{actual}", path.display())),
    }
}

/// Compares what is said; where nothing is said, there must be no file
fn compare_diagnostics(case: &Path, reading: &Reading) -> Option<String> {
    let path = case.with_extension("diag");
    let actual = render::human(&reading.diagnostics, &reading.sources, false);
    if actual.is_empty() {
        return path
            .exists()
            .then(|| format!("{}: nothing is said any more", path.display()));
    }
    compare(&path, &actual)
}

fn check_all(problems: &[String], count: usize, at_least: usize) {
    assert!(
        count >= at_least,
        "only {count} cases, {at_least} are expected"
    );
    assert!(
        problems.is_empty(),
        "{} of {count} cases differ\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn accepted_kickstarts_become_what_is_written_beside_them() {
    let mut problems = Vec::new();
    let cases = cases("ok");
    for case in &cases {
        let reading = read_case(case);
        if reading.has_errors() {
            let said = render::human(&reading.diagnostics, &reading.sources, false);
            problems.push(format!("{} has errors:\n{said}", case.display()));
            continue;
        }
        let json = serde_json::to_string_pretty(&reading.kickstart).unwrap() + "\n";
        problems.extend(compare(&case.with_extension("json"), &json));
        problems.extend(compare_diagnostics(case, &reading));
    }
    check_all(&problems, cases.len(), 15);
}

#[test]
fn rejected_kickstarts_are_explained_as_written_beside_them() {
    let mut problems = Vec::new();
    let cases = cases("err");
    for case in &cases {
        let reading = read_case(case);
        if !reading.has_errors() {
            problems.push(format!("{} has no errors", case.display()));
        }
        problems.extend(compare_diagnostics(case, &reading));
    }
    check_all(&problems, cases.len(), 30);
}

#[test]
fn every_expectation_belongs_to_a_case() {
    for name in ["ok", "err"] {
        for entry in fs::read_dir(directory(name)).unwrap() {
            let path = entry.unwrap().path();
            let ext = path.extension().and_then(|ext| ext.to_str()).unwrap();
            assert!(
                matches!(ext, "ks" | "json" | "diag" | "inc"),
                "{}",
                path.display()
            );
            let alone = matches!(ext, "json" | "diag") && !path.with_extension("ks").exists();
            assert!(!alone, "{} has no case", path.display());
        }
    }
}
