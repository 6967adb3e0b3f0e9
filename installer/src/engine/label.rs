// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SELinux labels of what is not part of the image's commit.
//!
//! Takes the mounted system and the root file system below it; gives every file of `/etc`, `/var` and `/boot`, and
//! whatever has no label yet below `/ostree`, the label that the image's policy has for it. Files of the commit have
//! theirs from the import: their inodes are shared with the repository and are not touched. The kernel that installs
//! needs no SELinux. It deliberately does not know which files were written by whom.

use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};
use rustix::io::Errno;

use super::error::EngineError;
use super::root::Root;
use crate::plan::MountPlan;
use crate::selinux::{ContextsFile, FileContexts, FileKind, Texts, policy_name};

const ATTRIBUTE: &str = "security.selinux";
/// What the system may write, and the image's commit does not hold.
const WRITABLE: [&str; 3] = ["/etc", "/var", "/boot"];
/// The largest file of a policy, in bytes, as in the import.
const MAX_TEXT: u64 = 16 << 20;
/// What bootc labels everything below `/ostree` as that has no label of its own.
const OSTREE_AS: &str = "/usr";

/// Labels the system mounted at `system`, whose root file system is at `physical`. Nothing happens without a policy.
pub(super) fn all(system: &Path, physical: &Path, data: &[MountPlan]) -> Result<(), EngineError> {
    let context = |e| EngineError::io("reading the image's SELinux policy", e);
    let root = Root::open(system).map_err(context)?;
    let Some(labels) = policy(&root).map_err(context)? else {
        return Ok(());
    };
    let label_all = || {
        let is_below = |at: &str| WRITABLE.iter().any(|top| Path::new(at).starts_with(top));
        let data = data.iter().map(|mount| mount.at.as_str());
        for path in WRITABLE.into_iter().chain(data.filter(|at| !is_below(at))) {
            let at = system.join(&path[1..]);
            set(&at, labels.label(path, FileKind::Directory))?;
            walk(&labels, &at, path)?;
        }
        set(physical, labels.label("/", FileKind::Directory))?;
        for entry in fs::read_dir(physical)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                one(&labels, &entry, &format!("/{}", name(&entry)))?;
            }
        }
        // Below the mount of `/boot`: in the system's view of the root file system nothing is mounted there.
        let under_boot = system.join("sysroot/boot");
        set(&under_boot, labels.label("/boot", FileKind::Directory))?;
        let ostree = physical.join("ostree");
        fill(&ostree, labels.label(OSTREE_AS, FileKind::Directory))
    };
    label_all().map_err(|e| EngineError::io("labelling the system for SELinux", e))
}

/// The policy that the system switches on.
fn policy(root: &Root) -> io::Result<Option<FileContexts>> {
    let invalid = |e: crate::selinux::ContextsError| io::Error::new(io::ErrorKind::InvalidData, e);
    let config = content(root, "/etc/selinux/config")?;
    let config = String::from_utf8_lossy(&config);
    let Some(policy) = policy_name(&config).map_err(invalid)? else {
        return Ok(None);
    };
    let directory = policy.directory();
    let directory = directory.strip_prefix("usr").unwrap_or(&directory);
    let text = |file: ContextsFile| content(root, &format!("{directory}/{}", file.name()));
    let [base, homes, local, subs, dist] = ContextsFile::ALL.map(text);
    let contexts = FileContexts::parse(&Texts {
        base: &base?,
        home_directories: &homes?,
        local: &local?,
        substitutions: &subs?,
        distribution_substitutions: &dist?,
    });
    contexts.map(Some).map_err(invalid)
}

