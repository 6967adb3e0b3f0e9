// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The targets that read archives.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use tempfile::TempDir;

use crate::engine::import::import;
use crate::engine::import::survey::{Places, Skeleton, survey};
use crate::engine::repository::{Checksum, Repository};
use crate::engine::scan::is_small;
use crate::image::{Image, archive as in_archive, shown};
use crate::tar_blocks::mend;

const TARGET: &str = "docker://localhost/image:1";

/// One or two layers, imported. The first byte says how: checksums mended, an ostree commit in the first, two layers.
///
/// What is taken can be read again and is what its name says; it stays inside the repository; and taking it again,
/// from what the first time left, gives the same. A look into layers of files before anything is stored found the same
/// names.
pub fn layers(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    let mut bytes = rest.to_vec();
    let (lower, upper) = bytes.split_at_mut(match how & 4 {
        0 => rest.len(),
        _ => rest.len() / 1024 * 512,
    });
    if how & 1 == 0 {
        mend(lower);
        mend(upper);
    }
    let both = [&*lower, &*upper];
    let archives = if upper.is_empty() { &both[..1] } else { &both };
    if !archives.iter().all(|archive| is_small(archive)) {
        return;
    }
    let image = Image::of(archives, how & 2 != 0);
    let dir = scratch();
    let repo = Repository::create(&dir.path().join("repo"), "").unwrap();
    let progress = &mut |_| ControlFlow::Continue(());
    let places = Places {
        files: ["etc/passwd".to_owned()].into(),
        directories: vec!["usr/lib".to_owned()],
        below: vec![("usr", "a")],
    };
    let foreseen = survey(&image, &places, progress);
    let Ok(first) = import(&repo, &image, TARGET, progress) else {
        return;
    };
    let again = import(&repo, &image, TARGET, progress).unwrap();
    assert_eq!(first.checksum, again.checksum);
    let (tree, meta) = repo.root_of(first.checksum).unwrap();
    repo.dirmeta(meta).unwrap();
    check_tree(&repo, tree);
    let foreseen = foreseen.unwrap();
    // An archive with a commit may have any names beside the objects, or none.
    if how & 2 == 0 {
        check_names(&repo, tree, (&foreseen, "/"));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Makes sure that every object is what its name says.
fn check_tree(repo: &Repository, tree: Checksum) {
    let tree = repo.dirtree(tree).unwrap();
    for sum in tree.files.into_values() {
        let mut staging = repo.stage().unwrap();
        let (meta, target) = repo.file_meta(sum).unwrap();
        let found = match target {
            Some(target) => staging.symlink(&meta, &target).unwrap(),
            None => {
                let (size, _) = repo.file_size(sum).unwrap();
                let mut content = repo.open_file(sum).unwrap();
                staging.regular(&meta, size, &mut content).unwrap()
            }
        };
        assert_eq!(found, sum);
        drop(staging);
        repo.clear_stagings().unwrap();
    }
    for (tree, meta) in tree.directories.into_values() {
        repo.dirmeta(meta).unwrap();
        check_tree(repo, tree);
    }
}

/// Makes sure that a tree has the names that were foreseen at a path. In `/var` and `/sysroot` none are.
fn check_names(repo: &Repository, tree: Checksum, (foreseen, path): (&Skeleton, &str)) {
    let tree = repo.dirtree(tree).unwrap();
    let mut names: Vec<_> = tree.files.keys().map(ToString::to_string).collect();
    names.extend(tree.directories.keys().map(ToString::to_string));
    names.sort();
    assert_eq!(foreseen.names(path).unwrap(), names, "{path}");
    for (name, (tree, _)) in tree.directories {
        let path = format!("{path}{name}/");
        if path != "/var/" && path != "/sysroot/" {
            check_names(repo, tree, (foreseen, &path));
        }
    }
}

/// An archive, of which a member is read. The first byte says whether checksums are mended.
pub fn archive(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    let mut bytes = rest.to_vec();
    if how & 1 == 0 {
        mend(&mut bytes);
    }
    let dir = scratch();
    let path = dir.path().join("archive");
    fs::write(&path, &bytes).unwrap();
    for name in ["index.json", "manifest.json", "blobs/sha256/0"] {
        match in_archive::read(&path, name) {
            Ok(count) => assert!(count <= bytes.len() as u64),
            Err(error) => shown(&error),
        }
    }
}

/// A new directory, in memory if there is room for it.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}
