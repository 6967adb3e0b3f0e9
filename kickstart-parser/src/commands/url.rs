// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `url`: packages come from a repository on a server.
//!
//! Takes the options of the line, gives [`Url`]. Each line must say in one way where the repository is; URLs are not
//! checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["url"],
    summary: "Installs packages from a repository",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    options: &[OPTIONS, CONNECTION, CERTIFICATES],
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--url"], "URL of the repository"),
    Opt::text(&["--mirrorlist"], "URL of a list of mirrors"),
    Opt::text(&["--metalink"], "URL of a metalink file"),
];

/// Options of whatever is fetched from a server
pub(super) const CONNECTION: &[Opt] = &[
    Opt::secret(
        &["--proxy"],
        "Proxy, as `PROTOCOL://USER:PASSWORD@HOST:PORT`",
    ),
    Opt::flag(&["--noverifyssl"], "Accept any certificate of the server"),
];

/// Options of package repositories for TLS
pub(super) const CERTIFICATES: &[Opt] = &[
    Opt::text(
        &["--sslcacert"],
        "File with certificates to check the server with",
    ),
    Opt::text(
        &["--sslclientcert"],
        "File with the certificate that the server asks for",
    ),
    Opt::text(&["--sslclientkey"], "File with the key to that certificate"),
];

/// The ways to say where the repository is, of which each line has one
const LOCATIONS: [&str; 3] = ["--url", "--mirrorlist", "--metalink"];

/// Packages come from a repository on a server
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Url {
    /// Its URL
    pub url: Option<String>,
    /// URL of a list of its mirrors, which counts if there is no `url`
    pub mirrorlist: Option<String>,
    /// URL of its metalink file, which counts if there is nothing else
    pub metalink: Option<String>,
    /// Proxy to fetch it through, possibly with a password in it
    pub proxy: Option<Secret>,
    /// Any certificate of the server is accepted
    pub noverifyssl: bool,
    /// File with certificates to check the server with
    pub sslcacert: Option<String>,
    /// File with the certificate that the server asks for
    pub sslclientcert: Option<String>,
    /// File with the key to that certificate
    pub sslclientkey: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut locations = LOCATIONS
        .iter()
        .filter(|name| given.text_here(name).is_some());
    match (locations.next(), locations.next()) {
        (Some(one), Some(other)) => given.exclude(one, other, findings),
        (None, _) => given.lacks(
            "`--url`, `--mirrorlist` or `--metalink`",
            &LOCATIONS,
            findings,
        ),
        _ => {}
    }
    kickstart.url = Some(given.locate(Url {
        url: given.text("--url"),
        mirrorlist: given.text("--mirrorlist"),
        metalink: given.text("--metalink"),
        proxy: given.text("--proxy").map(Secret::new),
        noverifyssl: given.flag("--noverifyssl"),
        sslcacert: given.text("--sslcacert"),
        sslclientcert: given.text("--sslclientcert"),
        sslclientkey: given.text("--sslclientkey"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(source) = &kickstart.url else { return };
    writer.put("# Use network installation\nurl");
    match (&source.url, &source.mirrorlist) {
        (Some(url), _) => writer.quoted("--url", Some(url)),
        (None, Some(mirrorlist)) => writer.quoted("--mirrorlist", Some(mirrorlist)),
        (None, None) => writer.quoted("--metalink", source.metalink.as_ref()),
    }
    writer.quoted("--proxy", source.proxy.as_ref().map(Secret::expose));
    writer.flag("--noverifyssl", source.noverifyssl);
    writer.quoted("--sslcacert", source.sslcacert.as_ref());
    writer.quoted("--sslclientcert", source.sslclientcert.as_ref());
    writer.quoted("--sslclientkey", source.sslclientkey.as_ref());
    writer.put("\n");
}
