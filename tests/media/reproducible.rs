// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The same input gives the same bytes.

use std::fs;

use landfall_harness::tool;

use super::{KICKSTART, Scratch, iso, medium, run};

#[test]
fn media_made_at_other_times_and_places_are_the_same() {
    let scratch = Scratch::new();
    let kickstart = scratch.write("b.ks", KICKSTART);
    let output = scratch.directory("elsewhere").join("b.iso");
    let mut command = iso(&kickstart, &output);
    command
        .env("XDG_CACHE_HOME", scratch.directory("cache"))
        .env("TMPDIR", scratch.directory("tmp"))
        .env("TZ", "Asia/Tokyo")
        .env("LANG", "C.UTF-8");
    run(&mut command).expect(0);
    let mut cmp = tool::tool("cmp").unwrap();
    tool::run(cmp.arg(medium()).arg(&output)).unwrap();
}

#[test]
fn an_epoch_that_is_given_is_the_time_of_everything() {
    let scratch = Scratch::new();
    let kickstart = scratch.write("a.ks", KICKSTART);
    let make = |name: &str, epoch: &str| {
        let output = scratch.path(name);
        run(iso(&kickstart, &output).env("SOURCE_DATE_EPOCH", epoch)).expect(0);
        output
    };
    // What the image's own creation time gives, and another.
    let same = make("same.iso", "1793491200");
    assert!(fs::read(medium()).unwrap() == fs::read(&same).unwrap());
    fs::remove_file(same).unwrap();
    let other = make("other.iso", "1000000000");
    let said = super::xorriso(&["-pvd_info"], &other);
    assert!(said.contains("Creation Time: 2001090901464000"), "{said}");
    assert!(fs::read(medium()).unwrap() != fs::read(other).unwrap());
}
