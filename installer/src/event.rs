// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an installation says while it runs, version 1: one JSON object a line.
//!
//! The engine emits [`Event`]s through an [`Emitter`]; terminals, files and the boot server are
//! [`Sink`]s of the same events. A sink cannot fail an installation. Readers ignore fields and
//! kinds that they do not know, so the format grows by addition only.

use std::time::Instant;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::journal::{Journal, Output};

/// The version that [`Event::v`] carries.
pub const VERSION: u32 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Format version, 1.
    pub v: u32,
    /// The installation this belongs to.
    pub install: Uuid,
    /// Position in the installation's stream, from 0 without gaps.
    pub seq: u64,
    /// When it happened, RFC 3339 in UTC.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A step started or is done.
    Step {
        /// Which one.
        step: Step,
        /// Which of the two.
        state: State,
    },
    /// How far the current step is.
    Progress {
        /// The step that advances.
        step: Step,
        /// Units done so far.
        done: u64,
        /// Units in all, where known.
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
    },
    /// Something worth keeping: a command line, a decision.
    Log {
        /// One line of text.
        message: String,
    },
    /// Something that the user should look at; the installation goes on.
    Warning {
        /// One line of text.
        message: String,
    },
    /// The installation is complete.
    Finished {
        /// One line of text.
        message: String,
    },
    /// The installation ended without a bootable disk.
    Failed {
        /// The step in which it failed.
        step: Step,
        /// Why.
        error: Failure,
    },
    /// A kind from a later version.
    #[serde(other)]
    Unknown,
}

/// The steps of an installation, in their order. The list is closed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// `%pre` scripts.
    Pre,
    /// Looking at disks, firmware and the image's manifest.
    Inventory,
    /// Deciding.
    Plan,
    /// Writing partition tables.
    Partition,
    /// Making file systems.
    Format,
    /// Pulling the image into the target's ostree repository.
    Import,
    /// Making the deployment.
    Deploy,
    /// Writing the configuration into the deployment.
    Configure,
    /// Preparing the boot loader.
    Bootloader,
    /// `%post` scripts.
    Post,
    /// Making the disk bootable, flushing and unmounting.
    Finalize,
}

impl Step {
    /// The name used in events and on terminals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Inventory => "inventory",
            Self::Plan => "plan",
            Self::Partition => "partition",
            Self::Format => "format",
            Self::Import => "import",
            Self::Deploy => "deploy",
            Self::Configure => "configure",
            Self::Bootloader => "bootloader",
            Self::Post => "post",
            Self::Finalize => "finalize",
        }
    }
}

/// Whether a step begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The step begins.
    Started,
    /// The step ended well.
    Done,
}

/// What a progress event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files.
    Files,
}

/// Why an installation failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The process exit status that goes with it.
    pub code: u8,
    /// The error and its causes, outermost first.
    pub chain: Vec<String>,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

/// Somebody who listens: a terminal, a file, a server.
pub trait Sink {
    /// Takes one event. Problems of the sink stay with the sink.
    fn accept(&mut self, event: &Event);
}

/// Numbers and stamps the events of one installation and hands them to its sinks.
pub struct Emitter<'a> {
    install: Uuid,
    next: u64,
    step: Step,
    sinks: Vec<&'a mut dyn Sink>,
    timings: Vec<(Step, f64)>,
    journal: Journal,
}

impl std::fmt::Debug for Emitter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emitter")
            .field("install", &self.install)
            .field("next", &self.next)
            .finish()
    }
}

impl<'a> Emitter<'a> {
    /// An emitter for the installation `install`.
    pub fn new(install: Uuid, sinks: Vec<&'a mut dyn Sink>) -> Self {
        Self {
            install,
            next: 0,
            step: Step::Pre,
            sinks,
            timings: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// The installation's id.
    pub const fn install(&self) -> Uuid {
        self.install
    }

    /// Whether anything has been said.
    pub const fn has_begun(&self) -> bool {
        self.next > 0
    }

    /// The step that runs now, or ran last.
    pub const fn current(&self) -> Step {
        self.step
    }

    /// Seconds by step, in the order in which the steps ended.
    pub fn timings(&self) -> &[(Step, f64)] {
        &self.timings
    }

    /// Runs `work` as `step`: started, then done unless it failed.
    pub fn step<T, E>(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.step = step;
        self.emit(Body::Step {
            step,
            state: State::Started,
        });
        let began = Instant::now();
        let value = work(self)?;
        self.timings.push((step, began.elapsed().as_secs_f64()));
        self.emit(Body::Step {
            step,
            state: State::Done,
        });
        Ok(value)
    }

    /// Says how many bytes of the current step are done.
    pub fn bytes(&mut self, done: u64, total: Option<u64>) {
        self.emit(Body::Progress {
            step: self.step,
            done,
            total,
            unit: Unit::Bytes,
        });
    }

    /// Says something worth keeping.
    pub fn log(&mut self, message: impl Into<String>) {
        self.emit(Body::Log {
            message: message.into(),
        });
    }

    /// Says something that the user should look at.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.emit(Body::Warning {
            message: message.into(),
        });
    }

    /// Keeps what a script printed beside the events.
    pub fn attach(&mut self, name: &str, title: &str, text: &str) {
        self.journal.attach(Output {
            name: name.to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
        });
    }

    /// What is kept of the events until now.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Sends one event to every sink.
    pub fn emit(&mut self, body: Body) {
        let event = Event {
            v: VERSION,
            install: self.install,
            seq: self.next,
            time: Timestamp::now().to_string(),
            body,
        };
        self.next += 1;
        self.journal.take(&event);
        for sink in &mut self.sinks {
            sink.accept(&event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Sink for Lines {
        fn accept(&mut self, event: &Event) {
            self.0.push(serde_json::to_string(event).unwrap());
        }
    }

    #[test]
    fn steps_are_numbered_without_gaps_and_timed() {
        let mut lines = Lines::default();
        let mut emitter = Emitter::new(Uuid::nil(), vec![&mut lines]);
        emitter
            .step(Step::Import, |e| {
                e.bytes(5, Some(10));
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!(emitter.timings().len(), 1);
        let seqs: Vec<u64> = lines
            .0
            .iter()
            .map(|l| serde_json::from_str::<Event>(l).unwrap().seq)
            .collect();
        assert_eq!(seqs, [0, 1, 2]);
        assert!(
            lines.0[1].contains(
                r#""kind":"progress","step":"import","done":5,"total":10,"unit":"bytes""#
            )
        );
    }

    #[test]
    fn a_failed_step_is_never_done() {
        let mut lines = Lines::default();
        let mut emitter = Emitter::new(Uuid::nil(), vec![&mut lines]);
        emitter
            .step(Step::Format, |_| Err::<(), _>("no"))
            .unwrap_err();
        assert_eq!(emitter.current(), Step::Format);
        assert_eq!(lines.0.len(), 1);
    }

    #[test]
    fn unknown_kinds_and_fields_are_read_over() {
        let line = r#"{"v":1,"install":"00000000-0000-0000-0000-000000000000","seq":4,
            "time":"2026-01-01T00:00:00Z","kind":"dance","tempo":3}"#;
        assert_eq!(
            serde_json::from_str::<Event>(line).unwrap().body,
            Body::Unknown
        );
    }
}
