// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall kickstart`: format, flatten, diff, dump.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use serde_json::Value;

use crate::{files, run, run_with_input};

const UNTIDY: &str = "# web\n\n\n  lang   en_US.UTF-8\npart / --size 100\n";
const TIDY: &str = "# web\n\nlang en_US.UTF-8\npart / --size=100\n";

#[test]
fn fmt_prints_checks_or_writes() {
    let directory = files(&[("a.ks", UNTIDY), ("b.ks", TIDY)]);
    let fmt = |args: &[&str]| run(directory.path(), &[&["kickstart", "fmt"], args].concat());
    let printed = fmt(&["a.ks"]);
    assert_eq!((printed.code, printed.out.as_str()), (0, TIDY));
    let checked = fmt(&["--check", "a.ks", "b.ks"]);
    assert_eq!(
        (checked.code, checked.out.as_str()),
        (1, "a.ks is not in order\n")
    );
    assert_eq!(
        fs::read_to_string(directory.path().join("a.ks")).unwrap(),
        UNTIDY
    );
    let written = fmt(&["--write", "a.ks", "b.ks"]);
    assert_eq!((written.code, written.out.as_str()), (0, ""));
    assert_eq!(
        fs::read_to_string(directory.path().join("a.ks")).unwrap(),
        TIDY
    );
    assert_eq!(fmt(&["--check", "a.ks", "b.ks"]).code, 0);
    assert_eq!(fmt(&["missing.ks"]).code, 2);
    assert_eq!(run_with_input(&["kickstart", "fmt", "-"], UNTIDY).out, TIDY);
    assert_eq!(
        run_with_input(&["kickstart", "fmt", "-w", "-"], UNTIDY).code,
        2
    );
}

#[test]
fn fmt_replaces_a_file_as_a_whole_and_keeps_owner_mode_and_links() {
    let directory = files(&[("lab/a.ks", UNTIDY)]);
    let (file, link) = (
        directory.path().join("lab/a.ks"),
        directory.path().join("b.ks"),
    );
    symlink("lab/a.ks", &link).unwrap();
    let owned = fs::metadata(&file).unwrap().uid() == 0 && chown(&file, Some(7), Some(8)).is_ok();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let mut before = File::open(&file).unwrap();
    let written = run(directory.path(), &["kickstart", "fmt", "--write", "b.ks"]);
    assert_eq!((written.code, written.err.as_str()), (0, ""));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), TIDY);
    let mut old = String::new();
    before.read_to_string(&mut old).unwrap();
    assert_eq!(old, UNTIDY, "who has the file open reads on in the old one");
    let after = fs::metadata(&file).unwrap();
    assert_eq!(after.mode() & 0o7777, 0o640);
    assert!(!owned || (after.uid(), after.gid()) == (7, 8));
    let left = fs::read_dir(directory.path().join("lab")).unwrap().count();
    assert_eq!(left, 1, "nothing else is left");
}

#[test]
fn fmt_that_cannot_write_leaves_the_file_alone() {
    let directory = files(&[("a.ks", UNTIDY)]);
    // The name of the file that is written beside it would be too long.
    let name = format!("{}.ks", "a".repeat(250));
    fs::rename(directory.path().join("a.ks"), directory.path().join(&name)).unwrap();
    let outcome = run(directory.path(), &["kickstart", "fmt", "--write", &name]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("writing `aaa"), "{}", outcome.err);
    assert_eq!(
        fs::read_to_string(directory.path().join(&name)).unwrap(),
        UNTIDY
    );
}

