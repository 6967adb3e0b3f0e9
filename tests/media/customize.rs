// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A medium that is changed without being made again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Scratch, landfall, medium, run};

fn told(iso: &Path) -> Value {
    let args = ["iso", "inspect", "--json", iso.to_str().unwrap()];
    serde_json::from_str(&run(&mut landfall(args)).expect(0).stdout).unwrap()
}

/// Bytes of a block of an ISO 9660 file system; files begin with one.
const BLOCK: usize = 2048;

/// Bytes from and to.
type Stretch = (u64, u64);

fn area(told: &Value, name: &str) -> Stretch {
    let area = &told["areas"][name];
    let (offset, size) = (
        area["offset"].as_u64().unwrap(),
        area["size"].as_u64().unwrap(),
    );
    (offset, offset + size)
}

/// Where the description is, which is one of the places that change.
fn description(iso: &[u8]) -> Stretch {
    let begins = |block: &[u8]| block.starts_with(b"{\n  \"medium\": 1,");
    let at = BLOCK * iso.chunks(BLOCK).position(begins).unwrap();
    (at as u64, at as u64 + (16 << 10))
}

/// All of `areas` changed, and nothing else.
fn only_within(areas: &[Stretch], before: &[u8], after: &[u8]) {
    assert_eq!(before.len(), after.len());
    let mut changed = vec![false; areas.len()];
    let blocks = before.chunks(BLOCK).zip(after.chunks(BLOCK)).enumerate();
    for (number, (before, after)) in blocks.filter(|(_, (before, after))| before != after) {
        let bytes = before.iter().zip(after).enumerate();
        for (at, _) in bytes.filter(|(_, (a, b))| a != b) {
            let at = (number * BLOCK + at) as u64;
            let found = areas
                .iter()
                .position(|(from, to)| (*from..*to).contains(&at));
            changed[found.unwrap_or_else(|| panic!("byte {at} differs"))] = true;
        }
    }
    assert!(changed.iter().all(|changed| *changed), "{changed:?}");
}

#[test]
fn only_reserved_areas_differ_in_a_copy_and_in_place() {
    let scratch = Scratch::new();
    let kickstart = scratch.write(
        "other.ks",
        "ostreecontainer --url=host.example/other:2\npart / --grow\n",
    );
    let changes = [
        "--kickstart",
        kickstart.to_str().unwrap(),
        "--karg",
        "inst.sshd",
        "--karg",
        "ip=eth0:dhcp",
        "--target-ref",
        "host.example/other:3",
    ];
    let copy = scratch.path("copy.iso");
    let before = fs::read(medium()).unwrap();
    let mut command = landfall(["iso", "customize", medium().to_str().unwrap()]);
    run(command.args(changes).arg("--output").arg(&copy)).expect(0);
    assert!(
        fs::read(medium()).unwrap() == before,
        "the original was changed"
    );
    let in_place = scratch.path("in-place.iso");
    fs::copy(medium(), &in_place).unwrap();
    let mut command = landfall(["iso", "customize", in_place.to_str().unwrap(), "--in-place"]);
    run(command.args(changes)).expect(0);
    let after = fs::read(&copy).unwrap();
    assert!(
        after == fs::read(&in_place).unwrap(),
        "a copy is another than in place"
    );

    let told = told(&copy);
    assert_eq!(told["target"], "host.example/other:3");
    let areas = [
        area(&told, "kickstart"),
        area(&told, "kernel_arguments"),
        description(&before),
    ];
    only_within(&areas, &before, &after);
    let said = run(&mut landfall(["iso", "inspect", copy.to_str().unwrap()]))
        .expect(0)
        .stdout;
    assert!(
        said.contains("kernel arguments  inst.sshd ip=eth0:dhcp\n"),
        "{said}"
    );
}

#[test]
fn what_is_changed_back_is_what_it_was() {
    let scratch = Scratch::new();
    let copy = scratch.path("copy.iso");
    let kickstart = scratch.write("same.ks", super::KICKSTART);
    let customize = |args: &[&str]| {
        let mut command = landfall(["iso", "customize", copy.to_str().unwrap(), "--in-place"]);
        run(command.args(args)).expect(0);
    };
    fs::copy(medium(), &copy).unwrap();
    customize(&["--no-kickstart"]);
    let said = run(&mut landfall(["iso", "inspect", copy.to_str().unwrap()]))
        .expect(0)
        .stdout;
    assert!(said.contains("kickstart         none\n"), "{said}");
    customize(&["--kickstart", kickstart.to_str().unwrap()]);
    assert!(fs::read(&copy).unwrap() == fs::read(medium()).unwrap());
}
