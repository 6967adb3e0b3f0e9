// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads [`ImageFacts`] from the image's merged tree.
//!
//! The tree is an ostree tree: configuration is below `/usr/etc`. What the facts mean for the
//! installation is decided in [`crate::plan`].

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Deserialize;

use super::boot_facts;
use super::error::EngineError;
use super::root::Root;
use super::sysroot::Stage;
use crate::plan::ImageFacts;
use crate::selinux::policy_name;

/// Everything that planning the target needs to know.
pub(super) fn read(stage: &Stage, arch: &str) -> Result<ImageFacts, EngineError> {
    let root =
        Root::open(&stage.path).map_err(|e| EngineError::io("opening the image's tree", e))?;
    let io = |doing: &str| {
        let doing = format!("reading {doing} of the image");
        move |e: io::Error| EngineError::io(doing, e)
    };
    Ok(ImageFacts {
        kernel: kernel(&root)?,
        kargs: kargs(&root, arch)?,
        boot: boot_facts::signed_chain(&root).map_err(io("the boot loader"))?,
        bios: boot_facts::bios(&root).map_err(io("the boot loader"))?,
        programs: names(&root, &["usr/bin", "usr/sbin"]).map_err(io("the programs"))?,
        units: names(&root, &["usr/lib/systemd/system", "usr/etc/systemd/system"])
            .map_err(io("the units"))?,
        users: accounts(&root, "passwd", 5).map_err(io("the users"))?,
        groups: accounts(&root, "group", 0)
            .map_err(io("the groups"))?
            .into_keys()
            .collect(),
        zones: zones(&root).map_err(io("the time zones"))?,
        locales: locales(&root, stage)?,
        top: top(&root).map_err(io("the top directory"))?,
        bound_images: root
            .names("usr/lib/bootc/bound-images.d")
            .map_err(io("the bound images"))?,
        selinux: root
            .text("usr/etc/selinux/config")
            .is_ok_and(|text| matches!(policy_name(&text), Ok(Some(_)))),
        settings: settings::read(&root).map_err(io("the settings"))?,
    })
}

/// The one kernel version that has a kernel and an initramfs.
fn kernel(root: &Root) -> Result<String, EngineError> {
    let modules = "usr/lib/modules";
    let versions = root
        .names(modules)
        .map_err(|e| EngineError::io(format!("reading `/{modules}` of the image"), e))?;
    let bootable: Vec<String> = versions
        .into_iter()
        .filter(|version| root.file(&format!("{modules}/{version}/vmlinuz")).is_ok())
        .collect();
    match bootable.as_slice() {
        [version]
            if root
                .file(&format!("{modules}/{version}/initramfs.img"))
                .is_ok() =>
        {
            Ok(version.clone())
        }
        [version] => Err(EngineError::Refused(format!(
            "the image is not bootable: `/{modules}/{version}` has no `initramfs.img`"
        ))),
        [] => Err(EngineError::Refused(format!(
            "the image is not bootable: no kernel in `/{modules}`"
        ))),
        several => Err(EngineError::Refused(format!(
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

fn kargs(root: &Root, arch: &str) -> Result<Vec<String>, EngineError> {
    let directory = "usr/lib/bootc/kargs.d";
    let context = |name: &str| format!("reading `/{directory}/{name}` of the image");
    let mut kargs = Vec::new();
    for name in root
        .names(directory)
        .map_err(|e| EngineError::io(context(""), e))?
    {
        if std::path::Path::new(&name).extension() != Some("toml".as_ref()) {
            continue;
        }
        let text = root
            .text(&format!("{directory}/{name}"))
            .map_err(|e| EngineError::io(context(&name), e))?;
        let file: KargsFile = toml::from_str(&text)
            .map_err(|e| EngineError::io(context(&name), io::Error::other(e)))?;
        let matches = file
            .match_architectures
            .is_none_or(|list| list.iter().any(|a| is_arch(a, arch)));
        kargs.extend(matches.then_some(file.kargs).into_iter().flatten());
    }
    Ok(kargs)
}

/// kargs.d speaks of `x86_64` where OCI says `amd64`.
fn is_arch(name: &str, oci: &str) -> bool {
    name == oci || matches!((name, oci), ("x86_64", "amd64") | ("aarch64", "arm64"))
}

fn names(root: &Root, directories: &[&str]) -> io::Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for directory in directories {
        all.extend(root.names(directory)?);
    }
    Ok(all)
}

/// Names with the field at `index`, from `/usr/etc` and, for nss-altfiles, `/usr/lib`.
fn accounts(root: &Root, file: &str, index: usize) -> io::Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for directory in ["usr/lib", "usr/etc"] {
        let text = match root.text(&format!("{directory}/{file}")) {
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
fn zones(root: &Root) -> io::Result<BTreeSet<String>> {
    let mut zones = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        for name in root.names(&format!("usr/share/zoneinfo/{prefix}"))? {
            let path = format!("{prefix}{name}");
            let is_directory = root
                .directory(&format!("usr/share/zoneinfo/{path}"))
                .is_ok();
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
    if root.file("usr/bin/locale").is_err() {
        return Ok(None);
    }
    let output = stage
        .run(&["locale".to_owned(), "-a".to_owned()])
        .output()?;
    Ok(Some(output.lines().map(str::to_owned).collect()))
}

fn top(root: &Root) -> io::Result<BTreeMap<String, Option<String>>> {
    let directory = root.directory("/")?;
    let mut all = BTreeMap::new();
    for name in root.names("/")? {
        let link = directory.read_link_contents(&name).ok();
        all.insert(name, link.map(|link| link.to_string_lossy().into_owned()));
    }
    // An ostree tree keeps its configuration in /usr/etc; the deployment has it in /etc.
    all.insert("etc".to_owned(), None);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_matched_by_the_names_of_both_worlds() {
        assert!(is_arch("x86_64", "amd64") && is_arch("arm64", "arm64"));
        assert!(!is_arch("aarch64", "amd64"));
    }
}
