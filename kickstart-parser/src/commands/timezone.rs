// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `timezone`: the time zone of the installed system and how its clock is read.
//!
//! Takes the line, gives [`Timezone`]. Whether the zone exists in the image is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["timezone"],
    summary: "Sets the time zone of the installed system",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::flag(&["--utc"], "The hardware clock runs in UTC"),
        Opt::flag(&["--isUtc"], "Former spelling of `--utc`").deprecated(),
        Opt::flag(&["--nontp"], "Do not synchronise the clock").deprecated(),
        Opt::list(&["--ntpservers"], "Time servers").deprecated(),
    ],
    operand: Some(Operand {
        name: "<timezone>",
        required: false,
        secret: false,
        help: "Zone, like `Europe/Berlin`",
    }),
    convert,
};

/// The system's time zone
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timezone {
    /// Zone, like `Europe/Berlin`
    pub timezone: Option<String>,
    /// The hardware clock runs in UTC
    pub utc: bool,
    /// The clock is not synchronised
    pub nontp: bool,
    /// Time servers
    pub ntpservers: Vec<String>,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Timezone {
        timezone: given.operand(),
        utc: given.flag("--utc") || given.flag("--isUtc"),
        nontp: given.flag("--nontp"),
        ntpservers: given.list("--ntpservers"),
    };
    if value == Timezone::default() {
        given.lacks("a zone or an option", &["--utc", "--ntpservers"], findings);
    }
    if value.nontp && !value.ntpservers.is_empty() {
        given.exclude("--nontp", "--ntpservers", findings);
    }
    kickstart.timezone = Some(given.locate(value));
}
