// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `keyboard`: the keyboard of the installed system.
//!
//! Takes the line, gives [`Keyboard`]. Layouts are not looked up here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["keyboard"],
    summary: "Sets the keyboard of the installed system",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::text(&["--vckeymap"], "Console keymap").resets(),
        Opt::list(
            &["--xlayouts"],
            "Layouts with optional variant, like `cz (qwerty)`",
        ),
        Opt::list(&["--switch"], "Options for switching between layouts"),
    ],
    operand: Some(Operand {
        name: "<keyboard>",
        required: false,
        secret: false,
        help: "Keymap or layout",
    }),
    convert,
};

/// The system's keyboard; at least one of `keyboard`, `vckeymap` and `xlayouts` is given
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Keyboard {
    /// Keymap or layout, guessed which
    pub keyboard: Option<String>,
    /// Console keymap
    pub vckeymap: Option<String>,
    /// Layouts with optional variant
    pub xlayouts: Vec<String>,
    /// Options for switching between layouts
    pub switch: Vec<String>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Keyboard {
        keyboard: given.operand(),
        vckeymap: given.text("--vckeymap"),
        xlayouts: given.list("--xlayouts"),
        switch: given.list("--switch"),
    };
    if value.keyboard.is_none() && value.vckeymap.is_none() && value.xlayouts.is_empty() {
        given.lacks(
            "a keymap, `--vckeymap` or `--xlayouts`",
            &["--vckeymap", "--xlayouts"],
            findings,
        );
    }
    kickstart.keyboard = Some(given.locate(value));
}
