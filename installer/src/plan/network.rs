// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The host name and the network profiles of the installed system as actions.
//!
//! Takes the `network` commands, the plan's seed and the image's facts; gives a file for each
//! profile, for NetworkManager or systemd-networkd. It does not know which interfaces the target
//! has, and sets up no network.

use std::net::{IpAddr, Ipv4Addr};

use kickstart_parser::Kickstart;
use kickstart_parser::commands::{BootProto, Network};
use serde::Serialize;
use uuid::Uuid;

use super::Plan;
use super::files::write;
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};
use crate::template::{Template, render};

/// A profile for each `network` command, for the network service that the image has.
pub(super) fn network(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for (index, command) in kickstart.network.iter().enumerate() {
        if let Some(name) = command.hostname.as_ref().filter(|name| !name.is_empty()) {
            actions.push(write("/etc/hostname", format!("{name}\n")));
        }
        let only_hostname =
            command.hostname.is_some() && command.device.is_none() && command.ip.is_none();
        if command.onboot == Some(false) || only_hostname {
            continue;
        }
        let profile = Profile::new(index, command, plan.seed);
        if facts.units.contains("NetworkManager.service") {
            actions.push(profile.for_network_manager());
        } else if facts.units.contains("systemd-networkd.service") {
            actions.push(profile.for_networkd());
        } else {
            let message = "the image has neither NetworkManager nor systemd-networkd";
            issues
                .warning(Code::NoEffect, message)
                .at(&command.location);
        }
    }
    actions
}

/// A network profile, for either network service.
#[derive(Debug, Serialize)]
struct Profile {
    id: String,
    uuid: Uuid,
    autoconnect: bool,
    match_key: &'static str,
    match_value: String,
    interface: Option<String>,
    mac: Option<String>,
    address: Option<String>,
    gateway: Option<String>,
    nameservers: Vec<IpAddr>,
    nameservers4: Vec<IpAddr>,
    nameservers6: Vec<IpAddr>,
}

impl Profile {
    fn new(index: usize, command: &Network, seed: Uuid) -> Self {
        let device = command.device.clone().unwrap_or_default();
        let mac = (device.matches(':').count() == 5).then(|| device.to_ascii_lowercase());
        // `link` is the first interface with a cable; on the target that is any Ethernet.
        let any = matches!(device.as_str(), "" | "link" | "bootif");
        let interface = (!any && mac.is_none()).then(|| device.clone());
        let (match_key, match_value) = match (&mac, &interface) {
            (Some(mac), _) => ("MACAddress", mac.clone()),
            (None, Some(name)) => ("Name", name.clone()),
            (None, None) => ("Type", "ether".to_owned()),
        };
        let is_static = command.bootproto == BootProto::Static;
        let address = is_static.then(|| static_address(command)).flatten();
        let servers = command.nameservers().into_iter();
        let nameservers: Vec<IpAddr> = servers.filter_map(|name| name.parse().ok()).collect();
        let (nameservers4, nameservers6) = nameservers.iter().partition(|ip| ip.is_ipv4());
        Self {
            id: if any {
                format!("ethernet{index}")
            } else {
                device.replace(':', "-")
            },
            uuid: Uuid::new_v5(&seed, format!("network {index}").as_bytes()),
            autoconnect: true,
            match_key,
            match_value,
            interface,
            mac,
            gateway: address.as_ref().and(command.gateway.clone()),
            address,
            nameservers,
            nameservers4,
            nameservers6,
        }
    }

    fn for_networkd(&self) -> Action {
        write(
            &format!("/etc/systemd/network/10-{}.network", self.id),
            render(Template::Networkd, self),
        )
    }

    fn for_network_manager(&self) -> Action {
        let path = format!(
            "/etc/NetworkManager/system-connections/{}.nmconnection",
            self.id
        );
        Action::Write {
            path,
            mode: 0o600,
            text: render(Template::NetworkManager, self),
        }
    }
}

/// `10.0.0.5/24` from an address and a netmask; none where one of them is no such thing.
pub(super) fn static_address(command: &Network) -> Option<String> {
    let netmask: Ipv4Addr = command.netmask.as_ref()?.parse().ok()?;
    let address: Ipv4Addr = command.ip.as_ref()?.parse().ok()?;
    let mask = u32::from(netmask);
    (mask.leading_ones() == mask.count_ones()).then(|| format!("{address}/{}", mask.count_ones()))
}
