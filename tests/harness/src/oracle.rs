// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference importer, `tests/oracle`, as a process.
//!
//! Builds the program once, in a workspace of its own, and gives its answers as JSON. For images without an ostree
//! base, which that importer refuses, it has the way around: [`with_tiny_base`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::tool::{self, tool};
use crate::variant;

/// The program, built when it is not there or not up to date: `DIR/oracle/release/oracle` in cargo's target directory.
pub fn oracle() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = &*built {
        return Ok(program.clone());
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tests.join("../target"), PathBuf::from);
    let target = target.join("oracle");
    tool("pkg-config")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--release",
        "--quiet",
        "--locked",
        "--manifest-path",
    ]);
    build.arg(tests.join("oracle/Cargo.toml"));
    build.arg("--target-dir").arg(&target);
    // What cargo says to a build script or a test is not meant for another workspace.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&name);
        }
    }
    tool::run(&mut build)?;
    let program = target.join("release/oracle");
    *built = Some(program.clone());
    Ok(program)
}

/// Asks the program; what it prints.
pub fn ask<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Value> {
    let mut command = Command::new(oracle()?);
    command.env("LC_ALL", "C").args(arguments);
    let answer = tool::run(&mut command)?;
    serde_json::from_str(&answer).context("reading the oracle's answer")
}

/// Imports the one image of a layout into the repository `repo`; an image without an ostree base gets a tiny one.
pub fn import(repo: &Path, layout: &Path) -> Result<Value> {
    let scratch = tempfile::Builder::new()
        .prefix("landfall-oracle-")
        .tempdir_in("/var/tmp")?;
    let based = scratch.path().join("image");
    let layout = if variant::label(layout, "ostree.final-diffid")?.is_some() {
        layout
    } else {
        with_tiny_base(layout, &based)?;
        &based
    };
    let image = format!("oci:{}", layout.display());
    ask([
        "import".as_ref(),
        "--repo".as_ref(),
        repo.as_os_str(),
        image.as_ref(),
    ])
}

/// What the importer finds in the system below `root`; its `/boot` must be mounted, too.
pub fn query_system(root: &Path) -> Result<Value> {
    ask(["query".as_ref(), "--sysroot".as_ref(), root.as_os_str()])
}

/// How [`encapsulate`] makes an image.
#[derive(Debug, Clone, Default)]
pub struct Encapsulation {
    /// Names of layers, and the paths they have; with none, the image is one layer.
    pub chunks: Vec<(String, String)>,
    /// Labels of the image.
    pub labels: Vec<(String, String)>,
}

/// Makes an image of the commit in `repo`; `layout` must not be there.
pub fn encapsulate(repo: &Path, commit: &str, how: &Encapsulation, layout: &Path) -> Result<()> {
    let mut arguments = vec!["encapsulate".to_owned(), "--fast".to_owned()];
    for (name, path) in &how.chunks {
        arguments.extend(["--chunk".to_owned(), format!("{name}={path}")]);
    }
    for (key, value) in &how.labels {
        arguments.extend(["--label".to_owned(), format!("{key}={value}")]);
    }
    arguments.push(format!("--repo={}", repo.display()));
    arguments.extend([commit.to_owned(), format!("oci:{}", layout.display())]);
    ask(arguments).map(drop)
}

/// An image with the layers of `layout` on top of an ostree commit of hardly anything, written to `to`.
///
/// The importer takes them for derived layers then, and since the commit says that the root is composefs, it keeps
/// what is outside of `/usr`, too. The merged tree is that of `layout` if it has the commit's one file,
/// `usr/lib/ostree/prepare-root.conf`, itself, and its top directory is root's with mode 0755.
pub fn with_tiny_base(layout: &Path, to: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let tree = scratch.path().join("tree");
    let conf = tree.join("usr/lib/ostree/prepare-root.conf");
    fs::create_dir_all(conf.parent().context("a path without a directory")?)?;
    fs::write(&conf, "[composefs]\nenabled=yes\n")?;
    let repo = scratch.path().join("repo");
    let commit = commit(&repo, &[format!("dir={}", tree.display())])?;
    let base = scratch.path().join("base");
    encapsulate(&repo, &commit, &Encapsulation::default(), &base)?;
    variant::stack(&base, layout, to).map(drop)
}

/// Commits trees, the later above the earlier, to the repository `repo`, which is made if need be. A tree is what
/// `ostree commit --tree` takes; `etc` of an archive goes where a commit has it.
pub fn commit(repo: &Path, trees: &[String]) -> Result<String> {
    let repo = format!("--repo={}", repo.display());
    tool::run(tool("ostree")?.args([&repo, "init", "--mode=bare"]))?;
    let mut commit = tool("ostree")?;
    commit.args(["commit", &repo, "--fsync=no", "--branch=base"]);
    commit.args([
        "--add-metadata=ostree.bootable=true",
        "--timestamp=@1793491200",
    ]);
    // Parents, for `etc` comes before `usr` in an archive.
    commit.args([
        "--tar-pathname-filter=^(\\./)?etc,usr/etc",
        "--tar-autocreate-parents",
    ]);
    commit.args(trees.iter().map(|tree| format!("--tree={tree}")));
    Ok(tool::run(&mut commit)?.trim().to_owned())
}