/// A file of the policy; nothing where it is missing.
fn content(root: &Root, path: &str) -> io::Result<Vec<u8>> {
    let file = match root.file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        let message = format!("`{path}` is longer than {MAX_TEXT} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}

/// Labels everything below `at`, which the system knows as `path`.
fn walk(labels: &FileContexts, at: &Path, path: &str) -> io::Result<()> {
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let path = format!("{path}/{}", name(&entry));
        one(labels, &entry, &path)?;
        if entry.file_type()?.is_dir() {
            walk(labels, &entry.path(), &path)?;
        }
    }
    Ok(())
}

/// Labels one file. In `/boot` one with several names may share its inode with an object of the repository, such as the
/// kernel: it has the label of the commit. `/etc` and `/var` are copies.
fn one(labels: &FileContexts, entry: &DirEntry, path: &str) -> io::Result<()> {
    let about = entry.metadata()?;
    if path.starts_with("/boot/") && about.is_file() && about.nlink() > 1 {
        return Ok(());
    }
    let kind = FileKind::of_mode(about.mode());
    set(
        &entry.path(),
        kind.and_then(|kind| labels.label(path, kind)),
    )
}

/// Labels what has no label at `at` and below it. The trees of deployments have theirs, and files of the repository
/// have none if the policy says so.
fn fill(at: &Path, label: Option<&str>) -> io::Result<()> {
    if at.extension().is_some_and(|kind| kind == "file") {
        return Ok(());
    }
    if label_of(at)?.is_none() {
        set(at, label)?;
    }
    if !fs::symlink_metadata(at)?.is_dir() || at.join("usr/lib").is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(at)? {
        fill(&entry?.path(), label)?;
    }
    Ok(())
}

/// Sets a label, unless the file has it. A file system without attributes has no labels.
fn set(path: &Path, label: Option<&str>) -> io::Result<()> {
    let Some(label) = label else { return Ok(()) };
    let value = [label.as_bytes(), &[0]].concat();
    if label_of(path)?.as_deref() == Some(&value) {
        return Ok(());
    }
    match lsetxattr(path, ATTRIBUTE, &value, XattrFlags::empty()) {
        Err(Errno::OPNOTSUPP) => Ok(()),
        other => other.map_err(Into::into),
    }
}

fn label_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0; 4096];
    match lgetxattr(path, ATTRIBUTE, &mut value) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn name(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXTS: &str = "\
/.*\tu:r:default_t:s0
/\t-d\tu:r:root_t:s0
/etc(/.*)?\tu:r:etc_t:s0
/var(/.*)?\tu:r:var_t:s0
/boot(/.*)?\tu:r:boot_t:s0
/usr(/.*)?\tu:r:usr_t:s0
/etc/none\t<<none>>
";

    /// A system and the file system it lies on.
    fn made(config: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let policy = "system/etc/selinux/lab/contexts/files";
        for path in [
            policy,
            "system/var/lib",
            "system/boot",
            "system/sysroot/boot",
            "system/data",
            "physical/ostree/repo/objects/aa",
            "physical/ostree/deploy/default/deploy/c.0/usr/lib",
        ] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        let write = |path: &str, text: &str| fs::write(dir.path().join(path), text).unwrap();
        write("system/etc/selinux/config", config);
        write(&format!("{policy}/file_contexts"), CONTEXTS);
        write("system/etc/passwd", "");
        write("system/etc/none", "");
        write("system/data/file", "");
        write("physical/.bootc-aleph.json", "");
        write("physical/ostree/repo/config", "");
        write("physical/ostree/repo/objects/aa/b.commit", "");
        write("physical/ostree/repo/objects/aa/c.file", "kernel");
        let kernel = dir.path().join("physical/ostree/repo/objects/aa/c.file");
        fs::hard_link(kernel, dir.path().join("system/boot/vmlinuz")).unwrap();
        fs::hard_link(
            dir.path().join("system/etc/passwd"),
            dir.path().join("system/etc/passwd.old"),
        )
        .unwrap();
        std::os::unix::fs::symlink("/etc/shadow", dir.path().join("system/var/link")).unwrap();
        dir
    }

    fn labelled(config: &str) -> impl Fn(&str) -> Option<String> {
        let dir = made(config);
        let data = [MountPlan {
            device: "/dev/vda".to_owned(),
            number: 3,
            at: "/data".to_owned(),
        }];
        all(
            &dir.path().join("system"),
            &dir.path().join("physical"),
            &data,
        )
        .unwrap();
        move |path| {
            let value = label_of(&dir.path().join(path)).unwrap()?;
            let text = String::from_utf8(value).unwrap();
            Some(text.split(':').nth(2).unwrap().to_owned())
        }
    }

    #[test]
    fn what_is_written_is_labelled_and_what_is_shared_is_not() {
        let label = labelled("SELINUX=enforcing\nSELINUXTYPE=lab\n");
        for (path, expected) in [
            ("system/etc", Some("etc_t")),
            ("system/etc/passwd", Some("etc_t")),
            ("system/etc/passwd.old", Some("etc_t")),
            ("system/etc/none", None),
            ("system/var/lib", Some("var_t")),
            ("system/var/link", Some("var_t")),
            ("system/boot", Some("boot_t")),
            ("system/boot/vmlinuz", None),
            ("system/sysroot/boot", Some("boot_t")),
            ("system/data", Some("default_t")),
            ("system/data/file", Some("default_t")),
            ("physical", Some("root_t")),
            ("physical/.bootc-aleph.json", Some("default_t")),
            ("physical/ostree", Some("usr_t")),
            ("physical/ostree/repo/config", Some("usr_t")),
            ("physical/ostree/repo/objects/aa/b.commit", Some("usr_t")),
            ("physical/ostree/repo/objects/aa/c.file", None),
            ("physical/ostree/deploy/default/deploy/c.0/usr", None),
        ] {
            assert_eq!(label(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn without_a_policy_nothing_is_labelled() {
        let label = labelled("SELINUX=disabled\nSELINUXTYPE=lab\n");
        for path in [
            "system/etc/passwd",
            "physical",
            "physical/ostree/repo/config",
        ] {
            assert_eq!(label(path), None, "{path}");
        }
    }
}
