// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Labels of imported images, wherever the policy stands.

use super::salvage::without_the_first;
use super::*;
use crate::engine::repository::Kind;

const CONTEXTS: &str = "\
/.*\tsystem_u:object_r:default_t:s0
/\t-d\tsystem_u:object_r:root_t:s0
/usr/.*\tsystem_u:object_r:usr_t:s0
/usr/bin/.*\t--\tsystem_u:object_r:bin_t:s0
/usr/etc(/.*)?\tsystem_u:object_r:etc_t:s0
/etc(/.*)?\tsystem_u:object_r:etc_t:s0
/usr/share/none\t<<none>>
";

fn with_policy(tar: Tar, contexts: &str) -> Tar {
    let at = "etc/selinux/lab/contexts/files";
    let config = b"SELINUX=enforcing\nSELINUXTYPE=lab\n";
    [
        "etc",
        "etc/selinux",
        "etc/selinux/lab",
        "etc/selinux/lab/contexts",
        at,
    ]
    .into_iter()
    .fold(tar, |tar, path| tar.dir(path, 0o755))
    .file("etc/selinux/config", 0o644, config)
    .file(&format!("{at}/file_contexts"), 0o644, contexts.as_bytes())
}

fn system(tar: Tar) -> Tar {
    tar.dir("usr/bin", 0o755)
        .file("usr/bin/sh", 0o755, b"shell")
        .symlink("usr/bin/bash", "sh")
        .dir("usr/share", 0o755)
        .hard_link("usr/share/sh", "usr/bin/sh")
        .xattr("security.selinux", b"from_the_archive\0")
        .file("usr/share/none", 0o644, b"none")
        .file("usr/share/big", 0o644, &vec![7; 2 << 20])
        .symlink("bin", "usr/bin")
}

/// What each path of a commit is labelled with.
fn labels(repo: &TestRepo, commit: Checksum) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let (tree, meta) = repo.repo.root_of(commit).unwrap();
    collect(repo, "", (tree, meta), &mut found);
    found
}

fn label(meta: &crate::engine::repository::Meta) -> Option<String> {
    let value = meta.xattrs.get(&b"security.selinux"[..])?;
    let text = std::str::from_utf8(value.strip_suffix(&[0]).unwrap()).unwrap();
    Some(text.split(':').nth(2).unwrap_or(text).to_owned())
}

fn collect(
    repo: &TestRepo,
    path: &str,
    (tree, meta): (Checksum, Checksum),
    found: &mut Vec<(String, Option<String>)>,
) {
    found.push((format!("{path}/"), label(&repo.repo.dirmeta(meta).unwrap())));
    let tree = repo.repo.dirtree(tree).unwrap();
    for (name, sum) in tree.files {
        let (meta, _) = repo.repo.file_meta(sum).unwrap();
        found.push((format!("{path}/{name}"), label(&meta)));
    }
    for (name, below) in tree.directories {
        collect(repo, &format!("{path}/{name}"), below, found);
    }
}

const EXPECTED: [(&str, Option<&str>); 17] = [
    ("/", Some("root_t")),
    ("/bin", Some("default_t")),
    ("/usr/", Some("default_t")),
    ("/usr/bin/", Some("usr_t")),
    ("/usr/bin/bash", Some("usr_t")),
    ("/usr/bin/sh", Some("bin_t")),
    ("/usr/etc/", Some("etc_t")),
    ("/usr/etc/selinux/", Some("etc_t")),
    ("/usr/etc/selinux/config", Some("etc_t")),
    ("/usr/etc/selinux/lab/", Some("etc_t")),
    ("/usr/etc/selinux/lab/contexts/", Some("etc_t")),
    ("/usr/etc/selinux/lab/contexts/files/", Some("etc_t")),
    (
        "/usr/etc/selinux/lab/contexts/files/file_contexts",
        Some("etc_t"),
    ),
    ("/usr/share/", Some("usr_t")),
    ("/usr/share/big", Some("usr_t")),
    ("/usr/share/none", None),
    ("/usr/share/sh", Some("usr_t")),
];

#[test]
fn every_path_has_its_label_wherever_the_policy_stands() {
    let tree = |layers: Vec<Tar>| {
        let layers: Vec<Packed> = layers.into_iter().map(plain).collect();
        let repo = TestRepo::new();
        let commit = repo.import(&layers).unwrap();
        let mut found = labels(&repo, commit.checksum);
        found.sort();
        let expected = EXPECTED.map(|(path, label)| (path.to_owned(), label.map(str::to_owned)));
        assert_eq!(found, expected);
        repo.fsck();
        repo.repo.root_of(commit.checksum).unwrap()
    };
    let other = CONTEXTS.replace("usr_t", "other_t");
    let first = tree(vec![system(with_policy(base(), CONTEXTS))]);
    assert_eq!(tree(vec![with_policy(system(base()), CONTEXTS)]), first);
    assert_eq!(
        tree(vec![system(base()), with_policy(base(), CONTEXTS)]),
        first
    );
    assert_eq!(
        tree(vec![with_policy(base(), CONTEXTS), system(base())]),
        first
    );
    let replaced = vec![
        system(with_policy(base(), &other)),
        with_policy(base(), CONTEXTS),
    ];
    assert_eq!(tree(replaced), first);
}

