// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `network`: one network device of the installed system, or its host name.
//!
//! Takes the options of the line, gives [`Network`]. Addresses and device names are not checked here; which real
//! device is meant is found where the devices are known.

mod write;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;

pub(super) const COMMAND: Command = Command {
    words: &["network"],
    summary: "Configures a network device or the host name",
    repeat: Repeat::Adds,
    options: &[OPTIONS],
    convert,
    write: write::write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::choice(
        &["--bootproto"],
        &["dhcp", "bootp", "static", "query", "ibft"],
        "How the device gets its IPv4 address; `dhcp` without this option",
    ),
    Opt::text(&["--dhcpclass"], "Vendor class sent to the DHCP server").without_effect(NO_SERVICE),
    Opt::text(
        &["--device"],
        "Device by name, MAC address, or `link`, `bootif`, `ibft`",
    ),
    Opt::text(&["--essid"], "Name of the wireless network").not_yet(),
    Opt::text(&["--ethtool"], "Settings given to ethtool").without_effect(NO_SERVICE),
    Opt::text(&["--gateway"], "IPv4 gateway"),
    Opt::text(&["--hostname"], "Host name"),
    Opt::text(&["--ip"], "IPv4 address"),
    Opt::text(&["--mtu"], "Largest packet in bytes"),
    Opt::text(&["--nameserver"], "Name servers, separated by commas"),
    Opt::text(&["--netmask"], "IPv4 network mask"),
    Opt::flag(&["--nodns"], "Configure no name server"),
    Opt::bool(
        &["--onboot"],
        "Whether the device comes up when the system starts",
    ),
    Opt::secret(&["--wepkey"], "WEP key").not_yet(),
    Opt::flag(
        &["--notksdevice"],
        "This is not the device that the kickstart came over",
    )
    .without_effect(NO_SERVICE),
    Opt::flag(&["--noipv4"], "Do without IPv4"),
    Opt::flag(&["--noipv6"], "Do without IPv6"),
    Opt::text(
        &["--ipv6"],
        "IPv6 address with prefix length, `auto` or `dhcp`",
    ),
    Opt::flag(&["--activate"], "Bring the device up in the installer"),
    Opt::flag(&["--nodefroute"], "Make it no default route"),
    Opt::secret(&["--wpakey"], "WPA passphrase").not_yet(),
    Opt::text(&["--bondslaves"], "Devices to bond, separated by commas"),
    Opt::text(
        &["--bondopts"],
        "Options of the bond, separated by commas or semicolons",
    ),
    Opt::text(&["--vlanid"], "VLAN number, 0 to 4095"),
    Opt::text(&["--ipv6gateway"], "IPv6 gateway"),
    Opt::text(
        &["--teamslaves"],
        "Devices to team, each with an optional configuration in single quotes, JSON",
    )
    .deprecated_in(NO_TEAMS),
    Opt::text(&["--teamconfig"], "Configuration of the team, JSON").deprecated_in(NO_TEAMS),
    Opt::text(&["--interfacename"], "Name of the VLAN device"),
    Opt::text(
        &["--bridgeslaves"],
        "Devices to bridge, separated by commas",
    ),
    Opt::text(
        &["--bridgeopts"],
        "Options of the bridge, `key=value` separated by commas; needs `--bridgeslaves`",
    ),
    Opt::flag(
        &["--no-activate"],
        "Do not bring the device up in the installer",
    ),
    Opt::choice(
        &["--bindto"],
        &["mac"],
        "Bind the connection to this property of the device",
    ),
    Opt::text(
        &["--ipv4-dns-search"],
        "DNS search domains for IPv4; needs `--device`",
    )
    .only(WITH_DNS),
    Opt::text(
        &["--ipv6-dns-search"],
        "DNS search domains for IPv6; needs `--device`",
    )
    .only(WITH_DNS),
    Opt::flag(
        &["--ipv4-ignore-auto-dns"],
        "Ignore name servers from DHCP; needs `--device`",
    )
    .only(WITH_DNS),
    Opt::flag(
        &["--ipv6-ignore-auto-dns"],
        "Ignore name servers from router advertisements; needs `--device`",
    )
    .only(WITH_DNS),
];

/// Versions with search domains and name servers for each protocol
const WITH_DNS: Versions = Versions::ALL.except(Versions::RHEL8);
/// Versions that announce the end of teams
const NO_TEAMS: Versions = Versions::RHEL10;
const NO_SERVICE: &str = "no network service is told of it";

