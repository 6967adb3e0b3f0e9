// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the image comes from: a registry over http and https, with and without a login, archives, and the
//! kickstart's own reference.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use landfall_harness::disk::Mounted;
use landfall_harness::registry::{PASSWORD, Registry};
use landfall_harness::tool::{self, tool};

use super::{
    Scratch, TARGET, deployment, install_from, is_startable, landfall, layout, partition, run,
    seed_kickstart,
};

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
    let (disk, size) = scratch.new_disk();
    let pull = || install_from(&scratch, &seed_kickstart(), &size, &reference);
    let distrusted = run(&mut pull()).expect(5);
    assert!(!disk.exists(), "the disk was made: {}", distrusted.stderr);
    let hint = "one with a certificate of its own `--ca`";
    assert!(
        distrusted.stderr.contains("UnknownIssuer"),
        "{}",
        distrusted.stderr
    );
    assert!(distrusted.stderr.contains(hint), "{}", distrusted.stderr);
    let trusted = run(pull().env("SSL_CERT_FILE", registry.ca())).expect(0);
    assert!(
        trusted
            .stdout
            .contains(&format!("follows  docker://{TARGET}")),
        "{}",
        trusted.stdout
    );
}

#[test]
fn a_registry_with_a_login_is_installed_from_and_can_be_followed() {
    let registry = Registry::guarded().unwrap();
    let reference = registry.push(layout(), "lab/plain:v1").unwrap();
    let authfile = registry.authfile().unwrap();
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = seed_kickstart().replace(TARGET, &reference);
    let mut pull = install_from(&scratch, &kickstart, &size, &reference);
    pull.arg("--ca").arg(registry.ca());
    let stranger = run(&mut pull).expect(5);
    assert!(!disk.exists());
    let texts = [
        "answered 401",
        "wants a login",
        "hint: give a login with `--authfile FILE`",
    ];
    assert!(
        texts.iter().all(|text| stranger.stderr.contains(text)),
        "{}",
        stranger.stderr
    );

    let mirrors = scratch.write("mirrors.conf", "[[registry]]\nlocation = \"r.example\"\n");
    pull.arg("--verbose").arg("--authfile").arg(&authfile);
    pull.arg("--target-authfile")
        .arg(&authfile)
        .arg("--target-ca")
        .arg(registry.ca());
    let done = run(pull.arg("--target-registries-conf").arg(&mirrors)).expect(0);
    let login = fs::read_to_string(&authfile).unwrap();
    let secret = login.split('"').max_by_key(|word| word.len()).unwrap();
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.contains(secret) && !text.contains(PASSWORD), "{text}");
    }
    let mounted = Mounted::of(&disk, &partition(&disk, "root")).unwrap();
    let etc = deployment(mounted.path()).join("etc");
    let host = registry.address();
    let authority = format!("containers/certs.d/{host}/landfall.crt");
    for (path, source, mode) in [
        ("ostree/auth.json", &authfile, 0o600),
        (
            "containers/registries.conf.d/50-landfall.conf",
            &mirrors,
            0o644,
        ),
        (&authority, &registry.ca(), 0o644),
    ] {
        let path = etc.join(path);
        assert_eq!(fs::read(&path).unwrap(), fs::read(source).unwrap());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            mode
        );
    }
}

#[test]
fn an_archive_of_docker_save_is_installed() {
    let scratch = Scratch::new();
    let archive = scratch.path("image.tar");
    let image = format!("docker-archive:{}", archive.display());
    let layout = format!("oci:{}", layout().display());
    // skopeo 1.9 does not unpack zstd on the way into such an archive.
    let unpacked = format!("dir:{}", scratch.path("unpacked").display());
    let target = format!("{image}:{TARGET}");
    for (from, to) in [(&layout, &unpacked), (&unpacked, &target)] {
        let mut copy = tool("skopeo").unwrap();
        copy.args(["--insecure-policy", "copy", "--quiet"]);
        copy.args(to.starts_with("dir:").then_some("--dest-decompress"));
        tool::run(copy.args([from, to])).unwrap();
    }
    let (disk, size) = scratch.new_disk();
    let done = run(&mut install_from(
        &scratch,
        &seed_kickstart(),
        &size,
        &image,
    ))
    .expect(0);
    assert!(
        done.stdout.contains(&format!("Installed {image}")),
        "{}",
        done.stdout
    );
    assert!(is_startable(&disk));
}

#[test]
fn an_archive_of_a_layout_is_the_image_of_the_layout() {
    let scratch = Scratch::new();
    let archive = scratch.path("image.tar");
    let mut pack = tool("tar").unwrap();
    pack.arg("--create").arg("--file").arg(&archive);
    tool::run(pack.arg("--directory").arg(layout()).arg(".")).unwrap();
    let kickstart = scratch.write("ks.cfg", &seed_kickstart());
    let (_, size) = scratch.new_disk();
    let digest = |image: String| {
        let mut plan = landfall(["plan", "--json", "--disk", &size, "--image", &image]);
        let plan = run(plan.arg("--kickstart").arg(&kickstart))
            .expect(0)
            .stdout;
        let mut lines = plan.lines().map(str::to_owned);
        lines.find(|line| line.contains("\"digest\"")).unwrap()
    };
    let packed = digest(format!("oci-archive:{}", archive.display()));
    assert_eq!(packed, digest(format!("oci:{}", layout().display())));
}

#[test]
fn a_policy_that_keeps_the_image_out_is_told_before_anything_is_written() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    for (rule, text) in [
        (r#"{"type":"reject"}"#, "the default rejects it"),
        (
            r#"{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k"}"#,
            "demands a signature",
        ),
    ] {
        let policy = scratch.write("policy.json", &format!(r#"{{"default":[{rule}]}}"#));
        let image = super::image_argument();
        let mut command = install_from(&scratch, &seed_kickstart(), &size, &image);
        let refused = run(command.arg("--policy").arg(&policy)).expect(5);
        let file = format!("against `{}`: ", policy.display());
        let texts = [text, &file, "error: checking `oci:"];
        assert!(
            texts.iter().all(|text| refused.stderr.contains(text)),
            "{}",
            refused.stderr
        );
        assert!(!disk.exists());
    }
}
