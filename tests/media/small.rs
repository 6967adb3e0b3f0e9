// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Media that are changed and looked at without an image: small ones with all that a medium is found by, made by xorriso.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use landfall_harness::tool;
use serde_json::{Value, json};

use super::{Ended, Scratch, program, run};

const DESCRIPTION: usize = 16 << 10;

/// Where the file is that begins so.
fn place(iso: &[u8], start: &str) -> usize {
    let mut blocks = iso.chunks(2048);
    let number = blocks.position(|block| block.starts_with(start.as_bytes()));
    number.unwrap() * 2048
}

/// A medium that says of itself what `change` makes of the usual.
fn small(scratch: &Scratch, change: impl FnOnce(&mut Value)) -> PathBuf {
    let tree = scratch.directory("tree");
    let write = |path: &str, start: &str, size: usize, fill: u8| {
        let mut content = start.as_bytes().to_vec();
        content.resize(size, fill);
        fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
        fs::write(tree.join(path), content).unwrap();
    };
    write("ks.cfg", "KICKSTART", 256 << 10, b'\n');
    write("boot/grub/grub.cfg", "set kargs=''\n#", 4 << 10, b'#');
    write("other", "OTHER", 256 << 10, 0);
    write("images/extra.img", "INITRAMFS", 1 << 20, 0);
    write("landfall/landfall.json", "DESCRIPTION", DESCRIPTION, b'\n');
    let iso = scratch.path("small.iso");
    let mut xorriso = tool::tool("xorriso").unwrap();
    xorriso.args(["-as", "mkisofs", "-quiet", "-r", "-o"]);
    tool::quietly(xorriso.args([&iso, &tree])).unwrap();
    fs::remove_dir_all(&tree).unwrap();
    let bytes = fs::read(&iso).unwrap();
    let area = |wanted: &str, size: usize| json!({"offset": place(&bytes, wanted), "size": size});
    let mut described = json!({
        "medium": 1, "landfall": "1", "arch": "amd64", "label": "SMALL", "image": null, "target": null,
        "environment": {"reference": "a", "digest": "b", "kernel": "c"},
        "areas": {
            "kickstart": area("KICKSTART", 256 << 10),
            "kernel_arguments": area("set kargs=''", 4 << 10),
            "initramfs": area("INITRAMFS", 1 << 20),
        },
        "kickstart_sha256": "", "files": [], "other": area("OTHER", 256 << 10),
    });
    change(&mut described);
    let mut text = described.to_string().into_bytes();
    text.resize(DESCRIPTION, b'\n');
    let file = fs::File::options().write(true).open(&iso).unwrap();
    let at = place(&bytes, "DESCRIPTION") as u64;
    file.write_all_at(&text, at).unwrap();
    iso
}

fn usual(_: &mut Value) {}

fn with_image(described: &mut Value) {
    described["image"] = json!({"reference": "host.example/web:1", "digest": "sha256:0"});
}

fn customize(iso: &Path) -> Command {
    program(["iso", "customize", iso.to_str().unwrap()])
}

fn in_place(iso: &Path, args: &[&str]) -> Ended {
    run(customize(iso).arg("--in-place").args(args))
}

/// The text of the embedded kickstart.
fn embedded(iso: &Path) -> String {
    let bytes = fs::read(iso).unwrap();
    // Where xorriso has put it.
    let mut find = tool::tool("xorriso").unwrap();
    let found = ["-find", "/ks.cfg", "-exec", "report_lba", "--"];
    let said = tool::quietly(find.arg("-indev").arg(iso).args(found)).unwrap();
    let line = said.lines().find(|line| line.contains("ks.cfg")).unwrap();
    let block: usize = line.split(',').nth(1).unwrap().trim().parse().unwrap();
    let area = &bytes[block * 2048..][..256 << 10];
    let text = String::from_utf8(area.to_vec()).unwrap();
    text.trim_end_matches('\n').to_owned() + "\n"
}

#[test]
fn a_kickstart_is_looked_through_before_it_is_embedded() {
    let scratch = Scratch::new();
    let iso = small(&scratch, with_image);
    let before = fs::read(&iso).unwrap();
    let wrong = scratch.write("wrong.ks", "part / --grow --nosuch\n");
    let said = in_place(&iso, &["--kickstart", wrong.to_str().unwrap()]).expect(1);
    assert!(said.stderr.contains("--nosuch"), "{}", said.stderr);
    assert!(
        said.stderr.contains("error: the kickstart has errors"),
        "{}",
        said.stderr
    );
    assert!(fs::read(&iso).unwrap() == before);
}

#[test]
fn what_names_no_image_installs_what_the_medium_has() {
    let scratch = Scratch::new();
    let iso = small(&scratch, with_image);
    let kickstart = scratch.write("a.ks", "part / --grow\nrootpw --plaintext hush\n");
    let kickstart = ["--kickstart", kickstart.to_str().unwrap()];
    let said = in_place(
        &iso,
        &[&kickstart[..], &["--karg", "landfall.token=hush"]].concat(),
    );
    let said = said.expect(0).stderr;
    assert!(said.contains("line 3 (`rootpw`)"), "{said}");
    assert!(
        said.contains("can read the secrets in its kernel arguments"),
        "{said}"
    );
    let rest = "part / --grow\nrootpw --plaintext hush\n";
    assert_eq!(
        embedded(&iso),
        format!("ostreecontainer --url=host.example/web:1\n{rest}")
    );
    let target = ["--target-ref", "host.example/other:2"];
    in_place(&iso, &[&kickstart[..], &target].concat()).expect(0);
    let other = format!("ostreecontainer --url=host.example/other:2\n{rest}");
    assert_eq!(embedded(&iso), other);
    in_place(&iso, &kickstart).expect(0);
    assert_eq!(embedded(&iso), other);
}

