// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `nfs`: packages come from an NFS server.
//!
//! Takes the options of the line, gives [`Nfs`]. The server is not asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["nfs"],
    summary: "Installs packages from an NFS server",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    options: &[&[
        Opt::text(&["--server"], "Name or address of the server").required(),
        Opt::text(&["--dir"], "Directory with the installation tree or images").required(),
        Opt::text(&["--opts"], "Options for mounting, separated by commas"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Packages come from an NFS server
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nfs {
    /// Name or address of the server
    pub server: String,
    /// Directory with the installation tree or images
    pub dir: String,
    /// Options for mounting, separated by commas
    pub opts: Option<String>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.nfs = Some(given.locate(Nfs {
        server: given.raw("--server").unwrap_or_default().to_owned(),
        dir: given.raw("--dir").unwrap_or_default().to_owned(),
        opts: given.text("--opts"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(nfs) = &kickstart.nfs else { return };
    writer.put("# Use NFS installation media\nnfs");
    writer.value("--server", Some(&nfs.server));
    writer.quoted("--dir", Some(&nfs.dir));
    writer.quoted("--opts", nfs.opts.as_ref());
    writer.put("\n");
}
