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
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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
/// Frames that wait for a card that does not take them, as one does not that is down; more are lost.
const QUEUE: usize = 1024;
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
    cards: Vec<Port>,
    network: Port,
    learnt: Learnt,
    over: Arc<AtomicBool>,
}

/// One of them.
struct Port {
    socket: Arc<UnixDatagram>,
    /// To what is plugged in.
    queue: SyncSender<Vec<u8>>,
}

impl Port {
    /// At the socket `own`; what is sent goes to `other`.
    fn open(own: &Path, other: PathBuf, over: &Arc<AtomicBool>) -> Result<Self> {
        let socket =
            UnixDatagram::bind(own).with_context(|| format!("binding {}", own.display()))?;
        socket.set_read_timeout(Some(TICK))?;
        socket.set_write_timeout(Some(TICK))?;
        let (socket, (queue, frames)) = (Arc::new(socket), sync_channel(QUEUE));
        let (from, over) = (Arc::clone(&socket), Arc::clone(over));
        thread::spawn(move || send(&frames, (&from, &other), &over));
        Ok(Self { socket, queue })
    }

    /// A full queue loses frames, as a switch does.
    fn put(&self, frame: Vec<u8>) {
        let _ = self.queue.try_send(frame);
    }
}

fn send(frames: &Receiver<Vec<u8>>, (from, to): (&UnixDatagram, &Path), over: &AtomicBool) {
    for frame in frames {
        // Anything but a full socket is a machine that is off: it receives nothing.
        while from
            .send_to(&frame, to)
            .is_err_and(|error| has_to_wait(&error))
        {
            if over.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

fn has_to_wait(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl Switch {
    /// Switches it on.
    pub fn start(cards: usize, vlan: u16) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("landfall-switch-")
            .tempdir_in("/var/tmp")?;
        let over = Arc::default();
        let end = |name: &str| {
            let (machine, switch) = (dir.path().join(name), dir.path().join(format!("{name}.sw")));
            let port = Port::open(&switch, machine.clone(), &over)?;
            anyhow::Ok((port, (machine, switch)))
        };
        let mut ports = Ports {
            vlan,
            cards: Vec::new(),
            network: end("network")?.0,
            learnt: Mutex::default(),
            over: Arc::clone(&over),
        };
        let mut cables = Cables {
            cards: Vec::new(),
            ssh: free_port()?,
        };
        for card in 0..cards {
            let (port, cable) = end(&format!("card-{card}"))?;
            ports.cards.push(port);
            cables.cards.push(cable);
        }
        let network = network(dir.path(), cables.ssh)?;
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
                ports.each_frame(&ports.cards[card].socket, |frame| {
                    ports.take_from_card(card, frame);
                });
            });
        }
        thread::spawn(move || {
            ports.each_frame(&ports.network.socket, |frame| {
                ports.take_from_network(frame);
            });
        });
    }

    fn each_frame(&self, socket: &UnixDatagram, each: impl Fn(&[u8])) {
        let mut frame = vec![0; LONGEST];
        while !self.over.load(Ordering::Relaxed) {
            match socket.recv(&mut frame) {
                Ok(length) => each(&frame[..length]),
                Err(e) if has_to_wait(&e) => {}
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
        self.network.put(plain);
    }

    fn take_from_network(&self, frame: &[u8]) {
        let Some(frame_tagged) = tagged(frame, self.vlan) else {
            return;
        };
        let known = address(frame, 0).and_then(|to| {
            let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            learnt.get(&to).copied()
        });
        for (card, port) in self.cards.iter().enumerate() {
            if known.is_none_or(|known| known == card) {
                port.put(frame_tagged.clone());
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
    fn a_card_that_takes_nothing_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (dir.path().join("own"), dir.path().join("other"));
        let silent = UnixDatagram::bind(&other).unwrap();
        let over = Arc::default();
        let port = Port::open(&own, other, &over).unwrap();
        for number in 0..2 * QUEUE {
            port.put(number.to_be_bytes().to_vec());
        }
        let mut frame = [0; 8];
        for number in 0..QUEUE {
            silent.recv(&mut frame).unwrap();
            assert_eq!(usize::from_be_bytes(frame), number);
        }
        over.store(true, Ordering::Relaxed);
    }

    /// A question of ARP (RFC 826) for the network's own address, 10.0.2.2.
    fn question() -> Vec<u8> {
        let own = [0x52, 0x54, 0, 0, 0, 9];
        let mut frame = [[0xff; 6], own].concat();
        frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend(own);
        frame.extend([10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2]);
        frame.resize(60, 0);
        frame
    }

    #[test]
    fn the_network_answers_with_the_tag_to_the_card_that_asked() {
        let switch = Switch::start(2, 5).unwrap();
        let cards = &switch.cables().cards;
        let plug = |card: usize| {
            let card = UnixDatagram::bind(&cards[card].0).unwrap();
            card.set_read_timeout(Some(TICK)).unwrap();
            card
        };
        let (silent, used) = (plug(0), plug(1));
        let question = tagged(&question(), 5).unwrap();
        let mut answer = [0; 2048];
        let mut answers = 0;
        // What makes the network takes a moment to start.
        for _ in 0..200 {
            used.send_to(&question, &cards[1].1).unwrap();
            if let Ok(length) = used.recv(&mut answer) {
                let plain = untagged(&answer[..length], 5).unwrap();
                answers += u32::from(plain[..6] == question[6..12] && plain[21] == 2);
            }
            if answers == 50 {
                assert!(
                    silent.recv(&mut answer).is_err(),
                    "the other card has an answer"
                );
                return;
            }
        }
        panic!("{answers} answers");
    }

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
