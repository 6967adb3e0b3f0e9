// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Wrong input: a clear error, the documented exit code, and nothing touched.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use landfall_harness::variant;

use super::{
    Scratch, image_argument, install, install_from, landfall, layout, run, seed_kickstart,
};

/// Runs the command, which must end with `code`, say each of `texts`, and leave the disk unmade.
#[track_caller]
fn refuses(command: &mut Command, disk: &Path, code: i32, texts: &[&str]) {
    let ended = run(command).expect(code);
    for text in texts {
        assert!(
            ended.stderr.contains(text),
            "no `{text}` in:\n{}",
            ended.stderr
        );
    }
    assert!(!disk.exists(), "{} was made", disk.display());
}

#[test]
fn kickstart_errors() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let wrong = |from: &str, to: &str| seed_kickstart().replace(from, to);
    let cases: [(String, &[&str]); 5] = [
        (
            wrong("clearpart", "cleerpart"),
            &["ks.cfg:5:1", "cleerpart", "clearpart"],
        ),
        (wrong("--grow", "--grwo"), &["ks.cfg:7", "--grwo", "--grow"]),
        (
            wrong("part / --grow --fstype xfs", ""),
            &["LF0052", "no `part` says where the system goes"],
        ),
        (
            wrong("reqpart --add-boot", ""),
            &["LF1011", "hint: add `reqpart`"],
        ),
        (
            wrong("ostreecontainer", "#"),
            &["LF1001", "names no container image"],
        ),
    ];
    for (kickstart, texts) in cases {
        refuses(&mut install(&scratch, &kickstart, &size), &disk, 1, texts);
    }
}

#[test]
fn unreadable_files_and_wrong_usage() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let missing = scratch.path("missing.ks");
    let mut command = landfall(["install", "--disk", &size, "--kickstart"]);
    refuses(
        command.arg(missing),
        &disk,
        2,
        &["reading `", "missing.ks`", "No such file"],
    );
    let mut command = landfall(["install", "--disk", "x:8Q", "--kickstart", "k"]);
    refuses(&mut command, &disk, 2, &["is not a size such as `8G`"]);
}

#[test]
fn disks_too_small_absent_or_without_permission() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let small = format!("{}:2600M", disk.display());
    refuses(
        &mut install(&scratch, &seed_kickstart(), &small),
        &disk,
        3,
        &["does not fit", "500 MiB are needed"],
    );
    let absent = install(&scratch, &seed_kickstart(), disk.to_str().unwrap());
    refuses(
        &mut { absent },
        &disk,
        3,
        &["opening the disk `", "No such file"],
    );
    let size = format!("{}:8G", disk.display());
    let named = seed_kickstart().replace("part / ", "part / --ondisk=sdx ");
    refuses(
        &mut install(&scratch, &named, &size),
        &disk,
        3,
        &["LF1004", "disk `sdx`", "disk.img"],
    );
}

#[test]
fn a_disk_image_with_content_survives_a_kickstart_that_does_not_clear_it() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    File::create(&disk).unwrap().set_len(8 << 30).unwrap();
    let kickstart = seed_kickstart().replace("clearpart --all --initlabel --disklabel=gpt", "");
    let ended = run(&mut install(&scratch, &kickstart, disk.to_str().unwrap())).expect(3);
    assert!(
        ended.stderr.contains("no disk can be used") && ended.stderr.contains("zerombr"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        fs::metadata(&disk).unwrap().blocks(),
        0,
        "something was written"
    );
}

#[test]
fn images_that_are_not_bootable_or_for_another_machine() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let install_image = |image: &Path| {
        install_from(
            &scratch,
            &seed_kickstart(),
            &size,
            &format!("oci:{}", image.display()),
        )
    };

    let plain = variant::with_config(layout(), &scratch.path("unlabelled"), |config| {
        config["config"]["Labels"] = serde_json::json!({});
    });
    refuses(
        &mut install_image(&plain.unwrap()),
        &disk,
        5,
        &["not a bootable container image", "containers.bootc"],
    );

    let arm = variant::with_config(layout(), &scratch.path("arm"), |config| {
        config["architecture"] = "arm64".into();
    });
    refuses(
        &mut install_image(&arm.unwrap()),
        &disk,
        5,
        &["`amd64`", "`arm64`"],
    );

    let encapsulated = variant::with_config(layout(), &scratch.path("encapsulated"), |config| {
        config["config"]["Labels"]["ostree.final-diffid"] = "sha256:0".into();
    });
    refuses(
        &mut install_image(&encapsulated.unwrap()),
        &disk,
        5,
        &["`ostree.final-diffid` names no layer"],
    );
}

