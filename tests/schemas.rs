// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The JSON schemas in `docs/schema` are those of the code, and what `landfall` prints can be read again.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use landfall_installer::inventory::Inventory;
use landfall_installer::plan::Plan;

const NAMES: [&str; 7] = [
    "event-v1",
    "exit-v1",
    "inventory-v1",
    "medium-v1",
    "netboot-v1",
    "plan-v1",
    "report-v1",
];

fn landfall(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn kept_schemas_are_the_codes() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let made = tempfile::tempdir().unwrap();
    landfall(&["schema", made.path().to_str().unwrap()]);
    for name in NAMES {
        let file = format!("{name}.json");
        let (kept, made) = (
            fs::read_to_string(kept.join(&file)),
            fs::read_to_string(made.path().join(&file)),
        );
        assert_eq!(
            kept.unwrap_or_default(),
            made.unwrap(),
            "run `landfall schema docs/schema`"
        );
    }
    let count = fs::read_dir(kept).unwrap().count();
    assert_eq!(count, NAMES.len(), "a schema that nothing makes");
}

#[test]
fn what_is_printed_is_read_again() {
    let inventory: Inventory = serde_json::from_slice(&landfall(&["inventory", "--json"])).unwrap();
    assert_eq!(inventory.inventory, 1);
    let directory = tempfile::tempdir().unwrap();
    let kickstart = directory.path().join("ks.cfg");
    let text = "clearpart --all\nreqpart\npart / --grow\nostreecontainer --url=h.example/i:1\n";
    fs::write(&kickstart, text).unwrap();
    let disk = format!("{}:8G", directory.path().join("disk.img").display());
    let kickstart = kickstart.to_str().unwrap();
    let printed = landfall(&["plan", "--json", "--kickstart", kickstart, "--disk", &disk]);
    let plan: Plan = serde_json::from_slice(&printed).unwrap();
    let again = serde_json::to_string_pretty(&plan).unwrap() + "\n";
    assert_eq!(again, String::from_utf8(printed).unwrap());
}
