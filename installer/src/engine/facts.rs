// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads [`ImageFacts`] from the image's merged tree.
//!
//! The tree is an ostree tree: configuration is below `/usr/etc`. Of an image at hand the facts are read from its layers
//! before anything is written, and once more from the tree on the target; only what its programs say has to wait. What the
//! facts mean for the installation is decided in [`crate::plan`].

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Deserialize;

use super::boot_facts;
use super::bootupd_facts;
use super::error::EngineError;
use super::import::Progress;
use super::import::survey::{self, Places};
use super::install_config;
use super::root::Root;
use super::sysroot::Stage;
use super::view::View;
use crate::image::Image;
use crate::plan::{ImageFacts, SettingsFacts};
use crate::selinux::policy_name;

/// Files that are looked into, besides those of the settings.
const FILES: [&str; 7] = [
    "usr/etc/passwd",
    "usr/etc/group",
    "usr/lib/passwd",
    "usr/lib/group",
    SELINUX,
    boot_facts::SIGNED[0],
    boot_facts::SIGNED[1],
];
const KARGS: &str = "usr/lib/bootc/kargs.d";
const SELINUX: &str = "usr/etc/selinux/config";

/// Everything that planning the target needs to know.
pub(super) fn read(stage: &Stage, arch: &str) -> Result<ImageFacts, EngineError> {
    let root =
        Root::open(&stage.path).map_err(|e| EngineError::io("opening the image's tree", e))?;
    let mut facts = of_tree(&root, arch)?;
    facts.locales = locales(&root, stage)?;
    Ok(facts)
}

/// The same of an image that is not on the target yet, but for its locales. All of its layers are read.
pub(super) fn foresee(
    image: &Image,
    arch: &str,
    progress: Progress<'_>,
) -> Result<ImageFacts, EngineError> {
    let files = FILES.into_iter().chain(bootupd_facts::FILES);
    let files = files.map(str::to_owned);
    let directories = [KARGS].into_iter().chain(install_config::DIRECTORIES);
    let directories = directories.chain(bootupd_facts::DIRECTORIES);
    let places = Places {
        files: files
            .chain(SettingsFacts::TEXTS.map(settings::place))
            .collect(),
        directories: directories.map(str::to_owned).collect(),
        below: bootupd_facts::below(),
    };
    of_tree(&survey::survey(image, &places, progress)?, arch)
}

fn of_tree(tree: &dyn View, arch: &str) -> Result<ImageFacts, EngineError> {
    let io = |doing: &str| {
        let doing = format!("reading {doing} of the image");
        move |e: io::Error| EngineError::tree(doing, e)
    };
    Ok(ImageFacts {
        kernel: kernel(tree)?,
        kargs: kargs(tree, arch)?,
        install_kargs: install_config::read(tree, arch)?,
        boot: boot_facts::signed_chain(tree).map_err(io("the boot loader"))?,
        bios: boot_facts::bios(tree).map_err(io("the boot loader"))?,
        bootupd: bootupd_facts::payload(tree).map_err(io("bootupd's files"))?,
        programs: names(tree, &["usr/bin", "usr/sbin"]).map_err(io("the programs"))?,
        units: names(tree, &["usr/lib/systemd/system", "usr/etc/systemd/system"])
            .map_err(io("the units"))?,
        users: accounts(tree, "passwd", 5).map_err(io("the users"))?,
        groups: accounts(tree, "group", 0)
            .map_err(io("the groups"))?
            .into_keys()
            .collect(),
        zones: zones(tree).map_err(io("the time zones"))?,
        locales: None,
        top: top(tree).map_err(io("the top directory"))?,
        bound_images: tree
            .names("usr/lib/bootc/bound-images.d")
            .map_err(io("the bound images"))?,
        selinux: tree
            .text(SELINUX)
            .is_ok_and(|text| matches!(policy_name(&text), Ok(Some(_)))),
        settings: settings::read(tree).map_err(io("the settings"))?,
    })
}

