// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A proxy in front of a registry that does to one blob what happens on bad days, and counts what it sends.
//!
//! Takes the registry's address and a fault; gives an address to install from. One request a connection. It knows
//! nothing of images but that their blobs have a digest in the path.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Bytes that are passed on at a time.
const PIECE: u64 = 64 << 10;

/// What happens to a blob.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not there.
    Missing,
    /// One byte in its middle is another.
    Altered,
    /// There is only half of it, and the answer says so.
    Truncated,
    /// In its middle the registry goes away, as soon as these others were sent in whole.
    Gone(BTreeSet<String>),
}

/// The proxy; it serves until the process ends, or the fault ends it.
pub(super) struct Front {
    address: String,
    state: Arc<State>,
}

struct State {
    address: String,
    registry: String,
    fault: Option<(String, Fault)>,
    sent: Mutex<Sent>,
    changed: Condvar,
}

#[derive(Default)]
struct Sent {
    /// Bytes of each blob.
    bytes: BTreeMap<String, u64>,
    whole: BTreeSet<String>,
    /// Nothing is served any longer.
    gone: bool,
}

impl Front {
    /// Starts it on a port of its own. The fault is that of the blob with the digest.
    pub(super) fn start(registry: &str, fault: Option<(&str, Fault)>) -> Self {
        Self::start_at("127.0.0.1:0", registry, fault)
    }

    /// Starts it on an address where another has gone.
    pub(super) fn start_at(at: &str, registry: &str, fault: Option<(&str, Fault)>) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            address: address.clone(),
            registry: registry.to_owned(),
            fault: fault.map(|(digest, fault)| (digest.to_owned(), fault)),
            sent: Mutex::default(),
            changed: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.sent.lock().unwrap().gone {
                    return;
                }
                let state = Arc::clone(&shared);
                // How a connection ends is for the client to tell.
                thread::spawn(move || client.and_then(|client| state.serve(client)));
            }
        });
        Self { address, state }
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Bytes of all blobs that were sent.
    pub(super) fn blob_bytes(&self) -> u64 {
        self.state.sent.lock().unwrap().bytes.values().sum()
    }
}

impl State {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let asked = head(&mut BufReader::new(client.try_clone()?))?;
        let mut registry = TcpStream::connect(&self.registry)?;
        let closing = asked.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        registry.write_all(closing.as_bytes())?;
        let mut registry = BufReader::new(registry);
        let answer = head(&mut registry)?;
        let path = asked.split_whitespace().nth(1).unwrap_or_default();
        let Some((_, digest)) = path.split_once("/blobs/") else {
            client.write_all(answer.as_bytes())?;
            return io::copy(&mut registry, &mut client).map(drop);
        };
        let passing = Passing {
            state: self,
            digest,
            registry,
            client,
        };
        passing.blob(&answer)
    }

    /// Goes away when the blobs have been sent, and not before.
    fn go_after(&self, blobs: &BTreeSet<String>) {
        let mut sent = self.sent.lock().unwrap();
        while !blobs.is_subset(&sent.whole) {
            sent = self.changed.wait(sent).unwrap();
        }
        sent.gone = true;
        drop(sent);
        // The listener ends with the next connection.
        drop(TcpStream::connect(&self.address));
    }
}

/// A blob on its way.
struct Passing<'s> {
    state: &'s State,
    digest: &'s str,
    registry: BufReader<TcpStream>,
    client: TcpStream,
}

impl Passing<'_> {
    fn blob(mut self, answer: &str) -> io::Result<()> {
        let size = length(answer);
        let fault = self.state.fault.as_ref();
        match fault.filter(|(digest, _)| digest == self.digest) {
            None => {
                self.client.write_all(answer.as_bytes())?;
                self.pass(size)?;
                let mut sent = self.state.sent.lock().unwrap();
                sent.whole.insert(self.digest.to_owned());
                self.state.changed.notify_all();
                Ok(())
            }
            Some((_, Fault::Missing)) => self.answer("404 Not Found", 0),
            Some((_, Fault::Truncated)) => {
                self.answer("200 OK", size / 2)?;
                self.pass(size / 2)
            }
            Some((_, Fault::Altered)) => {
                self.answer("200 OK", size)?;
                self.pass(size / 2)?;
                let mut byte = [0];
                self.registry.read_exact(&mut byte)?;
                self.client.write_all(&[!byte[0]])?;
                self.pass(size - size / 2 - 1)
            }
            Some((_, Fault::Gone(others))) => {
                self.client.write_all(answer.as_bytes())?;
                self.pass(size / 2)?;
                self.state.go_after(others);
                Ok(())
            }
        }
    }

    fn answer(&mut self, status: &str, length: u64) -> io::Result<()> {
        write!(
            self.client,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    }

    /// Passes bytes on, while there is anybody to do it.
    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let mut piece = (&mut self.registry).take(left.min(PIECE));
            let count = io::copy(&mut piece, &mut self.client)?;
            let mut sent = self.state.sent.lock().unwrap();
            *sent.bytes.entry(self.digest.to_owned()).or_default() += count;
            if count == 0 || sent.gone {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= count;
        }
        Ok(())
    }
}

/// The head of a request or an answer, with the empty line that ends it.
fn head(from: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn length(head: &str) -> u64 {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().unwrap().1.parse().unwrap()
}
