// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The canonical form of `network`.
//!
//! Takes what the lines say, writes them in the order and with the quotes of pykickstart; nothing is judged.

use super::{BindTo, BootProto, Network, WITH_DNS};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if !kickstart.network.is_empty() {
        writer.put("# Network information\n");
    }
    for network in &kickstart.network {
        // The canonical form has two blanks here.
        writer.put("network ");
        write_device(network, writer);
        write_protocols(network, writer);
        write_virtual_device(network, writer);
        write_binding(network, writer);
        writer.put("\n");
    }
}

fn write_device(network: &Network, writer: &mut Writer) {
    let bootproto = match network.bootproto {
        BootProto::Dhcp => "dhcp",
        BootProto::Bootp => "bootp",
        BootProto::Static => "static",
        BootProto::Query => "query",
        BootProto::Ibft => "ibft",
    };
    writer.value("--bootproto", (!network.noipv4).then_some(bootproto));
    writer.value("--dhcpclass", network.dhcpclass.as_ref());
    writer.value("--device", network.device.as_ref());
    writer.quoted("--essid", network.essid.as_ref());
    writer.quoted("--ethtool", network.ethtool.as_ref());
    writer.value("--gateway", network.gateway.as_ref());
    writer.value("--hostname", network.hostname.as_ref());
    writer.value("--ip", network.ip.as_ref());
    writer.value("--mtu", network.mtu.as_ref());
    writer.value("--nameserver", network.nameserver.as_ref());
    writer.value("--netmask", network.netmask.as_ref());
}

fn write_protocols(network: &Network, writer: &mut Writer) {
    writer.flag("--nodns", network.nodns);
    writer.flag("--onboot=off", network.onboot == Some(false));
    writer.value("--wepkey", network.wepkey.as_ref().map(Secret::expose));
    writer.flag("--notksdevice", network.notksdevice);
    writer.flag("--noipv4", network.noipv4);
    writer.flag("--noipv6", network.noipv6);
    writer.value("--ipv6", network.ipv6.as_ref());
    writer.flag("--activate", network.activate == Some(true));
    writer.flag("--nodefroute", network.nodefroute);
    writer.value("--wpakey", network.wpakey.as_ref().map(Secret::expose));
}

fn write_virtual_device(network: &Network, writer: &mut Writer) {
    let escaped = |text: &str| text.replace('"', "\\\"");
    writer.value("--bondslaves", network.bondslaves.as_ref());
    writer.value("--bondopts", network.bondopts.as_ref());
    writer.value("--vlanid", network.vlanid.as_ref());
    writer.value("--ipv6gateway", network.ipv6gateway.as_ref());
    let slaves: Vec<_> = network.teamslaves.iter().map(ToString::to_string).collect();
    let slaves = (!slaves.is_empty()).then(|| slaves.join(","));
    writer.quoted("--teamslaves", slaves.as_deref().map(escaped));
    writer.quoted("--teamconfig", network.teamconfig.as_deref().map(escaped));
    writer.value("--interfacename", network.interfacename.as_ref());
    writer.value("--bridgeslaves", network.bridgeslaves.as_ref());
    writer.value("--bridgeopts", network.bridgeopts.as_ref());
}

fn write_binding(network: &Network, writer: &mut Writer) {
    writer.flag("--no-activate", network.activate == Some(false));
    writer.flag("--bindto=mac", network.bindto == Some(BindTo::Mac));
    if WITH_DNS.has(writer.syntax) {
        writer.value("--ipv4-dns-search", network.ipv4_dns_search.as_ref());
        writer.value("--ipv6-dns-search", network.ipv6_dns_search.as_ref());
        writer.flag("--ipv4-ignore-auto-dns", network.ipv4_ignore_auto_dns);
        writer.flag("--ipv6-ignore-auto-dns", network.ipv6_ignore_auto_dns);
    }
}
