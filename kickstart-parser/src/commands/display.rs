// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `text`, `cmdline`, `graphical`: how Anaconda talks to the user.
//!
//! Takes the line and gives nothing: Landfall asks no questions, so the first two describe it and the third
//! cannot be had.

use crate::arguments::{Command, Effect, Opt, Repeat};

const OPTIONS: &[Opt] = &[Opt::flag(&["--non-interactive"], "Ask nothing")];

pub(super) const TEXT: Command = Command {
    words: &["text"],
    summary: "Installs in text mode",
    effect: Effect::Inherent,
    repeat: Repeat::Adds,
    conflicts: &[],
    options: OPTIONS,
    operand: None,
    convert: |_, _, _| {},
};

pub(super) const CMDLINE: Command = Command {
    words: &["cmdline"],
    summary: "Installs in text mode without asking anything",
    options: &[],
    ..TEXT
};

pub(super) const GRAPHICAL: Command = Command {
    words: &["graphical"],
    summary: "Installs with a graphical interface",
    effect: Effect::None("the installer has no graphical interface"),
    ..TEXT
};
