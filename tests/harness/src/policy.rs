// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Debian's SELinux policy, as its package installs it.
//!
//! Takes nothing; gives the directory `/etc/selinux/default` of a system with `selinux-policy-default`, made with
//! the package's modules and the programs that its installation runs. The policy is not installed on the machine.
//! Does not know what a policy means.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{cache, tool};

const PACKAGE: &str = "selinux-policy-default";
/// Part of the key: raise it when this module makes something else.
const BUILDER: u32 = 1;

/// The policy's directory, in the cache.
pub fn directory() -> Result<PathBuf> {
    let key = format!("debian-{BUILDER}");
    let root = cache::entry(&cache::dir()?, "policies", &key, build)?;
    Ok(policy(&root))
}

fn policy(root: &Path) -> PathBuf {
    root.join("etc/selinux/default")
}

fn build(root: &Path) -> Result<()> {
    let scratch = tempfile::Builder::new()
        .prefix("landfall-policy-")
        .tempdir_in("/var/tmp")?;
    let deb = download(scratch.path())?;
    tool::run(tool::tool("dpkg-deb")?.arg("--extract").args([&deb, root]))?;
    let modules = root.join("usr/share/selinux/default");
    let list =
        fs::read_to_string(modules.join(".modules")).context("reading the list of modules")?;
    fs::create_dir_all(root.join("var/lib/selinux"))?;
    let mut semodule = tool::tool("semodule")?;
    semodule.args(["--noreload", "--store=default", "--priority=100"]);
    // Below the root, as well.
    semodule.arg("--store-path=/var/lib/selinux");
    semodule.arg(format!("--path={}", root.display()));
    for module in list.split_whitespace() {
        let file = modules.join(format!("{module}.pp.bz2"));
        semodule.arg(format!("--install={}", file.display()));
    }
    tool::run(&mut semodule)?;
    fs::remove_dir_all(root.join("usr"))?;
    fs::remove_dir_all(root.join("var"))?;
    Ok(())
}

/// The package, with lists of packages of its own: those of the machine may be old or missing.
fn download(dir: &Path) -> Result<PathBuf> {
    let lists = dir.join("lists");
    fs::create_dir_all(lists.join("partial"))?;
    let apt = |arguments: &[&str]| {
        let mut apt = tool::tool("apt-get")?;
        apt.args(["--quiet=2", "--option", "APT::Sandbox::User=root"]);
        apt.arg(format!("--option=Dir::State::lists={}", lists.display()));
        tool::run(apt.args(arguments).current_dir(dir))
    };
    apt(&["update"])?;
    apt(&["download", PACKAGE])?;
    let mut files = fs::read_dir(dir)?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let deb = files.find(|file| file.path().extension().is_some_and(|kind| kind == "deb"));
    Ok(deb.context("the package was not downloaded")?.path())
}
