// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What must hold for partitions before and after they have places: words that fit where they are
//! written, mount points that can be file systems of their own, a root, sizes.
//!
//! The rules over the whole are Anaconda's sanity checks (`checker/utils.py`).

use kickstart_parser::commands::{Mount, Part};
use kickstart_parser::{Located, Location};

use super::allocate::Placed;
use super::claim::Claim;
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::request::{Machine, Request, Wanted};
use super::size::{MIB, human};

/// The file system that a word names.
pub(super) fn known(name: &str, at: &Location, issues: &mut Issues) -> Option<FileSystem> {
    let known = FileSystem::from_name(name).filter(|fs| *fs != FileSystem::BiosBoot);
    if known.is_none() {
        let message = format!("the file system type `{name}` is not supported");
        issues
            .error(Code::FileSystemUnknown, message)
            .at(at)
            .help("one of `xfs`, `ext4`, `btrfs`, `vfat`");
    }
    known
}

/// Words that end up in fstab or in a file system's header must fit there.
pub(super) fn words(part: &Located<Part>, fs: FileSystem, issues: &mut Issues) -> Option<()> {
    let at = &part.location;
    mount_point_word(&part.mntpoint, at, issues)?;
    if let Some(label) = too_long(part.label.as_deref(), fs) {
        let (name, max) = (fs.name(), fs.max_label_bytes());
        let message = format!("the label `{label}` is too long for {name}: at most {max} bytes");
        issues.error(Code::ValueInvalid, message).at(at);
        return None;
    }
    options_word(part.fsoptions.as_deref(), at, issues)
}

/// The same of a `mount` line.
pub(super) fn mount_words(mount: &Located<Mount>, issues: &mut Issues) -> Option<()> {
    let at = &mount.location;
    mount_point_word(&mount.mntpoint, at, issues)?;
    options_word(mount.mountoptions.as_deref(), at, issues)
}

