// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An installation as lines, for terminals that know nothing but lines, and logs. Pure.
//!
//! Takes events and the time; gives lines. A line is shown when a step begins, when it ends, and a few times in between:
//! serial lines are slow, and are read in logs.

use std::time::Duration;

use crate::event::{Body, Failure, State, Step};
use crate::plan::size;

/// Time between two lines of one step.
const INTERVAL: Duration = Duration::from_secs(5);
/// Characters of a bar.
const BAR: usize = 24;
/// The steps that a machine goes through, for "3 of 11".
const STEPS: [Step; 11] = [
    Step::Pre,
    Step::Inventory,
    Step::Plan,
    Step::Partition,
    Step::Format,
    Step::Import,
    Step::Deploy,
    Step::Configure,
    Step::Bootloader,
    Step::Post,
    Step::Finalize,
];

/// What is shown of events.
#[derive(Debug, Default)]
pub struct Display {
    /// When the step began, and when it was last told of.
    began: Duration,
    told: Duration,
}

impl Display {
    /// The lines for an event at `now`, a time since any moment.
    pub fn lines(&mut self, body: &Body, now: Duration) -> Vec<String> {
        match body {
            Body::Step {
                step,
                state: State::Started,
            } => {
                (self.began, self.told) = (now, now);
                vec![format!("{}: started", title(*step))]
            }
            Body::Step {
                step,
                state: State::Done,
            } => {
                let seconds = now.saturating_sub(self.began).as_secs_f64();
                vec![format!("{}: done in {seconds:.1} s", title(*step))]
            }
            Body::Progress {
                step, done, total, ..
            } => self.progress(*step, (*done, *total), now),
            Body::Warning { message } => vec![format!("warning: {message}")],
            Body::Failed { step, error } => failed(*step, error),
            // The end is the report.
            Body::Finished { .. } | Body::Log { .. } | Body::Unknown => Vec::new(),
        }
    }

    fn progress(
        &mut self,
        step: Step,
        (done, total): (u64, Option<u64>),
        now: Duration,
    ) -> Vec<String> {
        if now.saturating_sub(self.told) < INTERVAL {
            return Vec::new();
        }
        self.told = now;
        let seconds = now.saturating_sub(self.began).as_secs_f64().max(0.001);
        #[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
        let rate = done as f64 / seconds;
        let amount = size::human(done);
        let far = match total.filter(|total| *total > 0) {
            Some(total) => format!("{} {amount} of {}", bar(done, total), size::human(total)),
            None => amount,
        };
        let left = total.map_or(String::new(), |total| {
            left(total.saturating_sub(done), rate)
        });
        vec![format!("{}: {far}, {}/s{left}", title(step), human(rate))]
    }
}

/// As `, 7 s left`; nothing where that is not known.
fn left(amount: u64, rate: f64) -> String {
    if rate <= 0.0 {
        return String::new();
    }
    #[allow(clippy::cast_precision_loss, reason = "shown in whole seconds")]
    let seconds = amount as f64 / rate;
    format!(", {seconds:.0} s left")
}

/// As `[ 6/11] import`.
fn title(step: Step) -> String {
    let at = STEPS.iter().position(|other| *other == step).unwrap_or(0) + 1;
    format!("[{at:>2}/{}] {}", STEPS.len(), step.name())
}

fn bar(done: u64, total: u64) -> String {
    let parts = u128::from(done.min(total)) * BAR as u128 / u128::from(total);
    let full = usize::try_from(parts).unwrap_or(BAR);
    format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2^64"
)]
fn human(rate: f64) -> String {
    size::human(rate as u64)
}

fn failed(step: Step, error: &Failure) -> Vec<String> {
    let mut lines = vec![format!("{}: failed", title(step))];
    lines.extend(reasons(&error.chain, error.hint.as_deref()));
    lines
}

/// An error, its causes, and what to do about it.
pub fn reasons(chain: &[String], hint: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, message) in chain.iter().enumerate() {
        let word = if index == 0 { "error" } else { "  because" };
        lines.push(format!("{word}: {message}"));
    }
    lines.extend(hint.map(|hint| format!("hint: {hint}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unit;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn progress(done: u64, total: Option<u64>) -> Body {
        Body::Progress {
            step: Step::Import,
            done,
            total,
            unit: Unit::Bytes,
        }
    }

    #[test]
    fn a_step_is_told_at_both_ends_and_sometimes_between() {
        let mut display = Display::default();
        let mut lines = Vec::new();
        let mut tell = |body: &Body, seconds| lines.extend(display.lines(body, at(seconds)));
        tell(
            &Body::Step {
                step: Step::Import,
                state: State::Started,
            },
            100,
        );
        tell(&progress(1 << 20, Some(40 << 20)), 101);
        tell(&progress(20 << 20, Some(40 << 20)), 110);
        tell(&progress(21 << 20, Some(40 << 20)), 111);
        tell(
            &Body::Step {
                step: Step::Import,
                state: State::Done,
            },
            120,
        );
        assert_eq!(
            lines,
            [
                "[ 6/11] import: started",
                "[ 6/11] import: [############............] 20 MiB of 40 MiB, 2 MiB/s, 10 s left",
                "[ 6/11] import: done in 20.0 s",
            ]
        );
    }

    #[test]
    fn a_failure_has_its_causes_and_what_to_do() {
        let error = Failure {
            code: 4,
            chain: vec!["writing `x`".into(), "no space left".into()],
            hint: Some("use a larger disk".into()),
        };
        let lines = Display::default().lines(
            &Body::Failed {
                step: Step::Deploy,
                error,
            },
            at(0),
        );
        assert_eq!(
            lines,
            [
                "[ 7/11] deploy: failed",
                "error: writing `x`",
                "  because: no space left",
                "hint: use a larger disk"
            ]
        );
    }

    #[test]
    fn what_has_no_end_has_a_rate() {
        let mut display = Display::default();
        assert_eq!(
            display.lines(&progress(10 << 20, None), at(10)),
            ["[ 6/11] import: 10 MiB, 1 MiB/s"]
        );
        assert_eq!(bar(0, 1).len(), BAR + 2);
        assert_eq!(bar(9, 3), bar(3, 3));
    }
}
