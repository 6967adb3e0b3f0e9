// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `autopart --type=plain`: the default layout on partitions.
//!
//! The layout is that of Anaconda's profile for RHEL: the platform's partitions with `/boot`, `/`, `/home`
//! where there is much room, and swap. Other types are refused, as they come with volumes.

use kickstart_parser::Located;
use kickstart_parser::commands::{AutoPart, AutoPartType};

use super::check;
use super::filesystem::FileSystem;
use super::issue::{Code, Issues};
use super::region::free_regions;
use super::request::{Machine, Request, Wanted, swap_size};

const GIB: u64 = 1024;
/// `/home` is made where the two largest stretches of free space have this many MiB together.
const ROOM_FOR_HOME: u64 = 50 * GIB;

/// Adds what the command asks for.
pub(super) fn add(
    command: &Located<AutoPart>,
    machine: &Machine<'_, '_>,
    wanted: &mut Wanted<'_>,
    issues: &mut Issues,
) {
    let Some(fs) = file_system(command, issues) else {
        return;
    };
    wanted.add_platform(!command.noboot, machine);
    let new = |mount, fs, base| Request {
        location: Some(command.location.clone()),
        ..Request::new(mount, fs, base, &machine.inventory.arch)
    };
    wanted.requests.push(Request {
        grow: true,
        max: Some(70 * GIB),
        ..new("/", fs, GIB)
    });
    if !command.nohome && largest_two(machine) >= ROOM_FOR_HOME {
        wanted.requests.push(Request {
            grow: true,
            ..new("/home", fs, 512)
        });
    }
    if !command.noswap {
        let size = swap_size(command.hibernation, machine);
        wanted.requests.push(new("swap", FileSystem::Swap, size));
    }
}

/// What `/` and `/home` are formatted as; none where the layout is not one of partitions.
fn file_system(command: &Located<AutoPart>, issues: &mut Issues) -> Option<FileSystem> {
    let at = &command.location;
    let refused = match command.kind {
        Some(AutoPartType::Plain) => command
            .encryption
            .encrypted
            .then(|| "--encrypted".to_owned()),
        Some(kind) => Some(format!("--type={}", kind.as_str())),
        // The default of the profile.
        None => Some("--type=lvm".to_owned()),
    };
    if let Some(option) = refused {
        let message = format!("`autopart {option}` is not supported yet");
        issues
            .error(Code::NotSupportedYet, message)
            .at(at)
            .help("`autopart --type=plain` makes partitions");
        return None;
    }
    let fs = match command.fstype.as_deref() {
        None => FileSystem::Xfs,
        Some(name) => check::known(name, at, issues)?,
    };
    if matches!(fs, FileSystem::Vfat | FileSystem::Swap) {
        let message = format!("`/` cannot be {}", fs.name());
        issues.error(Code::MountInvalid, message).at(at);
        return None;
    }
    Some(fs)
}

/// MiB of the two largest stretches of free space.
fn largest_two(machine: &Machine<'_, '_>) -> u64 {
    let disks = machine.disks.iter().enumerate();
    let mut lengths: Vec<u64> = disks
        .flat_map(|(index, usable)| free_regions(index, usable, &[]))
        .map(|region| region.length)
        .collect();
    lengths.sort_unstable();
    lengths.iter().rev().take(2).sum()
}
