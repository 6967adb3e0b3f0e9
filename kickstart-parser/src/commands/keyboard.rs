// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `keyboard`: the keyboard of the installed system.
//!
//! Takes the line, gives [`Keyboard`]. Layouts are not looked up here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Operand, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["keyboard"],
    summary: "Sets the keyboard of the installed system",
    options: &[&[
        Opt::text(&["--vckeymap"], "Console keymap").resets(),
        Opt::list(
            &["--xlayouts"],
            "Layouts of the graphical desktop with optional variant, like `cz (qwerty)`",
        ),
        Opt::list(
            &["--switch"],
            "Options for switching between layouts, like `grp:alt_shift_toggle`",
        ),
    ]],
    operand: Some(Operand::optional("<keyboard>", "Keymap or layout")),
    convert,
    write,
    ..Command::BASE
};

/// The system's keyboard; at least one of `keyboard`, `vckeymap` and `xlayouts` is given, of which the first may be
/// an empty text, read as none
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

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Keyboard {
        keyboard: given.operand(),
        vckeymap: given.text("--vckeymap"),
        xlayouts: given.list("--xlayouts"),
        switch: given.list("--switch"),
    };
    // A keymap of an earlier line stays, but does not make up for one that this line lacks.
    if given.operand_here().is_none() && value.vckeymap.is_none() && value.xlayouts.is_empty() {
        given.lacks(
            "a keymap, `--vckeymap` or `--xlayouts`",
            &["--vckeymap", "--xlayouts"],
            findings,
        );
    }
    kickstart.keyboard = Some(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(keyboard) = &kickstart.keyboard else {
        return;
    };
    let old = keyboard.keyboard.as_ref();
    if keyboard.vckeymap.is_some() || !keyboard.xlayouts.is_empty() {
        writer.put("# Keyboard layouts\n");
        if let Some(old) = old {
            writer.put(format_args!(
                "# old format: keyboard {old}\n# new format:\n"
            ));
        }
        writer.put("keyboard");
        writer.value("--vckeymap", keyboard.vckeymap.as_ref());
        writer.value("--xlayouts", quoted(&keyboard.xlayouts));
        writer.value("--switch", quoted(&keyboard.switch));
        writer.put("\n");
    } else if let Some(old) = old {
        writer.put(format_args!("# Keyboard layouts\nkeyboard '{old}'\n"));
    }
}

/// `'a','b'`
fn quoted(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| format!("'{}'", items.join("','")))
}
