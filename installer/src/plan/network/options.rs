// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The options of bonds and bridges: their names in kickstarts, which are NetworkManager's, and how systemd-networkd
//! says the same.
//!
//! Sources: the kernel's bonding documentation, `nm-settings-keyfile(5)`, `systemd.netdev(5)`.

use kickstart_parser::Located;
use kickstart_parser::commands::Network;

use super::check;
use crate::plan::issue::{Code, Issues};

/// An option.
#[derive(Debug)]
pub(super) struct Known {
    /// Its name in kickstarts and keyfiles.
    pub(super) name: &'static str,
    /// Its name in networkd's files; none where there is no such thing.
    pub(super) networkd: Option<&'static str>,
    /// What networkd needs behind a number.
    pub(super) unit: &'static str,
}

const fn same(name: &'static str, networkd: &'static str) -> Known {
    Known {
        name,
        networkd: Some(networkd),
        unit: "",
    }
}

const fn milliseconds(name: &'static str, networkd: &'static str) -> Known {
    Known {
        name,
        networkd: Some(networkd),
        unit: "ms",
    }
}

const fn elsewhere(name: &'static str) -> Known {
    Known {
        name,
        networkd: None,
        unit: "",
    }
}

/// A bond's. The primary port is said in the port's file, see [`super::networkd`].
pub(super) const BOND: &[Known] = &[
    same("mode", "Mode"),
    milliseconds("miimon", "MIIMonitorSec"),
    milliseconds("updelay", "UpDelaySec"),
    milliseconds("downdelay", "DownDelaySec"),
    milliseconds("arp_interval", "ARPIntervalSec"),
    same("arp_ip_target", "ARPIPTargets"),
    same("arp_validate", "ARPValidate"),
    same("arp_all_targets", "ARPAllTargets"),
    same("arp_missed_max", "ARPMissedMax"),
    same("primary_reselect", "PrimaryReselectPolicy"),
    same("fail_over_mac", "FailOverMACPolicy"),
    same("xmit_hash_policy", "TransmitHashPolicy"),
    same("lacp_rate", "LACPTransmitRate"),
    same("ad_select", "AdSelect"),
    same("ad_actor_sys_prio", "AdActorSystemPriority"),
    same("ad_actor_system", "AdActorSystem"),
    same("ad_user_port_key", "AdUserPortKey"),
    same("all_slaves_active", "AllSlavesActive"),
    same("resend_igmp", "ResendIGMP"),
    same("packets_per_slave", "PacketsPerSlave"),
    same("num_grat_arp", "GratuitousARP"),
    same("num_unsol_na", "GratuitousARP"),
    same("min_links", "MinLinks"),
    same("lp_interval", "LearnPacketIntervalSec"),
    same("tlb_dynamic_lb", "DynamicTransmitLoadBalancing"),
    elsewhere("primary"),
    elsewhere("active_slave"),
    elsewhere("use_carrier"),
];

/// A bridge's.
pub(super) const BRIDGE: &[Known] = &[
    same("stp", "STP"),
    same("priority", "Priority"),
    same("forward-delay", "ForwardDelaySec"),
    same("hello-time", "HelloTimeSec"),
    same("max-age", "MaxAgeSec"),
    same("ageing-time", "AgeingTimeSec"),
    same("group-forward-mask", "GroupForwardMask"),
    same("multicast-snooping", "MulticastSnooping"),
    same("multicast-querier", "MulticastQuerier"),
    same("vlan-filtering", "VLANFiltering"),
    same("vlan-default-pvid", "DefaultPVID"),
];

/// Modes of bonds in the order of their numbers, which kickstarts may give in place of the names.
const MODES: [&str; 7] = [
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
];

/// The options of a list that exist, with values as both services write them.
pub(super) fn known(
    list: &'static [Known],
    given: &[(String, String)],
) -> Vec<(&'static Known, String)> {
    let pairs = given.iter().filter_map(|(key, value)| {
        let known = list.iter().find(|known| known.name == key)?;
        is_value(value).then(|| (known, spelt(key, value)))
    });
    pairs.collect()
}

fn spelt(key: &str, value: &str) -> String {
    let mode = value.parse::<usize>().ok().and_then(|n| MODES.get(n));
    match (key, value, mode) {
        ("mode", _, Some(mode)) => (*mode).to_owned(),
        (_, "yes", _) => "true".to_owned(),
        (_, "no", _) => "false".to_owned(),
        _ => value.to_owned(),
    }
}

fn is_value(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:+,".contains(c);
    !value.is_empty() && value.chars().all(is_plain)
}

/// As in Anaconda, an option that no bond or bridge has is left out, and said.
pub(super) fn judge(line: &Located<Network>, issues: &mut Issues) {
    let lists = [
        ("bond", BOND, line.bondopts.as_deref()),
        ("bridge", BRIDGE, line.bridgeopts.as_deref()),
    ];
    for (what, list, given) in lists {
        for (key, value) in check::options(given) {
            if known(list, &[(key.clone(), value.clone())]).is_empty() {
                let message = format!("`{key}={value}` is no option of a {what} and is left out");
                issues
                    .warning(Code::ValueInvalid, message)
                    .at(&line.location);
            }
        }
    }
}
