// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an image says to installers: `bootc/install/*.toml` in its `/usr/lib`, `/usr/local/lib` and `/etc`.
//!
//! Takes the image's tree, gives the kernel arguments to add and to leave out. As in bootc, a file takes the place of one with
//! the same name in an earlier directory, and the rest counts in the order of the names. What else bootc reads there (types of
//! file systems, mounts) is the kickstart's to say here, and passed over.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use super::error::EngineError;
use super::facts::is_arch;
use super::view::View;
use crate::plan::InstallKargs;

/// In a tree of ostree's, what will be `/etc` is in `/usr/etc`.
pub(super) const DIRECTORIES: [&str; 3] = [
    "usr/lib/bootc/install",
    "usr/local/lib/bootc/install",
    "usr/etc/bootc/install",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    install: Install,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Install {
    kargs: Vec<String>,
    karg_deletes: Vec<String>,
    match_architectures: Option<Vec<String>>,
}

pub(super) fn read(tree: &dyn View, arch: &str) -> Result<InstallKargs, EngineError> {
    let context = |path: &str| format!("reading `/{path}` of the image");
    let mut paths = BTreeMap::new();
    for directory in DIRECTORIES {
        let names = tree
            .names(directory)
            .map_err(|e| EngineError::tree(context(directory), e))?;
        let files = names.into_iter().filter(|name| is_toml(name));
        paths.extend(files.map(|name| (name.clone(), format!("{directory}/{name}"))));
    }
    let mut kargs = InstallKargs::default();
    for path in paths.values() {
        let text = tree
            .text(path)
            .map_err(|e| EngineError::tree(context(path), e))?;
        let file = parse(&text).map_err(|e| EngineError::tree(context(path), e))?;
        add(&mut kargs, file.install, arch);
    }
    Ok(kargs)
}

fn is_toml(name: &str) -> bool {
    std::path::Path::new(name).extension() == Some("toml".as_ref())
}

fn parse(text: &str) -> io::Result<File> {
    toml::from_str(text).map_err(io::Error::other)
}

/// An element may hold several arguments.
fn add(kargs: &mut InstallKargs, install: Install, arch: &str) {
    let architectures = install.match_architectures;
    if architectures.is_some_and(|list| !list.iter().any(|name| is_arch(name, arch))) {
        return;
    }
    let words = |list: Vec<String>| {
        list.iter()
            .flat_map(|text| text.split_whitespace().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    kargs.add.extend(words(install.kargs));
    kargs.delete.extend(words(install.karg_deletes));
}

#[cfg(test)]
mod tests {
    use super::super::root::Root;
    use super::*;

    #[test]
    fn files_count_by_name_and_later_directories_take_the_place_of_earlier_ones() {
        let top = tempfile::tempdir().unwrap();
        let root = Root::open(top.path()).unwrap();
        let files = [
            (
                "usr/lib/bootc/install/20-b.toml",
                "[install]\nkargs = [\"b=1 c\"]\nroot-fs-type = \"xfs\"",
            ),
            (
                "usr/lib/bootc/install/10-a.toml",
                "[install]\nkargs = [\"hidden\"]",
            ),
            (
                "usr/etc/bootc/install/10-a.toml",
                "[install]\nkargs = [\"a\"]\nkarg-deletes = [\"quiet\"]",
            ),
            (
                "usr/lib/bootc/install/30-c.toml",
                "[install]\nkargs = [\"arm\"]\nmatch-architectures = [\"aarch64\"]",
            ),
            ("usr/lib/bootc/install/README", "not TOML"),
            ("usr/lib/bootc/install/40-d.toml", "[other]\nx = 1"),
        ];
        for (path, text) in files {
            root.write(&format!("/{path}"), 0o644, text).unwrap();
        }
        let kargs = read(&root, "amd64").unwrap();
        assert_eq!(kargs.add, ["a", "b=1", "c"]);
        assert_eq!(kargs.delete, ["quiet"]);
        assert_eq!(read(&root, "arm64").unwrap().add, ["a", "b=1", "c", "arm"]);
    }

    #[test]
    fn a_file_that_is_no_toml_is_named() {
        let top = tempfile::tempdir().unwrap();
        let root = Root::open(top.path()).unwrap();
        root.write("/usr/lib/bootc/install/x.toml", 0o644, "kargs = [")
            .unwrap();
        let error = read(&root, "amd64").unwrap_err();
        assert!(
            error.to_string().contains("/usr/lib/bootc/install/x.toml"),
            "{error}"
        );
    }
}