/// The one kernel version that has a kernel and an initramfs.
fn kernel(tree: &dyn View) -> Result<String, EngineError> {
    let modules = "usr/lib/modules";
    let versions = tree
        .names(modules)
        .map_err(|e| EngineError::tree(format!("reading `/{modules}` of the image"), e))?;
    let has = |version: &str, file| tree.is_file(&format!("{modules}/{version}/{file}"));
    let bootable: Vec<String> = versions
        .into_iter()
        .filter(|version| has(version, "vmlinuz"))
        .collect();
    match bootable.as_slice() {
        [version] if has(version, "initramfs.img") => Ok(version.clone()),
        [version] => Err(EngineError::Unusable(format!(
            "the image is not bootable: `/{modules}/{version}` has no `initramfs.img`"
        ))),
        [] => Err(EngineError::Unusable(format!(
            "the image is not bootable: no kernel in `/{modules}`"
        ))),
        several => Err(EngineError::Unusable(format!(
            "the image has {} kernels in `/{modules}`, and only one can be deployed",
            several.len()
        ))),
    }
}

/// A file of `/usr/lib/bootc/kargs.d`, as bootc reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KargsFile {
    kargs: Vec<String>,
    match_architectures: Option<Vec<String>>,
}

fn kargs(tree: &dyn View, arch: &str) -> Result<Vec<String>, EngineError> {
    let context = |name: &str| format!("reading `/{KARGS}/{name}` of the image");
    let mut kargs = Vec::new();
    for name in tree
        .names(KARGS)
        .map_err(|e| EngineError::tree(context(""), e))?
    {
        if std::path::Path::new(&name).extension() != Some("toml".as_ref()) {
            continue;
        }
        let text = tree
            .text(&format!("{KARGS}/{name}"))
            .map_err(|e| EngineError::tree(context(&name), e))?;
        let file: KargsFile = toml::from_str(&text)
            .map_err(|e| EngineError::tree(context(&name), io::Error::other(e)))?;
        let matches = file
            .match_architectures
            .is_none_or(|list| list.iter().any(|a| is_arch(a, arch)));
        kargs.extend(matches.then_some(file.kargs).into_iter().flatten());
    }
    Ok(kargs)
}

/// kargs.d speaks of `x86_64` where OCI says `amd64`.
pub(super) fn is_arch(name: &str, oci: &str) -> bool {
    name == oci || matches!((name, oci), ("x86_64", "amd64") | ("aarch64", "arm64"))
}

fn names(tree: &dyn View, directories: &[&str]) -> io::Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for directory in directories {
        all.extend(tree.names(directory)?);
    }
    Ok(all)
}

/// Names with the field at `index`, from `/usr/etc` and, for nss-altfiles, `/usr/lib`.
fn accounts(tree: &dyn View, file: &str, index: usize) -> io::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for directory in ["usr/lib", "usr/etc"] {
        let text = match tree.text(&format!("{directory}/{file}")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for line in text.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let (Some(name), Some(value)) = (fields.first(), fields.get(index)) {
                all.insert((*name).to_owned(), (*value).to_owned());
            }
        }
    }
    Ok(all)
}

/// `Europe/Berlin`, `UTC`: files at most three levels below `/usr/share/zoneinfo`.
fn zones(tree: &dyn View) -> io::Result<BTreeSet<String>> {
    let mut zones = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        for name in tree.names(&format!("usr/share/zoneinfo/{prefix}"))? {
            let path = format!("{prefix}{name}");
            let is_directory = tree.is_directory(&format!("usr/share/zoneinfo/{path}"));
            if is_directory && path.matches('/').count() < 2 {
                open.push(format!("{path}/"));
            } else if !is_directory {
                zones.insert(path);
            }
        }
    }
    Ok(zones)
}

/// What the image's `locale` knows; none where it has no such program.
fn locales(root: &Root, stage: &Stage) -> Result<Option<BTreeSet<String>>, EngineError> {
    if !root.is_file("usr/bin/locale") {
        return Ok(None);
    }
    let output = stage
        .run(&["locale".to_owned(), "-a".to_owned()])
        .output()?;
    Ok(Some(output.lines().map(str::to_owned).collect()))
}

fn top(tree: &dyn View) -> io::Result<BTreeMap<String, Option<String>>> {
    let mut all = BTreeMap::new();
    for name in tree.names("/")? {
        let link = tree.top_link(&name);
        all.insert(name, link);
    }
    // An ostree tree keeps its configuration in /usr/etc; the deployment has it in /etc.
    all.insert("etc".to_owned(), None);
    Ok(all)
}

#[cfg(test)]
pub(super) mod tests;
