// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `iscsi`: disks that are attached over iSCSI.
//!
//! Takes the options of the line, gives [`Iscsi`]. Addresses and names are not checked, servers are not asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["iscsi"],
    summary: "Attaches disks over iSCSI",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(
            &["--target"],
            "Name (IQN) of the target; all that the server has without this option",
        ),
        Opt::text(&["--ipaddr"], "Address of the server").required(),
        Opt::int(
            &["--port"],
            "TCP port of the server; 3260 without this option",
        ),
        Opt::text(&["--user"], "User at the target"),
        Opt::secret(&["--password"], "Password at the target"),
        Opt::text(
            &["--reverse-user"],
            "User that the target names to the initiator",
        ),
        Opt::secret(
            &["--reverse-password"],
            "Password that the target gives to the initiator",
        ),
        Opt::text(&["--iface"], "Network device that the connection goes over"),
    ]],
    rank: 71,
    convert,
    write,
    ..Command::BASE
};

/// The TCP port of iSCSI
const PORT: i64 = 3260;

/// Disks of an iSCSI server
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Iscsi {
    /// Name (IQN) of the target; all that the server has if there is none
    pub target: Option<String>,
    /// Address of the server
    pub ipaddr: String,
    /// TCP port of the server; the default is 3260
    pub port: Option<i64>,
    /// User at the target
    pub user: Option<String>,
    /// Password at the target
    pub password: Option<Secret>,
    /// User that the target names to the initiator
    pub reverse_user: Option<String>,
    /// Password that the target gives to the initiator
    pub reverse_password: Option<Secret>,
    /// Network device that the connection goes over
    pub iface: Option<String>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let Some(ipaddr) = given.raw("--ipaddr") else {
        return;
    };
    kickstart.iscsi.push(given.locate(Iscsi {
        target: given.text("--target"),
        ipaddr: ipaddr.to_owned(),
        port: given.int("--port"),
        user: given.text("--user"),
        password: given.text("--password").map(Secret::new),
        reverse_user: given.text("--reverse-user"),
        reverse_password: given.text("--reverse-password").map(Secret::new),
        iface: given.text("--iface"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for iscsi in &kickstart.iscsi {
        writer.put("iscsi");
        writer.value("--target", iscsi.target.as_ref());
        writer.value(
            "--ipaddr",
            Some(&iscsi.ipaddr).filter(|address| !address.is_empty()),
        );
        writer.value("--port", iscsi.port.filter(|port| *port != PORT));
        writer.value("--user", iscsi.user.as_ref());
        writer.value("--password", iscsi.password.as_ref().map(Secret::expose));
        writer.value("--reverse-user", iscsi.reverse_user.as_ref());
        writer.value(
            "--reverse-password",
            iscsi.reverse_password.as_ref().map(Secret::expose),
        );
        writer.value("--iface", iscsi.iface.as_ref());
        writer.put("\n");
    }
}
