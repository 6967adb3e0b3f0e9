// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `lang`: the language of the installed system.
//!
//! Takes the line, gives [`Lang`]. Whether the locale exists in the image is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["lang"],
    summary: "Sets the language of the installed system",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[Opt::list(&["--addsupport"], "Further languages to support")],
    operand: Some(Operand {
        name: "<lang>",
        required: true,
        secret: false,
        help: "Locale, like `de_DE.UTF-8`",
    }),
    convert,
};

/// The system's language
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lang {
    /// Locale, like `de_DE.UTF-8`
    pub lang: String,
    /// Further languages to support
    pub addsupport: Vec<String>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(lang) = given.required_operand(findings) else {
        return;
    };
    kickstart.lang = Some(given.locate(Lang {
        lang,
        addsupport: given.list("--addsupport"),
    }));
}
