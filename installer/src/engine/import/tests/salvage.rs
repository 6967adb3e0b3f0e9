// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is kept when layers are lost, the disk is full, or the repository fails.

use std::io;
use std::time::Instant;

use super::resuming::read;
use super::*;

/// Layers of a file each, and an image of them.
fn of_files(names: &[&str]) -> (LayoutDir, Image) {
    let layer = |name: &&str| plain(base().file(name, 0o644, name.as_bytes()));
    let layout = LayoutDir::of(&names.iter().map(layer).collect::<Vec<_>>());
    let image = layout.open().unwrap();
    (layout, image)
}

/// Merges what came of an image of which layer 1 is lost.
fn without_the_middle<'i>(repo: &'i Repository, image: &'i Image) -> Merge<'i> {
    let mut merge = Merge::new(repo, image);
    for at in [0, 2] {
        merge.add(at, read((repo, image), at).unwrap()).unwrap();
    }
    merge
}

#[test]
fn after_a_publish_that_failed_nothing_waits_to_be_salvaged() {
    let (repo, (_layout, image)) = (TestRepo::new(), of_files(&["usr/a", "usr/b", "usr/c"]));
    let mut merge = without_the_middle(&repo.repo, &image);
    let (objects, aside) = (
        repo.dir.path().join("objects"),
        repo.dir.path().join("aside"),
    );
    fs::rename(&objects, &aside).unwrap();
    fs::write(&objects, "").unwrap();
    merge.publish().unwrap_err();
    fs::remove_file(&objects).unwrap();
    fs::rename(&aside, &objects).unwrap();
    // The metadata of the directories of layer 2 are those of layer 0, which were lost.
    merge.salvage().unwrap();
    drop(merge);
    assert_eq!(repo.ostree(&["refs"]), "");
}

/// A small file system in memory.
struct Memory(tempfile::TempDir);

impl Memory {
    fn mounted(options: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        run(mount.arg(dir.path()), "mount");
        Self(dir)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        run(umount.arg("--lazy").arg(self.0.path()), "umount");
    }
}