#[test]
fn flatten_puts_includes_in_and_names_the_version() {
    let directory = files(&[
        ("a.ks", "# web\n%include b.ks\nlang en_US.UTF-8\n"),
        ("b.ks", "%post\necho done\n%end\n"),
        ("wrong.ks", "frobnicate\n"),
    ]);
    let flatten = |args: &[&str]| {
        run(
            directory.path(),
            &[&["kickstart", "flatten"], args].concat(),
        )
    };
    let flat = flatten(&["--syntax", "RHEL9", "a.ks"]);
    assert_eq!(flat.code, 0, "{}", flat.err);
    assert!(
        flat.out.starts_with("#version=RHEL9\n") && flat.out.contains("lang en_US.UTF-8\n"),
        "{}",
        flat.out
    );
    assert!(
        flat.out.ends_with("%post\necho done\n%end\n"),
        "{}",
        flat.out
    );
    assert_eq!(
        flatten(&["--syntax", "RHEL9", "-o", "flat.ks", "a.ks"]).out,
        ""
    );
    assert_eq!(
        fs::read_to_string(directory.path().join("flat.ks")).unwrap(),
        flat.out
    );
    let wrong = flatten(&["wrong.ks"]);
    assert!(
        wrong.code == 1 && wrong.out.is_empty() && wrong.err.contains("LF0020"),
        "{}",
        wrong.err
    );
    assert_eq!(flatten(&["missing.ks"]).code, 2);
}

#[test]
fn diff_says_what_went_and_what_came() {
    let directory = files(&[]);
    let diff = |args: &[&str]| {
        run(
            directory.path(),
            &[
                &["kickstart", "diff", "--from", "RHEL9", "--to", "RHEL10"],
                args,
            ]
            .concat(),
        )
    };
    let text = diff(&[]).out;
    assert!(
        text.contains("commands removed in RHEL10: auth, authconfig, "),
        "{text}"
    );
    let json: Value = serde_json::from_str(&diff(&["--json"]).out).unwrap();
    assert_eq!(
        (&json["from"], &json["to"]),
        (&"RHEL9".into(), &"RHEL10".into())
    );
    assert!(
        json["added"].as_array().unwrap().contains(&"rdp".into()),
        "{json}"
    );
    assert_eq!(
        run(directory.path(), &["kickstart", "diff", "--from", "RHEL1"]).code,
        2
    );
}

#[test]
fn dump_shows_what_is_understood_without_secrets() {
    let text = "rootpw hunter2\nlang de_DE.UTF-8\nfrobnicate\n";
    for args in [
        &["kickstart", "dump", "-"][..],
        &["kickstart", "dump", "--json", "-"][..],
    ] {
        let outcome = run_with_input(args, text);
        assert_eq!(outcome.code, 1, "there is an unknown command");
        assert!(
            outcome.out.contains("de_DE.UTF-8") && !outcome.out.contains("hunter2"),
            "{}",
            outcome.out
        );
    }
    let json: Value =
        serde_json::from_str(&run_with_input(&["kickstart", "dump", "--json", "-"], text).out)
            .unwrap();
    assert_eq!(json["rootpw"]["value"]["password"], "***");
}

#[test]
fn dump_hides_secrets_that_are_no_fields_of_their_own() {
    let text = "url --url=https://u:hunter2@h/\nnfs --server=h --dir=/ --opts=password=hunter2\n\
        bootloader --append=\"a inst.vnc.password=hunter2 b\"\nauthselect select a --token hunter2\n\
        %addon a --password hunter2 'x=http://u:hunter2@h'\npassword = 'a hunter2'\n\"secret\": \"hunter2\"\n\
        passphrase hunter2 hunter2\n%end\n%post\nTOKEN=hunter2 curl https://u:hunter2@h/\n%end\n";
    for args in [
        &["kickstart", "dump", "--syntax=RHEL8", "-"][..],
        &["kickstart", "dump", "--syntax=RHEL8", "--json", "-"][..],
    ] {
        let outcome = run_with_input(args, text);
        assert!(!outcome.out.contains("hunter2"), "{}", outcome.out);
        for shown in [
            "https://***@h/",
            "a inst.vnc.password=*** b",
            "select a --token ***",
        ] {
            assert!(outcome.out.contains(shown), "{shown}: {}", outcome.out);
        }
    }
}

#[test]
fn fmt_and_flatten_keep_the_secrets_of_the_users_own_file() {
    let text = "rootpw hunter2\nurl --url=https://u:hunter3@h/\npart / --size=1\n";
    for command in ["fmt", "flatten"] {
        let out = run_with_input(&["kickstart", command, "-"], text).out;
        assert!(
            out.contains("hunter2") && out.contains("u:hunter3@h"),
            "{out}"
        );
    }
}
