// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Events that wait for a server. Pure.
//!
//! Bounded: where they are too many, progress goes first, then what is only logged; steps, warnings and the end stay.

use std::collections::VecDeque;

use crate::event::{Body, Event};

/// Bytes that wait at most.
const MOST: usize = 4 << 20;
/// Bytes of one request at most, but for a single event.
const REQUEST: usize = 256 << 10;

/// Events as JSON lines, in their order.
#[derive(Debug, Default)]
pub(super) struct Spool {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    seq: u64,
    weight: Weight,
    line: String,
}

/// What is dropped first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Progress,
    Log,
    Other,
}

impl Spool {
    pub(super) fn add(&mut self, event: &Event) {
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        let weight = match event.body {
            Body::Progress { .. } => Weight::Progress,
            Body::Log { .. } => Weight::Log,
            _ => Weight::Other,
        };
        self.bytes += line.len() + 1;
        self.waiting.push_back(Waiting {
            seq: event.seq,
            weight,
            line,
        });
        for weight in [Weight::Progress, Weight::Log, Weight::Other] {
            self.shrink(weight);
        }
    }

    /// Drops events of one weight, the oldest first, until the rest fits.
    fn shrink(&mut self, weight: Weight) {
        let (mut bytes, most) = (self.bytes, MOST);
        self.waiting.retain(|event| {
            let drop = bytes > most && event.weight == weight;
            if drop {
                bytes -= event.line.len() + 1;
            }
            !drop
        });
        self.bytes = bytes;
    }

    /// The next request's lines; none if nothing waits.
    pub(super) fn request(&self) -> Option<String> {
        let mut lines = String::new();
        for event in &self.waiting {
            if !lines.is_empty() && lines.len() + event.line.len() > REQUEST {
                break;
            }
            lines.push_str(&event.line);
            lines.push('\n');
        }
        (!lines.is_empty()).then_some(lines)
    }

    /// Forgets what the server has: all before `next`. Whether that was anything.
    pub(super) fn acknowledge(&mut self, next: u64) -> bool {
        let known = self.waiting.iter().take_while(|event| event.seq < next);
        let count = known.count();
        for event in self.waiting.drain(..count) {
            self.bytes -= event.line.len() + 1;
        }
        count > 0
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::{State, Step, Unit, VERSION};

    fn event(seq: u64, body: Body) -> Event {
        Event {
            v: VERSION,
            install: Uuid::nil(),
            seq,
            time: "2026-11-23T00:00:00Z".to_owned(),
            body,
        }
    }

    fn step(seq: u64) -> Event {
        event(
            seq,
            Body::Step {
                step: Step::Import,
                state: State::Started,
            },
        )
    }

    fn log(seq: u64, bytes: usize) -> Event {
        event(
            seq,
            Body::Log {
                message: "x".repeat(bytes),
            },
        )
    }

    fn progress(seq: u64) -> Event {
        let body = Body::Progress {
            step: Step::Import,
            done: 1,
            total: None,
            unit: Unit::Bytes,
        };
        event(seq, body)
    }

    fn numbers(spool: &Spool) -> Vec<u64> {
        spool.waiting.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn what_is_acknowledged_is_forgotten() {
        let mut spool = Spool::default();
        for seq in 0..5 {
            spool.add(&step(seq));
        }
        assert_eq!(spool.request().unwrap().lines().count(), 5);
        spool.acknowledge(3);
        assert_eq!(numbers(&spool), [3, 4]);
        spool.acknowledge(5);
        assert!(spool.is_empty());
        assert_eq!((spool.request(), spool.bytes), (None, 0));
    }

    #[test]
    fn progress_is_dropped_before_logs_and_logs_before_steps() {
        let mut spool = Spool::default();
        spool.add(&step(0));
        spool.add(&progress(1));
        spool.add(&log(2, MOST / 2));
        spool.add(&log(3, MOST / 2 - 400));
        assert_eq!(numbers(&spool), [0, 2, 3]);
        spool.add(&log(4, MOST / 4));
        assert_eq!(numbers(&spool), [0, 3, 4]);
        assert!(spool.bytes <= MOST);
    }

    #[test]
    fn a_request_is_bounded() {
        let mut spool = Spool::default();
        for seq in 0..10 {
            spool.add(&log(seq, REQUEST / 3));
        }
        assert_eq!(spool.request().unwrap().lines().count(), 2);
        spool.acknowledge(10);
        spool.add(&log(10, 2 * REQUEST));
        spool.add(&log(11, 1));
        assert_eq!(spool.request().unwrap().lines().count(), 1);
    }
}
