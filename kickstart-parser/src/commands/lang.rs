// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `lang`: the language of the installed system.
//!
//! Takes the line, gives [`Lang`]. Whether the locale exists in the image is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Operand, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["lang"],
    summary: "Sets the language of the installed system",
    options: &[
        &[Opt::list(&["--addsupport"], "Further languages to support")
            .without_effect("languages come with the image")],
    ],
    operand: Some(Operand::one("<lang>", "Locale, like `de_DE.UTF-8`")),
    convert,
    write,
    ..Command::BASE
};

/// The system's language
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lang {
    /// Locale, like `de_DE.UTF-8`
    pub lang: String,
    /// Further languages to support
    pub addsupport: Vec<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if given.operands.is_empty() {
        return;
    }
    let addsupport = given.list("--addsupport");
    kickstart.lang = given
        .required_operand(findings)
        .map(|lang| given.locate(Lang { lang, addsupport }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(lang) = &kickstart.lang else { return };
    let line = format!("# System language\nlang {}", lang.lang);
    if lang.addsupport.is_empty() {
        writer.put(line);
    } else {
        writer.put(line.trim_end());
        writer.list("--addsupport", &lang.addsupport);
    }
    writer.put("\n");
}