#[test]
fn on_a_full_disk_what_was_merged_is_salvaged() {
    let memory = Memory::mounted("size=1M");
    let repo = Repository::create(memory.0.path(), "").unwrap();
    let (_layout, image) = of_files(&["usr/a", "usr/b", "usr/c"]);
    let mut merge = without_the_middle(&repo, &image);
    let ballast = memory.0.path().join("ballast");
    let written = fs::write(&ballast, vec![1; 2 << 20]);
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    // Enough for a ref, too little for a commit.
    let length = fs::metadata(&ballast).unwrap().len();
    let shorter = length.div_ceil(4096) * 4096 - 2 * 4096;
    let file = fs::OpenOptions::new().write(true).open(&ballast).unwrap();
    file.set_len(shorter).unwrap();
    drop(file);
    let error = merge.salvage().unwrap_err();
    assert!(matches!(error, ImportError::Repository { .. }), "{error}");
    drop(merge);
    let found = |at: usize| {
        let name = refs::layer(&image.layers[at].digest).unwrap();
        repo.resolve(&name).unwrap()
    };
    assert!(found(0).is_some() && found(2).is_none());
    fs::remove_file(ballast).unwrap();
    let commit = import(&repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(commit.reused_bytes, image.layers[0].size);
}

#[test]
fn a_layer_that_fills_the_disk_leaves_room_for_what_was_merged() {
    let memory = Memory::mounted("size=1M");
    let repo = Repository::create(memory.0.path(), "").unwrap();
    let large = base().file("usr/b", 0o644, &vec![1; 900 << 10]);
    let large = large.file("usr/c", 0o644, &vec![2; 900 << 10]);
    let layout = LayoutDir::of(&[plain(base().file("usr/a", 0o644, b"a")), plain(large)]);
    let image = layout.open().unwrap();
    let first = read((&repo, &image), 0).unwrap();
    let error = read((&repo, &image), 1).unwrap_err();
    assert!(matches!(error, ImportError::Repository { .. }), "{error}");
    let mut merge = Merge::new(&repo, &image);
    merge.add(0, first).unwrap();
    merge.salvage().unwrap();
    drop(merge);
    let name = refs::layer(&image.layers[0].digest).unwrap();
    assert!(repo.resolve(&name).unwrap().is_some());
}

/// What the next import makes of the two layers, when of an earlier one only the upper layer came; it is taken as it is
/// exactly if `is_kept`.
fn only_the_upper_came(layers: &[Packed; 2], is_kept: bool) {
    let (repo, layout) = (TestRepo::new(), LayoutDir::of(layers));
    let image = layout.open().unwrap();
    let mut merge = Merge::new(&repo.repo, &image);
    merge
        .add(1, read((&repo.repo, &image), 1).unwrap())
        .unwrap();
    merge.salvage().unwrap();
    drop(merge);
    repo.fsck();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let kept = if is_kept { image.layers[1].size } else { 0 };
    assert_eq!(commit.reused_bytes, kept);
    let other = TestRepo::new();
    let fresh = other.import(layers).unwrap();
    assert_eq!(commit.checksum, fresh.checksum);
    for layer in &image.layers {
        let name = refs::layer(&layer.digest).unwrap();
        assert_eq!(resolve(&repo, &name), resolve(&other, &name));
    }
    repo.fsck();
}

#[test]
fn a_layer_above_a_lost_one_is_kept() {
    let lower = || {
        let tar = Tar::default().dir("./", 0o555).dir("usr/", 0o700);
        plain(tar.dir("usr/a", 0o711).file("usr/a/x", 0o644, b"x"))
    };
    // It mentions neither the root nor the directories on its way.
    let upper = Tar::default()
        .file("usr/a/y", 0o644, b"y")
        .dir("usr/a/b", 0o770)
        .file("usr/a/.wh.x", 0o644, b"");
    only_the_upper_came(&[lower(), plain(upper)], true);
    let linked = base().hard_link("usr/a/z", "usr/a/x");
    only_the_upper_came(&[lower(), plain(linked)], false);
}

/// An import of an image whose layer 0 cannot be had, which keeps the layers from 1 on that `kept` says; and the next one,
/// with layer 0, which makes what an import into an empty repository makes.
pub(super) fn without_the_first(repo: &TestRepo, layout: &LayoutDir, kept: &[bool]) {
    let image = layout.open().unwrap();
    let first = layout.blob_path(&image.layers[0].digest);
    let aside = first.with_extension("aside");
    fs::rename(&first, &aside).unwrap();
    // Only layers that somebody has begun to read are still read then: each has its staging.
    let last = format!("tmp/landfall-{}", image.layers.len() - 1);
    let last = repo.dir.path().join(last);
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut are_begun = false;
    let mut wait = |_| {
        while !are_begun {
            assert!(Instant::now() < deadline, "layers are not begun");
            thread::sleep(Duration::from_millis(1));
            are_begun = last.exists();
        }
        ControlFlow::Continue(())
    };
    let fresh = Repository::open(repo.dir.path()).unwrap();
    let error = import(&fresh, &image, TARGET, &mut wait).unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    fs::rename(&aside, &first).unwrap();
    repo.ostree(&["prune", "--refs-only"]);
    repo.fsck();
    let commit = import(&repo.repo, &image, TARGET, &mut go_on).unwrap();
    let kept = image.layers[1..]
        .iter()
        .zip(kept)
        .filter(|(_, kept)| **kept);
    assert_eq!(
        commit.reused_bytes,
        kept.map(|(layer, _)| layer.size).sum::<u64>()
    );
    let other = TestRepo::new();
    let fresh = import(&other.repo, &image, TARGET, &mut go_on).unwrap();
    assert_eq!(commit.checksum, fresh.checksum);
    for layer in &image.layers {
        let name = refs::layer(&layer.digest).unwrap();
        assert_eq!(resolve(repo, &name), resolve(&other, &name), "{name}");
    }
    repo.fsck();
}
