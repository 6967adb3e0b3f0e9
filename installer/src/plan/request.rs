// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which partitions are wanted: `reqpart` and `part` as requests, with defaults filled in.
//!
//! Defaults are Anaconda's with the RHEL profile: XFS for data and `/boot`, 500 MiB where no size
//! is given, an EFI System Partition of 500 to 600 MiB, a `/boot` of 2 GiB. Disks are chosen and
//! sizes grow in [`super::allocate`].

use kickstart_parser::commands::Part;
use kickstart_parser::{Kickstart, Located, Location};
use uuid::{Uuid, uuid};

use super::allocate::Placed;
use super::boot_disk::{BIOS_BOOT, Platform};
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::select::{self, Usable};
use super::size::{MIB, human};

/// A partition that shall exist.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Mount point; none for swap and GRUB's partition.
    pub(super) mount: Option<String>,
    pub(super) fs: FileSystem,
    /// Size in MiB before it grows.
    pub(super) base: u64,
    pub(super) grow: bool,
    /// Largest size in MiB.
    pub(super) max: Option<u64>,
    /// Indices into the usable disks; none: any.
    pub(super) disk: Option<usize>,
    /// Boot partitions come first on the disk.
    pub(super) weight: u32,
    pub(super) kind: Uuid,
    pub(super) name: &'static str,
    pub(super) label: Option<String>,
    pub(super) options: Option<String>,
    pub(super) location: Option<Location>,
}

const ESP: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
const XBOOTLDR: Uuid = uuid!("bc13c2ff-59e6-4262-a352-b275fd6f7172");
const SWAP: Uuid = uuid!("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f");
const LINUX: Uuid = uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4");

/// Options that fstab needs for the ESP, whatever the kickstart says.
const ESP_OPTIONS: &str = "umask=0077,shortname=winnt";

const DEFAULT_MIB: u64 = 500;

pub(super) fn requests(
    kickstart: &Kickstart,
    platform: &Platform<'_>,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Vec<Request> {
    let mut wanted: Vec<Request> = kickstart
        .part
        .iter()
        .filter_map(|part| from_part(part, platform.arch, disks, issues))
        .collect();
    if let Some(reqpart) = kickstart.reqpart.as_ref().filter(|_| !wanted.is_empty()) {
        add_platform(&mut wanted, reqpart.add_boot, platform, disks);
    }
    check_set(kickstart, &wanted, platform, issues);
    check_kept_esp(disks, &wanted, issues);
    wanted
}