/// A network device or a host name
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// How the device gets its IPv4 address; means nothing with `noipv4`
    pub bootproto: BootProto,
    /// Device by name, MAC address, or `link`, `bootif`, `ibft`
    pub device: Option<String>,
    /// Whether it is brought up in the installer; `None` leaves it to the installer
    pub activate: Option<bool>,
    /// Whether it comes up when the system starts
    pub onboot: Option<bool>,
    /// Host name
    pub hostname: Option<String>,
    /// IPv4 address
    pub ip: Option<String>,
    /// IPv4 network mask
    pub netmask: Option<String>,
    /// IPv4 gateway
    pub gateway: Option<String>,
    /// Name servers, separated by commas: see [`Network::nameservers`]
    pub nameserver: Option<String>,
    /// No name server is configured
    pub nodns: bool,
    /// IPv4 is not used
    pub noipv4: bool,
    /// IPv6 is not used
    pub noipv6: bool,
    /// IPv6 address with prefix length, `auto` or `dhcp`
    pub ipv6: Option<String>,
    /// IPv6 gateway
    pub ipv6gateway: Option<String>,
    /// It is no default route
    pub nodefroute: bool,
    /// Largest packet in bytes
    pub mtu: Option<String>,
    /// Settings given to ethtool
    pub ethtool: Option<String>,
    /// Vendor class sent to the DHCP server
    pub dhcpclass: Option<String>,
    /// This is not the device that the kickstart came over
    pub notksdevice: bool,
    /// Name of the wireless network
    pub essid: Option<String>,
    /// WEP key
    pub wepkey: Option<Secret>,
    /// WPA passphrase
    pub wpakey: Option<Secret>,
    /// Devices to bond, separated by commas
    pub bondslaves: Option<String>,
    /// Options of the bond
    pub bondopts: Option<String>,
    /// VLAN number
    pub vlanid: Option<String>,
    /// Name of the VLAN device
    pub interfacename: Option<String>,
    /// Devices to team
    pub teamslaves: Vec<TeamSlave>,
    /// Configuration of the team, JSON
    pub teamconfig: Option<String>,
    /// Devices to bridge, separated by commas
    pub bridgeslaves: Option<String>,
    /// Options of the bridge, `key=value` separated by commas; only with `bridgeslaves`
    pub bridgeopts: Option<String>,
    /// Property of the device that the connection is bound to
    pub bindto: Option<BindTo>,
    /// DNS search domains for IPv4
    pub ipv4_dns_search: Option<String>,
    /// DNS search domains for IPv6
    pub ipv6_dns_search: Option<String>,
    /// Name servers from DHCP are ignored
    pub ipv4_ignore_auto_dns: bool,
    /// Name servers from router advertisements are ignored
    pub ipv6_ignore_auto_dns: bool,
}

/// How a device gets its IPv4 address
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootProto {
    /// From a DHCP server
    #[default]
    Dhcp,
    /// From a BOOTP server, which is treated as DHCP
    Bootp,
    /// From the kickstart
    Static,
    /// From the user, who is not asked
    Query,
    /// From the firmware's iSCSI boot table
    Ibft,
}

/// What a connection is bound to
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BindTo {
    /// The MAC address
    Mac,
}

/// A device of a team; any text is taken for one
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamSlave {
    /// Name of the device, which may be empty
    pub device: String,
    /// Its configuration, JSON
    pub config: Option<String>,
}

impl Network {
    /// The name servers one by one
    pub fn nameservers(&self) -> Vec<String> {
        self.nameserver
            .as_deref()
            .map_or_else(Vec::new, values::list)
    }
}

/// `device`, or `device'configuration'`
impl fmt::Display for TeamSlave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        self.config
            .as_ref()
            .map_or(Ok(()), |config| write!(f, "'{config}'"))
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut value = Network {
        bootproto: bootproto(given),
        device: given.text("--device"),
        activate: given
            .last_of(&["--activate", "--no-activate"])
            .map(|name| name == "--activate"),
        onboot: given.bool("--onboot"),
        hostname: given.text("--hostname"),
        nameserver: given.text("--nameserver"),
        nodns: given.flag("--nodns"),
        nodefroute: given.flag("--nodefroute"),
        mtu: given.text("--mtu"),
        ethtool: given.text("--ethtool"),
        dhcpclass: given.text("--dhcpclass"),
        notksdevice: given.flag("--notksdevice"),
        essid: given.text("--essid"),
        wepkey: given.text("--wepkey").map(Secret::new),
        wpakey: given.text("--wpakey").map(Secret::new),
        bindto: given.text("--bindto").map(|_| BindTo::Mac),
        ..Network::default()
    };
    add_addresses(&mut value, given);
    add_virtual_device(&mut value, given);
    check(&value, given, findings);
    kickstart.network.push(given.locate(value));
}

