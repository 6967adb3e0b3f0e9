// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What each `network` line says, read once: devices, addresses, numbers, ports. And whether it can be carried out at
//! all, judged before anything is written.
//!
//! Every name and value that is taken from a line ends up in a file's name or as a line of a file, so none may have
//! characters that would make it something else. It does not know which network service the image has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kickstart_parser::Located;
use kickstart_parser::commands::{BindTo, BootProto, Network};

use super::options;
use crate::inventory::Interface;
use crate::plan::issue::{Code, Issue, Issues};

/// Which device a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Device {
    /// The one with a cable; on the target that is any Ethernet.
    Any,
    Name(String),
    /// By its address, in lower case with colons.
    Mac(String),
}

/// Whether the line is about a device, and not only about the host name.
pub(super) fn names_a_device(line: &Network) -> bool {
    let alone = Network {
        hostname: line.hostname.clone(),
        ..Network::default()
    };
    line.hostname.is_none() || *line != alone
}

pub(super) fn device(line: &Network) -> Device {
    match line.device.as_deref().unwrap_or("") {
        "" | "link" | "bootif" => Device::Any,
        mac if is_mac(mac) => Device::Mac(mac.to_ascii_lowercase()),
        name => Device::Name(name.to_owned()),
    }
}

/// The name of the line's profile.
pub(super) fn id(line: &Network, index: usize) -> String {
    match device(line) {
        Device::Any => format!("ethernet{index}"),
        Device::Name(name) => name,
        Device::Mac(mac) => mac.replace(':', "-"),
    }
}

pub(super) fn vlan_id(line: &Network) -> Option<u16> {
    line.vlanid.as_deref()?.parse().ok()
}

/// The device of a VLAN: as the line says, else after the one below it.
pub(super) fn vlan_name(line: &Network, parent: &Device, id: u16) -> String {
    match (&line.interfacename, parent) {
        (Some(name), _) => name.clone(),
        (None, Device::Name(parent)) => format!("{parent}.{id}"),
        (None, _) => format!("vlan{id}"),
    }
}

pub(super) fn mtu(line: &Network) -> Option<u32> {
    line.mtu.as_deref()?.parse().ok()
}

/// What is separated by commas, without blanks and empty items.
pub(super) fn words(list: Option<&str>) -> Vec<String> {
    let items = list.unwrap_or("").split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// Options as key and value; those of bonds may be separated by semicolons.
pub(super) fn options(text: Option<&str>) -> Vec<(String, String)> {
    let text = text.unwrap_or("");
    let separator = if text.contains(';') { ';' } else { ',' };
    let pairs = text
        .split(separator)
        .filter_map(|item| item.split_once('='));
    pairs
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// The ports of the line's device: of what kind it is, their names and, for a team, their configurations.
pub(super) fn ports(line: &Network) -> Vec<(&'static str, String, Option<String>)> {
    let of = |kind: &'static str, list: &Option<String>| {
        let names = words(list.as_deref()).into_iter();
        names
            .map(move |name| (kind, name, None))
            .collect::<Vec<_>>()
    };
    let mut ports = of("bond", &line.bondslaves);
    ports.extend(of("bridge", &line.bridgeslaves));
    let team = line.teamslaves.iter();
    ports.extend(team.map(|port| ("team", port.device.clone(), port.config.clone())));
    ports
}

/// `10.0.0.5/24` from an address and a netmask; none where one of them is no such thing.
pub(super) fn static_address(line: &Network) -> Option<String> {
    let netmask: Ipv4Addr = line.netmask.as_ref()?.parse().ok()?;
    let address: Ipv4Addr = line.ip.as_ref()?.parse().ok()?;
    let mask = u32::from(netmask);
    (mask.leading_ones() == mask.count_ones()).then(|| format!("{address}/{}", mask.count_ones()))
}

/// `2001:db8::5/64`; 64 is the prefix length of an address that has none.
pub(super) fn address6(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "64"));
    let (address, prefix): (Ipv6Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    (prefix <= 128).then(|| format!("{address}/{prefix}"))
}

/// Judges every line.
pub(in crate::plan) fn check(lines: &[Located<Network>], issues: &mut Issues) {
    for line in lines {
        check_host_name(line, issues);
        check_kind(line, issues);
        check_names(line, issues);
        check_ipv4(line, issues);
        check_ipv6(line, issues);
        check_numbers(line, issues);
        options::judge(line, issues);
    }
}

fn wrong<'i>(line: &Located<Network>, message: &str, issues: &'i mut Issues) -> &'i mut Issue {
    issues.error(Code::ValueInvalid, message).at(&line.location)
}

fn left_out(line: &Located<Network>, message: &str, issues: &mut Issues) {
    let message = format!("{message} and is left out");
    issues
        .warning(Code::ValueInvalid, message)
        .at(&line.location);
}

