// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `timezone`: the time zone of the installed system and how its clock is read.
//!
//! Takes the line, gives [`Timezone`]. Whether the zone exists in the image is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Operand, Opt};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::location::Span;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["timezone"],
    summary: "Sets the time zone of the installed system",
    options: &[&[
        Opt::flag(&["--utc"], "The hardware clock runs in UTC"),
        Opt::flag(&["--isUtc"], "Former spelling of `--utc`")
            .only(WITH_FORMER)
            .deprecated_in(Versions::FEDORA),
        Opt::flag(
            &["--nontp"],
            "Do not synchronise the clock; newer versions have `timesource --ntp-disable`",
        )
        .only(WITH_FORMER)
        .deprecated_in(Versions::FEDORA),
        Opt::list(
            &["--ntpservers"],
            "Time servers; newer versions have `timesource --ntp-server`",
        )
        .only(WITH_FORMER)
        .deprecated_in(Versions::FEDORA),
    ]],
    operand: Some(Operand::optional(
        "<timezone>",
        "Zone, like `Europe/Berlin`",
    )),
    convert,
    write,
    ..Command::BASE
};

/// Versions that have the options for time servers and the former spelling
const WITH_FORMER: Versions = Versions::ALL.except(Versions::RHEL10);
/// Versions that announce the end of these options where they say something
const ANNOUNCED: Versions = Versions::RHEL9;
/// Versions whose canonical form has the former spelling
const WRITTEN_FORMER: Versions = Versions::RHEL8;

/// The system's time zone; every field may be empty
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

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let here = given.operand_here();
    let value = Timezone {
        // Unlike other arguments the zone does not stay when a later line does not give it.
        timezone: here.filter(|zone| !zone.is_empty()).map(str::to_owned),
        utc: given.flag("--utc") || given.flag("--isUtc"),
        nontp: given.flag("--nontp"),
        ntpservers: given.list("--ntpservers"),
    };
    if is_bare(given) {
        given.lacks("a zone or an option", &[], findings);
    }
    if value.nontp && !value.ntpservers.is_empty() {
        given.exclude("--nontp", "--ntpservers", findings);
    }
    if ANNOUNCED.has(given.syntax) {
        announce(&value, given, findings);
    }
    kickstart.timezone = Some(given.locate(value));
}

/// Whether no word at all follows the command
fn is_bare(given: &Arguments<'_>) -> bool {
    let Span { start, end } = given.line.span;
    !given.line.place.text[start..end].contains([' ', '\t'])
}

/// Says what is going to leave the language, as far as it is written out and says something
fn announce(value: &Timezone, given: &Arguments<'_>, findings: &mut Findings) {
    let mut words = given.given.iter().map(|one| &*one.at.text);
    let uses = [
        (
            "--isUtc",
            words.any(|word| word == "--isUtc"),
            "use `--utc`",
        ),
        ("--nontp", value.nontp, "use `timesource --ntp-disable`"),
        (
            "--ntpservers",
            !value.ntpservers.is_empty(),
            "use `timesource --ntp-server`, one line for each server",
        ),
    ];
    for (name, _, instead) in uses.into_iter().filter(|(_, used, _)| *used) {
        let message = format!("`{name}` is going to be deprecated");
        findings
            .deprecation(Code::OptionDeprecated, given.location_of(name), message)
            .help(instead);
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let timezone = kickstart.timezone.as_deref();
    let former = WITH_FORMER.has(writer.syntax);
    let Some(timezone) = timezone.filter(|value| says_something(value, former)) else {
        return;
    };
    writer.put("# System timezone\ntimezone");
    if let Some(zone) = &timezone.timezone {
        writer.put(format_args!(" {zone}"));
    }
    let utc = if WRITTEN_FORMER.has(writer.syntax) {
        "--isUtc"
    } else {
        "--utc"
    };
    writer.flag(utc, timezone.utc);
    if former {
        writer.flag("--nontp", timezone.nontp);
        writer.list("--ntpservers", &timezone.ntpservers);
    }
    writer.put("\n");
}

fn says_something(timezone: &Timezone, former: bool) -> bool {
    timezone.timezone.is_some()
        || timezone.utc
        || former && (timezone.nontp || !timezone.ntpservers.is_empty())
}