fn add_addresses(network: &mut Network, given: &Arguments<'_>) {
    network.ip = given.text("--ip");
    network.netmask = given.text("--netmask");
    network.gateway = given.text("--gateway");
    network.noipv4 = given.flag("--noipv4");
    network.noipv6 = given.flag("--noipv6");
    network.ipv6 = given.text("--ipv6");
    network.ipv6gateway = given.text("--ipv6gateway");
    network.ipv4_dns_search = given.text("--ipv4-dns-search");
    network.ipv6_dns_search = given.text("--ipv6-dns-search");
    network.ipv4_ignore_auto_dns = given.flag("--ipv4-ignore-auto-dns");
    network.ipv6_ignore_auto_dns = given.flag("--ipv6-ignore-auto-dns");
}

fn add_virtual_device(network: &mut Network, given: &Arguments<'_>) {
    network.bondslaves = given.text("--bondslaves");
    network.bondopts = given.text("--bondopts");
    network.vlanid = given.text("--vlanid");
    network.interfacename = given.text("--interfacename");
    network.teamslaves = given.raw("--teamslaves").map_or_else(Vec::new, team_slaves);
    network.teamconfig = given.text("--teamconfig");
    network.bridgeslaves = given.text("--bridgeslaves");
    network.bridgeopts = given.text("--bridgeopts");
}

fn bootproto(given: &Arguments<'_>) -> BootProto {
    match given.text("--bootproto").as_deref() {
        Some("bootp") => BootProto::Bootp,
        Some("static") => BootProto::Static,
        Some("query") => BootProto::Query,
        Some("ibft") => BootProto::Ibft,
        _ => BootProto::Dhcp,
    }
}

/// Devices separated by commas; a configuration in single quotes belongs to the device before it
fn team_slaves(text: &str) -> Vec<TeamSlave> {
    let mut parts: Vec<_> = text.split('\'').collect();
    if parts.last().is_some_and(|last| last.is_empty()) && parts.len() % 2 == 1 {
        parts.pop();
    }
    let mut slaves = Vec::new();
    for pair in parts.chunks(2) {
        let devices = pair[0].trim_matches(',').split(',');
        slaves.extend(devices.map(|device| TeamSlave {
            device: device.to_owned(),
            config: None,
        }));
        let config = pair.get(1).filter(|config| !config.is_empty());
        if let (Some(slave), Some(config)) = (slaves.last_mut(), config) {
            slave.config = Some((*config).to_owned());
        }
    }
    slaves
}

fn check(network: &Network, given: &Arguments<'_>, findings: &mut Findings) {
    if let Some(options) = &network.bridgeopts {
        if network.bridgeslaves.is_none() {
            given.needs("--bridgeopts", "--bridgeslaves", findings);
        }
        check_bridge_options(options, given, findings);
    }
    let unbonded_vlan = network.vlanid.is_some() && network.bondopts.is_none();
    if network.bindto.is_some() && unbonded_vlan {
        let message = "a VLAN device cannot be bound to a MAC address";
        findings.error(Code::OptionConflict, given.location_of("--bindto"), message);
    }
    let of_device = [
        ("--ipv4-dns-search", network.ipv4_dns_search.is_some()),
        ("--ipv6-dns-search", network.ipv6_dns_search.is_some()),
        ("--ipv4-ignore-auto-dns", network.ipv4_ignore_auto_dns),
        ("--ipv6-ignore-auto-dns", network.ipv6_ignore_auto_dns),
    ];
    for (name, _) in of_device
        .iter()
        .filter(|(_, is_set)| *is_set && network.device.is_none())
    {
        given.needs(name, "--device", findings);
    }
}

/// Every option of a bridge has one equals sign and something after it
fn check_bridge_options(options: &str, given: &Arguments<'_>, findings: &mut Findings) {
    let is_right = |item: &&str| {
        let value = item.split_once('=').map_or("", |(_, value)| value);
        !value.is_empty() && !value.contains('=')
    };
    for item in options.split(',').filter(|item| !is_right(item)) {
        let message = format!("{} is not `key=value`", quote(item));
        let at = given.location_of("--bridgeopts");
        findings.error(Code::InvalidValue, at, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_list_of_team_devices() {
        for (text, written) in [
            ("", ""),
            ("p1,p2", "p1,p2"),
            (
                "p1'{\"prio\": -10, \"sticky\": true}',p2",
                "p1'{\"prio\": -10, \"sticky\": true}',p2",
            ),
            ("p1,,p2'{}',p3,", "p1,,p2'{}',p3"),
            ("p1'{", "p1'{'"),
            ("'{}'", "'{}'"),
            (",", ""),
        ] {
            let slaves: Vec<_> = team_slaves(text).iter().map(ToString::to_string).collect();
            assert_eq!(slaves.join(","), written, "{text}");
        }
    }
}