#[test]
fn layers_have_the_objects_of_the_image() {
    let layers = [
        plain(system(base())),
        plain(with_policy(base(), CONTEXTS).file("usr/.wh.gone", 0o644, b"")),
    ];
    let layout = LayoutDir::of(&layers);
    let (repo, image) = (TestRepo::new(), layout.open().unwrap());
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let mut found = Vec::new();
    for layer in &image.layers {
        let commit = resolve(&repo, &refs::layer(&layer.digest).unwrap());
        found.extend(labels(&repo, commit));
    }
    for path in labels(&repo, commit.checksum) {
        assert!(found.contains(&path), "{path:?}");
    }
    assert!(found.contains(&("/usr/.wh.gone".to_owned(), Some("usr_t".to_owned()))));
    // Another import takes the layers as they are.
    for layer in &image.layers {
        fs::remove_file(layout.blob_path(&layer.digest)).unwrap();
    }
    let before = repo.objects(Kind::File.suffix()).len();
    let again = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(again.checksum, commit.checksum);
    assert_eq!(repo.objects(Kind::File.suffix()).len(), before);
}

#[test]
fn a_policy_that_is_switched_off_labels_nothing() {
    let off = with_policy(system(base()), CONTEXTS).file(
        "etc/selinux/config",
        0o644,
        b"SELINUX=disabled\n",
    );
    let repo = TestRepo::new();
    let commit = repo.import(&[plain(off)]).unwrap();
    let found = labels(&repo, commit.checksum);
    assert!(found.iter().all(|(_, label)| label.is_none()), "{found:?}");
}

#[test]
fn labels_that_were_guessed_go_when_a_layer_above_switches_the_policy_off() {
    let lower = || plain(system(with_policy(base(), CONTEXTS)));
    let disabled = base().file("etc/selinux/config", 0o644, b"SELINUX=disabled\n");
    let removed = base().file("etc/selinux/.wh.config", 0o644, b"");
    for upper in [disabled, removed] {
        let layout = LayoutDir::of(&[lower(), plain(upper)]);
        let (repo, image) = (TestRepo::new(), layout.open().unwrap());
        let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
        let layer = resolve(&repo, &refs::layer(&image.layers[0].digest).unwrap());
        for commit in [commit.checksum, layer] {
            let found = labels(&repo, commit);
            assert!(found.iter().all(|(_, label)| label.is_none()), "{found:?}");
        }
        repo.fsck();
    }
}

#[test]
fn labels_of_a_layer_that_was_there_go_when_a_layer_above_switches_the_policy_off() {
    let lower = || plain(system(with_policy(base(), CONTEXTS)));
    let disabled = base().file("etc/selinux/config", 0o644, b"SELINUX=disabled\n");
    let removed = base().file("etc/selinux/.wh.config", 0o644, b"");
    for upper in [plain(disabled), plain(removed)] {
        let layers = [lower(), upper];
        let (repo, layout) = (TestRepo::new(), LayoutDir::of(&layers));
        let image = layout.open().unwrap();
        let [first, second] = [0, 1].map(|at| layout.blob_path(&image.layers[at].digest));
        let kept = fs::read(&second).unwrap();
        fs::remove_file(&second).unwrap();
        import(&repo.repo, &image, TARGET, &mut go_on).unwrap_err();
        fs::write(&second, kept).unwrap();
        fs::remove_file(&first).unwrap();
        let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
        let fresh = TestRepo::new().import(&layers).unwrap();
        assert_eq!(commit.checksum, fresh.checksum);
        let found = labels(&repo, commit.checksum);
        assert!(found.iter().all(|(_, label)| label.is_none()), "{found:?}");
        repo.fsck();
    }
}

#[test]
fn a_policy_that_cannot_be_read_is_an_error() {
    let bad = with_policy(base(), "/usr/(.*\tsystem_u:object_r:usr_t:s0\n");
    let error = TestRepo::new().import(&[plain(system(bad))]).unwrap_err();
    let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(
        chain.contains("SELinux policy: ") && chain.contains("file_contexts"),
        "{chain}"
    );
}

#[test]
fn a_layer_with_labels_is_salvaged_above_one_that_is_lost() {
    let lower = || plain(with_policy(base(), CONTEXTS));
    let upper = || {
        let tar = Tar::default().file("usr/bin/more", 0o755, b"more");
        plain(
            tar.dir("usr/share", 0o755)
                .file("usr/share/more", 0o644, b"more"),
        )
    };
    let (repo, layout) = (TestRepo::new(), LayoutDir::of(&[lower(), upper()]));
    let image = layout.open().unwrap();
    import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    // An import before this one gave the upper layer its labels. What is gone now is the policy.
    fs::remove_file(
        repo.dir
            .path()
            .join("refs/heads")
            .join(refs::layer(&image.layers[0].digest).unwrap()),
    )
    .unwrap();
    fs::remove_file(repo.dir.path().join("refs/heads").join(TARGET_REF)).unwrap();
    repo.ostree(&["prune", "--refs-only"]);
    without_the_first(&repo, &layout, &[true]);
}
