// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every kickstart under `tests/data/plan` against the plan or the refusal beside it.
//!
//! `NAME.ks` is planned for the machine that `NAME.inventory` names, one of
//! `tests/data/inventories`. A plan is in `NAME.plan.json`, and as people see it in
//! `NAME.plan.txt`; what is said, warnings or the reasons of a refusal, is in `NAME.issues`. A
//! case is a refusal if and only if its name begins with `refused-`. `UPDATE_EXPECT=1` writes the
//! expectations.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use kickstart_parser::{Kickstart, NoIncludes, read};
use landfall_installer::inventory::Inventory;
use landfall_installer::plan::{
    Choices, Issues, Plan, Planned, Severity, hex_sha256, plan_disks, render_disks,
};
use uuid::Uuid;

const SEED: Uuid = uuid::uuid!("6f1d3c52-0a4e-4c0b-9f57-2d8b7a1e5c90");

/// What a plan or a refusal consists of: file name extensions with their contents.
type Expectation = Vec<(&'static str, String)>;

const EXTENSIONS: [&str; 3] = ["plan.json", "plan.txt", "issues"];

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// File names below a directory of the test data.
fn files(name: &str) -> BTreeSet<String> {
    fs::read_dir(directory(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn cases() -> Vec<String> {
    let names = files("plan").into_iter();
    names
        .filter_map(|name| name.strip_suffix(".ks").map(str::to_owned))
        .collect()
}

fn kickstart(name: &str, text: &str) -> Kickstart {
    let reading = read(&format!("{name}.ks"), text, None, &NoIncludes);
    let errors: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|d| d.severity == kickstart_parser::Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{name}.ks is no kickstart: {errors:#?}");
    reading.kickstart
}

fn inventory(name: &str) -> Inventory {
    let path = directory("plan").join(format!("{name}.inventory"));
    let machine = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let path = directory("inventories").join(format!("{}.json", machine.trim()));
    let json = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&json).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn planned(name: &str) -> Result<Planned, Issues> {
    let text = fs::read_to_string(directory("plan").join(format!("{name}.ks"))).unwrap();
    let choices = Choices {
        seed: SEED,
        kickstart_sha256: hex_sha256(text.as_bytes()),
        ..Choices::default()
    };
    plan_disks(&kickstart(name, &text), &inventory(name), &choices)
}

/// An issue a line: `severity code FILE:LINE: message`, then what helps.
fn said(issues: &Issues) -> String {
    let mut text = String::new();
    for issue in &issues.0 {
        let severity = match issue.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = issue.location.as_ref();
        let place = place.map_or(String::new(), |at| format!("{}:{}: ", at.file, at.line));
        writeln!(text, "{severity} {} {place}{}", issue.code, issue.message).unwrap();
        if let Some(help) = &issue.help {
            writeln!(text, "help: {help}").unwrap();
        }
    }
    text
}

fn actual(name: &str) -> Expectation {
    let mut actual = Vec::new();
    let issues = match planned(name) {
        Ok(Planned { plan, issues }) => {
            let json = serde_json::to_string_pretty(&plan).unwrap() + "\n";
            let again: Plan = serde_json::from_str(&json).unwrap();
            assert_eq!(again, plan, "{name}: JSON loses something");
            actual.push(("plan.json", json));
            actual.push(("plan.txt", render_disks(&plan)));
            issues
        }
        Err(issues) => issues,
    };
    if !issues.0.is_empty() {
        actual.push(("issues", said(&issues)));
    }
    actual
}

/// Compares with what is written, or writes it; gives what is wrong.
fn compare(name: &str, actual: &Expectation, update: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for extension in EXTENSIONS {
        let path = directory("plan").join(format!("{name}.{extension}"));
        let now = actual.iter().find(|(e, _)| *e == extension);
        let written = fs::read_to_string(&path).ok();
        match (now, written) {
            (Some((_, now)), Some(written)) if *now == written => {}
            (None, None) => {}
            (Some((_, now)), _) if update => fs::write(&path, now).unwrap(),
            (None, Some(_)) if update => fs::remove_file(&path).unwrap(),
            (Some((_, now)), written) => {
                let written = written.unwrap_or_else(|| "no such file\n".to_owned());
                let path = path.display();
                problems.push(format!("{path}\n--- expected\n{written}--- actual\n{now}"));
            }
            (None, Some(_)) => problems.push(format!("{}: not given any more", path.display())),
        }
    }
    problems
}

#[test]
fn kickstarts_become_the_plans_and_refusals_beside_them() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let (mut problems, mut good, mut refused) = (Vec::new(), 0, 0);
    for name in cases() {
        let actual = actual(&name);
        let is_plan = actual
            .iter()
            .any(|(extension, _)| *extension == "plan.json");
        if is_plan == name.starts_with("refused-") {
            problems.push(format!("{name}: the name and the outcome disagree"));
        }
        *(if is_plan { &mut good } else { &mut refused }) += 1;
        problems.extend(compare(&name, &actual, update));
    }
    assert!(good >= 40, "only {good} plans");
    assert!(refused >= 40, "only {refused} refusals");
    let count = problems.len();
    assert!(
        problems.is_empty(),
        "{count} differences\n{}",
        problems.join("\n")
    );
}

#[test]
fn every_file_belongs_to_a_case() {
    let cases = cases();
    for file in files("plan") {
        let (name, extension) = file.split_once('.').unwrap();
        let known = EXTENSIONS.contains(&extension) || matches!(extension, "ks" | "inventory");
        assert!(known, "{file} is of no known kind");
        assert!(cases.iter().any(|case| case == name), "{file} has no case");
    }
}

#[test]
fn every_inventory_is_used() {
    let used: BTreeSet<String> = cases()
        .iter()
        .map(|name| directory("plan").join(format!("{name}.inventory")))
        .map(|path| fs::read_to_string(path).unwrap().trim().to_owned() + ".json")
        .collect();
    assert_eq!(used, files("inventories"));
}

/// Codes of the target half and those that only a changed machine gives are tested elsewhere.
#[test]
fn every_code_of_the_disk_half_is_given_by_some_case() {
    let given: BTreeSet<&str> = cases()
        .iter()
        .map(|name| planned(name).map_or_else(|issues| issues, |planned| planned.issues))
        .flat_map(|issues| issues.0)
        .map(|issue| issue.code.as_str())
        .collect();
    let missing: Vec<String> = (1001..=1019)
        .chain([1026])
        .map(|number| format!("LF{number}"))
        .filter(|code| !given.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "no case gives {missing:?}");
}

#[test]
fn the_seed_changes_uuids_and_nothing_else() {
    let text = fs::read_to_string(directory("plan").join("seed.ks")).unwrap();
    let plan = |seed| {
        let choices = Choices {
            seed,
            ..Choices::default()
        };
        let planned = plan_disks(&kickstart("seed", &text), &inventory("seed"), &choices);
        planned.unwrap().plan
    };
    let (one, other) = (plan(SEED), plan(Uuid::nil()));
    for ((_, a), (_, b)) in one.partitions().zip(other.partitions()) {
        assert_ne!(a.uuid, b.uuid);
        assert_ne!(a.fs_uuid, b.fs_uuid);
        assert_eq!((a.start_bytes, a.size_bytes), (b.start_bytes, b.size_bytes));
    }
    assert_ne!(one.disks[0].label_uuid, other.disks[0].label_uuid);
}

#[test]
fn no_uuid_is_given_twice_in_any_plan() {
    for name in cases() {
        let Ok(Planned { plan, .. }) = planned(&name) else {
            continue;
        };
        let tables = plan.disks.iter().filter_map(|disk| disk.label_uuid);
        let partitions = plan.partitions().filter_map(|(_, p)| p.uuid);
        let systems = plan.partitions().filter_map(|(_, p)| p.fs_uuid.clone());
        let all: Vec<String> = tables
            .chain(partitions)
            .map(|uuid| uuid.to_string())
            .chain(systems)
            .collect();
        let different: BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{name}: {all:#?}");
    }
}
