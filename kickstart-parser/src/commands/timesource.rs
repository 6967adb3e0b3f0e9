// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `timesource`: where the installed system gets its time from.
//!
//! Takes the options of the line, gives [`TimeSource`]; each line says one source, or that there is none. Names of
//! servers are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["timesource"],
    summary: "Sets a time server, or that there is none",
    versions: Versions::ALL.except(Versions::RHEL8),
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(&["--ntp-server"], "NTP server, by name or address"),
        Opt::text(&["--ntp-pool"], "Pool of NTP servers, by name"),
        Opt::flag(&["--ntp-disable"], "Do not synchronise the clock"),
        Opt::flag(
            &["--nts"],
            "Use Network Time Security with this server or pool",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// The options of which a line has exactly one
const SOURCES: [&str; 3] = ["--ntp-server", "--ntp-pool", "--ntp-disable"];

/// A source of time; exactly one of the first three fields is set
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSource {
    /// NTP server, by name or address
    pub ntp_server: Option<String>,
    /// Pool of NTP servers, by name
    pub ntp_pool: Option<String>,
    /// The clock is not synchronised
    pub ntp_disable: bool,
    /// Network Time Security is used with the server or pool
    pub nts: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = TimeSource {
        ntp_server: given.text("--ntp-server"),
        ntp_pool: given.text("--ntp-pool"),
        ntp_disable: given.flag("--ntp-disable"),
        nts: given.flag("--nts"),
    };
    let set = [
        value.ntp_server.is_some(),
        value.ntp_pool.is_some(),
        value.ntp_disable,
    ];
    let named = SOURCES.into_iter().zip(set).filter(|(_, set)| *set);
    match named.map(|(name, _)| name).collect::<Vec<_>>()[..] {
        [] => given.lacks(
            "`--ntp-server`, `--ntp-pool` or `--ntp-disable`",
            &SOURCES,
            findings,
        ),
        [_] => {}
        [first, second, ..] => given.exclude(first, second, findings),
    }
    kickstart.timesource.push(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for source in &kickstart.timesource {
        writer.put("timesource");
        writer.value("--ntp-server", source.ntp_server.as_ref());
        writer.value("--ntp-pool", source.ntp_pool.as_ref());
        writer.flag("--nts", source.nts);
        writer.flag("--ntp-disable", source.ntp_disable);
        writer.put("\n");
    }
}
