// SPDX-License-Identifier: Apache-2.0 OR MIT
//! All links as systemd-networkd is told of them: a `.network` file for each, a `.netdev` file for each that is made
//! (`systemd.network(5)`, `systemd.netdev(5)`).
//!
//! networkd wants to hear at the device below which VLANs are on it, so the links are told together. Teams and a few
//! options of bonds have no words here: those are errors.

use super::check::Device;
use super::ini::Ini;
use super::link::{Ip, Kind, Link, Method4, Method6};
use super::options::{self, Known};

/// Where the files are.
const DIRECTORY: &str = "/etc/systemd/network";

/// The files of all links, or what cannot be said.
pub(super) fn files(links: &[Link]) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for link in links {
        if let Some(text) = netdev(link)? {
            files.push((path(link, "netdev"), text));
        }
        files.push((path(link, "network"), network(link, links)?));
    }
    for (parent, vlans) in bare_parents(links) {
        let name = vlans.first().map_or("", String::as_str);
        let path = format!("{DIRECTORY}/10-{name}-parent.network");
        files.push((path, parent_network(parent, &vlans)));
    }
    Ok(files)
}

fn path(link: &Link, kind: &str) -> String {
    format!("{DIRECTORY}/10-{}.{kind}", link.id)
}

/// The device that is made, if one is.
fn netdev(link: &Link) -> Result<Option<String>, String> {
    let Device::Name(name) = &link.device else {
        return Ok(None);
    };
    let mut ini = Ini::new();
    ini.section("NetDev").line("Name", name);
    match &link.kind {
        Kind::Ethernet => return Ok(None),
        Kind::Team(_) => {
            return Err(format!("systemd-networkd makes no teams such as `{name}`"));
        }
        Kind::Vlan { id, .. } => {
            ini.line("Kind", "vlan").section("VLAN").line("Id", id);
        }
        Kind::Bond(given) => {
            ini.line("Kind", "bond").section("Bond");
            set(&mut ini, options::known(options::BOND, given))?;
        }
        Kind::Bridge(given) => {
            ini.line("Kind", "bridge").section("Bridge");
            let known = options::known(options::BRIDGE, given);
            if known.iter().all(|(option, _)| option.name != "stp") {
                // As NetworkManager does where nothing is said.
                ini.line("STP", "true");
            }
            set(&mut ini, known)?;
        }
    }
    Ok(Some(ini.finish()))
}