/// Labels of letters, digits and hyphens, at most 64 bytes in all (`hostname(7)`).
fn check_host_name(line: &Located<Network>, issues: &mut Issues) {
    let Some(name) = line.hostname.as_deref().filter(|name| !name.is_empty()) else {
        return;
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if name.len() > 64 || !name.split('.').all(is_label) {
        wrong(line, &format!("`{name}` is not a host name"), issues);
    }
}

/// What no wired network service does, and devices of two kinds at once.
fn check_kind(line: &Located<Network>, issues: &mut Issues) {
    let is_wireless = line.essid.is_some() || line.wepkey.is_some() || line.wpakey.is_some();
    if is_wireless {
        let message = "wireless networks are not supported";
        issues
            .error(Code::NotSupportedYet, message)
            .at(&line.location)
            .help("write the profile in `%post`, or put it into the image");
    }
    if line.bootproto == BootProto::Ibft || line.device.as_deref() == Some("ibft") {
        let message = "`network --bootproto=ibft` is not supported yet";
        issues
            .error(Code::NotSupportedYet, message)
            .at(&line.location);
    }
    let kinds = [
        line.bondslaves.is_some(),
        line.bridgeslaves.is_some(),
        !line.teamslaves.is_empty(),
    ];
    let kinds = kinds.into_iter().filter(|given| *given).count();
    let over = line.vlanid.is_some() && kinds > 0 && line.bondslaves.is_none();
    if kinds > 1 || over {
        let message = "one `network` line makes one kind of device; only a VLAN goes with a bond";
        wrong(line, message, issues);
    }
    if kinds > 0 && !matches!(device(line), Device::Name(_)) {
        wrong(
            line,
            "a device that is made needs a name in `--device`",
            issues,
        );
    }
    if line.vlanid.is_some() && device(line) == Device::Any {
        let message = "a VLAN needs the device that it is on, by name or address, in `--device`";
        wrong(line, message, issues);
    }
}

/// Names of devices (at most 15 bytes, Linux) and of domains.
fn check_names(line: &Located<Network>, issues: &mut Issues) {
    let own = match device(line) {
        Device::Name(name) => Some(name),
        _ => None,
    };
    let vlan = vlan_id(line).map(|id| vlan_name(line, &device(line), id));
    let ports = ports(line).into_iter().map(|(_, name, _)| name);
    for name in ports.chain(own).chain(vlan) {
        if !is_device_name(&name) {
            wrong(
                line,
                &format!("`{name}` is not a name for a network device"),
                issues,
            );
        }
    }
    let domains = [&line.ipv4_dns_search, &line.ipv6_dns_search];
    for domain in domains.into_iter().flat_map(|list| words(list.as_deref())) {
        let is_domain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if !domain.chars().all(is_domain) {
            wrong(line, &format!("`{domain}` is not a domain"), issues);
        }
    }
}

fn check_ipv4(line: &Located<Network>, issues: &mut Issues) {
    let is_static = line.bootproto == BootProto::Static && !line.noipv4;
    if is_static && static_address(line).is_none() {
        let message = "a static address needs an IPv4 address in `--ip` and a mask in `--netmask`";
        wrong(line, message, issues);
    }
    let gateway = line
        .gateway
        .as_deref()
        .filter(|text| is_static && !text.is_empty());
    if let Some(gateway) = gateway.filter(|text| text.parse::<Ipv4Addr>().is_err()) {
        wrong(
            line,
            &format!("the gateway `{gateway}` is not an IPv4 address"),
            issues,
        );
    }
    for server in line.nameservers() {
        if server.parse::<IpAddr>().is_err() {
            left_out(
                line,
                &format!("the name server `{server}` is not an address"),
                issues,
            );
        }
    }
}

fn check_ipv6(line: &Located<Network>, issues: &mut Issues) {
    let address = line
        .ipv6
        .as_deref()
        .filter(|text| !matches!(*text, "" | "auto" | "dhcp"));
    if let Some(address) = address.filter(|text| address6(text).is_none()) {
        let message = format!("`{address}` is not an IPv6 address, `auto` or `dhcp`");
        wrong(line, &message, issues);
    }
    let gateway = line.ipv6gateway.as_deref().filter(|text| !text.is_empty());
    if let Some(gateway) = gateway.filter(|text| text.parse::<Ipv6Addr>().is_err()) {
        wrong(
            line,
            &format!("the gateway `{gateway}` is not an IPv6 address"),
            issues,
        );
    }
}

fn check_numbers(line: &Located<Network>, issues: &mut Issues) {
    if let Some(text) = line.mtu.as_deref().filter(|_| mtu(line).is_none()) {
        left_out(
            line,
            &format!("`--mtu={text}` is not a number of bytes"),
            issues,
        );
    }
    if let Some(text) = line.vlanid.as_deref()
        && vlan_id(line).is_none_or(|id| id > 4094)
    {
        wrong(
            line,
            &format!("`--vlanid={text}` is not a number from 0 to 4094"),
            issues,
        );
    }
}

/// The devices of this machine that lines bind to by address, which only the machine knows.
pub(in crate::plan) fn interfaces(
    lines: &[Located<Network>],
    known: &[Interface],
    issues: &mut Issues,
) -> Vec<Interface> {
    let mut found: Vec<Interface> = Vec::new();
    for line in lines.iter().filter(|line| line.bindto == Some(BindTo::Mac)) {
        for name in bound_names(line) {
            match known.iter().find(|interface| interface.name == name) {
                Some(interface) if found.contains(interface) => {}
                Some(interface) => found.push(interface.clone()),
                None => {
                    let message = format!(
                        "this machine has no device `{name}` whose address could be bound to"
                    );
                    wrong(line, &message, issues)
                        .help("give the address in `--device`, or leave `--bindto` out");
                }
            }
        }
    }
    found
}

/// The devices that `--bindto` is about: the ports of one that is made, else the device.
fn bound_names(line: &Network) -> Vec<String> {
    let ports: Vec<String> = ports(line).into_iter().map(|(_, name, _)| name).collect();
    match device(line) {
        _ if !ports.is_empty() => ports,
        Device::Name(name) if line.vlanid.is_none() => vec![name],
        _ => Vec::new(),
    }
}

fn is_mac(text: &str) -> bool {
    let mut pairs = text.split(':');
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    pairs.clone().count() == 6 && pairs.all(is_pair)
}

fn is_device_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    (1..=15).contains(&name.len()) && name.chars().all(is_plain) && !name.starts_with(['.', '-'])
}
