// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How far our verdicts agree with those of the reference parser, on a corpus of recorded ones.
//!
//! The corpus is measurement material and no part of this project: it is read from `LANDFALL_CORPUS`, a directory or
//! a file of rows, or from `../shared/corpus` beside the checkout. Where it is absent, that is said and nothing is
//! measured. The report goes to `corpus-report.txt` in the target directory. Every disagreement must be listed with
//! its reason in `tests/corpus-disagreements.toml`. `LANDFALL_CORPUS_SHOW` shows rows that disagree, see `show`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod compare;
mod describe;
mod diff;
mod list;
mod rows;
mod show;
mod tally;

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kickstart_parser::Syntax;

use compare::Comparison;
use list::List;
use rows::Row;
use show::Choice;
use tally::Tally;

/// The file of rows; `None` where there is none
fn corpus() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = || project.join("../../shared/corpus");
    let named = env::var_os("LANDFALL_CORPUS").filter(|value| !value.is_empty());
    let path = named.map_or_else(beside, PathBuf::from);
    let file = if path.is_dir() {
        path.join("dev.jsonl")
    } else {
        path
    };
    if file.is_file() {
        return Some(fs::canonicalize(&file).unwrap_or(file));
    }
    say(&format!(
        "no corpus at {}: nothing is compared",
        file.display()
    ));
    None
}

/// Writes past the test harness, which swallows what a passing test prints
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Compares every row by every version, on as many threads as there are processors
fn compare_all(rows: &[Row]) -> Vec<Comparison> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let row = next.fetch_add(1, Ordering::Relaxed);
            if row >= rows.len() {
                break;
            }
            let versions = Syntax::ALL.into_iter();
            done.extend(versions.filter_map(|syntax| compare::compare(rows, row, syntax)));
        }
        done
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    all.sort_by_key(|comparison| (comparison.row, comparison.syntax));
    all
}

/// All that there is to say, and what of it is a failure
fn report(corpus: &Path, rows: &[Row], found: &[Comparison], list: &List) -> (String, Vec<String>) {
    let tally = Tally::of(rows, found);
    let mut failures = tally.missed();
    failures.extend(list.faults.iter().cloned());
    let mut lines = vec![format!(
        "{}: {} rows, {} verdicts",
        corpus.display(),
        rows.len(),
        found.len()
    )];
    lines.extend(tally.to_lines());
    lines.extend([String::new(), "what disagrees, the like together:".into()]);
    lines.extend(tally::clusters(rows, found));
    for comparison in found {
        if let Some(message) = &comparison.panic {
            let (id, syntax) = (&rows[comparison.row].id, comparison.syntax);
            failures.push(format!("{id} {syntax}: a panic, {message}"));
        }
    }
    if list.applies {
        failures.extend(list.check(rows, found).to_lines(rows));
    } else {
        lines.push("this is not the corpus that the list of disagreements is about".into());
    }
    lines.extend([String::new(), "failures:".into()]);
    lines.extend(failures.iter().cloned());
    (lines.join("\n") + "\n", failures)
}

#[test]
fn verdicts_agree_with_the_reference() {
    let Some(corpus) = corpus() else { return };
    let rows = rows::load(&corpus);
    assert!(!rows.is_empty(), "{} is empty", corpus.display());
    compare::keep_panics();
    let found = compare_all(&rows);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = List::load(&project.join("tests/corpus-disagreements.toml"), &rows);
    let (text, failures) = report(&corpus, &rows, &found, &list);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let file = target.join("corpus-report.txt");
    fs::write(&file, &text).unwrap();
    let table: Vec<_> = text.split("\n\n").take(1).collect();
    say(&format!("{}\nmore in {}", table.concat(), file.display()));
    if let Ok(words) = env::var("LANDFALL_CORPUS_SHOW") {
        say(&show::lines(&Choice::parse(&words), &rows, &found, &list).join("\n"));
    }
    let first: Vec<_> = failures.iter().take(30).map(String::as_str).collect();
    assert!(
        failures.is_empty(),
        "{} failures, all of them in {}:\n{}",
        failures.len(),
        file.display(),
        first.join("\n")
    );
}
