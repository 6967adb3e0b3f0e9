// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `network`: one network device of the installed system, or its host name.
//!
//! Takes the options of the line, gives [`Network`]. Addresses and device names are not checked here; which real
//! device is meant is found where the devices are known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::secret::Secret;

pub(super) const COMMAND: Command = Command {
    words: &["network"],
    summary: "Configures a network device or the host name",
    effect: Effect::CarriedOut,
    repeat: Repeat::Adds,
    conflicts: &[],
    options: OPTIONS,
    operand: None,
    convert,
};

const OPTIONS: &[Opt] = &[
    Opt::choice(
        &["--bootproto"],
        &["dhcp", "bootp", "static", "query", "ibft"],
        "How the device gets its IPv4 address; `dhcp` without this option",
    ),
    Opt::text(&["--dhcpclass"], "Vendor class sent to the DHCP server"),
    Opt::text(
        &["--device"],
        "Device by name, MAC address, or `link`, `bootif`, `ibft`",
    ),
    Opt::text(&["--essid"], "Name of the wireless network"),
    Opt::text(&["--ethtool"], "Settings given to ethtool"),
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
    Opt::secret(&["--wepkey"], "WEP key"),
    Opt::flag(
        &["--notksdevice"],
        "This is not the device that the kickstart came over",
    ),
    Opt::flag(&["--noipv4"], "Do without IPv4"),
    Opt::flag(&["--noipv6"], "Do without IPv6"),
    Opt::text(
        &["--ipv6"],
        "IPv6 address with prefix length, `auto` or `dhcp`",
    ),
    Opt::flag(&["--activate"], "Bring the device up in the installer"),
    Opt::flag(&["--nodefroute"], "Make it no default route"),
    Opt::secret(&["--wpakey"], "WPA passphrase"),
    Opt::text(&["--bondslaves"], "Devices to bond, separated by commas"),
    Opt::text(
        &["--bondopts"],
        "Options of the bond, separated by commas or semicolons",
    ),
    Opt::text(&["--vlanid"], "VLAN number"),
    Opt::text(&["--ipv6gateway"], "IPv6 gateway"),
    Opt::text(
        &["--teamslaves"],
        "Devices to team, each with an optional configuration in quotes",
    ),
    Opt::text(&["--teamconfig"], "Configuration of the team, JSON"),
    Opt::text(&["--interfacename"], "Name of the VLAN device"),
    Opt::text(
        &["--bridgeslaves"],
        "Devices to bridge, separated by commas",
    ),
    Opt::text(
        &["--bridgeopts"],
        "Options of the bridge, `key=value` separated by commas",
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
    Opt::text(&["--ipv4-dns-search"], "DNS search domains for IPv4"),
    Opt::text(&["--ipv6-dns-search"], "DNS search domains for IPv6"),
    Opt::flag(&["--ipv4-ignore-auto-dns"], "Ignore name servers from DHCP"),
    Opt::flag(
        &["--ipv6-ignore-auto-dns"],
        "Ignore name servers from router advertisements",
    ),
];

/// A network device or a host name
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// How the device gets its IPv4 address
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
    /// Name servers
    pub nameserver: Vec<String>,
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
    /// Devices to bond
    pub bondslaves: Vec<String>,
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
    /// Devices to bridge
    pub bridgeslaves: Vec<String>,
    /// Options of the bridge, `key=value` each
    pub bridgeopts: Vec<String>,
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

/// A device of a team
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamSlave {
    /// Name of the device
    pub device: String,
    /// Its configuration, JSON
    pub config: Option<String>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut value = Network {
        bootproto: bootproto(given),
        device: given.text("--device"),
        activate: given
            .last_of(&["--activate", "--no-activate"])
            .map(|name| name == "--activate"),
        onboot: given.bool("--onboot"),
        hostname: given.text("--hostname"),
        nameserver: items(given, "--nameserver"),
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
    add_virtual_device(&mut value, given, findings);
    check(&value, given, findings);
    kickstart.network.push(given.locate(value));
}

fn add_addresses(network: &mut Network, given: &Arguments) {
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

fn add_virtual_device(network: &mut Network, given: &Arguments, findings: &mut Findings) {
    network.bondslaves = items(given, "--bondslaves");
    network.bondopts = given.text("--bondopts");
    network.vlanid = given.text("--vlanid");
    network.interfacename = given.text("--interfacename");
    network.teamslaves = teamslaves(given, findings);
    network.teamconfig = given.text("--teamconfig");
    network.bridgeslaves = items(given, "--bridgeslaves");
    network.bridgeopts = items(given, "--bridgeopts");
}

fn bootproto(given: &Arguments) -> BootProto {
    match given.text("--bootproto").as_deref() {
        Some("bootp") => BootProto::Bootp,
        Some("static") => BootProto::Static,
        Some("query") => BootProto::Query,
        Some("ibft") => BootProto::Ibft,
        _ => BootProto::Dhcp,
    }
}

fn items(given: &Arguments, name: &str) -> Vec<String> {
    given
        .text(name)
        .map_or_else(Vec::new, |text| values::list(&text))
}

fn teamslaves(given: &Arguments, findings: &mut Findings) -> Vec<TeamSlave> {
    let Some(text) = given.text("--teamslaves") else {
        return Vec::new();
    };
    let Some(slaves) = values::team_slaves(&text) else {
        findings
            .error(Code::InvalidValue, given.location_of("--teamslaves"), format!("cannot read {}", quote(&text)))
            .help("write devices separated by commas, each with an optional configuration in single quotes");
        return Vec::new();
    };
    slaves
        .into_iter()
        .map(|(device, config)| TeamSlave { device, config })
        .collect()
}

fn check(network: &Network, given: &Arguments, findings: &mut Findings) {
    if !network.bridgeopts.is_empty() && network.bridgeslaves.is_empty() {
        given.needs("--bridgeopts", "--bridgeslaves", findings);
    }
    for item in network
        .bridgeopts
        .iter()
        .filter(|item| !values::is_key_value(item))
    {
        let message = format!("{} is not `key=value`", quote(item));
        findings.error(
            Code::InvalidValue,
            given.location_of("--bridgeopts"),
            message,
        );
    }
    if network.bindto.is_some() && network.vlanid.is_some() && network.bondopts.is_none() {
        let message = "a VLAN device cannot be bound to a MAC address";
        findings.error(Code::OptionConflict, given.location_of("--bindto"), message);
    }
    if network.device.is_none() {
        for name in [
            "--ipv4-dns-search",
            "--ipv6-dns-search",
            "--ipv4-ignore-auto-dns",
            "--ipv6-ignore-auto-dns",
        ] {
            if given.has(name) {
                given.needs(name, "--device", findings);
            }
        }
    }
}
