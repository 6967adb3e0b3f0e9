// SPDX-License-Identifier: Apache-2.0 OR MIT
//! This machine: whether it has a network, what it is called, and what servers are told of it.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::BootOptions;
use crate::engine::error::EngineError;
use crate::inventory::probe;

/// How long a network is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long an address alone is too little: the way out comes after it.
const FOR_ROUTE: Duration = Duration::from_secs(10);
/// How long a way out without servers for names is: networkd tells of them a little later.
const FOR_NAMES: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(250);

/// Waits until packets could leave it and names have servers; of a network that has no way out or no such servers, not
/// for long.
pub(super) fn await_network() -> Result<(), EngineError> {
    let began = Instant::now();
    let mut seen = Seen::default();
    loop {
        seen.look(began.elapsed());
        if seen.suffices(began.elapsed()) {
            return Ok(());
        }
        if began.elapsed() >= PATIENCE && seen.address.is_none() {
            let seconds = PATIENCE.as_secs();
            return Err(EngineError::Refused(format!(
                "no network interface has an address after {seconds} s"
            )));
        }
        sleep(TICK);
    }
}

/// What there is of a network, and since when; times count from the beginning of the wait.
#[derive(Debug, Default)]
struct Seen {
    address: Option<Duration>,
    route: Option<Duration>,
    names: bool,
}

impl Seen {
    fn look(&mut self, now: Duration) {
        let route = has_route();
        self.update(now, (route || own_address().is_some(), route));
        self.names = self.route.is_some() && has_resolver();
    }

    /// What has gone again begins anew.
    fn update(&mut self, now: Duration, (address, route): (bool, bool)) {
        let since = |before: Option<Duration>, is: bool| is.then(|| before.unwrap_or(now));
        self.address = since(self.address, address);
        self.route = since(self.route, route);
    }

    fn suffices(&self, now: Duration) -> bool {
        let for_at_least = |since: Duration, span| now.saturating_sub(since) >= span;
        match (self.route, self.address) {
            (Some(since), _) => self.names || for_at_least(since, FOR_NAMES),
            (None, Some(since)) => for_at_least(since, FOR_ROUTE),
            (None, None) => false,
        }
    }
}

/// Name and address, for whoever stands before one of many.
pub(super) fn introduction() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = Some(name.trim()).filter(|name| !name.is_empty() && *name != "(none)");
    let address = address().unwrap_or_else(|| "no network".to_owned());
    let cards: Vec<_> = addresses()
        .into_iter()
        .map(|(name, mac)| format!("{name} {mac}"))
        .collect();
    let parts = name
        .into_iter()
        .map(str::to_owned)
        .chain([address])
        .chain(cards);
    format!("this machine: {}", parts.collect::<Vec<_>>().join(", "))
}

/// The IPv4 address that packets to elsewhere come from; without a way there any of this machine's.
pub(super) fn address() -> Option<String> {
    let outward = || {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    };
    outward().or_else(|| own_address().map(|address| address.to_string()))
}

/// Headers of requests for kickstarts (Anaconda, `anaconda-ks-sendheaders.sh`).
pub(super) fn headers(options: &BootOptions) -> Vec<(String, String)> {
    let arch = match probe::arch() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    let system = concat!("Landfall ", env!("CARGO_PKG_VERSION"));
    let mut headers = vec![
        ("X-Anaconda-Architecture".to_owned(), arch.to_owned()),
        ("X-Anaconda-System-Release".to_owned(), system.to_owned()),
    ];
    if options.send_mac {
        headers.extend(
            addresses()
                .into_iter()
                .enumerate()
                .map(|(at, (name, mac))| {
                    (
                        format!("X-RHN-Provisioning-MAC-{at}"),
                        format!("{name} {mac}"),
                    )
                }),
        );
    }
    if options.send_serial
        && let Ok(serial) = fs::read_to_string("/sys/class/dmi/id/product_serial")
    {
        headers.push((
            "X-System-Serial-Number".to_owned(),
            serial.trim().to_owned(),
        ));
    }
    headers
}

