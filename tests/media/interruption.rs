// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A signal while a medium is made.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use landfall_harness::tool;

use super::{KICKSTART, Scratch, iso, run};

/// Files below a directory, and directories in it; what is kept of other things is not to be found here.
fn left(directory: &Path) -> Vec<String> {
    let mut find = tool::tool("find").unwrap();
    let said = tool::run(find.arg(directory).args(["-mindepth", "1"])).unwrap();
    said.lines().map(str::to_owned).collect()
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    for phase in ["unpack", "initramfs"] {
        let scratch = Scratch::new();
        let kickstart = scratch.write("a.ks", KICKSTART);
        let places = ["out", "tmp", "cache"].map(|name| scratch.directory(name));
        let mut command = iso(&kickstart, &places[0].join("a.iso"));
        command
            .env("TMPDIR", &places[1])
            .env("XDG_CACHE_HOME", &places[2]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        let begun = format!("{phase}: started");
        assert!(lines.any(|line| line == begun), "`{begun}` is not said");
        run(tool::tool("kill")
            .unwrap()
            .args(["-INT", &child.id().to_string()]))
        .expect(0);
        let rest: Vec<_> = lines.collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
        assert!(
            rest.contains(&"error: stopped by a signal".to_owned()),
            "{rest:?}"
        );
        for place in &places[..2] {
            assert_eq!(left(place), [""; 0], "{phase}");
        }
        // The directories that environments are kept in.
        let kept = left(&places[2]);
        assert!(
            kept.iter().all(|path| fs::metadata(path).unwrap().is_dir()),
            "{kept:?}"
        );
        assert!(kept.len() <= 2, "{kept:?}");
    }
}
