// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is known of each running installation, from the events that it sends.
//!
//! Takes the body of `POST /v1/installs/{id}/events` (one event a line), gives the sequence number
//! that is expected next. Receiving is idempotent on (installation, sequence number); a gap is
//! legal, since a sender that runs out of room drops progress first. It does not know HTTP, and
//! keeps nothing beyond the process.

use std::collections::BTreeMap;

use landfall_installer::event::{Body, Event, Failure, State, Step};
use thiserror::Error;
use uuid::Uuid;

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 << 10;

/// The longest body that is read, in bytes: what a sender may have spooled.
pub const MAX_BODY: usize = 4 << 20;

/// Warnings that are kept of one installation.
const MAX_WARNINGS: usize = 100;

/// Why a body was not taken. Events before the wrong line are kept.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IntakeError {
    /// The body is longer than [`MAX_BODY`].
    #[error("the body has {0} bytes, and at most {MAX_BODY} are read")]
    BodyTooLong(usize),
    /// A line is longer than [`MAX_LINE`].
    #[error("line {0} has more than {MAX_LINE} bytes")]
    LineTooLong(usize),
    /// A line is not an event.
    #[error("line {line} is not an event: {reason}")]
    NotAnEvent {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A line belongs to another installation than the address says.
    #[error("line {line} belongs to the installation {install}")]
    OtherInstall {
        /// The line, from 1.
        line: usize,
        /// The installation that it names.
        install: Uuid,
    },
}

/// How an installation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The machine has its system.
    Finished,
    /// It has not.
    Failed(Step, Failure),
}

/// One installation as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Install {
    /// The sequence number that is expected next.
    pub next: u64,
    /// The step that runs now, or ran last.
    pub step: Option<Step>,
    /// Units done and in all in that step.
    pub progress: Option<(u64, Option<u64>)>,
    /// What the user should look at, the first hundred.
    pub warnings: Vec<String>,
    /// The end, once it is known.
    pub ending: Option<Ending>,
    /// Time of the last event, RFC 3339 by the machine's own clock.
    pub last: String,
}

/// All installations that have been heard of.
#[derive(Debug, Default)]
pub struct Installs {
    by_id: BTreeMap<Uuid, Install>,
}

impl Installs {
    /// Takes a body of events; gives the sequence number that is expected next.
    pub fn accept(&mut self, id: Uuid, body: &str) -> Result<u64, IntakeError> {
        if body.len() > MAX_BODY {
            return Err(IntakeError::BodyTooLong(body.len()));
        }
        let install = self.by_id.entry(id).or_default();
        for (index, line) in body
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let event = parse(index + 1, line)?;
            if event.install != id {
                let install = event.install;
                return Err(IntakeError::OtherInstall {
                    line: index + 1,
                    install,
                });
            }
            install.apply(event);
        }
        Ok(install.next)
    }

    /// What is known of an installation.
    pub fn get(&self, id: Uuid) -> Option<&Install> {
        self.by_id.get(&id)
    }
}

fn parse(line: usize, text: &str) -> Result<Event, IntakeError> {
    if text.len() > MAX_LINE {
        return Err(IntakeError::LineTooLong(line));
    }
    let reason = |e: serde_json::Error| IntakeError::NotAnEvent {
        line,
        reason: e.to_string(),
    };
    serde_json::from_str(text).map_err(reason)
}

impl Install {
    /// Takes one event, unless it has been taken before.
    fn apply(&mut self, event: Event) {
        if event.seq < self.next {
            return;
        }
        self.next = event.seq.saturating_add(1);
        self.last = event.time;
        match event.body {
            Body::Step {
                step,
                state: State::Started,
            } => {
                self.step = Some(step);
                self.progress = None;
            }
            Body::Progress {
                step, done, total, ..
            } => {
                self.step = Some(step);
                self.progress = Some((done, total));
            }
            Body::Warning { message } if self.warnings.len() < MAX_WARNINGS => {
                self.warnings.push(message);
            }
            Body::Finished { .. } => self.ending = Some(Ending::Finished),
            Body::Failed { step, error } => self.ending = Some(Ending::Failed(step, error)),
            Body::Step { .. } | Body::Warning { .. } | Body::Log { .. } | Body::Unknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_installer::event::{Emitter, Sink};

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Sink for Lines {
        fn accept(&mut self, event: &Event) {
            self.0.push(serde_json::to_string(event).unwrap());
        }
    }

    /// The events of an installation that imports and finishes.
    fn sent(id: Uuid) -> Vec<String> {
        let mut lines = Lines::default();
        let mut emitter = Emitter::new(id, vec![&mut lines]);
        let imported = emitter.step(Step::Import, |e| {
            e.bytes(40, Some(100));
            e.warn("the clock is wrong");
            Ok::<_, ()>(())
        });
        imported.unwrap();
        emitter.emit(Body::Finished {
            message: "done".into(),
        });
        lines.0
    }

    #[test]
    fn what_the_installer_sends_is_understood() {
        let id = Uuid::new_v5(&Uuid::nil(), b"one");
        let mut installs = Installs::default();
        let lines = sent(id);
        assert_eq!(installs.accept(id, &lines[..2].join("\n")), Ok(2));
        assert_eq!(installs.get(id).unwrap().progress, Some((40, Some(100))));
        assert_eq!(installs.accept(id, &lines.join("\n")), Ok(5));
        let install = installs.get(id).unwrap();
        assert_eq!(install.ending, Some(Ending::Finished));
        assert_eq!(install.warnings, ["the clock is wrong"]);
    }

    #[test]
    fn sending_again_changes_nothing() {
        let id = Uuid::new_v5(&Uuid::nil(), b"two");
        let mut installs = Installs::default();
        let body = sent(id).join("\n");
        installs.accept(id, &body).unwrap();
        let before = installs.get(id).unwrap().clone();
        assert_eq!(installs.accept(id, &body), Ok(5));
        assert_eq!(installs.get(id).unwrap(), &before);
    }

    #[test]
    fn dropped_progress_leaves_a_gap_that_is_legal() {
        let id = Uuid::new_v5(&Uuid::nil(), b"three");
        let mut lines = sent(id);
        lines.remove(1);
        let mut installs = Installs::default();
        assert_eq!(installs.accept(id, &lines.join("\n")), Ok(5));
    }

    #[test]
    fn hostile_bodies_are_refused() {
        let id = Uuid::nil();
        let mut installs = Installs::default();
        let other = sent(Uuid::new_v5(&id, b"other")).remove(0);
        assert!(matches!(
            installs.accept(id, &other),
            Err(IntakeError::OtherInstall { line: 1, .. })
        ));
        assert!(matches!(
            installs.accept(id, "\n{"),
            Err(IntakeError::NotAnEvent { line: 2, .. })
        ));
        let long = format!("\"{}\"", "x".repeat(MAX_LINE));
        assert_eq!(installs.accept(id, &long), Err(IntakeError::LineTooLong(1)));
        let huge = "x".repeat(MAX_BODY + 1);
        assert_eq!(
            installs.accept(id, &huge),
            Err(IntakeError::BodyTooLong(MAX_BODY + 1))
        );
        assert_eq!(installs.get(id).unwrap().next, 0);
    }
}
