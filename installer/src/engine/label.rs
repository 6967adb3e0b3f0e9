// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SELinux labels of what is not part of the image's commit.
//!
//! Takes the mounted system and the root file system below it; gives every file of `/etc`, `/var` and `/boot`, and
//! whatever has no label yet below `/ostree`, the label that the image's policy has for it. Files of the commit have
//! theirs from the import: their inodes are shared with the repository and are not touched. The kernel that installs
//! needs no SELinux. It deliberately does not know which files were written by whom.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{XattrFlags, lgetxattr, lsetxattr};
use rustix::io::Errno;

use super::error::EngineError;
use super::root::Root;
use crate::selinux::{ContextsFile, FileContexts, FileKind, Texts, policy_name};

const ATTRIBUTE: &str = "security.selinux";
/// What the system may write, and the image's commit does not hold.
const WRITABLE: [&str; 3] = ["/etc", "/var", "/boot"];
/// What bootc labels everything below `/ostree` as that has no label of its own.
const OSTREE_AS: &str = "/usr";

/// Labels the system mounted at `system`, whose root file system is at `physical`. Nothing happens without a policy.
pub(super) fn all(system: &Path, physical: &Path) -> Result<(), EngineError> {
    let context = |e| EngineError::io("reading the image's SELinux policy", e);
    let root = Root::open(system).map_err(context)?;
    let Some(labels) = policy(&root).map_err(context)? else {
        return Ok(());
    };
    let label_all = || {
        for path in WRITABLE {
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
        let ostree = physical.join("ostree");
        fill(&ostree, labels.label(OSTREE_AS, FileKind::Directory))
    };
    label_all().map_err(|e| EngineError::io("labelling the system for SELinux", e))
}

/// The policy that the system switches on.
fn policy(root: &Root) -> io::Result<Option<FileContexts>> {
    let invalid = |e: crate::selinux::ContextsError| io::Error::new(io::ErrorKind::InvalidData, e);
    let config = optional(root.text("/etc/selinux/config"))?;
    let Some(policy) = policy_name(&config).map_err(invalid)? else {
        return Ok(None);
    };
    let directory = policy.directory();
    let directory = directory.strip_prefix("usr").unwrap_or(&directory);
    let text = |file: ContextsFile| optional(root.text(&format!("{directory}/{}", file.name())));
    let [base, homes, local, subs, dist] = ContextsFile::ALL.map(text);
    let contexts = FileContexts::parse(&Texts {
        base: base?.as_bytes(),
        home_directories: homes?.as_bytes(),
        local: local?.as_bytes(),
        substitutions: subs?.as_bytes(),
        distribution_substitutions: dist?.as_bytes(),
    });
    contexts.map(Some).map_err(invalid)
}

fn optional(text: io::Result<String>) -> io::Result<String> {
    match text {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
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

fn one(labels: &FileContexts, entry: &DirEntry, path: &str) -> io::Result<()> {
    let kind = FileKind::of_mode(entry.metadata()?.mode());
    set(
        &entry.path(),
        kind.and_then(|kind| labels.label(path, kind)),
    )
}

/// Labels what has no label at `at` and below it. The trees of deployments have theirs.
fn fill(at: &Path, label: Option<&str>) -> io::Result<()> {
    if label_of(at)?.is_none() {
        set(at, label)?;
    }
    if at.join("usr/lib").is_dir() || !fs::symlink_metadata(at)?.is_dir() {
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
