// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kickstarts that are tried on a small image.

use std::ops::ControlFlow;

use kickstart_parser::{NoIncludes, read};

use super::super::facts::tests::system;
use super::*;
use crate::image::Compression;
use crate::image::fixture::{LayoutDir, Tar, packed};

const TARGET: &str = "host.example/web:1";
const DISK: &str = "clearpart --all --initlabel\nreqpart\npart / --grow\n";
const ON_MEDIUM: &str = "ostreecontainer --transport=oci --url=/run/install/repo/landfall/oci\n";
const PRE_SCRIPT: &str = "%pre\ntrue\n%end\n";

/// What the other tests' image lacks, and what it has too much.
fn whole() -> Tar {
    let programs = ["chage", "chpasswd", "systemd-tmpfiles"];
    let removed = "usr/lib/bootc/bound-images.d/.wh.x.image";
    let tar = Tar::default().file(removed, 0o644, b"");
    programs.iter().fold(tar, |tar, name| {
        tar.file(&format!("usr/bin/{name}"), 0o755, b"")
    })
}

fn judged(text: &str, payload: bool) -> Result<Vec<String>, Vec<String>> {
    let layers = [system(), whole()].map(|tar| packed(&tar.end(), Compression::Gzip));
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let place = format!("{}", layout.path().display());
    let text = text.replace("IMAGE", &format!("--transport=oci --url={place}"));
    let question = Question {
        kickstart: &read("ks", &text, None, &NoIncludes).kickstart,
        image: &image,
        target_ref: Some(TARGET),
        payload,
    };
    let judged = judge(&question, &mut |_| ControlFlow::Continue(()));
    judged
        .map(|judgement| judgement.warnings)
        .map_err(|error| error.chain())
}

fn says(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

/// Nothing but a look into the image tells this.
const MISSING: &str = "`nosuch` [LF1020]";

#[test]
fn the_layout_of_the_medium_is_its_image() {
    let text = format!("{ON_MEDIUM}{DISK}");
    assert_eq!(judged(&text, true), Ok(vec![]));
    let wrong = format!("{text}services --enabled=nosuch\n");
    let said = judged(&wrong, true).unwrap_err();
    assert!(says(&said, MISSING), "{said:?}");
}

#[test]
fn a_medium_without_an_image_has_none_in_that_place() {
    let text = format!("{ON_MEDIUM}{DISK}services --enabled=nosuch\n");
    let said = judged(&text, false).unwrap();
    assert!(says(&said, "which was not looked into"), "{said:?}");
}

#[test]
fn the_image_is_looked_into_by_each_of_its_names() {
    for (line, payload) in [
        ("ostreecontainer IMAGE\n", true),
        ("ostreecontainer IMAGE\n", false),
        ("ostreecontainer --url=host.example/web:1\n", true),
        ("ostreecontainer --url=host.example/web:1\n", false),
    ] {
        let text = format!("{line}{DISK}");
        assert_eq!(judged(&text, payload), Ok(vec![]), "{line}");
        let text = format!("{text}services --enabled=nosuch\n");
        let said = judged(&text, payload).unwrap_err();
        assert!(says(&said, MISSING), "{said:?}");
    }
    let text = format!("ostreecontainer --url=host.example/other:1\n{DISK}");
    let said = judged(&text, true).unwrap();
    assert!(
        says(&said, "the image on this medium is not what"),
        "{said:?}"
    );
}

#[test]
fn with_a_pre_only_what_the_text_says_is_an_error() {
    let text = format!("{ON_MEDIUM}{DISK}{PRE_SCRIPT}");
    assert_eq!(judged(&text, true), Ok(vec![PRE.to_owned()]));
    let text = format!("{ON_MEDIUM}{DISK}services --enabled=nosuch\n{PRE_SCRIPT}");
    let said = judged(&text, true).unwrap();
    assert!(says(&said, MISSING) && says(&said, PRE), "{said:?}");
    let text = format!("{ON_MEDIUM}zerombr\n{PRE_SCRIPT}");
    let said = judged(&text, true).unwrap();
    assert!(says(&said, "[LF1010]") && says(&said, PRE), "{said:?}");
    let text = format!("{ON_MEDIUM}{DISK}part /a --fstype=minix --size=9\n");
    for end in ["", PRE_SCRIPT] {
        let said = judged(&format!("{text}{end}"), true).unwrap_err();
        assert!(says(&said, "minix"), "{said:?}");
    }
    let text = format!("ignoredisk --only-use=sdz\n{ON_MEDIUM}{DISK}{PRE_SCRIPT}");
    let said = judged(&text, true).unwrap();
    assert!(says(&said, "[LF1004]") && says(&said, PRE), "{said:?}");
}
