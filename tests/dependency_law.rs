// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The dependency law: who may depend on whom, and that the pure halves stay pure.
//!
//! The parser depends on nothing of ours and does no I/O; the installer on the parser; the boot server on the
//! parser and the installer's pure half, so that it builds without the engine's crates; the command on all of them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const OURS: [&str; 5] = [
    "kickstart-parser",
    "landfall",
    "landfall-harness",
    "landfall-installer",
    "landfall-pxe-server",
];

fn metadata(extra: &[&str]) -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(extra);
    let output = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Direct dependencies among our packages, dev-dependencies apart.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let names = |package: &Value| {
        let list = package["dependencies"].as_array().unwrap().iter();
        let normal = list.filter(|dependency| dependency["kind"] != "dev");
        normal
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|p| (p["name"].as_str().unwrap().to_owned(), names(p)))
        .collect()
}

fn ours_of(package: &str) -> Vec<String> {
    let all = dependencies();
    let found = all
        .get(package)
        .unwrap_or_else(|| panic!("no package `{package}`"));
    found
        .iter()
        .filter(|name| OURS.contains(&name.as_str()))
        .cloned()
        .collect()
}

#[test]
fn every_package_is_under_the_law() {
    let packages: Vec<String> = dependencies().into_keys().collect();
    assert_eq!(packages, OURS);
}

#[test]
fn packages_depend_in_one_direction() {
    assert_eq!(ours_of("kickstart-parser"), [""; 0]);
    assert_eq!(ours_of("landfall-installer"), ["kickstart-parser"]);
    for name in ours_of("landfall-pxe-server") {
        assert!(
            ["kickstart-parser", "landfall-installer"].contains(&name.as_str()),
            "{name}"
        );
    }
    assert_eq!(
        ours_of("landfall-harness"),
        [""; 0],
        "the harness judges Landfall from outside"
    );
}

#[test]
fn the_boot_server_builds_without_the_engine() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--offline",
        "--locked",
        "--package=landfall-pxe-server",
    ]);
    cargo.args(["--edges=normal,build", "--prefix=none", "--format={p}"]);
    let output = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("landfall-installer "), "{tree}");
    for name in ["reqwest", "gptman", "tokio", "rustix"] {
        assert!(
            !tree
                .lines()
                .any(|line| line.starts_with(&format!("{name} "))),
            "`{name}` in:\n{tree}"
        );
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The lines of a module before its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

#[test]
fn what_is_pure_reads_and_changes_nothing() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&top.join("kickstart-parser/src"));
    files.extend(sources(&top.join("installer/src/plan")));
    files.extend(sources(&top.join("installer/src/selinux")));
    files.push(top.join("installer/src/inventory/mod.rs"));
    assert!(files.len() > 30, "the sources moved: {files:?}");
    for file in files {
        let code = code(&file);
        for word in [
            "std::fs",
            "std::process",
            "TcpStream",
            "UdpSocket",
            "std::env",
            "SystemTime",
            "Uuid::new_v4",
            "crate::engine",
        ] {
            assert!(!code.contains(word), "`{word}` in {}", file.display());
        }
    }
}

#[test]
fn only_the_terminal_prints_and_only_the_engine_runs_programs() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in sources(&top.join("src"))
        .into_iter()
        .filter(|file| !file.ends_with("terminal.rs"))
    {
        assert!(!code(&file).contains("io::stdout"), "{}", file.display());
    }
    // Credential helpers are named by the user's files; the environment starts Landfall itself; the last three are compiled
    // for tests only.
    let allowed = [
        "engine/tool.rs",
        "engine/script.rs",
        "registry/helper.rs",
        "environment/child.rs",
        "import/tests.rs",
        "image/fixture.rs",
    ];
    for file in sources(&top.join("installer/src")) {
        let is_test = file.components().any(|part| part.as_os_str() == "tests");
        let is_allowed = is_test || allowed.iter().any(|allowed| file.ends_with(allowed));
        assert!(
            is_allowed || !code(&file).contains("Command::new"),
            "{}",
            file.display()
        );
    }
}
