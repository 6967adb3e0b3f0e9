// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kernel arguments of the next deployment, which `bootc` decides and not the library: those of the deployment that it
//! takes over from, without what only the old image asks for, and with what only the new one does.

use anyhow::{Context as _, Result};
use ostree_ext::gio::{Cancellable, File, FileQueryInfoFlags};
use ostree_ext::ostree::Sysroot;
use ostree_ext::prelude::FileExt as _;

const NONE: Option<&Cancellable> = None;

/// Where an image has its arguments.
const DIRECTORY: &str = "usr/lib/bootc/kargs.d";

/// The arguments for `commit`.
pub(crate) fn next(sysroot: &Sysroot, stateroot: &str, commit: &str) -> Result<Vec<String>> {
    let current = sysroot.merge_deployment(Some(stateroot));
    let current = current.context("nothing is deployed yet")?;
    let asked = |commit: &str| {
        let (root, _) = sysroot.repo().read_commit(commit, NONE)?;
        asked(&root.resolve_relative_path(DIRECTORY))
    };
    let (old, new) = (asked(&current.csum())?, asked(commit)?);
    let options = current.bootconfig().and_then(|boot| boot.get("options"));
    let options = options.context("a deployment without kernel arguments")?;
    let kept = options.split_whitespace().map(str::to_owned);
    let kept = kept.filter(|one| new.contains(one) || !old.contains(one));
    let mut next: Vec<String> = kept.collect();
    for one in new {
        if !old.contains(&one) && !next.contains(&one) {
            next.push(one);
        }
    }
    Ok(next)
}

/// What the files of a directory ask for, in the order of their names.
fn asked(directory: &File) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if directory.query_exists(NONE) {
        let flags = FileQueryInfoFlags::NOFOLLOW_SYMLINKS;
        for child in directory.enumerate_children("standard::name", flags, NONE)? {
            names.push(child?.name());
        }
    }
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let (text, _) = directory.child(&name).load_contents(NONE)?;
        let file: toml::Table = toml::from_str(std::str::from_utf8(&text)?)
            .with_context(|| format!("reading {}", name.display()))?;
        let list = file.get("kargs").and_then(toml::Value::as_array);
        let words = list.into_iter().flatten().filter_map(toml::Value::as_str);
        all.extend(words.flat_map(str::split_whitespace).map(str::to_owned));
    }
    Ok(all)
}