#[test]
fn images_that_cannot_be_had() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let pull = |image: &str| install_from(&scratch, &seed_kickstart(), &size, image);
    refuses(
        &mut pull("oci:/no/such/layout"),
        &disk,
        5,
        &["/no/such/layout"],
    );
    refuses(&mut pull("plain:v1"), &disk, 1, &["no registry host"]);
    // A port of the loopback interface on which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    refuses(
        &mut pull(&format!("127.0.0.1:{port}/lab/plain:v1")),
        &disk,
        5,
        &["127.0.0.1", "hint: "],
    );

    let registry = landfall_harness::registry::Registry::http().unwrap();
    let nowhere = format!("{}/lab/other:v1", registry.address());
    refuses(
        pull(&nowhere).arg("--plain-http"),
        &disk,
        5,
        &["404", "check repository and tag"],
    );
}

#[test]
fn a_missing_tool_is_named_with_its_package() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let wanted = install(&scratch, &seed_kickstart(), &size);
    // In a mount namespace of its own the program is no regular file.
    let hide = "mount --bind /dev/null \"$(command -v mkfs.xfs)\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", hide, "sh"])
        .arg(wanted.get_program())
        .args(wanted.get_args())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let texts = ["missing on this machine: mkfs.xfs", "hint: ", "xfsprogs"];
    refuses(&mut command, &disk, 3, &texts);
}

#[test]
fn plan_and_check_tell_the_same_as_install() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let size = format!("{}:2600M", disk.display());
    let kickstart = scratch.write("ks.cfg", &seed_kickstart());
    let mut plan = landfall([
        "plan",
        "--disk",
        &size,
        "--image",
        &image_argument(),
        "--kickstart",
    ]);
    refuses(plan.arg(&kickstart), &disk, 3, &["does not fit"]);
    let wrong = scratch.write("wrong.cfg", "cleerpart --all\n");
    let ended = run(landfall(["check"]).args([&kickstart, &wrong])).expect(1);
    assert!(
        ended.stdout.contains("ks.cfg is a valid kickstart")
            && ended.stdout.contains("wrong.cfg has errors")
    );
}

#[test]
fn one_disk_under_two_names() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.path("a.img"), scratch.path("./a.img"));
    let twice = |suffix: &str| {
        let first = format!("{}{suffix}", one.display());
        let mut command = install(&scratch, &seed_kickstart(), &first);
        command.arg("--disk");
        command.arg(format!("{}{suffix}", other.display()));
        command
    };
    refuses(&mut twice(":8G"), &one, 3, &["a.img", "given twice"]);
    File::create(&one).unwrap().set_len(8 << 30).unwrap();
    let ended = run(&mut twice("")).expect(3);
    assert!(ended.stderr.contains("given twice"), "{}", ended.stderr);
    assert_eq!(
        fs::metadata(&one).unwrap().blocks(),
        0,
        "something was written"
    );
}

#[test]
fn no_file_is_made_below_dev() {
    let scratch = Scratch::new();
    let disk = Path::new("/dev/landfall-no-such-disk");
    let size = format!("{}:8G", disk.display());
    refuses(
        &mut install(&scratch, &seed_kickstart(), &size),
        disk,
        3,
        &["below `/dev`", "landfall-no-such-disk"],
    );
}

#[test]
fn values_that_would_end_up_elsewhere_than_meant() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let with = |line: &str| format!("{}\n{line}\n", seed_kickstart());
    let stateroot = seed_kickstart().replace(
        "ostreecontainer --url",
        "ostreecontainer --stateroot=../x --url",
    );
    let cases = [
        (with(r#"bootloader --append="a=$x""#), "LF1024"),
        (with("user --name=../bad"), "LF1026"),
        (stateroot, "LF1026"),
    ];
    for (kickstart, code) in cases {
        refuses(&mut install(&scratch, &kickstart, &size), &disk, 1, &[code]);
    }
}

#[test]
fn a_report_that_cannot_be_written() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let mut command = install(&scratch, &seed_kickstart(), &size);
    command.args(["--report", "/no/such/dir/r.json"]);
    refuses(&mut command, &disk, 2, &["/no/such/dir/r.json"]);
}

#[test]
fn a_kickstart_with_errors_runs_none_of_its_scripts() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let written = scratch.path("written-by-pre");
    let size = format!("{}:8G", disk.display());
    let wrong = seed_kickstart().replace("clearpart", "cleerpart");
    let kickstart = format!("{wrong}\n%pre\ntouch {}\n%end\n", written.display());
    let mut command = install(&scratch, &kickstart, &size);
    command.arg("--allow-host-scripts");
    refuses(&mut command, &disk, 1, &["cleerpart"]);
    assert!(!written.exists(), "`%pre` ran");
}
