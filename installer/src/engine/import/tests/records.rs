// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is kept of an image beside its files: refs, commits of layers, manifest and configuration.

use super::*;

#[test]
fn layer_commits_hold_the_layer_with_its_whiteouts() {
    let repo = TestRepo::new();
    let upper = || {
        base()
            .file("usr/.wh.a", 0o644, b"")
            .file("usr/b", 0o644, b"b")
    };
    let layers = [plain(base().file("usr/a", 0o644, b"a")), plain(upper())];
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let layer_ref = |at: usize| {
        format!(
            "ostree/container/blob/{}",
            image.layers[at].digest.replace(':', "_3A_")
        )
    };
    assert_eq!(repo.listing(&layer_ref(1)), repo.oracle(&upper().end()));
    assert_eq!(
        repo.listing(&layer_ref(0)),
        repo.oracle(&base().file("usr/a", 0o644, b"a").end())
    );
    let upper_commit = resolve(&repo, &layer_ref(1));
    assert_eq!(
        repo.metadata(upper_commit, metadata::IMPORTER.0),
        metadata::IMPORTER.1
    );
    assert!(!repo.listing(&commit.checksum.to_string()).contains(".wh."));
    let mut refs: Vec<_> = repo.ostree(&["refs"]).lines().map(str::to_owned).collect();
    refs.sort();
    let mut expected = vec![
        layer_ref(0),
        layer_ref(1),
        "oracle".to_owned(),
        TARGET_REF.to_owned(),
    ];
    expected.sort();
    assert_eq!(refs, expected);
}

#[test]
fn merge_commit_says_what_bootc_reads() {
    let repo = TestRepo::new();
    let layout = LayoutDir::of(&[plain(base())]);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(resolve(&repo, TARGET_REF), commit.checksum);
    let get = |key| repo.metadata(commit.checksum, key);
    assert_eq!(get("ostree.manifest-digest"), image.digest);
    assert_eq!(get("ostree.manifest"), image.manifest);
    assert_eq!(get("ostree.container.image-config"), image.config);
    assert_eq!(get("ostree.importer.version"), env!("CARGO_PKG_VERSION"));
    let shown = repo.ostree(&["show", "--raw", &commit.checksum.to_string()]);
    assert_eq!(shown.matches("'ostree.").count(), 4, "{shown}");
    let shown = repo.ostree(&["show", &commit.checksum.to_string()]);
    assert!(
        shown.contains("Date:  2024-05-06 07:08:09 +0000"),
        "{shown}"
    );
    assert!(
        !shown.contains("Parent:") && shown.contains("(no subject)"),
        "{shown}"
    );
    let again = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(again.checksum, commit.checksum);
}

#[test]
fn docker_manifest_is_stored_as_oci_under_its_own_digest() {
    let repo = TestRepo::new();
    let layers = [plain(base())];
    let layout = LayoutDir::of(&layers);
    let mut docker: Value = serde_json::from_str(&layout.open().unwrap().manifest).unwrap();
    docker["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json");
    docker["config"]["mediaType"] = json!("application/vnd.docker.container.image.v1+json");
    docker["layers"][0]["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
    layout.index(&[layout.manifest(&docker)]);
    let image = layout.open().unwrap();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let get = |key| repo.metadata(commit.checksum, key);
    assert_eq!(get("ostree.manifest-digest"), image.digest);
    let stored: Value = serde_json::from_str(&get("ostree.manifest")).unwrap();
    assert_eq!(
        stored["mediaType"],
        "application/vnd.oci.image.manifest.v1+json"
    );
    assert_eq!(
        stored["config"]["mediaType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert_eq!(
        stored["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    assert_eq!(stored["layers"][0]["digest"], docker["layers"][0]["digest"]);
}
