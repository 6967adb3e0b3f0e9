// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The end of an installation: the record for bootc, trimming, flushing.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::syncfs;
use serde::Serialize;

use super::error::EngineError;
use super::mount::make_directory;
use super::tool::Tool;
use crate::image::Image;
use crate::plan::{Plan, TargetPlan};

/// `/.bootc-aleph.json` of the physical root: what was installed first (bootc, aleph version).
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aleph<'a> {
    image: &'a str,
    digest: &'a str,
    target_image: &'a str,
    labels: &'a BTreeMap<String, String>,
    version: Option<&'a str>,
    timestamp: Option<&'a str>,
    kernel: &'a str,
    selinux: &'static str,
}

/// Writes what bootc finds out about the installation, and the directory that it keeps state in.
pub(super) fn record(
    root: &Path,
    plan: &Plan,
    target: &TargetPlan,
    image: &Image,
) -> Result<(), EngineError> {
    let labels = image.labels();
    let is_remote = plan.image.source.starts_with("docker://");
    let source = if is_remote {
        &plan.image.source
    } else {
        &plan.image.target
    };
    let name = |reference: &'static str, text| strip(reference, text);
    let aleph = Aleph {
        // A path of this machine would mean nothing on the installed one.
        image: name("docker://", source),
        digest: &image.digest,
        target_image: name("docker://", &plan.image.target),
        labels,
        version: version(image, target.boot.bootupd.is_some()),
        timestamp: image.created(),
        kernel: &target.kernel,
        selinux: selinux(target),
    };
    let path = root.join(".bootc-aleph.json");
    let context = || format!("writing `{}`", path.display());
    let json = serde_json::to_vec(&aleph).map_err(|e| EngineError::io(context(), e.into()))?;
    fs::write(&path, json).map_err(|e| EngineError::io(context(), e))?;
    make_image_store(root)
}

/// What the image calls itself. bootupd, unlike bootc, cannot read a record without a version.
fn version(image: &Image, is_needed: bool) -> Option<&str> {
    let label = |name| image.labels().get(name).map(String::as_str);
    let named = label("org.opencontainers.image.version").or_else(|| label("version"));
    let other = || image.created().unwrap_or(&image.digest);
    named.or_else(|| is_needed.then(other))
}

/// In bootc's words: whether the system has a policy, and whether the kernel that installed it has SELinux.
fn selinux(target: &TargetPlan) -> &'static str {
    match (
        target.selinux,
        Path::new("/sys/fs/selinux/enforce").exists(),
    ) {
        (true, true) => "enabled",
        (true, false) => "host-disabled",
        (false, _) => "disabled",
    }
}

/// An empty store for containers, of the overlay driver: bootc keeps bound images in it, and the image's
/// `/usr/lib/bootc/storage` is a link to it. podman adds its locks and its database.
fn make_image_store(root: &Path) -> Result<(), EngineError> {
    let store = root.join("ostree/bootc/storage");
    make_directory(&store)?;
    for part in [
        "",
        "overlay",
        "overlay-containers",
        "overlay-images",
        "overlay-layers",
    ] {
        let path = store.join(part);
        make_directory(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o700))
            .map_err(|e| EngineError::io(format!("making `{}`", path.display()), e))?;
    }
    Ok(())
}

fn strip<'t>(prefix: &str, text: &'t str) -> &'t str {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// Gives unused blocks back to the disk, where it takes them, and writes everything out.
pub(super) fn flush(mount_points: &[&Path]) -> Result<(), EngineError> {
    for point in mount_points {
        Tool::Fstrim
            .with(["--quiet-unsupported".as_ref(), point.as_os_str()])
            .run()?;
        let context = || format!("flushing `{}`", point.display());
        let directory = File::open(point).map_err(|e| EngineError::io(context(), e))?;
        syncfs(&directory).map_err(|e| EngineError::io(context(), e.into()))?;
    }
    Ok(())
}

/// Flushes the disks themselves.
pub(super) fn sync_disks(plan: &Plan) -> Result<(), EngineError> {
    for disk in &plan.disks {
        let context = || format!("flushing `{}`", disk.device);
        let file = File::open(&disk.device).map_err(|e| EngineError::io(context(), e))?;
        file.sync_all().map_err(|e| EngineError::io(context(), e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Compression;
    use crate::image::fixture::{LayoutDir, Tar, config, packed};

    #[test]
    fn an_image_without_a_version_has_one_for_bootupd() {
        let tar = Tar::default().file("usr/x", 0o644, b"").end();
        let layers = [packed(&tar, Compression::Gzip)];
        let open = |created: Option<&str>, named: Option<&str>| {
            let mut config = config(&layers, "amd64");
            config["created"] = created.into();
            if let Some(named) = named {
                config["config"]["Labels"]["version"] = named.into();
            }
            let layout = LayoutDir::new();
            layout.index(&[layout.image(&layers, &config)]);
            layout.open().unwrap()
        };
        let time = "2026-11-01T00:00:00Z";
        let image = open(Some(time), Some("7"));
        assert_eq!(version(&image, true), Some("7"));
        assert_eq!(version(&image, false), Some("7"));
        let image = open(Some(time), None);
        assert_eq!(version(&image, true), Some(time));
        assert_eq!(version(&image, false), None);
        let image = open(None, None);
        assert_eq!(version(&image, true), Some(image.digest.as_str()));
    }
}
