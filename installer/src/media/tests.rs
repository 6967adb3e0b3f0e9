// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What ends the making of a medium before it takes any time.

use std::fs;
use std::sync::atomic::Ordering;

use super::*;
use crate::engine::Stop;
use crate::image::Compression;
use crate::image::fixture::{LayoutDir, Tar, packed};

#[test]
fn a_copy_that_a_signal_ends_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("from");
    fs::write(&from, "all of it").unwrap();
    let stop = Stop::default();
    let mut watch = Watch {
        stop: &stop,
        tell: &mut |_| {},
    };
    let to = NewFile::at(&dir.path().join("to"), PRIVATE).unwrap();
    copy((&from, to.path()), &mut watch).unwrap();
    assert_eq!(fs::read(to.path()).unwrap(), b"all of it");
    stop.signal().store(15, Ordering::SeqCst);
    let error = copy((&from, to.path()), &mut watch).unwrap_err();
    assert_eq!(error.chain(), ["stopped by a signal"]);
    drop(to);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_does_not_fit_is_refused_before_the_image_is_fetched() {
    let layout = LayoutDir::of(&[packed(&Tar::default().end(), Compression::Gzip)]);
    let image = layout.open().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let stop = Stop::default();
    let made = |kickstart: &[u8], kernel_arguments: &str| {
        let request = IsoRequest {
            image: &image,
            environment: &image,
            kickstart: Some(kickstart),
            judged: None,
            kernel_arguments,
            label: "A",
            target_ref: None,
            payload: true,
            epoch: None,
            output: &dir.path().join("a.iso"),
            directories: Directories {
                cache: &missing,
                temporary: &missing,
            },
        };
        let mut watch = Watch {
            stop: &stop,
            tell: &mut |_| {},
        };
        iso(&request, &mut watch).unwrap_err().chain().join(": ")
    };
    let large = vec![b'a'; 300 << 10];
    assert_eq!(
        made(&large, ""),
        "the kickstart does not fit: a medium has 256 KiB for it"
    );
    assert_eq!(
        made(b"", &"a".repeat(5000)),
        "the list of kernel arguments does not fit: a medium has 4 KiB for it"
    );
    // Nothing is fetched without a place for it.
    assert!(made(b"", "").starts_with("making a directory for the medium"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
