// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `logging`: the server that the installer sends its log to.
//!
//! Takes the options of the line, gives [`Logging`]. Host and port are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["logging"],
    summary: "Sends the installer's log to a server",
    effect: Effect::None("it is about the installer's own log"),
    options: &[OPTIONS],
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--host"], "Server that takes the log, by name or address"),
    Opt::text(&["--port"], "Port of the server; needs `--host`"),
    Opt::choice(
        &["--level"],
        &["debug", "info", "warning", "error", "critical"],
        "Least important messages to log; `info` without this option",
    )
    .only(Versions::RHEL8)
    .resets(),
    Opt::text(
        &["--level"],
        "Least important messages to log, no longer looked at",
    )
    .only(Versions::RHEL9)
    .deprecated_in(Versions::RHEL9),
];

/// Versions in which the level is part of the canonical form, which there has a line for the command in any case
const WITH_LEVEL: Versions = Versions::RHEL8;

/// Where the installer's log goes
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Logging {
    /// Server that takes the log, by name or address
    pub host: Option<String>,
    /// Port of the server, any text; only with `host`
    pub port: Option<String>,
    /// Least important messages to log; the default is `info`
    pub level: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = Logging {
        host: given.text("--host"),
        port: given.text("--port"),
        level: given.text("--level"),
    };
    if value.port.is_some() && value.host.is_none() {
        given.needs("--port", "--host", findings);
    }
    kickstart.logging = Some(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let with_level = WITH_LEVEL.has(writer.syntax);
    let logging = kickstart.logging.as_deref();
    if let Some(logging) = logging.filter(|logging| with_level || logging.host.is_some()) {
        writer.put("# Installation logging level\nlogging");
        let level = logging.level.as_deref().unwrap_or("info");
        writer.value("--level", with_level.then_some(level));
        writer.value("--host", logging.host.as_ref());
        writer.value("--port", logging.port.as_ref());
        writer.put("\n");
    } else if with_level {
        writer.put("\n");
    }
}
