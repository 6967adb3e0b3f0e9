// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What root file system an image's initramfs makes (`ostree-prepare-root(1)`).
//!
//! Takes the tree of an image; says whether its root is an overlay, on which all of the tree is seen, or a deployment as
//! ostree makes it by itself. It deliberately does not know what follows from that.

use super::tree::{Directory, Leaf, Node};
use crate::engine::repository::Repository;

/// Where the file may be; the first that is there counts.
const PATHS: [&str; 2] = [
    "usr/etc/ostree/prepare-root.conf",
    "usr/lib/ostree/prepare-root.conf",
];
/// Bytes of the file that are read.
const MOST: u64 = 64 * 1024;

/// Whether composefs or a transient root is switched on.
pub(super) fn is_overlay(repo: &Repository, tree: &Directory) -> bool {
    settings(tree)
        .and_then(|file| repo.content(file.checksum, MOST).ok())
        .is_some_and(|text| says_overlay(&String::from_utf8_lossy(&text)))
}

/// The file that counts, in a tree of any kind.
pub(super) fn settings<F: Leaf>(tree: &Directory<F>) -> Option<&F> {
    PATHS.iter().find_map(|path| match tree.get(path) {
        Some(Node::File(file)) if !file.is_symlink() => Some(file),
        _ => None,
    })
}

/// The same of the file's text.
pub(super) fn says_overlay(text: &str) -> bool {
    let mut group = "";
    text.lines().map(str::trim).any(|line| {
        if let Some(name) = line.strip_prefix('[') {
            group = name.trim_end_matches(']');
            return false;
        }
        let Some((key, value)) = line.split_once('=') else {
            return false;
        };
        match (group, key.trim(), value.trim()) {
            ("composefs", "enabled", value) => {
                matches!(value, "yes" | "true" | "1" | "maybe" | "signed" | "verity")
            }
            ("root", "transient", value) => matches!(value, "yes" | "true" | "1"),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switches_are_found_in_their_groups() {
        for (text, overlay) in [
            ("[composefs]\nenabled = yes\n", true),
            ("[composefs]\nenabled=verity", true),
            ("[root]\ntransient=true\n", true),
            (
                "[composefs]\nenabled = no\n[root]\ntransient=false\n",
                false,
            ),
            ("[sysroot]\nreadonly=true\n", false),
            ("[other]\nenabled=yes\n[etc]\ntransient=true\n", false),
            ("# [composefs]\n# enabled=yes\n", false),
            ("", false),
        ] {
            assert_eq!(says_overlay(text), overlay, "{text}");
        }
    }
}
