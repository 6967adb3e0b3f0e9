// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ostreesetup`: which branch of an ostree repository is installed.
//!
//! Takes the options of the line, gives [`OstreeSetup`]. Only the beginning of the URL is checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Effect, Opt};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["ostreesetup"],
    summary: "Installs a branch of an ostree repository",
    effect: Effect::NotYet,
    conflicts: &[
        Conflict {
            with: &["ostreecontainer"],
            versions: Versions::FEDORA.or(Versions::RHEL10),
        },
        Conflict {
            with: &["bootc"],
            versions: Versions::SINCE_F43.or(Versions::RHEL10),
        },
    ],
    options: &[&[
        Opt::text(&["--osname"], "Name of the state root").required(),
        Opt::text(
            &["--remote"],
            "Name of the ostree remote; that of the state root without this option",
        ),
        Opt::text(
            &["--url"],
            "URL of the repository, with `file:`, `http:` or `https:`",
        )
        .required(),
        Opt::text(&["--ref"], "Branch in the repository").required(),
        Opt::flag(
            &["--nogpg"],
            "Accept commits without checking their signatures",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// How the URL of a repository can begin
const SCHEMES: [&str; 3] = ["file:", "http:", "https:"];

/// The branch of an ostree repository to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OstreeSetup {
    /// Name of the state root
    pub osname: String,
    /// Name of the ostree remote; the default is `osname`
    pub remote: Option<String>,
    /// URL of the repository
    pub url: String,
    /// Branch in the repository
    #[serde(rename = "ref")]
    pub branch: String,
    /// Signatures are not checked
    pub nogpg: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if let Some(url) = given
        .raw("--url")
        .filter(|url| !SCHEMES.iter().any(|scheme| url.starts_with(scheme)))
    {
        let message = format!("{} is no URL of an ostree repository", quote(url));
        findings
            .error(Code::InvalidValue, given.location_of("--url"), message)
            .help("write a URL with `file:`, `http:` or `https:`");
    }
    let owned = |name| given.raw(name).unwrap_or_default().to_owned();
    kickstart.ostreesetup = Some(given.locate(OstreeSetup {
        osname: owned("--osname"),
        remote: given.text("--remote"),
        url: owned("--url"),
        branch: owned("--ref"),
        nogpg: given.flag("--nogpg"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let setup = kickstart
        .ostreesetup
        .as_ref()
        .filter(|setup| !setup.osname.is_empty());
    let Some(setup) = setup else { return };
    writer.put("# OSTree setup\nostreesetup");
    writer.quoted("--osname", Some(&setup.osname));
    writer.quoted(
        "--remote",
        Some(setup.remote.as_ref().unwrap_or(&setup.osname)),
    );
    writer.quoted("--url", Some(&setup.url));
    writer.quoted(
        "--ref",
        Some(&setup.branch).filter(|branch| !branch.is_empty()),
    );
    writer.flag("--nogpg", setup.nogpg);
    writer.put("\n");
}
