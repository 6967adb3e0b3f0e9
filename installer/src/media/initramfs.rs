// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel and the initramfs of the installer environment.
//!
//! Takes an image's root; runs the image's own dracut in it, with our module and this executable added. What the image
//! lacks for that is known before dracut is started.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::carried::{Carried, write_executable};
use super::epoch::Epoch;
use super::error::{Lack, MediaError};
use super::gate;
use super::image_root::ImageRoot;
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;

const MODULES: &str = "usr/lib/dracut/modules.d";
/// Ours among them, after all that it could depend on.
const MODULE: &str = "usr/lib/dracut/modules.d/99landfall";
/// dracut's own level takes six times as long for one per cent less. The result does not depend on the number of threads.
const COMPRESSION: &str = "zstd -9 -q -T0";
const RESULT: &str = "/run/landfall.img";
const ENCLOSED: &str = "/run/enclosed.img";
/// Modules of dracut that would look for an installed system, ask somebody, or serve other hardware than disks and networks.
const OMITTED: &str = "ostree plymouth resume rescue i18n iscsi hwdb fido2 pkcs11 virtfs lunmask overlay-root nvdimm bluetooth \
                       tpm2-tss network-manager network-legacy";
/// Modules of dracut that ours needs, and the packages that have them.
const NEEDED_MODULES: [(&str, &str); 6] = [
    ("systemd-initrd", "dracut-core"),
    ("dracut-systemd", "dracut-core"),
    ("kernel-modules", "dracut-core"),
    ("fs-lib", "dracut-core"),
    ("systemd-networkd", "dracut-network"),
    ("kernel-network-modules", "dracut-network"),
];
/// Programs that every installation needs.
const NEEDED_PROGRAMS: [(&str, &str); 12] = [
    ("bash", "bash"),
    ("blkid", "util-linux"),
    ("chroot", "coreutils"),
    ("dracut", "dracut"),
    ("fstrim", "util-linux"),
    ("lsblk", "util-linux"),
    ("mcopy", "mtools"),
    ("mkfs.vfat", "dosfstools"),
    ("partx", "util-linux"),
    ("sfdisk", "fdisk"),
    ("systemctl", "systemd"),
    ("udevadm", "udev"),
];

/// What boots.
#[derive(Debug)]
pub(super) struct Boot {
    /// The kernel's version.
    pub(super) version: String,
    pub(super) kernel: PathBuf,
    pub(super) initramfs: PathBuf,
}

/// Makes the initramfs in `root`, an image that `name` names.
pub(super) fn make(root: &ImageRoot, name: &str, epoch: Epoch) -> Result<Boot, MediaError> {
    let lacks = lacks(root.path());
    if !lacks.is_empty() {
        let image = name.to_owned();
        return Err(MediaError::Lacking { image, lacks });
    }
    let version = kernel_version(root.path())?;
    add(root.path()).map_err(|e| EngineError::io("adding the installer to the environment", e))?;
    let dracut = root.run(&[
        "dracut",
        "--quiet",
        "--no-hostonly",
        "--no-hostonly-cmdline",
        "--no-early-microcode",
        "--reproducible",
        "--compress",
        COMPRESSION,
        "--force",
        "--omit",
        OMITTED,
        "--add",
        "landfall",
        "--kver",
        &version,
        RESULT,
    ]);
    epoch.on(dracut.env("DRACUT_NO_XATTR", "1")).run()?;
    let modules = root.path().join("usr/lib/modules").join(&version);
    let initramfs = root.path().join(&ENCLOSED[1..]);
    enclose(&root.path().join(&RESULT[1..]), &initramfs)
        .map_err(|e| EngineError::io("completing the initramfs", e))?;
    Ok(Boot {
        version,
        kernel: modules.join("vmlinuz"),
        initramfs,
    })
}

fn enclose(from: &Path, to: &Path) -> io::Result<()> {
    gate::enclose(&mut fs::File::open(from)?, &mut fs::File::create(to)?)
}

/// What is missing in the image.
fn lacks(root: &Path) -> Vec<Lack> {
    let names = names(&root.join(MODULES));
    let has_module = |wanted: &str| {
        let ends = |name: &String| name.trim_start_matches(|c: char| c.is_ascii_digit()) == wanted;
        names.iter().any(ends)
    };
    let modules = NEEDED_MODULES
        .into_iter()
        .filter(|(name, _)| !has_module(name))
        .map(|(name, package)| Lack {
            what: format!("dracut module `{name}`"),
            package: package.to_owned(),
        });
    let programs = NEEDED_PROGRAMS
        .into_iter()
        .filter(|(name, _)| !has_program(root, name))
        .map(|(name, package)| Lack {
            what: format!("`{name}`"),
            package: package.to_owned(),
        });
    modules.chain(programs).collect()
}

/// What `root` has of the programs that an installation may need; dracut takes them along.
pub(super) fn programs(root: &Path) -> BTreeSet<String> {
    let all = Tool::ALL.iter().map(|tool| tool.program());
    all.filter(|name| has_program(root, name))
        .map(str::to_owned)
        .collect()
}

fn has_program(root: &Path, name: &str) -> bool {
    ["usr/bin", "usr/sbin"]
        .iter()
        .any(|directory| root.join(directory).join(name).symlink_metadata().is_ok())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The one kernel of the image.
fn kernel_version(root: &Path) -> Result<String, EngineError> {
    let modules = root.join("usr/lib/modules");
    let mut versions = names(&modules);
    versions.retain(|version| modules.join(version).join("vmlinuz").is_file());
    match versions.as_slice() {
        [version] => Ok(version.clone()),
        [] => Err(EngineError::Unusable(
            "the image has no kernel in `/usr/lib/modules`".to_owned(),
        )),
        _ => Err(EngineError::Unusable(format!(
            "the image has {} kernels in `/usr/lib/modules`, and a medium has one",
            versions.len()
        ))),
    }
}

/// The files of our module.
const FILES: [(&str, &str); 4] = [
    (
        "module-setup.sh",
        include_str!("../../../iso-assets/dracut/module-setup.sh"),
    ),
    (
        "landfall.service",
        include_str!("../../../iso-assets/dracut/landfall.service"),
    ),
    (
        "landfall-network.service",
        include_str!("../../../iso-assets/dracut/landfall-network.service"),
    ),
    (
        "landfall.target",
        include_str!("../../../iso-assets/dracut/landfall.target"),
    ),
];

/// Our module, and this executable.
fn add(root: &Path) -> io::Result<()> {
    let module = root.join(MODULE);
    for (name, text) in FILES {
        write_executable(&module.join(name), text)?;
    }
    Carried::this_executable()?.put_into(root)
}
