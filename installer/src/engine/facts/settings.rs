// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads [`SettingsFacts`] from the image's merged tree.
//!
//! It looks at a fixed list of places. Files that are no text are as if they were missing: nothing is taken from them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::engine::view::View;
use crate::plan::SettingsFacts;

/// Where network profiles are written.
const PROFILES: [&str; 2] = [
    "/etc/NetworkManager/system-connections",
    "/etc/systemd/network",
];
/// Where distributions have console keymaps and fonts.
const KEYMAPS: [&str; 3] = [
    "usr/lib/kbd/keymaps",
    "usr/share/kbd/keymaps",
    "usr/share/keymaps",
];
const FONTS: [&str; 3] = [
    "usr/lib/kbd/consolefonts",
    "usr/share/kbd/consolefonts",
    "usr/share/consolefonts",
];
/// Keymaps of more are not looked at: the largest collection has under a thousand.
const MOST_KEYMAPS: usize = 10_000;

pub(super) fn read(tree: &dyn View) -> io::Result<SettingsFacts> {
    Ok(SettingsFacts {
        files: files(tree)?,
        texts: texts(tree)?,
        keymaps: keymaps(tree)?,
        fonts: fonts(tree)?,
        network_plugins: plugins(tree)?,
    })
}

/// Where the tree has a file of the installed system: its `/etc` is below `/usr`.
pub(super) fn place(path: &str) -> String {
    match path.strip_prefix("/etc/") {
        Some(rest) => format!("usr/etc/{rest}"),
        None => path.trim_start_matches('/').to_owned(),
    }
}

fn files(tree: &dyn View) -> io::Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    for directory in PROFILES {
        let names = tree.names(&place(directory))?.into_iter();
        files.extend(names.map(|name| format!("{directory}/{name}")));
    }
    let host_name = "/etc/hostname";
    if tree.is_file(&place(host_name)) {
        files.insert(host_name.to_owned());
    }
    Ok(files)
}

fn texts(tree: &dyn View) -> io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for path in SettingsFacts::TEXTS {
        match tree.text(&place(path)) {
            Ok(text) => {
                texts.insert(path.to_owned(), text);
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                ) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(texts)
}

/// Names of the files `NAME.map`, `NAME.kmap`, packed or not, at most four directories deep.
fn keymaps(tree: &dyn View) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, u32)> = KEYMAPS.map(|top| (top.to_owned(), 0)).into();
    while let Some((directory, depth)) = open.pop() {
        for name in tree.names(&directory)? {
            let path = format!("{directory}/{name}");
            let plain = name.trim_end_matches(".gz");
            let keymap = plain
                .strip_suffix(".map")
                .or_else(|| plain.strip_suffix(".kmap"));
            match keymap {
                Some(keymap) => {
                    found.insert(keymap.to_owned());
                }
                None if depth < 4 && tree.is_directory(&path) => open.push((path, depth + 1)),
                None => {}
            }
            if found.len() + open.len() > MOST_KEYMAPS {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn fonts(tree: &dyn View) -> io::Result<BTreeSet<String>> {
    let mut fonts = BTreeSet::new();
    for directory in FONTS {
        let names = tree.names(directory)?.into_iter();
        fonts.extend(names.map(|name| name.split('.').next().unwrap_or("").to_owned()));
    }
    Ok(fonts)
}

/// Below `/usr/lib/NetworkManager/VERSION`, where distributions have other names for `lib`.
fn plugins(tree: &dyn View) -> io::Result<BTreeSet<String>> {
    let mut tops = vec!["usr/lib".to_owned(), "usr/lib64".to_owned()];
    let multiarch = tree.names("usr/lib")?.into_iter();
    let multiarch = multiarch.filter(|name| name.ends_with("-linux-gnu"));
    tops.extend(multiarch.map(|name| format!("usr/lib/{name}")));
    let mut plugins = BTreeSet::new();
    for top in tops {
        let directory = format!("{top}/NetworkManager");
        for version in tree.names(&directory)? {
            if tree.is_directory(&format!("{directory}/{version}")) {
                plugins.extend(tree.names(&format!("{directory}/{version}"))?);
            }
        }
    }
    plugins.retain(|name| name.starts_with("libnm-device-plugin-"));
    Ok(plugins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::root::Root;

    #[test]
    fn facts_are_found_where_distributions_have_them() {
        let top = tempfile::tempdir().unwrap();
        let root = Root::open(top.path()).unwrap();
        for (path, text) in [
            ("/usr/etc/hostname", "lab\n"),
            ("/usr/etc/systemd/network/10-a.network", ""),
            ("/usr/etc/chrony/chrony.conf", "pool a\n"),
            ("/usr/share/keymaps/i386/qwerty/us.kmap.gz", ""),
            ("/usr/lib/kbd/keymaps/xkb/cz.map.gz", ""),
            ("/usr/share/consolefonts/eurlatgr.psfu.gz", ""),
            (
                "/usr/lib/x86_64-linux-gnu/NetworkManager/1.52/libnm-device-plugin-team.so",
                "",
            ),
            ("/usr/lib/x86_64-linux-gnu/NetworkManager/1.52/other.so", ""),
            ("/usr/lib/NetworkManager/conf.d", ""),
        ] {
            root.write(path, 0o644, text).unwrap();
        }
        std::fs::write(top.path().join("usr/etc/vconsole.conf"), [0xff]).unwrap();
        let facts = read(&root).unwrap();
        let set = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let expected = SettingsFacts {
            files: set(&["/etc/hostname", "/etc/systemd/network/10-a.network"]),
            texts: [("/etc/chrony/chrony.conf".to_owned(), "pool a\n".to_owned())].into(),
            keymaps: set(&["us", "cz"]),
            fonts: set(&["eurlatgr"]),
            network_plugins: set(&["libnm-device-plugin-team.so"]),
        };
        assert_eq!(facts, expected);
    }
}
