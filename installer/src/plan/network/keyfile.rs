// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A link as NetworkManager is told of it: a keyfile, `nm-settings-keyfile(5)`.
//!
//! The same settings as Anaconda makes, in words that every version of NetworkManager has read.

use std::net::IpAddr;

use uuid::Uuid;

use super::check::Device;
use super::ini::Ini;
use super::link::{Ip, Kind, Link, Method4, Method6};
use super::options;

/// Where keyfiles are.
pub(super) const DIRECTORY: &str = "/etc/NetworkManager/system-connections";

/// The path and the text of a link's profile. UUIDs come from the plan's seed.
pub(super) fn profile(link: &Link, seed: Uuid) -> (String, String) {
    let mut ini = Ini::new();
    connection(&mut ini, link, seed);
    device(&mut ini, link);
    if let Some(ip) = &link.ip {
        ipv4(&mut ini, ip);
        ipv6(&mut ini, ip);
    }
    (
        format!("{DIRECTORY}/{}.nmconnection", link.id),
        ini.finish(),
    )
}

fn connection(ini: &mut Ini, link: &Link, seed: Uuid) {
    let kind = match link.kind {
        Kind::Ethernet => "ethernet",
        Kind::Bond(_) => "bond",
        Kind::Bridge(_) => "bridge",
        Kind::Team(_) => "team",
        Kind::Vlan { .. } => "vlan",
    };
    let name = match &link.device {
        Device::Name(name) => Some(name),
        Device::Any | Device::Mac(_) => None,
    };
    ini.section("connection")
        .line("id", &link.id)
        .line(
            "uuid",
            Uuid::new_v5(&seed, format!("network {}", link.id).as_bytes()),
        )
        .line("type", kind)
        .line("autoconnect", link.onboot)
        .some("interface-name", name);
    if let Some(port) = &link.port {
        ini.line("master", &port.of).line("slave-type", port.kind);
    }
}

fn device(ini: &mut Ini, link: &Link) {
    match &link.kind {
        Kind::Ethernet => {}
        Kind::Bond(given) => {
            ini.section("bond");
            for (option, value) in options::known(options::BOND, given) {
                ini.line(option.name, value);
            }
        }
        Kind::Bridge(given) => {
            ini.section("bridge");
            for (option, value) in options::known(options::BRIDGE, given) {
                ini.line(option.name, value);
            }
        }
        Kind::Team(config) => {
            let config = config.as_deref().map(escaped);
            ini.section("team").some("config", config);
        }
        Kind::Vlan { id, parent } => {
            // A parent is a name or a UUID; one of an address is found by that.
            let parent = match parent {
                Device::Name(parent) => Some(parent),
                Device::Mac(_) | Device::Any => None,
            };
            ini.section("vlan").line("id", id).some("parent", parent);
        }
    }
    let mac = match (&link.device, &link.kind) {
        (Device::Mac(mac), _)
        | (
            _,
            Kind::Vlan {
                parent: Device::Mac(mac),
                ..
            },
        ) => Some(mac),
        _ => None,
    };
    ini.section("ethernet")
        .some("mac-address", mac)
        .some("mtu", link.mtu);
    let port = link.port.as_ref().and_then(|port| port.config.as_deref());
    ini.section("team-port").some("config", port.map(escaped));
}

fn ipv4(ini: &mut Ini, ip: &Ip) {
    ini.section("ipv4");
    match &ip.v4 {
        Method4::Dhcp => ini.line("method", "auto"),
        Method4::Disabled => ini.line("method", "disabled"),
        Method4::Static { address, gateway } => ini
            .line("method", "manual")
            .line("address1", with_gateway(address, gateway.as_deref())),
    };
    ini.flag("never-default", ip.never_default, "true");
    let servers = ip.dns.iter().filter(|server| server.is_ipv4());
    names(ini, servers, &ip.search4);
    ini.flag("ignore-auto-dns", ip.ignore_dns4, "true");
}

fn ipv6(ini: &mut Ini, ip: &Ip) {
    ini.section("ipv6");
    match &ip.v6 {
        Method6::Auto => ini.line("method", "auto"),
        Method6::Dhcp => ini.line("method", "dhcp"),
        Method6::Ignored => ini.line("method", "ignore"),
        Method6::Disabled => ini.line("method", "disabled"),
        Method6::Static { address, gateway } => ini
            .line("method", "manual")
            .line("address1", with_gateway(address, gateway.as_deref())),
    };
    ini.line("addr-gen-mode", "eui64");
    let servers = ip.dns.iter().filter(|server| server.is_ipv6());
    names(ini, servers, &ip.search6);
    ini.flag("ignore-auto-dns", ip.ignore_dns6, "true");
}

fn with_gateway(address: &str, gateway: Option<&str>) -> String {
    gateway.map_or_else(
        || address.to_owned(),
        |gateway| format!("{address},{gateway}"),
    )
}

/// Servers and search domains, lists that end with a semicolon.
fn names<'a>(ini: &mut Ini, servers: impl Iterator<Item = &'a IpAddr>, search: &[String]) {
    let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(";") + ";");
    ini.some("dns", list(servers.map(ToString::to_string).collect()))
        .some("dns-search", list(search.to_vec()));
}

/// A text as a value: a backslash begins an escape.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
}
