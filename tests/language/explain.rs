// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall explain`, and the reference pages that come from the same tables.

use std::fs;
use std::path::Path;

use crate::{files, run};

#[test]
fn words_and_codes_are_explained() {
    let directory = files(&[]);
    let explain = |args: &[&str]| run(directory.path(), &[&["explain"], args].concat());
    for (args, said) in [
        (&["part"][..], "  --size=NUMBER\n"),
        (&["part", "--size"], "in MiB"),
        (&["%packages"], "no effect: the image decides"),
        (&["LF0003"], "Right:"),
        (&["lf1003"], "The firmware is not supported yet"),
        (&["codes"], "LF0053"),
    ] {
        let outcome = explain(args);
        assert!(
            outcome.code == 0 && outcome.out.contains(said),
            "{args:?}: {}",
            outcome.out
        );
    }
    let unknown = explain(&["netwrok"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(
        unknown.err.contains("hint: did you mean `network`?"),
        "{}",
        unknown.err
    );
}

#[test]
fn kept_reference_pages_are_the_tables() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let made = files(&[]);
    assert_eq!(run(made.path(), &["reference", "."]).code, 0);
    for name in ["boot-options.md", "kickstart.md", "diagnostics.md"] {
        let (kept, made) = (kept.join(name), made.path().join(name));
        assert_eq!(
            fs::read_to_string(kept).unwrap_or_default(),
            fs::read_to_string(made).unwrap(),
            "run `landfall reference docs/reference`"
        );
    }
}
