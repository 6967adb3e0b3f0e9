// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines for a syslog server, as datagrams (RFC 5424, RFC 5426).

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::Syslog;

/// Facility `local0`, severity informational (RFC 5424, 6.2.1).
const PRIORITY: u8 = 16 * 8 + 6;
/// The longest datagram that every server takes without fragments.
const LONGEST: usize = 1180;

/// Lines that wait at most while the server's name is looked up.
const WAITING: usize = 4096;
/// Time between two tries to look it up.
const PAUSE: Duration = Duration::from_secs(20);

/// A thread that sends: names are looked up slowly where there is no network.
#[derive(Debug)]
pub(super) struct Sending {
    lines: SyncSender<(String, String)>,
}

impl Sending {
    /// Sends to the server from now on.
    pub(super) fn to(server: Syslog) -> Self {
        let (lines, waiting) = sync_channel(WAITING);
        thread::spawn(move || send(&server, &waiting));
        Self { lines }
    }

    /// Takes a line. Whether somebody gets it is not known; it is left out where too many wait.
    pub(super) fn say(&self, line: &str) {
        let now = Timestamp::now().to_string();
        let _ = self.lines.try_send((now, line.to_owned()));
    }
}

fn send(server: &Syslog, lines: &Receiver<(String, String)>) {
    let mut found: Option<(UdpSocket, SocketAddr)> = None;
    for (time, line) in lines {
        while found.is_none() {
            found = find(server);
            if found.is_none() {
                thread::sleep(PAUSE);
            }
        }
        if let Some((socket, address)) = &found {
            let _ = socket.send_to(message(&time, &line).as_bytes(), address);
        }
    }
}

fn find(server: &Syslog) -> Option<(UdpSocket, SocketAddr)> {
    let address = (server.host.as_str(), server.port)
        .to_socket_addrs()
        .ok()?
        .next()?;
    let any = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    Some((UdpSocket::bind(any).ok()?, address))
}

fn message(time: &str, line: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim())
        .filter(|host| !host.is_empty())
        .unwrap_or("-");
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut message = format!("<{PRIORITY}>1 {time} {host} landfall - - - {line}");
    let mut end = message.len().min(LONGEST);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message() {
        let text = message("2026-11-23T10:00:00Z", "a\nb");
        assert!(text.starts_with("<134>1 2026-11-23T10:00:00Z "), "{text}");
        assert!(text.ends_with(" landfall - - - a b"), "{text}");
        assert!(message("t", &"ü".repeat(2000)).len() <= LONGEST);
    }

    #[test]
    fn it_arrives() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let sender = Sending::to(Syslog {
            host: "127.0.0.1".to_owned(),
            port,
        });
        sender.say("hello");
        let mut buffer = [0; 2000];
        let length = server.recv(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"hello"));
    }
}
