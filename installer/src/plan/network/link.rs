// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the `network` lines ask for as links: one for each device of the installed system that is configured.
//!
//! Takes the lines, which [`super::check`] has found to be in order, and the addresses of this machine's devices; gives
//! [`Link`]s that either network service can be told of. As in Anaconda, a bond, bridge or team has a link for each of
//! its ports, and a VLAN over a bond has the bond below it. It does not know which service the image has.

use std::net::{IpAddr, Ipv6Addr};

use kickstart_parser::Located;
use kickstart_parser::commands::{BindTo, BootProto, Network};

use super::check::{self, Device};
use crate::inventory::Interface;

/// A device that is configured.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// The profile's name, which is the file's too.
    pub(super) id: String,
    pub(super) device: Device,
    pub(super) kind: Kind,
    /// Comes up when the system starts.
    pub(super) onboot: bool,
    pub(super) mtu: Option<u32>,
    /// Its addresses; none for a port.
    pub(super) ip: Option<Ip>,
    /// What it is a port of.
    pub(super) port: Option<Port>,
}

/// What kind of device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Ethernet,
    Bond(Vec<(String, String)>),
    Bridge(Vec<(String, String)>),
    /// With its configuration, JSON.
    Team(Option<String>),
    Vlan {
        id: u16,
        parent: Device,
    },
}

/// What a port belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    /// `bond`, `bridge` or `team`.
    pub(super) kind: &'static str,
    /// The name of the device that it is a port of.
    pub(super) of: String,
    /// The configuration of a team's port, JSON.
    pub(super) config: Option<String>,
}

/// The addresses of a link.
#[derive(Debug, Clone, Default)]
pub(super) struct Ip {
    pub(super) v4: Method4,
    pub(super) v6: Method6,
    pub(super) dns: Vec<IpAddr>,
    pub(super) search4: Vec<String>,
    pub(super) search6: Vec<String>,
    pub(super) ignore_dns4: bool,
    pub(super) ignore_dns6: bool,
    /// No default route by IPv4.
    pub(super) never_default: bool,
}

/// Where IPv4 addresses come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Method4 {
    #[default]
    Dhcp,
    Static {
        address: String,
        gateway: Option<String>,
    },
    Disabled,
}

/// Where IPv6 addresses come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Method6 {
    #[default]
    Auto,
    Dhcp,
    Static {
        address: String,
        gateway: Option<String>,
    },
    /// Not the network service's business.
    Ignored,
    /// Off, below a VLAN.
    Disabled,
}

/// The links of all lines. `interfaces` has the devices of this machine that lines bind to by address.
pub(super) fn links(lines: &[Located<Network>], interfaces: &[Interface]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if check::names_a_device(line) {
            add(&mut links, index, line, interfaces);
        }
    }
    links
}

fn add(links: &mut Vec<Link>, index: usize, line: &Network, interfaces: &[Interface]) {
    let device = check::device(line);
    if let Some(id) = check::vlan_id(line) {
        if line.bondslaves.is_some() {
            links.push(bond_below_vlan(line, &device));
            add_ports(links, line, interfaces);
        }
        let name = check::vlan_name(line, &device, id);
        let kind = Kind::Vlan { id, parent: device };
        links.push(Link {
            id: name.clone(),
            device: Device::Name(name),
            ..own(line, kind)
        });
        return;
    }
    let kind = kind(line);
    let device = if kind == Kind::Ethernet {
        bound(line, device, interfaces)
    } else {
        device
    };
    links.push(Link {
        id: check::id(line, index),
        device,
        ..own(line, kind)
    });
    add_ports(links, line, interfaces);
}

/// What a line says of its own device.
fn own(line: &Network, kind: Kind) -> Link {
    Link {
        id: String::new(),
        device: Device::Any,
        kind,
        onboot: line.onboot != Some(false),
        mtu: check::mtu(line),
        ip: Some(ip(line)),
        port: None,
    }
}

