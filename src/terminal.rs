// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The only place that writes to the terminal: data on stdout, talk on stderr.
//!
//! Also the sinks of an installation's events: progress bars on a terminal, plain lines on
//! anything else, JSON lines for programs.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use landfall_installer::display::{self, Display};
use landfall_installer::engine::error::EngineError;
use landfall_installer::event::{Body, Event, Failure, Sink, State, Step};
use landfall_installer::exit::Exit;
use landfall_installer::image::ImageError;
use landfall_installer::media::{MediaError, Phase, Told};
use landfall_installer::plan::{Issue, Severity};

/// Why a subcommand ends without doing what was asked.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) exit: Exit,
    /// The error and its causes, outermost first.
    pub(crate) chain: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(exit: Exit, error: impl std::fmt::Display) -> Self {
        Self {
            exit,
            chain: vec![error.to_string()],
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Problem {
    /// The event by which an installation that had begun ends with this.
    pub(crate) fn event(&self, step: Step) -> Body {
        let (chain, hint) = (self.chain.clone(), self.hint.clone());
        Body::Failed {
            step,
            error: Failure {
                code: self.exit.code(),
                chain,
                hint,
            },
        }
    }
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        Self {
            exit: error.exit(),
            hint: error.hint(),
            chain: error.chain(),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self {
            exit: error.exit_before_writes(),
            hint: error.hint(),
            chain: error.chain(),
        }
    }
}

/// Data for the user or the next program.
pub(crate) fn data(text: &str) {
    // Whoever closed the pipe does not want the rest.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// What a file says that is not the user's own, for the terminal: characters that would move the cursor, or write elsewhere,
/// are replaced.
pub(crate) fn harmless(text: &str) -> String {
    // Of the marks that turn the direction of writing, too: a name would read as another.
    let moves = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(moves, "\u{fffd}")
}

/// A line of talk.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Where text goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// stdout.
    Data,
    /// stderr.
    Talk,
}

/// Whether diagnostics on this stream are coloured.
pub(crate) fn is_coloured(stream: Stream) -> bool {
    let is_terminal = match stream {
        Stream::Data => io::stdout().is_terminal(),
        Stream::Talk => io::stderr().is_terminal(),
    };
    is_terminal && std::env::var_os("NO_COLOR").is_none()
}

/// Says why the command ends; gives its exit status.
pub(crate) fn show(problem: &Problem) -> u8 {
    for line in display::reasons(&problem.chain, problem.hint.as_deref()) {
        say(&line);
    }
    problem.exit.code()
}

/// The planner's issues with their help.
pub(crate) fn show_issues(issues: &[Issue]) {
    for issue in issues {
        let word = if issue.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        say(&format!("{word}: {issue}"));
        if let Some(help) = &issue.help {
            say(&format!("hint: {help}"));
        }
    }
}

/// Events as JSON lines on stdout.
#[derive(Debug)]
pub(crate) struct JsonLines;

impl Sink for JsonLines {
    fn accept(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            data(&format!("{line}\n"));
        }
    }
}

/// Events for a person: bars on a terminal, lines elsewhere.
#[derive(Debug)]
pub(crate) struct Console {
    verbose: bool,
    bars: bool,
    bar: Option<ProgressBar>,
    began: Instant,
    lines: Display,
}

impl Console {
    pub(crate) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            bars: io::stderr().is_terminal(),
            bar: None,
            began: Instant::now(),
            lines: Display::default(),
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    /// What of an event is shown by the bar alone, where there are bars.
    fn moves_bar(&mut self, body: &Body) -> bool {
        match body {
            Body::Step {
                step,
                state: State::Started,
            } => {
                self.bar = Some(bar(step.name()));
                true
            }
            Body::Progress { done, total, .. } => {
                if let Some(bar) = &self.bar {
                    if let Some(total) = total.filter(|_| bar.length().is_none()) {
                        bar.set_length(total);
                        bar.set_style(bytes_style());
                    }
                    bar.set_position(*done);
                }
                true
            }
            Body::Step { .. } | Body::Failed { .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                false
            }
            _ => false,
        }
    }
}

impl Sink for Console {
    fn accept(&mut self, event: &Event) {
        let lines = self.lines.lines(&event.body, self.began.elapsed());
        if self.bars && self.moves_bar(&event.body) {
            return;
        }
        for line in lines {
            self.line(&line);
        }
        if let (true, Body::Log { message }) = (self.verbose, &event.body) {
            self.line(&format!("  {message}"));
        }
    }
}

fn bar(name: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_message(name);
    bar.set_style(style("{spinner} {msg:<10} {elapsed}"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How far a medium is, for a person.
#[derive(Debug, Default)]
pub(crate) struct MediumProgress {
    phase: Option<(Phase, Instant)>,
    bar: Option<ProgressBar>,
}

impl MediumProgress {
    pub(crate) fn told(&mut self, told: Told) {
        if self.phase.is_none_or(|(phase, _)| phase != told.phase) {
            self.end();
            self.phase = Some((told.phase, Instant::now()));
            if io::stderr().is_terminal() {
                self.bar = Some(bar(told.phase.name()));
            } else {
                say(&format!("{}: started", told.phase.name()));
            }
        }
        let (Some(bar), Some(total)) = (&self.bar, told.total) else {
            return;
        };
        if bar.length().is_none() {
            bar.set_length(total);
            bar.set_style(bytes_style());
        }
        bar.set_position(told.done);
    }

    /// Whatever is being done has come to its end.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some((phase, began)) = self.phase.take() {
            let seconds = began.elapsed().as_secs_f64();
            say(&format!("{}: {seconds:.1} s", phase.name()));
        }
    }
}

fn bytes_style() -> ProgressStyle {
    style("{spinner} {msg:<10} [{bar:32}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
