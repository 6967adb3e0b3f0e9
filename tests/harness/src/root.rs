// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Roots of other distributions: directories with a few unpacked packages, which programs are started in.
//!
//! Takes a Debian suite and names of packages; gives a directory that nobody may write to. No script of a package is run.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::cache;
use crate::tool::{quietly, run, tool};

/// The unpacked packages, with all that they depend on.
pub fn root(suite: &str, packages: &str) -> Result<PathBuf> {
    let key = format!("{suite}-{}", packages.replace(',', "-"));
    let entry = cache::entry(&cache::dir()?, "roots", &key, |dir| {
        let mut command = tool("mmdebstrap")?;
        command
            .args(["--quiet", "--variant=extract", "--components=main"])
            .arg(format!("--include={packages}"))
            .args([
                "--architectures=amd64",
                "--aptopt=Acquire::Check-Valid-Until \"false\"",
            ])
            .arg(suite)
            .arg(dir.join("root"))
            .arg(mirror()?);
        quietly(&mut command).map(drop)
    })?;
    Ok(entry.join("root"))
}

/// Where the machine's own packages come from; apt knows it only when it has lists.
fn mirror() -> Result<String> {
    if let Some(mirror) = known_mirror()? {
        return Ok(mirror);
    }
    quietly(tool("apt-get")?.args(["-qq", "update"]))?;
    known_mirror()?.context("no Debian mirror in the machine's apt sources")
}

fn known_mirror() -> Result<Option<String>> {
    let mut command = tool("apt-get")?;
    command.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    ]);
    let targets = run(command.arg("Created-By: Packages"))?;
    let lines = targets
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let mut mirrors = lines.filter_map(|words| match words.as_slice() {
        [address, release, "main"] if !release.contains('-') => Some((*address).to_owned()),
        _ => None,
    });
    Ok(mirrors.next())
}
