// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `module`: a stream of packages that is enabled or disabled.
//!
//! Takes the options of the line, gives [`Module`]. Whether a repository has the module is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["module"],
    summary: "Enables or disables a module",
    deprecated: Versions::SINCE_F41
        .or(Versions::RHEL10)
        .except(Versions::SINCE_F45),
    removed: Versions::SINCE_F45,
    effect: Effect::None("the image decides what is installed"),
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(&["--name"], "Name of the module").required(),
        Opt::text(
            &["--stream"],
            "Stream of the module; its default stream without this option",
        ),
        Opt::flag(&["--disable"], "Disable the module instead of enabling it"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// A module that is enabled or disabled
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// Its name
    pub name: String,
    /// Its stream; the default one if there is none
    pub stream: Option<String>,
    /// It is disabled instead of enabled
    pub disable: bool,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let Some(name) = given.raw("--name") else {
        return;
    };
    kickstart.module.push(given.locate(Module {
        name: name.to_owned(),
        stream: given.text("--stream"),
        disable: given.flag("--disable"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for module in &kickstart.module {
        writer.put(format_args!("module --name={}", module.name));
        writer.value("--stream", module.stream.as_ref());
        writer.flag("--disable", module.disable);
        writer.put("\n");
    }
}