/// Whether names have servers. Where the environment has no resolver, they are those that networkd has learnt of.
fn has_resolver() -> bool {
    const FILE: &str = "/etc/resolv.conf";
    let has_server = |text: String| text.lines().any(|line| line.starts_with("nameserver"));
    if fs::read_to_string(FILE).is_ok_and(has_server) {
        return true;
    }
    let state = fs::read_to_string("/run/systemd/netif/state").unwrap_or_default();
    let servers = nameservers(&state);
    if servers.is_empty() {
        return false;
    }
    // A link into a directory of a service that is not there.
    let _ = fs::remove_file(FILE);
    // Addresses are reached without.
    fs::write(FILE, servers).is_ok()
}

/// Lines of `resolv.conf` from networkd's state file.
fn nameservers(state: &str) -> String {
    let servers = state.lines().filter_map(|line| line.strip_prefix("DNS="));
    let servers = servers.flat_map(str::split_whitespace);
    // A name for TLS may follow the address.
    let addresses = servers.filter_map(|server| server.split('#').next());
    let lines = addresses.map(|address| ["nameserver ", address, "\n"].concat());
    lines.collect()
}

/// Interfaces, but the loopback, with their hardware addresses.
fn addresses() -> Vec<(String, String)> {
    let entries = fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lo")
        .collect();
    names.sort();
    let address = |name: String| {
        let mac = fs::read_to_string(format!("/sys/class/net/{name}/address")).ok()?;
        Some((name, mac.trim().to_owned()))
    };
    names.into_iter().filter_map(address).collect()
}

/// Whether there is a route to addresses of documentation (RFC 5737, RFC 3849): to anywhere else, then. Nothing is sent.
fn has_route() -> bool {
    let connects = |from: &str, to: &str| {
        UdpSocket::bind(from)
            .and_then(|socket| socket.connect(to))
            .is_ok()
    };
    connects("0.0.0.0:0", "192.0.2.1:9") || connects("[::]:0", "[2001:db8::1]:9")
}

/// An IPv4 address of an interface: a network may have no way out.
fn own_address() -> Option<Ipv4Addr> {
    first_address(&fs::read_to_string("/proc/net/fib_trie").ok()?)
}

/// The first in the kernel's table of routes that is this machine's own, and known elsewhere. Prefixes stand below their
/// address.
fn first_address(table: &str) -> Option<Ipv4Addr> {
    let mut leaf = None;
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL") {
            let own = leaf.filter(|own| !own.is_loopback() && !own.is_link_local());
            if own.is_some() {
                return own;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_for_names_are_networkds() {
        let state = "OPER_STATE=routable\nDNS=10.0.2.3 fd00::3#dns.example\nDOMAINS=\n";
        assert_eq!(
            nameservers(state),
            "nameserver 10.0.2.3\nnameserver fd00::3\n"
        );
        assert_eq!(nameservers("DNS=\n"), "");
    }

    #[test]
    fn an_address_of_an_isolated_network_is_found() {
        let leaf = |address: &str, prefixes: &str| format!("     |-- {address}\n{prefixes}");
        let local = "        /32 host LOCAL\n";
        let table = [
            leaf("127.0.0.0", "        /8 host LOCAL\n"),
            leaf("127.0.0.1", local),
            leaf("169.254.7.7", local),
            leaf("10.0.0.0", "        /24 link UNICAST\n"),
            leaf("10.0.0.255", "        /32 link BROADCAST\n"),
        ]
        .concat();
        assert_eq!(first_address(&format!("Main:\n{table}")), None);
        let own = leaf("10.0.0.6", &format!("        /31 link UNICAST\n{local}"));
        let table = format!("Main:\n  +-- 0.0.0.0/0 3 0 5\n{table}{own}");
        assert_eq!(first_address(&table), Some(Ipv4Addr::new(10, 0, 0, 6)));
    }

    #[test]
    fn a_way_out_and_servers_for_names_are_waited_for_but_not_for_ever() {
        let at = Duration::from_secs;
        let mut seen = Seen::default();
        seen.update(at(1), (false, false));
        assert!(!seen.suffices(at(119)));
        seen.update(at(20), (true, false));
        seen.update(at(29), (true, false));
        assert!(!seen.suffices(at(29)) && seen.suffices(at(30)));
        seen.update(at(29), (true, true));
        assert!(!seen.suffices(at(33)) && seen.suffices(at(34)));
        seen.names = true;
        assert!(seen.suffices(at(29)));
        // A link that was lost begins anew.
        seen.update(at(40), (false, false));
        seen.update(at(41), (true, false));
        assert!(!seen.suffices(at(50)) && seen.suffices(at(51)));
    }
}
