// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A switch whose ports carry one VLAN, tagged, and nothing else: the network of machines with trunk ports.
//!
//! Takes the number of ports and the VLAN; gives the ends of the cables for QEMU's network cards. Behind the switch, untagged,
//! is the network that every other guest has, made by a QEMU that has no machine. A program of its own in place of a bridge,
//! as not every kernel that tests run on knows 802.1Q. Ends with its value.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::registry::free_port;
use crate::tool::{Daemon, tool};

/// Longer than any frame.
const LONGEST: usize = 128 << 10;
/// Two addresses.
const ADDRESSES: usize = 12;
/// What says that a tag follows (IEEE 802.1Q).
const TAGGED: [u8; 2] = [0x81, 0x00];
/// How often is looked whether it is over.
const TICK: Duration = Duration::from_millis(200);

/// A switch that is on.
#[derive(Debug)]
pub struct Switch {
    _network: Daemon,
    over: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
    cables: Cables,
}

/// What a machine needs to know to be plugged in.
#[derive(Debug, Clone)]
pub struct Cables {
    /// One for each card: the socket of the machine, and the one of the switch.
    pub cards: Vec<(PathBuf, PathBuf)>,
    /// Port of the loopback address that leads to the machine's ssh.
    pub ssh: u16,
}

/// Where each hardware address was seen last.
type Learnt = Mutex<HashMap<[u8; 6], usize>>;

/// The switch's ends.
struct Ports {
    vlan: u16,
    cards: Vec<(UnixDatagram, PathBuf)>,
    network: (UnixDatagram, PathBuf),
    learnt: Learnt,
    over: Arc<AtomicBool>,
}

impl Switch {
    /// Switches it on.
    pub fn start(cards: usize, vlan: u16) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("landfall-switch-")
            .tempdir_in("/var/tmp")?;
        let end = |name: &str| {
            let (machine, switch) = (dir.path().join(name), dir.path().join(format!("{name}.sw")));
            let socket = UnixDatagram::bind(&switch)
                .with_context(|| format!("binding {}", switch.display()))?;
            socket.set_read_timeout(Some(TICK))?;
            anyhow::Ok((socket, machine, switch))
        };
        let mut ports = Ports {
            vlan,
            cards: Vec::new(),
            network: end("network").map(|(socket, machine, _)| (socket, machine))?,
            learnt: Mutex::default(),
            over: Arc::default(),
        };
        let mut cables = Cables {
            cards: Vec::new(),
            ssh: free_port()?,
        };
        for card in 0..cards {
            let (socket, machine, switch) = end(&format!("card-{card}"))?;
            ports.cards.push((socket, machine.clone()));
            cables.cards.push((machine, switch));
        }
        let network = network(dir.path(), cables.ssh)?;
        let over = Arc::clone(&ports.over);
        ports.start();
        Ok(Self {
            _network: network,
            over,
            _dir: dir,
            cables,
        })
    }

    /// Its cables.
    pub fn cables(&self) -> &Cables {
        &self.cables
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// QEMU's network for users, behind a socket.
fn network(dir: &Path, ssh: u16) -> Result<Daemon> {
    let mut qemu = tool("qemu-system-x86_64")?;
    qemu.args(["-machine", "none", "-nodefaults", "-display", "none"]);
    let (own, switch) = (dir.join("network"), dir.join("network.sw"));
    for network in [
        format!("user,id=user,hostfwd=tcp:127.0.0.1:{ssh}-:22"),
        "hubport,id=hub-user,hubid=0,netdev=user".to_owned(),
        datagrams("switch", &own, &switch),
        "hubport,id=hub-switch,hubid=0,netdev=switch".to_owned(),
    ] {
        qemu.args(["-netdev", &network]);
    }
    Daemon::start(&qemu, &dir.join("qemu.log"))
}

/// QEMU's word for a cable whose ends are sockets.
pub(crate) fn datagrams(id: &str, own: &Path, other: &Path) -> String {
    let (own, other) = (own.display(), other.display());
    format!("dgram,id={id},local.type=unix,local.path={own},remote.type=unix,remote.path={other}")
}

impl Ports {
    /// A thread for each end, until it is over.
    fn start(self) {
        let ports = Arc::new(self);
        for card in 0..ports.cards.len() {
            let ports = Arc::clone(&ports);
            thread::spawn(move || {
                ports.each_frame(&ports.cards[card].0, |frame| {
                    ports.take_from_card(card, frame);
                });
            });
        }
        thread::spawn(move || {
            ports.each_frame(&ports.network.0, |frame| ports.take_from_network(frame));
        });
    }

    fn each_frame(&self, socket: &UnixDatagram, each: impl Fn(&[u8])) {
        let mut frame = vec![0; LONGEST];
        while !self.over.load(Ordering::Relaxed) {
            match socket.recv(&mut frame) {
                Ok(length) => each(&frame[..length]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    fn take_from_card(&self, card: usize, frame: &[u8]) {
        let Some(plain) = untagged(frame, self.vlan) else {
            return;
        };
        if let Some(source) = address(frame, 6) {
            self.learnt
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(source, card);
        }
        // A machine that is off receives nothing.
        let _ = self.network.0.send_to(&plain, &self.network.1);
    }

    fn take_from_network(&self, frame: &[u8]) {
        let Some(frame_tagged) = tagged(frame, self.vlan) else {
            return;
        };
        let known = address(frame, 0).and_then(|to| {
            let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            learnt.get(&to).copied()
        });
        for (card, (socket, machine)) in self.cards.iter().enumerate() {
            if known.is_none_or(|known| known == card) {
                let _ = socket.send_to(&frame_tagged, machine);
            }
        }
    }
}

/// The hardware address at an offset.
fn address(frame: &[u8], at: usize) -> Option<[u8; 6]> {
    frame.get(at..at + 6)?.try_into().ok()
}

/// The frame without its tag, if it has that of the VLAN.
fn untagged(frame: &[u8], vlan: u16) -> Option<Vec<u8>> {
    let tag = frame.get(ADDRESSES..ADDRESSES + 4)?;
    let number = u16::from_be_bytes([tag[2], tag[3]]) & 0x0fff;
    if tag[..2] != TAGGED || number != vlan {
        return None;
    }
    Some([&frame[..ADDRESSES], &frame[ADDRESSES + 4..]].concat())
}

/// The frame with the tag of the VLAN.
fn tagged(frame: &[u8], vlan: u16) -> Option<Vec<u8>> {
    let (addresses, rest) = frame.split_at_checked(ADDRESSES)?;
    Some([addresses, &TAGGED, &vlan.to_be_bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vlan_passes() {
        let frame: Vec<u8> = (0..60).collect();
        let with_tag = tagged(&frame, 5).unwrap();
        assert_eq!(with_tag.len(), 64);
        assert_eq!(untagged(&with_tag, 5).unwrap(), frame);
        assert_eq!(untagged(&with_tag, 6), None);
        assert_eq!(untagged(&frame, 5), None);
        assert_eq!((untagged(&[0; 3], 5), tagged(&[0; 3], 5)), (None, None));
    }
}