#[test]
fn without_an_image_anywhere_there_is_nothing_to_install() {
    let scratch = Scratch::new();
    let iso = small(&scratch, usual);
    let kickstart = scratch.write("a.ks", "part / --grow\n");
    let said = in_place(&iso, &["--kickstart", kickstart.to_str().unwrap()]).expect(1);
    assert!(
        said.stderr.contains(
            "error: the kickstart names no image, and the medium none that it could install"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn included_files_go_into_the_medium() {
    let scratch = Scratch::new();
    let iso = small(&scratch, with_image);
    scratch.write("disk.ks", "zerombr\npart / --grow");
    let kickstart = scratch.write("a.ks", "%include disk.ks\npoweroff\n");
    in_place(&iso, &["--kickstart", kickstart.to_str().unwrap()]).expect(0);
    assert_eq!(
        embedded(&iso),
        "ostreecontainer --url=host.example/web:1\nzerombr\npart / --grow\npoweroff\n"
    );
}

#[test]
fn a_copy_with_new_secrets_is_for_its_owner_only() {
    let scratch = Scratch::new();
    let iso = small(&scratch, with_image);
    fs::set_permissions(&iso, fs::Permissions::from_mode(0o664)).unwrap();
    let secret = scratch.write("a.ks", "part / --grow\nrootpw --plaintext hush\n");
    let secret = secret.to_str().unwrap();
    let copy = scratch.path("copy.iso");
    for (args, mode) in [
        (["--karg", "quiet"], 0o664),
        (["--karg", "landfall.token=hush"], 0o600),
        (["--kickstart", secret], 0o600),
    ] {
        run(customize(&iso).args(args).arg("--output").arg(&copy)).expect(0);
        let found = fs::metadata(&copy).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{args:?}");
    }
}

#[test]
fn a_description_that_lies_has_nothing_written() {
    const LARGE: u64 = 1 << 40;
    let lies: [(&str, &str, u64, &str); 7] = [
        ("kickstart", "size", 512, "has not the size"),
        ("kernel_arguments", "size", 0, "has not the size"),
        ("initramfs", "size", 1 << 30, "has not the size"),
        ("kickstart", "offset", LARGE, "behind the file system"),
        ("initramfs", "offset", u64::MAX, "behind the file system"),
        ("kernel_arguments", "offset", 0, "does not begin as one"),
        ("kernel_arguments", "offset", 2048, "does not begin as one"),
    ];
    for (name, key, value, sentence) in lies {
        let scratch = Scratch::new();
        let iso = small(&scratch, |said| said["areas"][name][key] = value.into());
        is_refused(&iso, sentence);
    }
    let scratch = Scratch::new();
    let iso = small(&scratch, |said| {
        said["areas"]["kernel_arguments"]["offset"] = said["areas"]["kickstart"]["offset"].clone();
    });
    is_refused(&iso, "two reserved areas overlap");
    let scratch = Scratch::new();
    let iso = small(&scratch, |said| {
        said["areas"]["kickstart"] = said["other"].clone();
    });
    is_refused(&iso, "the area of the kickstart is not where that file is");
}

#[track_caller]
fn is_refused(iso: &Path, sentence: &str) {
    let before = fs::read(iso).unwrap();
    for args in [["--karg", "quiet"], ["--target-ref", "host.example/web:1"]] {
        let said = in_place(iso, &args).expect(3).stderr;
        assert!(said.contains(sentence), "{said}");
        assert!(fs::read(iso).unwrap() == before, "{sentence}");
    }
}

#[test]
fn secrets_and_escape_sequences_are_not_shown() {
    let scratch = Scratch::new();
    let iso = small(&scratch, |said| {
        with_image(said);
        said["image"]["reference"] = "host.example/\u{202e}1:bew".into();
        said["label"] = "\u{1b}]0;owned\u{7}\u{1b}[2J".into();
        said["arch"] = "amd64\nkickstart         none".into();
        said["target"] = "\u{9b}31m".into();
    });
    in_place(&iso, &["--karg", "landfall.token=hush", "--karg", "quiet"]).expect(0);
    let said = run(&mut program(["iso", "inspect", iso.to_str().unwrap()])).expect(0);
    let said = said.stdout;
    assert!(
        said.contains("kernel arguments  landfall.token=*** quiet\n"),
        "{said}"
    );
    let is_text = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
    assert!(said.chars().all(is_text), "{said:?}");
    assert_eq!(said.lines().count(), 7, "{said:?}");
}

#[test]
fn what_a_medium_calls_its_image_adds_no_line_to_a_kickstart() {
    let scratch = Scratch::new();
    let iso = small(&scratch, |said| {
        said["target"] = "host.example/web:1\nrootpw --plaintext owned".into();
    });
    let kickstart = scratch.write("a.ks", "part / --grow\n");
    let kickstart = ["--kickstart", kickstart.to_str().unwrap()];
    let said = in_place(&iso, &kickstart).expect(1).stderr;
    let sentence = "the kickstart names no image, and the medium none that it could install";
    assert!(said.contains(sentence), "{said}");
    let target = ["--target-ref", "host.example/web:1"];
    in_place(&iso, &[&kickstart[..], &target].concat()).expect(0);
}