pub(super) fn set(ini: &mut Ini, options: Vec<(&'static Known, String)>) -> Result<(), String> {
    for (option, value) in options {
        match option.networkd {
            Some(key) => {
                // Several addresses are separated by blanks.
                let value = value.replace(',', " ");
                ini.line(key, format_args!("{value}{}", option.unit));
            }
            None if option.name == "primary" => {}
            None => {
                return Err(format!(
                    "systemd-networkd has nothing like `{}={value}`",
                    option.name
                ));
            }
        }
    }
    Ok(())
}

fn network(link: &Link, links: &[Link]) -> Result<String, String> {
    let mut ini = Ini::new();
    matches(&mut ini, &link.device, link.port.is_some());
    ini.section("Link")
        .some("MTUBytes", link.mtu)
        .flag("ActivationPolicy", !link.onboot, "manual")
        .flag("RequiredForOnline", !link.onboot, "no");
    ini.section("Network");
    for vlan in vlans_on(&link.device, links) {
        ini.line("VLAN", vlan);
    }
    if let Some(port) = &link.port {
        let key = match port.kind {
            "bond" => "Bond",
            "bridge" => "Bridge",
            other => return Err(format!("systemd-networkd has no ports of a {other}")),
        };
        ini.line(key, &port.of);
        ini.flag("PrimarySlave", is_primary(link, links), "true");
    }
    if let Some(ip) = &link.ip {
        addresses(&mut ini, ip);
        clients(&mut ini, ip);
    }
    Ok(ini.finish())
}

/// A VLAN has the address of the device below it, and a bond may give its ports another one.
fn matches(ini: &mut Ini, device: &Device, is_port: bool) {
    ini.section("Match");
    match device {
        Device::Any => ini.line("Type", "ether"),
        Device::Name(name) => ini.line("Name", name),
        Device::Mac(mac) if is_port => ini.line("PermanentMACAddress", mac),
        Device::Mac(mac) => ini.line("MACAddress", mac).line("Type", "ether"),
    };
}

fn addresses(ini: &mut Ini, ip: &Ip) {
    let dhcp = match (ip.v4 == Method4::Dhcp, &ip.v6) {
        (true, Method6::Auto | Method6::Dhcp) => Some("yes"),
        (true, _) => Some("ipv4"),
        (false, Method6::Dhcp) => Some("ipv6"),
        (false, _) => None,
    };
    ini.some("DHCP", dhcp);
    if let Method4::Static { address, gateway } = &ip.v4 {
        let gateway = gateway.as_ref().filter(|_| !ip.never_default);
        ini.line("Address", address).some("Gateway", gateway);
    }
    if let Method6::Static { address, gateway } = &ip.v6 {
        ini.line("Address", address)
            .some("Gateway", gateway.as_ref());
    }
    let without_router = ip.v6 != Method6::Auto;
    let without_ipv6 = matches!(ip.v6, Method6::Ignored | Method6::Disabled);
    ini.flag("LinkLocalAddressing", without_ipv6, "no")
        .flag("IPv6AcceptRA", without_router, "no");
    for server in &ip.dns {
        ini.line("DNS", server);
    }
    let mut search = ip.search4.clone();
    search.extend(
        ip.search6
            .iter()
            .filter(|domain| !ip.search4.contains(domain))
            .cloned(),
    );
    ini.some("Domains", (!search.is_empty()).then(|| search.join(" ")));
}

/// What is taken from servers and routers.
fn clients(ini: &mut Ini, ip: &Ip) {
    if ip.v4 == Method4::Dhcp {
        ini.section("DHCPv4")
            .flag("UseDNS", ip.ignore_dns4, "no")
            .flag("UseGateway", ip.never_default, "no");
    }
    if matches!(ip.v6, Method6::Auto | Method6::Dhcp) {
        ini.section("DHCPv6")
            .flag("UseDNS", ip.ignore_dns6, "no")
            .flag("WithoutRA", ip.v6 == Method6::Dhcp, "solicit");
        ini.section("IPv6AcceptRA")
            .flag("UseDNS", ip.ignore_dns6, "no");
    }
}

/// The VLANs on a device, by name.
fn vlans_on<'l>(device: &'l Device, links: &'l [Link]) -> impl Iterator<Item = &'l String> {
    links
        .iter()
        .filter_map(move |link| match (&link.kind, &link.device) {
            (Kind::Vlan { parent, .. }, Device::Name(name)) if parent == device => Some(name),
            _ => None,
        })
}

/// Devices below VLANs that no line configures, with the VLANs.
fn bare_parents(links: &[Link]) -> Vec<(&Device, Vec<String>)> {
    let mut parents: Vec<(&Device, Vec<String>)> = Vec::new();
    for link in links {
        let Kind::Vlan { parent, .. } = &link.kind else {
            continue;
        };
        let is_known = links.iter().any(|link| link.device == *parent)
            || parents.iter().any(|(known, _)| *known == parent);
        if !is_known {
            parents.push((parent, vlans_on(parent, links).cloned().collect()));
        }
    }
    parents
}

fn parent_network(parent: &Device, vlans: &[String]) -> String {
    let mut ini = Ini::new();
    matches(&mut ini, parent, false);
    ini.section("Network");
    for vlan in vlans {
        ini.line("VLAN", vlan);
    }
    ini.line("LinkLocalAddressing", "no")
        .line("IPv6AcceptRA", "no");
    ini.finish()
}

/// Whether the bond that this is a port of names it as the one to prefer.
fn is_primary(link: &Link, links: &[Link]) -> bool {
    let (Some(port), Device::Name(name)) = (&link.port, &link.device) else {
        return false;
    };
    let of = Device::Name(port.of.clone());
    links.iter().any(|bond| match &bond.kind {
        Kind::Bond(options) if bond.device == of => options
            .iter()
            .any(|(key, value)| key == "primary" && value == name),
        _ => false,
    })
}