/// What the machine needs to start: Anaconda's platform partitions.
fn add_platform(
    wanted: &mut Vec<Request>,
    add_boot: bool,
    platform: &Platform<'_>,
    disks: &[Usable<'_>],
) {
    let has = |wanted: &[Request], at: &str| wanted.iter().any(|r| r.mount.as_deref() == Some(at));
    let has_bios_boot = wanted.iter().any(|r| r.fs == FileSystem::BiosBoot);
    if platform.needs_bios_boot(disks) && !has_bios_boot {
        wanted.push(Request {
            disk: platform.boot,
            ..Request::new("", FileSystem::BiosBoot, 1, "")
        });
    }
    if platform.needs_esp() && !has(wanted, "/boot/efi") {
        wanted.push(Request {
            grow: true,
            max: Some(600),
            ..Request::new("/boot/efi", FileSystem::Vfat, DEFAULT_MIB, "")
        });
    }
    if add_boot && !has(wanted, "/boot") {
        wanted.push(Request::new("/boot", FileSystem::Xfs, 2048, ""));
    }
}

impl Request {
    /// What it is for, in messages.
    pub(super) fn what(&self) -> &str {
        self.mount.as_deref().unwrap_or_else(|| self.fs.name())
    }

    fn new(mount: &str, fs: FileSystem, base: u64, arch: &str) -> Self {
        let (weight, kind, name) = match fs {
            FileSystem::Swap => (0, SWAP, "swap"),
            FileSystem::BiosBoot => (5000, BIOS_BOOT, "BIOS boot"),
            _ => traits(mount, arch),
        };
        let is_mounted = !matches!(fs, FileSystem::Swap | FileSystem::BiosBoot);
        Self {
            mount: is_mounted.then(|| mount.to_owned()),
            fs,
            base,
            grow: false,
            max: None,
            disk: None,
            weight,
            kind,
            name,
            label: (mount == "/boot/efi").then(|| "EFI-SYSTEM".to_owned()),
            options: (mount == "/boot/efi").then(|| ESP_OPTIONS.to_owned()),
            location: None,
        }
    }
}

/// Order weight, type GUID (discoverable partitions specification) and name by mount point.
fn traits(mount: &str, arch: &str) -> (u32, Uuid, &'static str) {
    match mount {
        "/boot/efi" => (5000, ESP, "EFI System Partition"),
        "/boot" => (2000, XBOOTLDR, "boot"),
        "/" => (0, root_kind(arch), "root"),
        "/home" => (0, uuid!("933ac7e1-2eb4-4f13-b844-0e14e2aef915"), "home"),
        "/srv" => (0, uuid!("3b8f8425-20e0-4f3b-907f-1a25a76f98e8"), "srv"),
        "/var" => (0, uuid!("4d21b016-b534-45c2-a9fb-5c16e091fd2d"), "var"),
        "/tmp" => (0, uuid!("7ec6f557-3bc5-4aca-b293-16ef5df639d1"), "tmp"),
        _ => (0, LINUX, "data"),
    }
}

fn root_kind(arch: &str) -> Uuid {
    match arch {
        "amd64" => uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
        "arm64" => uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae"),
        "riscv64" => uuid!("72ec70a6-cf74-40e6-bd49-4bda08e8f224"),
        "ppc64le" => uuid!("c31c45e6-3f39-412e-80fb-4809c4980599"),
        "s390x" => uuid!("5eead9a9-fe09-4a1e-a1d7-520d00531306"),
        _ => LINUX,
    }
}

fn from_part(
    part: &Located<Part>,
    arch: &str,
    disks: &[Usable<'_>],
    issues: &mut Issues,
) -> Option<Request> {
    let at = &part.location;
    if refuse_unsupported(part, issues) {
        return None;
    }
    let fs = file_system(part, issues)?;
    check_words(part, fs, issues)?;
    if !matches!(fs, FileSystem::Swap | FileSystem::BiosBoot) {
        check_mount(&part.mntpoint, fs, at, issues)?;
    }
    let base = mib(part.size, "--size", at, issues)?.unwrap_or(DEFAULT_MIB);
    let max = mib(part.maxsize, "--maxsize", at, issues)?;
    if max.is_some_and(|max| max < base) {
        issues
            .error(Code::SizeInvalid, "`--maxsize` is smaller than `--size`")
            .at(at);
        return None;
    }
    let disk = match &part.ondisk {
        None => None,
        Some(name) => Some(on_disk(name, disks, at, issues)?),
    };
    let request = Request::new(&part.mntpoint, fs, base, arch);
    Some(Request {
        grow: part.grow,
        max,
        disk,
        label: part.label.clone().or_else(|| request.label.clone()),
        options: request.options.clone().or_else(|| part.fsoptions.clone()),
        location: Some(at.clone()),
        ..request
    })
}

/// Options that mean something and are not carried out yet stop the plan.
fn refuse_unsupported(part: &Located<Part>, issues: &mut Issues) -> bool {
    let given = [
        ("--onpart", part.onpart.is_some()),
        ("--noformat", part.noformat),
        ("--recommended", part.recommended),
        ("--hibernation", part.hibernation),
        ("--resize", part.resize),
        ("--encrypted", part.encryption.encrypted),
        ("--mkfsoptions", part.mkfsoptions.is_some()),
        ("--fsprofile", part.fsprofile.is_some()),
        ("--onbiosdisk", part.onbiosdisk.is_some()),
    ];
    let mut refused = false;
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        let message = format!("`part {option}` is not supported yet");
        issues
            .error(Code::NotSupportedYet, message)
            .at(&part.location);
        refused = true;
    }
    refused
}

fn file_system(part: &Located<Part>, issues: &mut Issues) -> Option<FileSystem> {
    let word = part.mntpoint.as_str();
    if word == "swap" {
        return Some(FileSystem::Swap);
    }
    if word == "biosboot" {
        return Some(FileSystem::BiosBoot);
    }
    if !word.starts_with('/') {
        let message = format!("a partition for `{word}` is not supported yet");
        issues
            .error(Code::NotSupportedYet, message)
            .at(&part.location);
        return None;
    }
    if word == "/boot/efi" {
        return Some(FileSystem::Vfat);
    }
    let Some(name) = &part.fstype else {
        return Some(FileSystem::Xfs);
    };
    let known = FileSystem::from_name(name);
    if known == Some(FileSystem::Swap) {
        let message = format!("`{word}` cannot be mounted from swap space");
        issues
            .error(Code::MountInvalid, message)
            .at(&part.location)
            .help("write `part swap`");
        return None;
    }
    if known.is_none() {
        let message = format!("the file system type `{name}` is not supported");
        issues
            .error(Code::FileSystemUnknown, message)
            .at(&part.location)
            .help("one of `xfs`, `ext4`, `btrfs`, `vfat`");
    }
    known
}

/// Words that end up in fstab or in a file system's header must fit there.
fn check_words(part: &Located<Part>, fs: FileSystem, issues: &mut Issues) -> Option<()> {
    let breaks_line = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control());
    let problem = if breaks_line(&part.mntpoint) {
        let message = format!("the mount point {:?} has white space in it", part.mntpoint);
        (Code::MountInvalid, message)
    } else if let Some(label) = too_long(part.label.as_deref(), fs) {
        let (name, max) = (fs.name(), fs.max_label_bytes());
        let message = format!("the label `{label}` is too long for {name}: at most {max} bytes");
        (Code::ValueInvalid, message)
    } else if let Some(options) = part.fsoptions.as_deref().filter(|o| breaks_line(o)) {
        let message = format!("the mount options {options:?} have white space in them");
        (Code::ValueInvalid, message)
    } else {
        return Some(());
    };
    issues.error(problem.0, problem.1).at(&part.location);
    None
}

