// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `install --plan`: exactly the plan that was looked at, or nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use landfall_harness::disk;

use super::{Scratch, image_argument, install, landfall, run, seed_kickstart};

/// `landfall plan --json` for the seed kickstart on `disk`, kept in a file.
fn plan(scratch: &Scratch, disk: &str) -> PathBuf {
    let kickstart = scratch.write("ks.cfg", &seed_kickstart());
    let mut command = landfall([
        "plan",
        "--json",
        "--disk",
        disk,
        "--image",
        &image_argument(),
    ]);
    let ended = run(command.arg("--kickstart").arg(kickstart)).expect(0);
    scratch.write("plan.json", &ended.stdout)
}

fn install_plan(scratch: &Scratch, kickstart: &str, disk: &str) -> Command {
    let mut command = install(scratch, kickstart, disk);
    command.arg("--plan").arg(scratch.path("plan.json"));
    command
}

#[track_caller]
fn refuses(command: &mut Command, code: i32, texts: &[&str]) {
    let ended = run(command).expect(code);
    for text in texts {
        assert!(
            ended.stderr.contains(text),
            "no `{text}` in:\n{}",
            ended.stderr
        );
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_saved_plan_is_carried_out_as_it_is() {
    let scratch = Scratch::new();
    let image = scratch.path("disk.img");
    let size = format!("{}:8G", image.display());
    let saved = json(&plan(&scratch, &size));
    let report = scratch.path("report.json");
    let mut command = install_plan(&scratch, &seed_kickstart(), &size);
    run(command.arg("--report").arg(&report)).expect(0);
    assert_eq!(json(&report)["seed"], saved["seed"]);
    let table = disk::table(&image).unwrap();
    assert_eq!(saved["disks"][0]["label_uuid"], table.id.as_str());
    let planned: Vec<&str> = saved["disks"][0]["after"]
        .as_array()
        .unwrap()
        .iter()
        .map(|partition| partition["uuid"].as_str().unwrap())
        .collect();
    let made: Vec<&str> = table.partitions.iter().map(|p| p.uuid.as_str()).collect();
    assert_eq!(made, planned);
    // The disk is no longer the empty one that was planned for.
    let again = image.to_str().unwrap();
    refuses(
        &mut install_plan(&scratch, &seed_kickstart(), again),
        3,
        &[
            "plan: failed",
            "the saved plan no longer holds",
            "the machine has changed",
            "`disks[0].before[0]` is new",
        ],
    );
}

#[test]
fn nothing_is_written_if_anything_has_changed() {
    let scratch = Scratch::new();
    let image = scratch.path("disk.img");
    let size = format!("{}:8G", image.display());
    let path = plan(&scratch, &size);
    let other_kickstart = seed_kickstart().replace("--grow --fstype", "--size=3000 --fstype");
    let hint = "hint: make the plan again with `landfall plan --json`";
    refuses(
        &mut install_plan(&scratch, &other_kickstart, &size),
        3,
        &[
            "the kickstart, or a file that it includes, has changed",
            "`disks[0].after[2].size_bytes` was ",
            hint,
        ],
    );
    let larger = format!("{}:9G", image.display());
    refuses(
        &mut install_plan(&scratch, &seed_kickstart(), &larger),
        3,
        &[
            "the machine has changed",
            "`disks[0].size_bytes` was 8589934592 and is 9663676416",
            hint,
        ],
    );
    let elsewhere = format!("{}:8G", scratch.path("other.img").display());
    refuses(
        &mut install_plan(&scratch, &seed_kickstart(), &elsewhere),
        3,
        &["`disks[0].device` was ", "other.img"],
    );
    let mut saved = json(&path);
    saved["image"]["digest"] = "sha256:0".into();
    fs::write(&path, saved.to_string()).unwrap();
    refuses(
        &mut install_plan(&scratch, &seed_kickstart(), &size),
        3,
        &[
            r#"the image has changed: it was "sha256:0" and is "sha256:"#,
            hint,
        ],
    );
    assert!(!image.exists(), "the disk was made");
}

#[test]
fn a_disk_that_was_partitioned_since_is_left_alone() {
    let scratch = Scratch::new();
    let image = scratch.path("disk.img");
    File::create(&image).unwrap().set_len(8 << 30).unwrap();
    let size = image.to_str().unwrap();
    plan(&scratch, size);
    let table = "label: gpt\nstart=2048, size=131072, name=\"precious\"\n";
    landfall_harness::tool::feed(
        landfall_harness::tool::tool("sfdisk")
            .unwrap()
            .arg("--quiet")
            .arg(&image),
        table,
    )
    .unwrap();
    refuses(
        &mut install_plan(&scratch, &seed_kickstart(), size),
        3,
        &["`disks[0].before[0]` is new", "precious"],
    );
    assert_eq!(disk::table(&image).unwrap().partitions[0].name, "precious");
}

#[test]
fn what_is_no_plan_is_refused() {
    let scratch = Scratch::new();
    let image = scratch.path("disk.img");
    let size = format!("{}:8G", image.display());
    let mut command = install_plan(&scratch, &seed_kickstart(), &size);
    refuses(&mut command, 2, &["plan.json`", "No such file"]);
    let mut saved = json(&plan(&scratch, &size));
    saved["plan"] = 2.into();
    for text in ["{}", "[", &saved.to_string()] {
        scratch.write("plan.json", text);
        refuses(
            &mut command,
            1,
            &[
                "reading the plan `",
                "hint: `landfall plan --json` makes one",
            ],
        );
    }
    command.args(["--seed", "5eed5eed-5eed-4eed-8eed-5eed5eed5eed"]);
    refuses(&mut command, 2, &["--seed"]);
    assert!(!image.exists(), "the disk was made");
}
