// SPDX-License-Identifier: Apache-2.0 OR MIT
//! This machine: whether it has a network, what it is called, and what servers are told of it.

use std::fs;
use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::BootOptions;
use crate::engine::error::EngineError;
use crate::inventory::probe;

/// How long a network is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(250);

/// Waits until packets could leave it.
pub(super) fn await_network() -> Result<(), EngineError> {
    let began = Instant::now();
    while !has_route() {
        if began.elapsed() >= PATIENCE {
            let seconds = PATIENCE.as_secs();
            return Err(EngineError::Refused(format!(
                "no network interface has an address with a way out after {seconds} s"
            )));
        }
        sleep(TICK);
    }
    add_resolver();
    Ok(())
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

/// The IPv4 address that packets to elsewhere come from.
pub(super) fn address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
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

/// Where the environment has no resolver, names are looked up at the servers that networkd has learnt of.
fn add_resolver() {
    const FILE: &str = "/etc/resolv.conf";
    let has_server = |text: String| text.lines().any(|line| line.starts_with("nameserver"));
    if fs::read_to_string(FILE).is_ok_and(has_server) {
        return;
    }
    let state = fs::read_to_string("/run/systemd/netif/state").unwrap_or_default();
    let servers = nameservers(&state);
    if !servers.is_empty() {
        // A link into a directory of a service that is not there.
        let _ = fs::remove_file(FILE);
        // Addresses are reached without.
        let _ = fs::write(FILE, servers);
    }
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
    connects("0.0.0.0:0", "192.0.2.1:9") || connects("[::]:0", "[2001:db8::1]:9") || has_address()
}

/// Whether an interface has an address of its own: a network may have no way out.
fn has_address() -> bool {
    fs::read_to_string("/proc/net/fib_trie").is_ok_and(|text| {
        let mut lines = text.lines().peekable();
        let mut found = false;
        while let Some(line) = lines.next() {
            let is_own = lines
                .peek()
                .is_some_and(|next| next.contains("/32 host LOCAL"));
            found |= is_own && line.contains("|-- ") && !line.contains("|-- 127.");
        }
        found
    })
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
}
