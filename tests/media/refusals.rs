// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What cannot be made, and what is said then; nothing is left behind.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use landfall_harness::{image, tool};

use super::{KICKSTART, Scratch, image_argument, iso, landfall, layout, medium, run};

/// What is said on stderr by a command that ends with `code`.
#[track_caller]
fn refused(command: &mut Command, code: i32, sentence: &str) {
    let said = run(command).expect(code).stderr;
    assert!(said.contains(sentence), "{said}");
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

#[test]
fn what_is_typed_wrongly_is_a_matter_of_usage() {
    let scratch = Scratch::new();
    let output = scratch.path("a.iso");
    for (args, sentence) in [
        (["--label", "lower"], "a label has 1 to 32 of `A-Z0-9_-`"),
        (
            ["--label", "A23456789012345678901234567890123"],
            "a label has 1 to 32",
        ),
        (
            ["--target-ref", "oci:/srv/a"],
            "an installed system follows a reference of a registry",
        ),
        (["--target-ref", "web:1"], "the name has no registry host"),
    ] {
        let mut command = landfall(["iso", "--image", &image_argument(), "--output"]);
        refused(command.arg(&output).args(args), 2, sentence);
    }
    let mut command = landfall(["iso", "--image", &image_argument(), "--output"]);
    refused(
        command.arg(&output).env("SOURCE_DATE_EPOCH", "yesterday"),
        2,
        "`SOURCE_DATE_EPOCH` is no number of seconds: `yesterday`",
    );
    assert!(!output.exists());
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_changed() {
    let scratch = Scratch::new();
    let large = scratch.write(
        "large.ks",
        KICKSTART.to_owned() + &"# filling\n".repeat(27_000),
    );
    let copy = scratch.path("copy.iso");
    fs::copy(medium(), &copy).unwrap();
    let in_place = || landfall(["iso", "customize", copy.to_str().unwrap(), "--in-place"]);
    let large = large.to_str().unwrap();
    refused(
        in_place().args(["--kickstart", large]),
        3,
        "the kickstart does not fit: a medium has 256 KiB for it",
    );
    let many = format!("a={}", "x".repeat(4096));
    refused(
        in_place().args(["--karg", &many]),
        3,
        "the list of kernel arguments does not fit: a medium has 4 KiB for it",
    );
    refused(
        in_place().args(["--karg", "a='b'"]),
        2,
        "a kernel argument cannot have a `'`, a `\"`, a `\\` or a control character in it",
    );
    assert!(fs::read(&copy).unwrap() == fs::read(medium()).unwrap());
    let output = scratch.path("new.iso");
    refused(
        &mut iso(Path::new(large), &output),
        3,
        "the kickstart does not fit",
    );
    assert!(!output.exists());
}

#[test]
fn what_is_no_medium_is_left_alone() {
    let scratch = Scratch::new();
    let foreign = scratch.path("foreign.iso");
    let tree = scratch.directory("tree");
    fs::write(tree.join("a"), "a").unwrap();
    let mut command = tool::tool("xorriso").unwrap();
    command
        .args(["-as", "mkisofs", "-quiet", "-o"])
        .arg(&foreign)
        .arg(&tree);
    tool::quietly(&mut command).unwrap();
    let text = scratch.write("text.iso", "no ISO at all");
    for (path, sentence) in [
        (&foreign, "it is no medium of Landfall's"),
        (&text, "it ends before its volume descriptors"),
        (&scratch.path("missing.iso"), "No such file or directory"),
    ] {
        let path = path.to_str().unwrap();
        refused(&mut landfall(["iso", "inspect", path]), 3, sentence);
        let output = scratch.path("changed.iso");
        let mut command = landfall(["iso", "customize", path, "--no-kickstart", "--output"]);
        refused(command.arg(&output), 3, sentence);
        assert!(!output.exists());
        let out = scratch.path("out");
        refused(
            landfall(["iso", "extract", path, "--output"]).arg(&out),
            3,
            sentence,
        );
        assert!(!out.exists());
    }
}

#[test]
fn a_place_that_is_no_file_is_not_replaced() {
    let scratch = Scratch::new();
    let place = scratch.directory("place");
    let kickstart = scratch.write("a.ks", KICKSTART);
    refused(&mut iso(&kickstart, &place), 3, "is not a regular file");
    assert!(is_empty(&place));
}

/// A layout of links to the files of the test image, where one layer is a file of its own with one other bit.
fn damaged_layout(scratch: &Scratch) -> (std::path::PathBuf, String) {
    let to = scratch.directory("layout");
    let mut cp = tool::tool("cp").unwrap();
    tool::run(cp.arg("-rl").arg(layout()).arg(to.join("image"))).unwrap();
    let to = to.join("image");
    let blobs = to.join("blobs/sha256");
    let entries = fs::read_dir(&blobs)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let largest = entries
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let own = scratch.path("own");
    fs::copy(&largest, &own).unwrap();
    fs::rename(&own, &largest).unwrap();
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(&largest)
        .unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let name = largest.file_name().unwrap().to_str().unwrap().to_owned();
    (to, name)
}

#[test]
fn a_damaged_layer_makes_no_medium() {
    let scratch = Scratch::new();
    let (layout, name) = damaged_layout(&scratch);
    let (out, temporary) = (scratch.directory("out"), scratch.directory("tmp"));
    let mut command = landfall(["iso", "--image", &format!("oci:{}", layout.display())]);
    command
        .env("TMPDIR", &temporary)
        .arg("--output")
        .arg(out.join("a.iso"));
    // The environment is there, by the digest of the manifest: what is damaged is found while it is written.
    refused(
        &mut command,
        5,
        &format!("verifying the blob `sha256:{name}`"),
    );
    assert!(is_empty(&out) && is_empty(&temporary));
}

#[test]
fn what_an_image_lacks_is_named_with_its_package() {
    let scratch = Scratch::new();
    let (out, temporary) = (scratch.directory("out"), scratch.directory("tmp"));
    let plain = format!("oci:{}", image::layout("plain").unwrap().display());
    let mut command = landfall(["iso", "--image", &plain]);
    command
        .env("TMPDIR", &temporary)
        .arg("--output")
        .arg(out.join("a.iso"));
    let said = run(&mut command).expect(5).stderr;
    assert!(
        said.contains("cannot be an installer environment: it has no dracut module"),
        "{said}"
    );
    assert!(said.contains("dracut-network, mtools"), "{said}");
    assert!(said.contains("--env-image"), "{said}");
    assert!(is_empty(&out) && is_empty(&temporary));
}

/// `landfall iso` of the test image with a kickstart of these lines.
fn with_kickstart(scratch: &Scratch, text: &str) -> Command {
    let kickstart = scratch.write("own.ks", text);
    iso(&kickstart, &scratch.path("own.iso"))
}

#[test]
fn a_kickstart_that_could_not_be_carried_out_makes_no_medium() {
    let scratch = Scratch::new();
    let base = "clearpart --all\nreqpart\n";
    let with = |line: &str| {
        format!("ostreecontainer --url=registry.example.com/lab/media:v1\n{base}{line}\n")
    };
    let plain = "part / --grow\n";
    for (line, code, sentence) in [
        ("part / --fstype=minix", 1, "minix"),
        ("part /home --size=1024", 1, "the kickstart has errors"),
        (
            &format!("{plain}reboot --kexec"),
            5,
            "cannot install by this kickstart: it has no `kexec`",
        ),
        (
            &format!("{plain}services --enabled=nosuch"),
            1,
            "services that shall be enabled are not in the image: `nosuch` [LF1020]",
        ),
    ] {
        refused(&mut with_kickstart(&scratch, &with(line)), code, sentence);
        assert!(!scratch.path("own.iso").exists(), "{line}");
    }
}

#[test]
fn a_path_is_nothing_that_a_system_can_follow() {
    let scratch = Scratch::new();
    let kickstart = scratch.write("a.ks", "clearpart --all\nreqpart\npart / --grow\n");
    let mut command = landfall(["iso", "--image", &image_argument(), "--kickstart"]);
    command
        .arg(kickstart)
        .arg("--output")
        .arg(scratch.path("a.iso"));
    let said = run(&mut command).expect(1).stderr;
    assert!(
        said.contains("the installed system would look for updates at `oci:"),
        "{said}"
    );
    assert!(said.contains("--target-ref"), "{said}");
}

#[test]
fn what_only_the_machine_can_tell_is_a_warning() {
    let scratch = Scratch::new();
    let text = "ostreecontainer --url=registry.example.com/lab/other:1\n\
                ignoredisk --only-use=disk/by-id/nvme-SERIAL\nclearpart --all\nreqpart\npart / --grow\n\
                rootpw --plaintext secret\n";
    let said = run(&mut with_kickstart(&scratch, text)).expect(0).stderr;
    assert!(
        said.contains("the kickstart is about disks that only its machine has"),
        "{said}"
    );
    assert!(said.contains("line 6 (`rootpw`)"), "{said}");
    let made = fs::metadata(scratch.path("own.iso")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    let text = text.replace("disk/by-id/nvme-SERIAL", "sda");
    let said = run(&mut with_kickstart(&scratch, &text)).expect(0).stderr;
    assert!(
        said.contains(
            "installs `docker://registry.example.com/lab/other:1`: the image on this medium is not"
        ),
        "{said}"
    );
}
