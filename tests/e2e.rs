// SPDX-License-Identifier: Apache-2.0 OR MIT
//! End to end: each case under `tests/e2e` is a test that installs a kickstart and boots the result in QEMU.
//!
//! Takes libtest's arguments. Every run has the cases marked `always` and one of the others, chosen by the commit;
//! the rest are listed as ignored and run with `--include-ignored`. With `LANDFALL_E2E_RESUME` set, a case that has
//! passed at this very commit is not run again. Knows no case by name.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use landfall_harness::case::{Case, turn};
use landfall_harness::outcome::{Commit, Outcome, report};
use landfall_harness::tool::log;
use libtest_mimic::{Arguments, Trial};

fn main() -> Result<ExitCode> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .context("finding the target directory")?
        .join("e2e");
    let cases = Case::discover(&project.join("tests/e2e"))?;
    let commit = Commit::current(project);
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    let mut arguments = Arguments::from_args();
    // A guest takes two cores.
    arguments.test_threads.get_or_insert(1);
    let listing = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials(cases, &root, &commit));
    if !listing {
        std::fs::create_dir_all(&root)?;
        let page = root.join("report.md");
        std::fs::write(&page, report(&root, &commit, &names))?;
        log(&format!("report: {}", page.display()));
    }
    Ok(conclusion.exit_code())
}

fn trials(cases: Vec<Case>, root: &Path, commit: &Commit) -> Vec<Trial> {
    let rotating: Vec<String> = cases
        .iter()
        .filter(|case| !case.expectation.always)
        .map(|case| case.name.clone())
        .collect();
    let chosen = rotating.get(turn(&commit.id, rotating.len()));
    let mut trials = Vec::new();
    for case in cases {
        let waits = !case.expectation.always && Some(&case.name) != chosen;
        let (dir, commit) = (root.join(&case.name), commit.clone());
        let trial = Trial::test(case.name.clone(), move || {
            run(&case, &dir, commit).map_err(|error| format!("{error:#}").into())
        });
        trials.push(trial.with_ignored_flag(waits));
    }
    trials
}

fn run(case: &Case, dir: &Path, commit: Commit) -> Result<()> {
    if let Some(before) = Outcome::read(dir).filter(|outcome| outcome.stands(&commit))
        && std::env::var_os("LANDFALL_E2E_RESUME").is_some()
    {
        log(&format!(
            "case `{}` passed at this commit before, in {} s",
            case.name, before.seconds
        ));
        return Ok(());
    }
    log(&format!(
        "case `{}`: {}",
        case.name, case.expectation.description
    ));
    log(&format!("serial log: {}", dir.join("serial.log").display()));
    let start = Instant::now();
    let result = case.run(Path::new(env!("CARGO_BIN_EXE_landfall")), dir);
    let seconds = start.elapsed().as_secs();
    Outcome {
        commit,
        passed: result.is_ok(),
        seconds,
    }
    .write(dir)?;
    result
}
