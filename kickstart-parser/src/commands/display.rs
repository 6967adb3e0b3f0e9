// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `text`, `cmdline`, `graphical`: how the installer talks to the user.
//!
//! Takes the line, gives [`DisplayMode`]; the three words are one setting, the last line counts and takes back all
//! of an earlier one. Landfall asks no questions, so the first two describe it and the third cannot be had.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::writer::Writer;

const OPTIONS: &[Opt] = &[Opt::flag(&["--non-interactive"], "Ask nothing")];

pub(super) const TEXT: Command = Command {
    words: &["text"],
    summary: "Installs in text mode",
    effect: Effect::Inherent,
    repeat: Repeat::Adds,
    options: &[OPTIONS],
    convert,
    write,
    ..Command::BASE
};

pub(super) const CMDLINE: Command = Command {
    words: &["cmdline"],
    summary: "Installs in text mode without asking anything",
    write: |_, _| {},
    ..TEXT
};

pub(super) const GRAPHICAL: Command = Command {
    words: &["graphical"],
    summary: "Installs with a graphical interface",
    effect: Effect::None("the installer has no graphical interface"),
    write: |_, _| {},
    ..TEXT
};

/// How the installer talks to the user
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisplayMode {
    /// Which of the three words was last
    pub mode: Mode,
    /// Nothing is asked; never with [`Mode::Cmdline`], which asks nothing anyway
    pub non_interactive: bool,
}

/// The three ways to talk to the user
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Text mode
    Text,
    /// Text mode without any question
    Cmdline,
    /// A graphical interface
    Graphical,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mode = match given.word() {
        "cmdline" => Mode::Cmdline,
        "graphical" => Mode::Graphical,
        _ => Mode::Text,
    };
    let non_interactive = given.flag("--non-interactive");
    if non_interactive && mode == Mode::Cmdline {
        let at = given.location_of("--non-interactive");
        let message = "`cmdline` does not take `--non-interactive`, it asks nothing anyway";
        findings.error(Code::OptionConflict, at, message);
    }
    kickstart.display = Some(given.locate(DisplayMode {
        mode,
        non_interactive,
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(display) = &kickstart.display else {
        return;
    };
    writer.put(match display.mode {
        Mode::Text => "# Use text mode install\ntext",
        Mode::Cmdline => "cmdline",
        Mode::Graphical => "# Use graphical install\ngraphical",
    });
    writer.flag("--non-interactive", display.non_interactive);
    writer.put("\n");
}
