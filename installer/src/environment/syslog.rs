// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines for a syslog server, as datagrams (RFC 5424, RFC 5426).

use std::fs;
use std::net::UdpSocket;

use jiff::Timestamp;

use super::Syslog;

/// Facility `local0`, severity informational (RFC 5424, 6.2.1).
const PRIORITY: u8 = 16 * 8 + 6;
/// The longest datagram that every server takes without fragments.
const LONGEST: usize = 1180;

/// A socket that leads to the server.
#[derive(Debug)]
pub(super) struct Sender {
    socket: UdpSocket,
    server: Syslog,
}

impl Sender {
    /// None where there is no network at all.
    pub(super) fn to(server: &Syslog) -> Option<Self> {
        let socket = UdpSocket::bind("[::]:0").or_else(|_| UdpSocket::bind("0.0.0.0:0"));
        Some(Self {
            socket: socket.ok()?,
            server: server.clone(),
        })
    }

    /// Sends a line. Whether somebody gets it is not known.
    pub(super) fn say(&self, line: &str) {
        let message = message(&Timestamp::now().to_string(), line);
        let address = (self.server.host.as_str(), self.server.port);
        let _ = self.socket.send_to(message.as_bytes(), address);
    }
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
        let sender = Sender::to(&Syslog {
            host: "127.0.0.1".to_owned(),
            port,
        })
        .unwrap();
        sender.say("hello");
        let mut buffer = [0; 2000];
        let length = server.recv(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"hello"));
    }
}