fn breaks_line(text: &str) -> bool {
    text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn mount_point_word(mount: &str, at: &Location, issues: &mut Issues) -> Option<()> {
    let what = if breaks_line(mount) {
        "white space"
    } else if mount.contains("//") {
        "two slashes in a row"
    } else {
        return Some(());
    };
    let message = format!("the mount point {mount:?} has {what} in it");
    issues.error(Code::MountInvalid, message).at(at);
    None
}

fn options_word(options: Option<&str>, at: &Location, issues: &mut Issues) -> Option<()> {
    let Some(options) = options.filter(|options| breaks_line(options)) else {
        return Some(());
    };
    let message = format!("the mount options {options:?} have white space in them");
    issues.error(Code::ValueInvalid, message).at(at);
    None
}

fn too_long(label: Option<&str>, fs: FileSystem) -> Option<&str> {
    label.filter(|label| label.len() > fs.max_label_bytes())
}

/// `--mkfsoptions` as words.
pub(super) fn arguments(
    text: Option<&str>,
    at: &Location,
    issues: &mut Issues,
) -> Option<Vec<String>> {
    let text = text.unwrap_or("");
    if text.contains(|c: char| c.is_control() || "'\"\\".contains(c)) {
        let message = format!("the options {text:?} have quotes or control characters in them");
        issues.error(Code::ValueInvalid, message).at(at);
        return None;
    }
    // A device would be written to as the partition is.
    if text.contains('/') {
        let message = format!("the options {text:?} name a file or a device");
        issues.error(Code::ValueInvalid, message).at(at);
        return None;
    }
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// Mount points that must, or must not, be file systems of their own.
pub(super) fn mount_point(
    mount: &str,
    fs: FileSystem,
    at: &Location,
    issues: &mut Issues,
) -> Option<()> {
    const ON_ROOT: [&str; 12] = [
        "/bin", "/dev", "/sbin", "/etc", "/lib", "/lib64", "/proc", "/sys", "/run", "/usr",
        "/sysroot", "/ostree",
    ];
    // What is below these may be a file system of its own.
    const ITSELF_ON_ROOT: [&str; 3] = ["/root", "/mnt", "/lost+found"];
    const LINUX_ONLY: [&str; 5] = ["/", "/boot", "/var", "/tmp", "/home"];
    let under =
        |top: &str| mount == top || mount.strip_prefix(top).is_some_and(|r| r.starts_with('/'));
    let message = if ON_ROOT.into_iter().any(under) || ITSELF_ON_ROOT.contains(&mount) {
        format!("`{mount}` must be part of the image's own file system")
    } else if fs == FileSystem::Vfat && LINUX_ONLY.contains(&mount) {
        format!("`{mount}` must be on a Linux file system")
    } else if fs != FileSystem::Vfat && mount == "/boot/efi" {
        format!("the EFI System Partition cannot be {}", fs.name())
    } else {
        return Some(());
    };
    issues.error(Code::MountInvalid, message).at(at);
    None
}

/// Rules over all that is wanted: a root, a boot loader's place, no mount point twice, sane sizes.
pub(super) fn set(wanted: &Wanted<'_>, machine: &Machine<'_, '_>, issues: &mut Issues) {
    if issues.has_errors() {
        return;
    }
    if wanted.mounts().next().is_none() {
        issues
            .error(Code::NoRoot, "the kickstart defines no partitions")
            .help("for example `reqpart --add-boot` and `part / --grow --fstype xfs`");
        return;
    }
    let has = |at: &str| wanted.mounts().any(|(mount, _)| mount == at);
    if !has("/") {
        issues.error(Code::NoRoot, "no partition is mounted at `/`");
    }
    if machine.needs_esp() && !has("/boot/efi") {
        issues
            .error(
                Code::NoBootLoader,
                "there is no EFI System Partition for the boot loader",
            )
            .help("add `reqpart`");
    }
    twice(wanted, issues);
    for request in &wanted.requests {
        sizes(request, issues);
    }
    for claim in &wanted.claims {
        kept(claim, issues);
    }
    swap(wanted, machine, issues);
}

fn twice(wanted: &Wanted<'_>, issues: &mut Issues) {
    let mounts: Vec<(&str, Option<&Location>)> = wanted.mounts().collect();
    for (index, (mount, location)) in mounts.iter().enumerate() {
        if mounts[..index].iter().any(|(earlier, _)| earlier == mount) {
            let message = format!("`{mount}` is given twice");
            issues.error(Code::MountTwice, message).location = location.cloned();
        }
    }
    for (index, claim) in wanted.claims.iter().enumerate() {
        let earlier = &wanted.claims[..index];
        let number = claim.partition.number;
        if earlier.iter().any(|other| other.is_of(claim.disk, number)) {
            let message = "the partition is used by an earlier line";
            issues
                .error(Code::MountTwice, message)
                .location
                .clone_from(&claim.request.location);
        }
    }
}

fn sizes(request: &Request, issues: &mut Issues) {
    let largest = if request.grow {
        request.max.unwrap_or(u64::MAX)
    } else {
        request.base
    };
    let min = request.fs.min_bytes();
    if largest.saturating_mul(MIB) < min {
        let message = format!(
            "the partition for `{}` is too small for {}: at least {}",
            request.what(),
            request.fs.name(),
            human(min)
        );
        let issue = issues.error(Code::SizeLimit, message);
        issue.location.clone_from(&request.location);
    }
}

/// File systems that stay.
fn kept(claim: &Claim<'_>, issues: &mut Issues) {
    let request = &claim.request;
    let what = request.what();
    let min = request.fs.min_bytes();
    let issue = if claim.format && claim.size_bytes < min {
        let message = format!(
            "the partition for `{what}` has {}, but {} needs at least {}",
            human(claim.size_bytes),
            request.fs.name(),
            human(min)
        );
        issues.error(Code::SizeLimit, message)
    } else if claim.format {
        return;
    } else {
        match what {
            "/" => issues.error(Code::MountInvalid, "a new file system must be made for `/`"),
            // Another system's menu entries and kernels would be in the way of this one's.
            "/boot" | "/boot/efi" => {
                let message = format!("keeping the file system of `{what}` is not supported yet");
                issues.error(Code::NotSupportedYet, message)
            }
            "/var" | "/tmp" => {
                let message = format!("what is on the partition for `{what}` stays there");
                issues.warning(Code::Reformat, message)
            }
            _ => return,
        }
    };
    issue.location.clone_from(&request.location);
}

/// A machine of little memory needs somewhere to put it.
fn swap(wanted: &Wanted<'_>, machine: &Machine<'_, '_>, issues: &mut Issues) {
    const LITTLE: u64 = 520 * MIB;
    let is_swap = |request: &Request| request.fs == FileSystem::Swap;
    let has_swap = wanted.requests.iter().any(is_swap)
        || wanted
            .claims
            .iter()
            .any(|claim| claim.used && is_swap(&claim.request));
    let inventory = machine.inventory;
    // A disk image is for another machine.
    let is_here = inventory.disks.iter().all(|disk| !disk.image_file);
    if is_here && !has_swap && inventory.memory_bytes < LITTLE {
        let message = format!(
            "the machine has {} of memory and no swap",
            human(inventory.memory_bytes)
        );
        issues
            .warning(Code::SizeRecommended, message)
            .help("add `part swap --recommended`");
    }
}

/// Says which partitions came out smaller than what Anaconda recommends.
pub(super) fn placed(placed: &[Placed], claims: &[Claim<'_>], issues: &mut Issues) {
    const RECOMMENDED: [(&str, u64); 6] = [
        ("/", 250),
        ("/var", 384),
        ("/home", 100),
        ("/tmp", 50),
        ("/boot", 1024),
        ("/boot/efi", 500),
    ];
    let new = placed
        .iter()
        .map(|place| (&place.request, place.size * MIB));
    let old = claims
        .iter()
        .map(|claim| (&claim.request, claim.size_bytes));
    for (request, size) in new.chain(old) {
        let what = request.what();
        let is_error = size < request.fs.min_bytes();
        let small = |(at, mib): &&(&str, u64)| *at == what && size < *mib * MIB && !is_error;
        if let Some((_, mib)) = RECOMMENDED.iter().find(small) {
            let message = format!(
                "the partition for `{what}` has {}, less than the recommended {}",
                human(size),
                human(mib * MIB)
            );
            let issue = issues.warning(Code::SizeRecommended, message);
            issue.location.clone_from(&request.location);
        }
    }
}
