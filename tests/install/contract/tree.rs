// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tree of an installed image, beside the one that the reference importer makes of the same image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use landfall_harness::oracle;
use landfall_harness::tool::{self, tool};

use super::super::Scratch;
use super::{System, text};

pub(super) fn is_that_of_the_reference_importer(system: &System<'_>) {
    let ours = oracle::query_system(system.root).unwrap();
    let repo = repository(system.kind);
    let theirs = oracle::import(&repo, system.layout).unwrap();
    let tree = text(&ours["deployments"][0]["image"]["tree"]);
    if theirs["tree"] != tree {
        let ours = listing(&system.root.join("ostree/repo"), &system.commit());
        let theirs = listing(&repo, &text(&theirs["commit"]));
        panic!(
            "only ours: {:#?}\nonly theirs: {:#?}",
            ours.difference(&theirs).collect::<Vec<_>>(),
            theirs.difference(&ours).collect::<Vec<_>>()
        );
    }
}

/// Where the reference importer has the images of a kind and their second versions: layers of both are read once. It
/// stays below `target` until the next run makes it again.
fn repository(kind: &str) -> PathBuf {
    static ALL: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let family = kind.trim_end_matches("-v2");
    let mut all = ALL.lock().unwrap();
    let repo = all
        .entry(family.to_owned())
        .or_insert_with(|| Scratch::staying(&format!("oracle-{family}")).path("repo"));
    repo.clone()
}

/// Every name of a commit with mode, owner, checksums and attributes.
fn listing(repo: &Path, commit: &str) -> BTreeSet<String> {
    let mut list = tool("ostree").unwrap();
    list.args(["ls", "-R", "-C", "-X", "--repo"]).arg(repo);
    let listed = tool::run(list.arg(commit)).unwrap();
    listed.lines().map(str::to_owned).collect()
}
