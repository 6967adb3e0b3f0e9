// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everybody who is told what becomes of this machine: its terminals, its journal, a syslog server, a server for events.
//!
//! None of them holds the installation up. Whatever fails, and wherever, the end is an event, too.

use std::io::{self, Write as _};

use jiff::Timestamp;
use uuid::Uuid;

use super::BootOptions;
use super::reporter::Reporter;
use super::syslog::Sending;
use super::terminals::Terminals;
use crate::display;
use crate::engine::error::EngineError;
use crate::event::{Body, Event, Failure, Step, VERSION};

/// The sinks of one start.
#[derive(Debug)]
pub(super) struct Sinks {
    pub(super) terminals: Terminals,
    syslog: Option<Sending>,
    reporter: Option<Reporter>,
    /// What comes next of the installation that was told of.
    next: Next,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Next {
    install: Uuid,
    seq: u64,
    step: Step,
    has_ended: bool,
}

impl Sinks {
    /// The terminals alone.
    pub(super) fn new(terminals: Terminals) -> Self {
        let next = Next {
            install: Uuid::new_v4(),
            seq: 0,
            step: Step::Pre,
            has_ended: false,
        };
        Self {
            terminals,
            syslog: None,
            reporter: None,
            next,
        }
    }

    /// Those that the kernel's command line names, too.
    pub(super) fn add(&mut self, options: &BootOptions) {
        self.syslog = options.syslog.clone().map(Sending::to);
        let url = options.report.clone();
        self.reporter = url.map(|url| Reporter::start(url, options.token.clone()));
    }

    /// A line for everybody but the server for events.
    pub(super) fn say(&mut self, line: &str) {
        self.terminals.say(line);
        self.record(line);
    }

    /// A line for logs.
    fn record(&self, line: &str) {
        // The journal, which a terminal of its own shows.
        let _ = writeln!(io::stderr(), "{line}");
        if let Some(syslog) = &self.syslog {
            syslog.say(line);
        }
    }

    /// An event of the installation. What is only logged is on no terminal.
    pub(super) fn event(&mut self, event: &Event) {
        if let Body::Log { message } = &event.body {
            self.record(message);
        }
        self.next.follow(event);
        if let Some(reporter) = &self.reporter {
            reporter.accept(event);
        }
    }

    /// An error with its causes, and what to do about it.
    pub(super) fn warn(&mut self, error: &EngineError) {
        for line in display::reasons(&error.chain(), error.hint().as_deref()) {
            self.say(&line);
        }
    }

    /// The end: this machine does not get what it was started for.
    pub(super) fn fail(&mut self, error: &EngineError) {
        self.warn(error);
        if !self.next.has_ended {
            let event = self.next.failed(error);
            self.event(&event);
        }
    }

    /// Waits until all is shown and sent, or had its time.
    pub(super) fn close(&mut self) {
        self.reporter = None;
        self.terminals.flush();
    }
}

impl Next {
    fn follow(&mut self, event: &Event) {
        (self.install, self.seq) = (event.install, event.seq + 1);
        if let Body::Step { step, .. } | Body::Progress { step, .. } = &event.body {
            self.step = *step;
        }
        self.has_ended |= matches!(event.body, Body::Finished { .. } | Body::Failed { .. });
    }

    fn failed(&self, error: &EngineError) -> Event {
        let failure = Failure {
            code: error.exit_before_writes().code(),
            chain: error.chain(),
            hint: error.hint(),
        };
        Event {
            v: VERSION,
            install: self.install,
            seq: self.seq,
            time: Timestamp::now().to_string(),
            body: Body::Failed {
                step: self.step,
                error: failure,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::State;

    fn error() -> EngineError {
        EngineError::Refused("the medium is damaged".to_owned())
    }

    fn event(seq: u64, body: Body) -> Event {
        Event {
            v: VERSION,
            install: Uuid::nil(),
            seq,
            time: String::new(),
            body,
        }
    }

    #[test]
    fn an_installation_that_ends_without_a_word_is_told_to_have_failed() {
        let mut sinks = Sinks::new(Terminals::default());
        let (step, state) = (Step::Import, State::Started);
        sinks.event(&event(7, Body::Step { step, state }));
        let failed = sinks.next.failed(&error());
        assert_eq!((failed.install, failed.seq), (Uuid::nil(), 8));
        assert!(matches!(
            failed.body,
            Body::Failed {
                step: Step::Import,
                ..
            }
        ));
        sinks.fail(&error());
        assert_eq!((sinks.next.seq, sinks.next.has_ended), (9, true));
    }

    #[test]
    fn the_end_is_told_once() {
        let mut sinks = Sinks::new(Terminals::default());
        let Body::Failed {
            step,
            error: failure,
        } = sinks.next.failed(&error()).body
        else {
            panic!("no failure");
        };
        sinks.event(&event(
            3,
            Body::Failed {
                step,
                error: failure,
            },
        ));
        sinks.fail(&error());
        assert_eq!(sinks.next.seq, 4);
    }
}
