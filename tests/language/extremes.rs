// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `landfall check` of inputs that nobody writes: a clear error, the code 1, little output, and bounded memory.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::{Outcome, files};

/// How much address space `landfall` gets, in bytes
const MEMORY: u64 = 512 << 20;

/// Checks a file, given by name or as standard input
fn check(bytes: &[u8], options: &[&str]) -> [Outcome; 2] {
    let directory = files(&[("empty.ks", "")]);
    let path = directory.path().join("a.ks");
    fs::write(&path, bytes).unwrap();
    ["a.ks", "-"].map(|name| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--as={MEMORY}"));
        command.args([env!("CARGO_BIN_EXE_landfall"), "check"]);
        command
            .args(options)
            .arg(name)
            .current_dir(directory.path());
        command.stdin(Stdio::from(File::open(&path).unwrap()));
        command.output().unwrap().into()
    })
}

#[test]
fn each_ends_with_an_error_that_says_where_and_little_else() {
    let long = "a".repeat(10_000_000);
    for (bytes, options, place, said) in [
        (
            "part / --size=1\n".repeat(100_000_000 / 16).into_bytes(),
            &[][..],
            "1:1",
            "error[LF0005]: the file is larger than 64 MiB and is not read",
        ),
        (
            format!("text\npart {long}\n").into_bytes(),
            &[],
            "2:1",
            "error[LF0005]: the line is longer than 1024 KiB and is not read",
        ),
        (
            "%include empty.ks\n".repeat(1_000_000).into_bytes(),
            &["-i"],
            "4097:10",
            "error[LF0015]: more than 4096 includes; this one and those after it are left out",
        ),
        (
            format!("text\n#{long}\nlang en\0US\n").into_bytes(),
            &[],
            "3:8",
            "error[LF0009]: a NUL byte: the file is no text",
        ),
        (
            [b"text\nlang ", long.as_bytes(), b"\xe4\n"].concat(),
            &[],
            "2:10000006",
            "error[LF0009]: the byte 0xe4 is not UTF-8",
        ),
    ] {
        for outcome in check(&bytes, options) {
            let Outcome { code, out, err } = outcome;
            assert!(code == 1 && err.is_empty(), "{said}: {code}, {err}");
            assert!(out.starts_with(said), "{said}: {out:.2000}");
            assert!(out.contains(&format!(":{place}\n")), "{place}: {out:.2000}");
            assert!(out.len() < 2000, "{said}: {} bytes", out.len());
        }
    }
}