fn too_long(label: Option<&str>, fs: FileSystem) -> Option<&str> {
    label.filter(|label| label.len() > fs.max_label_bytes())
}

/// Mount points that must, or must not, be file systems of their own.
fn check_mount(mount: &str, fs: FileSystem, at: &Location, issues: &mut Issues) -> Option<()> {
    const ON_ROOT: [&str; 12] = [
        "/bin", "/dev", "/sbin", "/etc", "/lib", "/lib64", "/proc", "/sys", "/run", "/usr",
        "/sysroot", "/ostree",
    ];
    // What is below these may be a file system of its own.
    const ITSELF_ON_ROOT: [&str; 3] = ["/root", "/mnt", "/lost+found"];
    const LINUX_ONLY: [&str; 5] = ["/", "/boot", "/var", "/tmp", "/home"];
    let under =
        |top: &str| mount == top || mount.strip_prefix(top).is_some_and(|r| r.starts_with('/'));
    if ON_ROOT.into_iter().any(under) || ITSELF_ON_ROOT.contains(&mount) {
        let message = format!("`{mount}` must be part of the image's own file system");
        issues.error(Code::MountInvalid, message).at(at);
        return None;
    }
    if fs == FileSystem::Vfat && LINUX_ONLY.contains(&mount) {
        let message = format!("`{mount}` must be on a Linux file system");
        issues.error(Code::MountInvalid, message).at(at);
        return None;
    }
    Some(())
}

/// A size option in MiB: absent is fine, negative and zero are not.
#[allow(clippy::option_option, reason = "outer: valid, inner: given")]
fn mib(
    value: Option<i64>,
    option: &str,
    at: &Location,
    issues: &mut Issues,
) -> Option<Option<u64>> {
    let Some(value) = value else {
        return Some(None);
    };
    match u64::try_from(value) {
        Ok(size) if (1..=u64::MAX / MIB).contains(&size) => Some(Some(size)),
        _ => {
            let message = format!("`{option}={value}` is not a size in MiB");
            issues.error(Code::SizeInvalid, message).at(at);
            None
        }
    }
}

