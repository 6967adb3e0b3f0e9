// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a kickstart may ask for that this version does not carry out, said before any write.
//!
//! An option that is read and then forgotten would be the worst answer: each such option is an
//! error here, or a warning in [`super::ignored`] where leaving it out breaks nothing. Storage
//! options are judged where partitions are requested.

use kickstart_parser::commands::{BootLocation, Bootc, Bootloader};
use kickstart_parser::{Kickstart, Located, Location, hidden};

use super::boot_password;
use super::issue::{Code, Issues};
use super::network;
use super::settings::{desktop, keyboard, realm, time};
use super::target::stateroot;

pub(super) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    network::check(&kickstart.network, issues);
    keyboard::check(kickstart, issues);
    time::check(kickstart, issues);
    desktop::check(kickstart, issues);
    realm::check(kickstart, issues);
    if let Some(bootc) = &kickstart.bootc {
        check_bootc(bootc, issues);
    }
    if let Some(bootloader) = &kickstart.bootloader {
        check_bootloader(bootloader, issues);
    }
    check_values(kickstart, issues);
}

fn not_yet<'i>(issues: &'i mut Issues, what: &str) -> &'i mut super::Issue {
    issues.error(
        Code::NotSupportedYet,
        format!("`{what}` is not supported yet"),
    )
}

/// Another boot loader, or another form of deployment, than the one that is installed.
fn check_bootc(command: &Located<Bootc>, issues: &mut Issues) {
    let other = |name: &str| !matches!(name, "" | "grub");
    if command.bootloader.as_deref().is_some_and(other) {
        not_yet(issues, "bootc --bootloader").at(&command.location);
    }
    if command.composefs {
        not_yet(issues, "bootc --composefs").at(&command.location);
    }
}

fn check_bootloader(bootloader: &Located<Bootloader>, issues: &mut Issues) {
    let given = [
        ("bootloader --extlinux", bootloader.extlinux),
        ("bootloader --sdboot", bootloader.sdboot),
    ];
    if bootloader.value.location == BootLocation::Partition {
        issues
            .error(
                Code::ValueInvalid,
                "GRUB cannot be installed to a partition",
            )
            .at(&bootloader.location)
            .help("write `--location=mbr`, or nothing");
    }
    boot_password::check(bootloader, issues);
    for (option, _) in given.iter().filter(|(_, given)| *given) {
        not_yet(issues, option).at(&bootloader.location);
    }
}

/// Values that become paths, arguments of the kernel or of programs.
fn check_values(kickstart: &Kickstart, issues: &mut Issues) {
    let append = kickstart.bootloader.as_ref();
    for (value, location) in append
        .iter()
        .filter_map(|b| Some((b.append.as_deref()?, &b.location)))
    {
        for karg in value.split_whitespace() {
            check_karg(karg, Some(location), issues);
        }
    }
    let users = kickstart
        .user
        .iter()
        .map(|user| (&user.name, &user.location));
    let groups = kickstart
        .group
        .iter()
        .map(|group| (&group.name, &group.location));
    let wanted = kickstart
        .user
        .iter()
        .flat_map(|user| user.groups.iter().map(|g| (&g.name, &user.location)));
    for (name, location) in users.chain(groups).chain(wanted) {
        if !is_account_name(name) {
            let message = format!("`{name}` is not a name for an account");
            issues.error(Code::ValueInvalid, message).at(location);
        }
    }
    check_numbers(kickstart, issues);
    check_firewall(kickstart, issues);
    let empty_keys = kickstart
        .sshkey
        .iter()
        .filter(|key| key.key.trim().is_empty());
    for key in empty_keys {
        issues
            .error(Code::ValueInvalid, "the key of `sshkey` is empty")
            .at(&key.location);
    }
    let stateroot = stateroot(kickstart);
    if !stateroot
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        || stateroot.starts_with('.')
    {
        let message = format!("`{stateroot}` is not a name for a stateroot");
        issues.error(Code::ValueInvalid, message);
    }
}

/// Numbers of accounts and groups are 32 bits wide, and the highest one means none (`useradd(8)`, `chown(2)`).
fn check_numbers(kickstart: &Kickstart, issues: &mut Issues) {
    let users = kickstart.user.iter().flat_map(|user| {
        [
            ("--uid", user.uid, &user.location),
            ("--gid", user.gid, &user.location),
        ]
    });
    let wanted = kickstart.user.iter().flat_map(|user| {
        user.groups
            .iter()
            .map(|group| ("--groups", group.gid, &user.location))
    });
    let groups = kickstart
        .group
        .iter()
        .map(|group| ("--gid", group.gid, &group.location));
    for (option, number, location) in users.chain(wanted).chain(groups) {
        let is_wrong = |n: &i64| !(0..i64::from(u32::MAX)).contains(n);
        if let Some(number) = number.filter(is_wrong) {
            let message = format!(
                "`{option}` cannot be {number}, it goes from 0 to {}",
                u32::MAX - 1
            );
            issues.error(Code::ValueInvalid, message).at(location);
        }
    }
}

/// What firewalld takes (`firewall-offline-cmd(1)`): `port[-port]:protocol`, and one interface an option.
fn check_firewall(kickstart: &Kickstart, issues: &mut Issues) {
    const PROTOCOLS: [&str; 4] = ["tcp", "udp", "sctp", "dccp"];
    let Some(firewall) = &kickstart.firewall else {
        return;
    };
    for port in &firewall.port {
        let range = port
            .port
            .split_once('-')
            .unwrap_or((&port.port, &port.port));
        let numbers = (range.0.parse::<u16>(), range.1.parse::<u16>());
        let in_order = matches!(numbers, (Ok(first), Ok(last)) if first <= last);
        if !in_order || !PROTOCOLS.contains(&port.protocol.as_str()) {
            let message = format!(
                "`{}:{}` is not a port and its protocol",
                port.port, port.protocol
            );
            issues
                .error(Code::ValueInvalid, message)
                .at(&firewall.location);
        }
    }
    let names = firewall
        .trust
        .iter()
        .chain(&firewall.service)
        .chain(&firewall.remove_service);
    for name in names
        .filter(|name| name.is_empty() || name.contains(|c: char| c == ',' || c.is_whitespace()))
    {
        let message = format!("`{name}` is not one name of a service or interface");
        issues
            .error(Code::ValueInvalid, message)
            .at(&firewall.location);
    }
}

/// What `useradd` and `groupadd` take everywhere (shadow, `useradd(8)`).
fn is_account_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || "_-.$".contains(c))
        && name.len() <= 32
}

/// GRUB parses the menu as a script, so some characters would not arrive at the kernel.
pub(super) fn check_karg(karg: &str, location: Option<&Location>, issues: &mut Issues) {
    if karg.contains(|c: char| c.is_control() || c.is_whitespace() || ";&|<>{}$'\"\\".contains(c)) {
        let message = format!(
            "the kernel argument `{}` has characters that GRUB would interpret",
            hidden(karg)
        );
        issues.error(Code::KernelArgument, message).location = location.cloned();
    }
}
