// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a kernel's command line says about networks and systemd's network generator leaves out (dracut.cmdline(7),
//! systemd-network-generator(8)): the options of bonds, the card that the firmware has started from, and the machine's name.

use std::net::{IpAddr, Ipv4Addr};

use super::check;
use super::ini::Ini;
use super::networkd::set;
use super::options;

const ORIGIN: &str = "the kernel's command line";

/// Additions to what the generator makes: files of systemd-networkd. What networkd knows no word for is left out.
pub fn additions(line: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = values(line, "bond=").filter_map(bond).collect();
    // Whoever names a device knows better.
    let names_device = ["ip=", "bond=", "bridge=", "vlan="]
        .iter()
        .any(|key| values(line, key).any(|value| value.contains(':')));
    let card = values(line, "BOOTIF=").last().and_then(mac);
    files.extend(
        card.filter(|_| !names_device)
            .map(|mac| only(&mac, line))
            .into_iter()
            .flatten(),
    );
    files
}

/// Whether the value of `BOOTIF=` is a card's address. Boot loaders leave half of one where they were not started through a
/// network.
pub fn is_card(value: &str) -> bool {
    mac(value).is_some()
}

/// What follows a key, each time.
fn values<'l>(line: &'l str, key: &str) -> impl Iterator<Item = &'l str> {
    line.split_whitespace()
        .filter_map(move |word| word.strip_prefix(key))
}

/// An address as boot loaders have it: `01-52-54-00-12-34-56`, where 01 is the kind of network, or without that.
fn mac(value: &str) -> Option<String> {
    let parts: Vec<&str> = value.split(['-', ':']).collect();
    let pairs = match parts.as_slice() {
        ["01", pairs @ ..] | pairs if pairs.len() == 6 => pairs,
        _ => return None,
    };
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    pairs
        .iter()
        .all(is_pair)
        .then(|| pairs.join(":").to_ascii_lowercase())
}

/// DHCP on one card; the others are left alone. The generator's file for every card, with the line's servers and routes,
/// does not reach this card then.
fn only(mac: &str, line: &str) -> [(String, String); 2] {
    let file = |name: &str, ini: Ini| {
        let path = format!("/run/systemd/network/60-landfall-{name}.network");
        (path, ini.finish())
    };
    let (mut one, mut others) = (Ini::of(ORIGIN), Ini::of(ORIGIN));
    one.section("Match")
        .line("MACAddress", mac)
        .line("Type", "ether");
    one.section("Network").line("DHCP", "yes");
    for server in values(line, "nameserver=").filter_map(address) {
        one.line("DNS", server);
    }
    for (destination, gateway) in values(line, "rd.route=").filter_map(route) {
        one.section("Route")
            .line("Destination", destination)
            .line("Gateway", gateway);
    }
    others
        .section("Match")
        .line("Name", "*")
        .line("Type", "ether");
    others.section("Link").line("Unmanaged", "yes");
    [file("boot", one), file("other", others)]
}

/// An address, of IPv6 perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Of `NETWORK/BITS:GATEWAY`. One that names an interface is the generator's, which has a file for that.
fn route(value: &str) -> Option<(String, IpAddr)> {
    let mut parts = fields(value);
    let (network, gateway) = (parts.next()?, address(parts.next()?)?);
    if parts.any(|rest| !rest.is_empty()) {
        return None;
    }
    // The brackets end before the number or behind it.
    let network = network.replace(['[', ']'], "");
    let (net, bits) = network.split_once('/')?;
    let net: IpAddr = net.parse().ok()?;
    let bits: u8 = bits.parse().ok()?;
    let most = if net.is_ipv4() { 32 } else { 128 };
    (bits <= most && net.is_ipv4() == gateway.is_ipv4()).then(|| (format!("{net}/{bits}"), gateway))
}

/// Of `NAME:PORTS:OPTIONS:MTU`.
fn bond(value: &str) -> Option<(String, String)> {
    let mut parts = value.splitn(3, ':');
    let name = parts.next().filter(|name| is_device(name))?;
    let rest = parts.nth(1).unwrap_or("");
    // Addresses of IPv6 in the options have colons, too; an MTU has none but its own.
    let (given, mtu) = match rest.rsplit_once(':') {
        Some((given, mtu)) if mtu.parse::<u32>().is_ok() => (given, Some(mtu)),
        _ => (rest, None),
    };
    let mut ini = Ini::of(ORIGIN);
    ini.section("NetDev").some("MTUBytes", mtu).section("Bond");
    for option in options::known(options::BOND, &check::options(Some(given))) {
        // Without the one that has no word the others still hold.
        let _ = set(&mut ini, vec![option]);
    }
    let path = format!("/run/systemd/network/70-{name}.netdev.d/landfall.conf");
    Some((path, ini.finish()))
}

/// Names of devices as the kernel allows them, and no path.
fn is_device(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=15).contains(&name.len()) && name != "." && name != ".." && name.chars().all(is_plain)
}

