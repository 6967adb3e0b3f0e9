// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Formatting keeps what a kickstart means and all of its comments: over the test data, and over the corpus of the
//! reference where it is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use kickstart_parser::{LineKind, NoIncludes, Reading, Syntax, parse, read};
use serde_json::Value;

/// Which rules are broken and what was read, without the places
fn meaning(reading: &Reading) -> (Vec<String>, Value, String) {
    let said = reading.diagnostics.iter();
    let said = said
        .map(|d| format!("{:?} {}", d.severity, d.code))
        .collect();
    let mut typed = serde_json::to_value(&reading.kickstart).unwrap();
    drop_places(&mut typed);
    // The canonical form has the secrets, which the typed one hides.
    (said, typed, reading.kickstart.to_text(reading.syntax))
}

fn drop_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("location");
            fields.values_mut().for_each(drop_places);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_places),
        _ => {}
    }
}

fn comments(text: &str) -> Vec<String> {
    let document = parse("a.ks", text);
    let comments = document
        .lines
        .iter()
        .filter(|line| line.kind == LineKind::Comment);
    comments.map(|line| line.text.trim().to_owned()).collect()
}

/// What formatting does wrong to `text`
fn faults(text: &str) -> Option<String> {
    let formatted = parse("a.ks", text).format();
    if parse("a.ks", &formatted).format() != formatted {
        return Some(format!(
            "formatting twice changes twice: {text:?}, {formatted:?}"
        ));
    }
    if comments(text) != comments(&formatted) {
        return Some(format!("comments differ: {text:?}, {formatted:?}"));
    }
    let differs = |syntax: &&Syntax| {
        let read = |text| meaning(&read("a.ks", text, Some(**syntax), &NoIncludes));
        let (mut before, mut after) = (read(text), read(&formatted));
        before.0.sort_unstable();
        after.0.sort_unstable();
        before != after
    };
    let syntaxes = [Syntax::Rhel8, Syntax::Rhel10, Syntax::NEWEST];
    let syntax = syntaxes.iter().find(differs)?;
    Some(format!(
        "means something else in {syntax}: {text:?}, {formatted:?}"
    ))
}

fn check(texts: impl Iterator<Item = String>, at_least: usize) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for text in texts {
        count += 1;
        wrong.extend(faults(&text));
    }
    assert!(count >= at_least, "only {count} kickstarts");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

#[test]
fn formatting_keeps_the_meaning_of_the_test_data() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = ["ok", "err"]
        .into_iter()
        .flat_map(|name| fs::read_dir(data.join(name)).unwrap());
    let kickstarts = files.map(|entry| entry.unwrap().path());
    let kickstarts = kickstarts.filter(|path| path.extension().is_some_and(|ext| ext == "ks"));
    check(kickstarts.map(|path| fs::read_to_string(path).unwrap()), 60);
}

#[test]
fn formatting_keeps_the_meaning_of_the_corpus() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let directory = std::env::var_os("LANDFALL_CORPUS").map_or(beside, PathBuf::from);
    let Ok(rows) = fs::read_to_string(directory.join("dev.jsonl")) else {
        eprintln!(
            "no corpus in `{}`, formatting is tried on the test data only",
            directory.display()
        );
        return;
    };
    let input = |row: &str| {
        serde_json::from_str::<Value>(row).unwrap()["input"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    check(rows.lines().map(input), 7000);
}
