// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tells a server of the installation, event by event.
//!
//! Takes events; posts them (`landfall.report=`, `landfall.token=`). A server that is away, or says no, keeps nothing from
//! going on: events wait, bounded, and at the end it is tried for a little longer.

use std::io::Read as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kickstart_parser::Secret;
use reqwest::blocking::Client;
use serde::Deserialize;

use super::spool::Spool;
use crate::event::Event;

/// One request.
const TIME_OUT: Duration = Duration::from_secs(10);
/// Events that come together are sent together.
const PAUSE: Duration = Duration::from_millis(300);
/// The longest time between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest of them when no more comes.
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: u64 = 64 << 10;
/// How long is tried when no more comes.
const LAST: Duration = Duration::from_secs(15);

/// What a server answers.
#[derive(Deserialize)]
struct Answer {
    next: u64,
}

/// A thread that sends.
#[derive(Debug)]
pub(super) struct Reporter {
    events: Option<Sender<Event>>,
    thread: Option<JoinHandle<()>>,
}

impl Reporter {
    /// Sends to `url` from now on.
    pub(super) fn start(url: Secret, token: Option<Secret>) -> Self {
        let (events, receiver) = channel();
        let thread = thread::spawn(move || Sending { url, token }.run(&receiver));
        Self {
            events: Some(events),
            thread: Some(thread),
        }
    }

    /// Takes an event.
    pub(super) fn accept(&self, event: &Event) {
        // A thread that has ended has told so.
        let _ = self
            .events
            .as_ref()
            .map(|events| events.send(event.clone()));
    }
}

impl Drop for Reporter {
    /// Waits until all is sent, or the server had its time.
    fn drop(&mut self) {
        self.events = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Sending {
    url: Secret,
    token: Option<Secret>,
}

impl Sending {
    fn run(&self, events: &Receiver<Event>) {
        let Ok(client) = Client::builder().timeout(TIME_OUT).build() else {
            return;
        };
        let mut spool = Spool::default();
        let (mut pause, mut next) = (PAUSE, Instant::now());
        let mut last: Option<Instant> = None;
        while !last.is_some_and(|last| spool.is_empty() || Instant::now() >= last) {
            let wait = next.saturating_duration_since(Instant::now());
            if last.is_some() {
                thread::sleep(wait);
            } else {
                match events.recv_timeout(wait) {
                    Ok(event) => {
                        spool.add(&event);
                        // Those that come together are sent together.
                        if !wait.is_zero() {
                            continue;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => last = Some(Instant::now() + LAST),
                }
            }
            pause = match self.send(&client, &mut spool) {
                Some(()) => PAUSE,
                None => (pause * 2).min(LONGEST_PAUSE),
            };
            let hurried = last.map_or(pause, |_| pause.min(LAST_PAUSE));
            next = Instant::now() + hurried;
        }
    }

    /// One request. None if it did not help.
    fn send(&self, client: &Client, spool: &mut Spool) -> Option<()> {
        let Some(lines) = spool.request() else {
            return Some(());
        };
        let mut request = client
            .post(self.url.expose())
            .header("Content-Type", "application/x-ndjson");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let response = request.body(lines).send().ok()?.error_for_status().ok()?;
        let mut text = Vec::new();
        response.take(LONGEST_ANSWER).read_to_end(&mut text).ok()?;
        let answer: Answer = serde_json::from_slice(&text).ok()?;
        // A server that wants the same again has not taken it.
        spool.acknowledge(answer.next).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    use uuid::Uuid;

    use super::*;
    use crate::event::{Body, VERSION};

    fn event(seq: u64) -> Event {
        let body = Body::Warning {
            message: "w".to_owned(),
        };
        Event {
            v: VERSION,
            install: Uuid::nil(),
            seq,
            time: String::new(),
            body,
        }
    }

    /// Answers requests, the first of them with an error; gives heads and bodies.
    fn serve(listener: &TcpListener, requests: usize) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        for number in 0..requests {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).unwrap() > 0);
            }
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let next: u64 = body
                .lines()
                .map(|line| serde_json::from_str::<Event>(line).unwrap().seq + 1)
                .max()
                .unwrap();
            let answer = format!("{{\"next\":{next}}}");
            let status = if number == 0 { "503 Busy" } else { "200 OK" };
            let stream = reader.get_mut();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
            seen.push((head, body));
        }
        seen
    }

    #[test]
    fn a_busy_server_is_asked_again_while_more_comes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || serve(&listener, 2));
        let reporter = Reporter::start(Secret::new(url), None);
        // As often as an import tells how far it is.
        for seq in 0.. {
            reporter.accept(&event(seq));
            thread::sleep(Duration::from_millis(50));
            if server.is_finished() {
                break;
            }
            assert!(seq < 1000, "the server was not asked again");
        }
        server.join().unwrap();
        // Nobody answers any more, which is not waited for.
        std::mem::forget(reporter);
    }

    #[test]
    fn events_wait_for_a_server_that_is_busy_and_all_arrive() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/v1/installs/1/events",
            listener.local_addr().unwrap()
        );
        let server = thread::spawn(move || serve(&listener, 2));
        let reporter = Reporter::start(Secret::new(url), Some(Secret::new("hush")));
        for seq in 0..3 {
            reporter.accept(&event(seq));
        }
        drop(reporter);
        let seen = server.join().unwrap();
        assert!(seen[1].0.contains("authorization: bearer hush"));
        assert!(seen[1].0.starts_with("post /v1/installs/1/events "));
        assert_eq!(seen[1].1.lines().count(), 3);
    }
}
