// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the image comes from: a registry over http and https, and the kickstart's own reference.

use landfall_harness::registry::Registry;

use super::{Scratch, TARGET, install_from, is_startable, landfall, layout, run, seed_kickstart};

#[test]
fn the_kickstarts_reference_is_pulled_over_http_when_asked() {
    let registry = Registry::http().unwrap();
    let reference = registry.push(layout(), "lab/plain:v1").unwrap();
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let kickstart = scratch.write("ks.cfg", &seed_kickstart().replace(TARGET, &reference));
    let mut command = landfall(["install", "--plain-http", "--kickstart"]);
    command
        .arg(kickstart)
        .arg("--disk")
        .arg(format!("{}:8G", disk.display()));
    let done = run(&mut command).expect(0);
    assert!(
        done.stdout
            .contains(&format!("Installed docker://{reference}")),
        "{}",
        done.stdout
    );
    assert!(is_startable(&disk));
}

#[test]
fn https_is_the_default_and_its_certificate_is_checked() {
    let registry = Registry::https().unwrap();
    let reference = registry.push(layout(), "lab/plain:v1").unwrap();
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let size = format!("{}:8G", disk.display());
    let pull = || install_from(&scratch, &seed_kickstart(), &size, &reference);
    let distrusted = run(&mut pull()).expect(5);
    assert!(!disk.exists(), "the disk was made: {}", distrusted.stderr);
    let trusted = run(pull().env("SSL_CERT_FILE", registry.ca())).expect(0);
    assert!(
        trusted
            .stdout
            .contains(&format!("follows  docker://{TARGET}")),
        "{}",
        trusted.stdout
    );
}
