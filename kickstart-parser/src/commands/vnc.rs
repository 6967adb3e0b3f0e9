// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `vnc`: whether the graphical installer can be seen from another machine over VNC.
//!
//! Takes the options of the line, gives [`Vnc`]. RHEL 10 and Fedora 43 have `rdp` in its place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["vnc"],
    summary: "Shows the installer over VNC",
    deprecated: Versions::SINCE_F43
        .or(Versions::RHEL10)
        .except(Versions::SINCE_F45),
    removed: Versions::SINCE_F45,
    instead: "use `rdp`",
    effect: Effect::None("the installer asks nothing, so there is nothing to look at"),
    options: &[&[
        Opt::secret(&["--password"], "Password for connecting"),
        Opt::text(&["--host"], "Host with a listening viewer to connect to"),
        Opt::text(&["--port"], "TCP port of that viewer"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// The installer is shown over VNC
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vnc {
    /// Password for connecting
    pub password: Option<Secret>,
    /// Host with a listening viewer to connect to; viewers connect to the installer if there is none
    pub host: Option<String>,
    /// TCP port of that viewer, without effect if there is no `host`
    pub port: Option<String>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.vnc = Some(given.locate(Vnc {
        password: given.text("--password").map(Secret::new),
        host: given.text("--host"),
        port: given.text("--port"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(vnc) = &kickstart.vnc else { return };
    writer.put("vnc");
    writer.value("--host", vnc.host.as_ref());
    writer.value("--port", vnc.port.as_ref().filter(|_| vnc.host.is_some()));
    writer.value("--password", vnc.password.as_ref().map(Secret::expose));
    writer.put("\n");
}