/// The machine's name, of `ip=[ADDRESS]:PEER:GATEWAY:MASK:NAME:DEVICE:METHOD`; the last one counts. The form that begins with
/// a device has no name, but a hardware address with colons.
pub fn host_name(line: &str) -> Option<&str> {
    values(line, "ip=")
        .filter(|value| fields(value).next().is_some_and(begins_with_address))
        .filter_map(|value| fields(value).nth(4))
        .filter(|name| is_name(name))
        .last()
}

/// Separated by colons, but those in brackets.
fn fields(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    value.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        c == ':' && depth == 0
    })
}

/// An address that DHCP gives is left empty.
fn begins_with_address(field: &str) -> bool {
    field.is_empty() || field.starts_with('[') || field.parse::<Ipv4Addr>().is_ok()
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_bonds_are_added_to_what_the_generator_makes() {
        let files =
            additions("quiet bond=bond0:eth0,eth1:mode=1,miimon=100:9000 vlan=bond0.5:bond0");
        assert_eq!(
            files,
            [(
                "/run/systemd/network/70-bond0.netdev.d/landfall.conf".to_owned(),
                "# Written by Landfall from the kernel's command line.\n\n[NetDev]\nMTUBytes=9000\n\n[Bond]\n\
                 Mode=active-backup\nMIIMonitorSec=100ms\n"
                    .to_owned()
            )]
        );
    }

    #[test]
    fn a_bond_without_options_has_an_addition_that_says_nothing() {
        for line in [
            "bond=b",
            "bond=b:eth0",
            "bond=b:eth0:use_carrier=1",
            "bond=b:eth0:mode=bal$(x)",
        ] {
            let text = &additions(line)[0].1;
            assert!(!text.contains('['), "{line}: {text}");
        }
        assert!(additions("bond=../x:eth0 bond= bond=a-name-that-is-too-long:eth0").is_empty());
    }

    #[test]
    fn only_the_card_that_the_firmware_has_started_from_is_used() {
        for value in ["01-52-54-00-AB-cd-01", "52:54:00:ab:cd:01"] {
            for line in [format!("BOOTIF={value}"), format!("ip=dhcp BOOTIF={value}")] {
                let files = additions(&line);
                assert_eq!(
                    files[0].1,
                    "# Written by Landfall from the kernel's command line.\n\n[Match]\nMACAddress=52:54:00:ab:cd:01\nType=ether\n\n\
                     [Network]\nDHCP=yes\n"
                );
                assert!(files[1].1.ends_with("[Link]\nUnmanaged=yes\n") && files[0].0 < files[1].0);
            }
        }
        for line in [
            "BOOTIF=x",
            "BOOTIF=01-52-54",
            "BOOTIF=01-52-54-00-ab-cd-01 ip=eth1:dhcp",
            "ip=dhcp",
        ] {
            assert!(additions(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn the_card_of_the_firmware_gets_the_lines_servers_and_routes() {
        let files = additions(
            "BOOTIF=01-52-54-00-ab-cd-01 nameserver=10.0.0.3 nameserver=[fd00::3] nameserver=x rd.route=10.9.0.0/16:10.0.0.1 \
             rd.route=[fd09::/16]:[fd00::1] rd.route=[fd0a::]/16:[fd00::1] rd.route=10.8.0.0/16:10.0.0.1:eth1 \
             rd.route=10.8.0.0:10.0.0.1 rd.route=10.8.0.0/33:10.0.0.1 rd.route=10.8.0.0/16:[fd00::1]",
        );
        assert_eq!(
            files[0].1,
            "# Written by Landfall from the kernel's command line.\n\n[Match]\nMACAddress=52:54:00:ab:cd:01\nType=ether\n\n\
             [Network]\nDHCP=yes\nDNS=10.0.0.3\nDNS=fd00::3\n\n[Route]\nDestination=10.9.0.0/16\nGateway=10.0.0.1\n\n\
             [Route]\nDestination=fd09::/16\nGateway=fd00::1\n\n[Route]\nDestination=fd0a::/16\nGateway=fd00::1\n"
        );
    }

    #[test]
    fn the_name_is_the_fifth_field() {
        let name = |value: &str| host_name(&format!("a ip={value} b")).map(str::to_owned);
        assert_eq!(
            name("10.0.0.2::10.0.0.1:255.255.255.0:rack7:eth0:none").as_deref(),
            Some("rack7")
        );
        assert_eq!(
            name("[fd00::2]::[fd00::1]:64:rack7:eth0:none").as_deref(),
            Some("rack7")
        );
        assert_eq!(name("::::rack7:eth0:dhcp").as_deref(), Some("rack7"));
        for value in [
            "dhcp",
            "eth0:dhcp",
            "eth0:dhcp:1500:52:54:00:12:34:56",
            "10.0.0.2::10.0.0.1:24::eth0:none",
            "1::2:3:a/b:eth0",
        ] {
            assert_eq!(name(value), None, "{value}");
        }
    }
}