fn kind(line: &Network) -> Kind {
    if line.bondslaves.is_some() {
        Kind::Bond(check::options(line.bondopts.as_deref()))
    } else if line.bridgeslaves.is_some() {
        Kind::Bridge(check::options(line.bridgeopts.as_deref()))
    } else if line.teamslaves.is_empty() {
        Kind::Ethernet
    } else {
        Kind::Team(line.teamconfig.clone())
    }
}

/// The bond that a VLAN is made on: it has no addresses of its own.
fn bond_below_vlan(line: &Network, device: &Device) -> Link {
    Link {
        id: line.device.clone().unwrap_or_default(),
        device: device.clone(),
        mtu: None,
        ip: Some(Ip {
            v4: Method4::Disabled,
            v6: Method6::Disabled,
            ..Ip::default()
        }),
        ..own(line, Kind::Bond(check::options(line.bondopts.as_deref())))
    }
}

/// The ports of a line's device. A bond or the like that an earlier line makes becomes a port itself.
fn add_ports(links: &mut Vec<Link>, line: &Network, interfaces: &[Interface]) {
    let of = line.device.clone().unwrap_or_default();
    for (number, (kind, name, config)) in check::ports(line).into_iter().enumerate() {
        let port = Port {
            kind,
            of: of.clone(),
            config,
        };
        let device = Device::Name(name);
        let earlier = links
            .iter_mut()
            .find(|link| link.kind != Kind::Ethernet && link.device == device);
        if let Some(link) = earlier {
            link.port = Some(port);
            link.ip = None;
            continue;
        }
        links.push(Link {
            id: format!("{of}_slave_{}", number + 1),
            device: bound(line, device, interfaces),
            kind: Kind::Ethernet,
            onboot: line.onboot != Some(false),
            mtu: None,
            ip: None,
            port: Some(port),
        });
    }
}

/// With `--bindto=mac` the device by its address in place of its name.
fn bound(line: &Network, device: Device, interfaces: &[Interface]) -> Device {
    let Device::Name(name) = &device else {
        return device;
    };
    let own = interfaces.iter().find(|known| known.name == *name);
    match own.filter(|_| line.bindto == Some(BindTo::Mac)) {
        Some(interface) => Device::Mac(interface.mac.clone()),
        None => device,
    }
}

fn ip(line: &Network) -> Ip {
    let words = |list: &Option<String>| check::words(list.as_deref());
    let servers = line.nameservers().into_iter();
    let servers = servers.filter_map(|server| server.parse().ok());
    Ip {
        v4: method4(line),
        v6: method6(line),
        dns: servers.filter(|_| !line.nodns).collect(),
        search4: words(&line.ipv4_dns_search),
        search6: words(&line.ipv6_dns_search),
        ignore_dns4: line.ipv4_ignore_auto_dns || line.nodns,
        ignore_dns6: line.ipv6_ignore_auto_dns || line.nodns,
        never_default: line.nodefroute,
    }
}

fn method4(line: &Network) -> Method4 {
    if line.noipv4 {
        return Method4::Disabled;
    }
    let address = check::static_address(line).filter(|_| line.bootproto == BootProto::Static);
    address.map_or(Method4::Dhcp, |address| Method4::Static {
        address,
        gateway: line.gateway.clone().filter(|gateway| !gateway.is_empty()),
    })
}

fn method6(line: &Network) -> Method6 {
    if line.noipv6 {
        return Method6::Ignored;
    }
    match line.ipv6.as_deref().unwrap_or("") {
        "" | "auto" => Method6::Auto,
        "dhcp" => Method6::Dhcp,
        address => check::address6(address).map_or(Method6::Auto, |address| Method6::Static {
            address,
            gateway: gateway6(line).map(|gateway| gateway.to_string()),
        }),
    }
}

fn gateway6(line: &Network) -> Option<Ipv6Addr> {
    line.ipv6gateway.as_deref()?.parse().ok()
}
