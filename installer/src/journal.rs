// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is kept of an installation's events, and of what its scripts printed, until somebody writes it to a file.
//!
//! Progress is not kept. The room is bounded: when it is used up, what comes later is counted and left out, but for the
//! end of the installation. Nothing is masked here; what comes in is fit to be shown.

use std::fmt::Write as _;

use crate::event::{Body, Event, State};

/// Bytes of messages and outputs that are kept.
const ROOM: usize = 16 << 20;

/// The kept events and outputs of one installation.
#[derive(Debug)]
pub struct Journal {
    events: Vec<Event>,
    outputs: Vec<Output>,
    room: usize,
    left_out: usize,
}

/// All that a script printed, or the end of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// A name for a file.
    pub name: String,
    /// Which script it was.
    pub title: String,
    /// What it printed.
    pub text: String,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            outputs: Vec::new(),
            room: ROOM,
            left_out: 0,
        }
    }
}

impl Journal {
    /// Keeps an event.
    pub(crate) fn take(&mut self, event: &Event) {
        let always = matches!(
            event.body,
            Body::Step { .. } | Body::Failed { .. } | Body::Finished { .. }
        );
        if matches!(event.body, Body::Progress { .. } | Body::Unknown) {
            return;
        }
        if always || self.has_room(size(&event.body)) {
            self.events.push(event.clone());
        }
    }

    /// Keeps what a script printed.
    pub(crate) fn attach(&mut self, output: Output) {
        if self.has_room(output.text.len()) {
            self.outputs.push(output);
        }
    }

    fn has_room(&mut self, size: usize) -> bool {
        match self.room.checked_sub(size) {
            Some(left) => self.room = left,
            None => self.left_out += 1,
        }
        self.left_out == 0
    }

    /// The outputs of the scripts.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The events as JSON lines.
    pub fn json_lines(&self) -> String {
        let lines = self.events.iter().map(serde_json::to_string);
        lines
            .flatten()
            .fold(String::new(), |text, line| text + &line + "\n")
    }

    /// The events for people, a line each.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            for message in messages(&event.body) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{} {message}", event.time);
            }
        }
        if self.left_out > 0 {
            let _ = writeln!(text, "{} more are not kept", self.left_out);
        }
        text
    }

    /// The events and all outputs in one text.
    pub fn whole(&self) -> String {
        let mut text = self.text();
        for output in &self.outputs {
            let _ = write!(
                text,
                "\n--- {} ({})\n{}",
                output.name, output.title, output.text
            );
            if !output.text.ends_with('\n') {
                text.push('\n');
            }
        }
        text
    }
}

fn size(body: &Body) -> usize {
    match body {
        Body::Log { message } | Body::Warning { message } => message.len(),
        _ => 0,
    }
}

fn messages(body: &Body) -> Vec<String> {
    match body {
        Body::Step { step, state } => {
            let state = match state {
                State::Started => "started",
                State::Done => "done",
            };
            vec![format!("step {}: {state}", step.name())]
        }
        Body::Log { message } => vec![message.clone()],
        Body::Warning { message } => vec![format!("warning: {message}")],
        Body::Finished { message } => vec![format!("finished: {message}")],
        Body::Failed { step, error } => {
            let failed = format!("step {}: failed, exit code {}", step.name(), error.code);
            let mut all = vec![failed];
            all.extend(error.chain.iter().map(|cause| format!("error: {cause}")));
            all.extend(error.hint.iter().map(|hint| format!("hint: {hint}")));
            all
        }
        Body::Progress { .. } | Body::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::{Emitter, Step};

    #[test]
    fn progress_is_left_out_and_all_else_is_a_line() {
        let mut emitter = Emitter::new(Uuid::nil(), Vec::new());
        let done = emitter.step(Step::Import, |emitter| {
            emitter.bytes(1, None);
            emitter.log("one");
            emitter.warn("two");
            Ok::<_, ()>(())
        });
        done.unwrap();
        emitter.attach("ks-script-1.log", "%post of line 5", "three");
        let journal = emitter.journal();
        let lines: Vec<String> = journal
            .text()
            .lines()
            .map(|line| line.split_once(' ').unwrap().1.to_owned())
            .collect();
        assert_eq!(
            lines,
            [
                "step import: started",
                "one",
                "warning: two",
                "step import: done"
            ]
        );
        assert_eq!(journal.json_lines().lines().count(), 4);
        assert!(
            journal
                .whole()
                .ends_with("\n--- ks-script-1.log (%post of line 5)\nthree\n")
        );
    }

    #[test]
    fn when_the_room_is_used_up_steps_and_the_end_are_kept_all_the_same() {
        let mut emitter = Emitter::new(Uuid::nil(), Vec::new());
        emitter.attach("a", "b", &"x".repeat(ROOM));
        emitter.log("too much");
        emitter.step(Step::Post, |_| Ok::<_, ()>(())).unwrap();
        let text = emitter.journal().text();
        assert!(!text.contains("too much"), "{text}");
        assert!(text.contains("step post: done"), "{text}");
        assert!(text.ends_with("1 more are not kept\n"), "{text}");
    }
}