fn on_disk(name: &str, disks: &[Usable<'_>], at: &Location, issues: &mut Issues) -> Option<usize> {
    let found = disks
        .iter()
        .position(|usable| select::matches(name, usable.disk));
    if found.is_none() {
        let message =
            format!("disk `{name}` given in the `part` command does not exist or is not used");
        let known: Vec<_> = disks.iter().map(|usable| usable.disk.name()).collect();
        issues
            .error(Code::DiskMissing, message)
            .at(at)
            .help(format!("disks that can be used: {}", known.join(", ")));
    }
    found
}

/// Rules over all requests: a root, a boot loader's place, no mount point twice, sane sizes.
fn check_set(
    kickstart: &Kickstart,
    wanted: &[Request],
    platform: &Platform<'_>,
    issues: &mut Issues,
) {
    if kickstart.part.is_empty() {
        issues
            .error(Code::NoRoot, "the kickstart defines no partitions")
            .help("for example `reqpart --add-boot` and `part / --grow --fstype xfs`");
        return;
    }
    if issues.has_errors() {
        return;
    }
    let has = |at: &str| wanted.iter().any(|r| r.mount.as_deref() == Some(at));
    if !has("/") {
        issues.error(Code::NoRoot, "no partition is mounted at `/`");
    }
    if platform.needs_esp() && !has("/boot/efi") {
        issues
            .error(
                Code::NoBootLoader,
                "there is no EFI System Partition for the boot loader",
            )
            .help("add `reqpart`");
    }
    for (index, request) in wanted.iter().enumerate() {
        let earlier = &wanted[..index];
        if request.mount.is_some() && earlier.iter().any(|r| r.mount == request.mount) {
            let mount = request.mount.as_deref().unwrap_or_default();
            located(
                issues,
                request,
                Code::MountTwice,
                format!("`{mount}` is given twice"),
            );
        }
        check_sizes(request, issues);
    }
}

fn check_sizes(request: &Request, issues: &mut Issues) {
    let what = request.what();
    let largest = if request.grow {
        request.max.unwrap_or(u64::MAX)
    } else {
        request.base
    };
    let min = request.fs.min_bytes();
    if largest.saturating_mul(MIB) < min {
        let message = format!(
            "the partition for `{what}` is too small for {}: at least {}",
            request.fs.name(),
            human(min)
        );
        located(issues, request, Code::SizeLimit, message);
    }
}

/// Says which partitions came out smaller than what Anaconda recommends.
pub(super) fn check_placed(placed: &[Placed], issues: &mut Issues) {
    const RECOMMENDED: [(&str, u64); 6] = [
        ("/", 250),
        ("/var", 384),
        ("/home", 100),
        ("/tmp", 50),
        ("/boot", 1024),
        ("/boot/efi", 500),
    ];
    for place in placed {
        let what = place.request.what();
        let is_error = place.size * MIB < place.request.fs.min_bytes();
        let small = |(at, mib): &&(&str, u64)| *at == what && place.size < *mib && !is_error;
        if let Some((_, mib)) = RECOMMENDED.iter().find(small) {
            let message = format!(
                "the partition for `{what}` has {}, less than the recommended {}",
                human(place.size * MIB),
                human(mib * MIB)
            );
            let issue = issues.warning(Code::SizeRecommended, message);
            issue.location.clone_from(&place.request.location);
        }
    }
}

fn located(issues: &mut Issues, request: &Request, code: Code, message: String) {
    issues
        .error(code, message)
        .location
        .clone_from(&request.location);
}

/// An ESP that stays has another system's boot loader in it, which must not be overwritten.
fn check_kept_esp(disks: &[Usable<'_>], wanted: &[Request], issues: &mut Issues) {
    if wanted.is_empty() {
        return;
    }
    for usable in disks {
        let esp = ESP.to_string();
        if let Some(kept) = usable
            .kept
            .iter()
            .find(|p| p.kind.eq_ignore_ascii_case(&esp))
        {
            let name = select::partition_name(usable.disk, kept.number);
            let message = format!("keeping the EFI System Partition `{name}` is not supported yet");
            issues
                .error(Code::NotSupportedYet, message)
                .help("leave the disk out with `ignoredisk`, or clear it with `clearpart --all`");
        }
    }
}
