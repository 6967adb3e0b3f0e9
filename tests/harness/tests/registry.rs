// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The registry of the tests is a real one: what is pushed comes back by the same digest, over HTTP and over HTTPS.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::HashMap;
use std::path::Path;

use landfall_harness::oci::{About, Compression, Layout};
use landfall_harness::registry::Registry;
use landfall_harness::tool::{run, tool};

fn small_image(dir: &Path) -> String {
    let created = "2026-01-01T00:00:00Z";
    let mut layout = Layout::create(dir).unwrap();
    for (name, content) in [("usr/one", "1"), ("usr/two", "22")] {
        let mut layer = layout.layer(Compression::Zstd, 3).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        layer
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
        layout.push(layer, name, created).unwrap();
    }
    let labels = HashMap::from([("containers.bootc".to_owned(), "1".to_owned())]);
    layout
        .finish(&About {
            labels,
            created: created.to_owned(),
            reference: "small:1".to_owned(),
        })
        .unwrap()
}

#[test]
fn an_image_keeps_its_digest_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let digest = small_image(dir.path());
    let registry = Registry::http().unwrap();
    let reference = registry.push(dir.path(), "test/small:1").unwrap();
    let mut inspect = tool("skopeo").unwrap();
    inspect.args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"]);
    assert_eq!(
        run(inspect.arg(format!("docker://{reference}")))
            .unwrap()
            .trim(),
        digest
    );
}

#[test]
fn over_https_only_those_who_know_the_authority_get_in() {
    let dir = tempfile::tempdir().unwrap();
    let digest = small_image(dir.path());
    let registry = Registry::https().unwrap();
    assert!(registry.tls());
    let reference = registry.push(dir.path(), "test/small:1").unwrap();
    let certificates = tempfile::tempdir().unwrap();
    std::fs::copy(registry.ca(), certificates.path().join("ca.crt")).unwrap();
    let inspect = |arguments: &[&str]| {
        let mut command = tool("skopeo").unwrap();
        command
            .args(["inspect", "--format", "{{.Digest}}"])
            .args(arguments);
        run(command.arg(format!("docker://{reference}")))
    };
    let known = inspect(&["--cert-dir", certificates.path().to_str().unwrap()]).unwrap();
    assert_eq!(known.trim(), digest);
    let unknown = inspect(&[]).unwrap_err().to_string();
    assert!(unknown.contains("certificate"), "{unknown}");
}

#[test]
fn a_guarded_registry_wants_the_login_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let digest = small_image(dir.path());
    let registry = Registry::guarded().unwrap();
    let reference = registry.push(dir.path(), "test/small:1").unwrap();
    let authfile = registry.authfile().unwrap();
    let inspect = |arguments: &[&str]| {
        let mut command = tool("skopeo").unwrap();
        command.args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"]);
        run(command.args(arguments).arg(format!("docker://{reference}")))
    };
    let known = inspect(&["--authfile", authfile.to_str().unwrap()]).unwrap();
    assert_eq!(known.trim(), digest);
    let unknown = inspect(&["--no-creds"]).unwrap_err().to_string();
    assert!(unknown.contains("authentication required"), "{unknown}");
}
