// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel and the initramfs of the installer environment.
//!
//! Takes an image's root; runs the image's own dracut in it, with our module and this executable added. What the image
//! lacks for that is known before dracut is started.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek as _};

use super::carried::{Carried, EXECUTABLE};
use super::epoch::Epoch;
use super::error::{Lack, MediaError};
use super::gate;
use super::image_root::ImageRoot;
use crate::engine::error::EngineError;
use crate::engine::root::Root;
use crate::engine::tool::Tool;

const MODULES: &str = "usr/lib/dracut/modules.d";
/// Ours among them, after all that it could depend on.
const MODULE: &str = "usr/lib/dracut/modules.d/99landfall";
/// dracut's own level takes six times as long for one per cent less. The result does not depend on the number of threads.
const COMPRESSION: &str = "zstd -9 -q -T0";
const RESULT: &str = "/run/landfall.img";
const KERNELS: &str = "usr/lib/modules";
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

/// What boots, to be read.
#[derive(Debug)]
pub(super) struct Boot {
    /// The kernel's version.
    pub(super) version: String,
    pub(super) kernel: File,
    pub(super) initramfs: File,
}

/// Makes the initramfs in `root`, an image that `name` names.
pub(super) fn make(root: &ImageRoot, name: &str, epoch: Epoch) -> Result<Boot, MediaError> {
    let tree = root.tree();
    let lacks = lacks(tree);
    if !lacks.is_empty() {
        let image = name.to_owned();
        return Err(MediaError::Lacking { image, lacks });
    }
    let version = kernel_version(tree)?;
    add(tree).map_err(|e| EngineError::io("adding the installer to the environment", e))?;
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
    let kernel = tree.regular(&kernel_path(&version));
    let initramfs = enclosed(root);
    Ok(Boot {
        version,
        kernel: kernel.map_err(|e| EngineError::io("opening the image's kernel", e))?,
        initramfs: initramfs.map_err(|e| EngineError::io("completing the initramfs", e))?,
    })
}

fn enclosed(root: &ImageRoot) -> io::Result<File> {
    let mut whole = root.temporary()?;
    gate::enclose(&mut root.tree().regular(RESULT)?, &mut whole)?;
    whole.rewind()?;
    Ok(whole)
}

/// What is missing in the image.
fn lacks(root: &Root) -> Vec<Lack> {
    let names = root.names(MODULES).unwrap_or_default();
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
pub(super) fn programs(root: &Root) -> BTreeSet<String> {
    let all = Tool::ALL.iter().map(|tool| tool.program());
    all.filter(|name| has_program(root, name))
        .map(str::to_owned)
        .collect()
}

fn has_program(root: &Root, name: &str) -> bool {
    ["usr/bin", "usr/sbin"]
        .iter()
        .any(|directory| root.has(&format!("{directory}/{name}")))
}

fn kernel_path(version: &str) -> String {
    format!("{KERNELS}/{version}/vmlinuz")
}

/// The one kernel of the image.
fn kernel_version(root: &Root) -> Result<String, EngineError> {
    let mut versions = root.names(KERNELS).unwrap_or_default();
    versions.retain(|version| root.has(&kernel_path(version)));
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
fn add(root: &Root) -> io::Result<()> {
    add_module(root)?;
    Carried::this_executable()?.put_into(root)
}

fn add_module(root: &Root) -> io::Result<()> {
    FILES
        .into_iter()
        .try_for_each(|(name, text)| root.write(&format!("{MODULE}/{name}"), EXECUTABLE, text))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// A tree with a directory for a kernel, and beside it a directory with bait.
    fn tree() -> (TempDir, PathBuf, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let (tree, bait) = (top.path().join("tree"), top.path().join("bait"));
        fs::create_dir_all(tree.join("usr/lib/modules/6.1")).unwrap();
        fs::create_dir(&bait).unwrap();
        (top, tree, bait)
    }

    #[test]
    fn a_link_to_a_kernel_is_followed_in_the_image() {
        let (_top, tree, bait) = tree();
        let root = Root::open(&tree).unwrap();
        let place = tree.join(kernel_path("6.1"));
        fs::write(bait.join("vmlinuz-6.1"), "bait").unwrap();
        symlink(bait.join("vmlinuz-6.1"), &place).unwrap();
        let error = kernel_version(&root).unwrap_err().chain().join("; ");
        assert_eq!(error, "the image has no kernel in `/usr/lib/modules`");
        assert!(root.regular(&kernel_path("6.1")).is_err());

        fs::remove_file(&place).unwrap();
        fs::create_dir(tree.join("boot")).unwrap();
        fs::write(tree.join("boot/vmlinuz-6.1"), "kernel").unwrap();
        symlink("/boot/vmlinuz-6.1", &place).unwrap();
        assert_eq!(kernel_version(&root).unwrap(), "6.1");
        let mut text = String::new();
        let mut kernel = root.regular(&kernel_path("6.1")).unwrap();
        kernel.read_to_string(&mut text).unwrap();
        assert_eq!(text, "kernel");
    }

    #[test]
    fn only_the_images_own_programs_and_modules_count() {
        let (_top, tree, bait) = tree();
        let root = Root::open(&tree).unwrap();
        fs::write(bait.join("chroot"), "").unwrap();
        fs::create_dir(bait.join("01fs-lib")).unwrap();
        fs::create_dir(tree.join("usr/lib/dracut")).unwrap();
        symlink(&bait, tree.join(MODULES)).unwrap();
        symlink(&bait, tree.join("usr/bin")).unwrap();
        assert_eq!(programs(&root), BTreeSet::new());
        let all = NEEDED_MODULES.len() + NEEDED_PROGRAMS.len();
        assert_eq!(lacks(&root).len(), all);
    }

    #[test]
    fn links_of_the_image_do_not_lead_our_module_out_of_it() {
        let (_top, tree, bait) = tree();
        let root = Root::open(&tree).unwrap();
        fs::create_dir(tree.join("usr/lib/dracut")).unwrap();
        symlink(&bait, tree.join(MODULES)).unwrap();
        add_module(&root).unwrap_err();
        fs::remove_file(tree.join(MODULES)).unwrap();
        fs::create_dir_all(tree.join("opt/99landfall")).unwrap();
        symlink("/opt", tree.join(MODULES)).unwrap();
        fs::write(bait.join("file"), "bait").unwrap();
        for (name, _) in FILES {
            symlink(bait.join("file"), tree.join("opt/99landfall").join(name)).unwrap();
        }
        add_module(&root).unwrap();
        for (name, text) in FILES {
            let path = tree.join("opt/99landfall").join(name);
            assert!(path.symlink_metadata().unwrap().is_file());
            assert_eq!(fs::read_to_string(path).unwrap(), text);
        }
        assert_eq!(fs::read(bait.join("file")).unwrap(), b"bait");
        assert_eq!(fs::read_dir(&bait).unwrap().count(), 1);
    }
}
