// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The bodies of the fuzz targets, run without libFuzzer over what fuzzing found and over the test data.
//!
//! `fuzz-findings/TARGET/` has the minimised inputs that once broke the target, each named for what it broke.
//! `fuzz/kickstart.dict` has the words of the language for the fuzzer; `UPDATE_EXPECT=1` writes it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[allow(unreachable_pub, reason = "it is a library for the fuzz targets")]
#[path = "../fuzz/src/lib.rs"]
mod checks;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use kickstart_parser::Syntax;
use kickstart_parser::commands::all;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The files in a directory of this crate, in order
fn files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join(directory)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Which of the files break a promise; what it is stands above in the test's output
fn broken_by(files: &[PathBuf], body: fn(&[u8])) -> Vec<PathBuf> {
    let breaks = |path: &&PathBuf| {
        let input = fs::read(path).unwrap();
        catch_unwind(|| body(&input)).is_err()
    };
    files.iter().filter(breaks).cloned().collect()
}

#[test]
fn findings_stay_fixed() {
    for directory in files("tests/fuzz-findings") {
        let name = directory.file_name().unwrap().to_str().unwrap();
        let target = checks::TARGETS.iter().find(|(target, _)| *target == name);
        let (_, body) = target.unwrap_or_else(|| panic!("there is no target {name}"));
        let broken = broken_by(&files(&format!("tests/fuzz-findings/{name}")), *body);
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

#[test]
fn the_seeds_keep_every_promise() {
    let seeds = ["tests/data/ok", "tests/data/err", "fuzz/seeds/includes"]
        .map(files)
        .concat();
    for (name, body) in checks::TARGETS {
        let broken = broken_by(&seeds, body);
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

#[test]
fn the_dictionary_has_every_word_of_the_language() {
    let sections = "%pre %pre-install %post %onerror %traceback %packages %addon %anaconda %certificate %end \
                    %include %ksappend";
    let mut words: BTreeSet<&str> = sections.split_whitespace().collect();
    for command in all() {
        words.extend(command.words);
        words.extend(command.all_options().flat_map(|option| option.names));
    }
    let mut dictionary = String::new();
    for word in words {
        writeln!(dictionary, "\"{word}\"").unwrap();
    }
    for syntax in Syntax::ALL {
        writeln!(dictionary, "\"#version={syntax}\\x0a\"").unwrap();
    }
    let path = Path::new(ROOT).join("fuzz/kickstart.dict");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &dictionary).unwrap();
    }
    assert!(
        fs::read_to_string(&path).is_ok_and(|written| written == dictionary),
        "UPDATE_EXPECT=1 writes it"
    );
}
