// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `repo`: a repository that packages come from besides the installation source.
//!
//! Takes the options of the line, gives [`Repo`]. URLs are not checked; without any, the name is that of a
//! repository that the installer knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::url::{CERTIFICATES, CONNECTION};
use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["repo"],
    summary: "Adds a package repository",
    effect: Effect::None("the image decides what is installed"),
    repeat: Repeat::Adds,
    options: &[OPTIONS, CONNECTION, CERTIFICATES],
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--name"], "Name of the repository").required(),
    Opt::text(&["--baseurl"], "URL of the repository"),
    Opt::text(&["--mirrorlist"], "URL of a list of mirrors"),
    Opt::text(&["--metalink"], "URL of a metalink file"),
    Opt::int(
        &["--cost"],
        "Preference, repositories with a lower number come first",
    ),
    Opt::list(
        &["--excludepkgs"],
        "Packages that do not come from here, names or globs, separated by commas",
    ),
    Opt::list(
        &["--includepkgs"],
        "The only packages that come from here, names or globs, separated by commas",
    ),
    Opt::bool(
        &["--ignoregroups"],
        "Leave the groups of the repository out when composing trees",
    )
    .only(Versions::RHEL8.or(Versions::RHEL9))
    .deprecated_in(Versions::RHEL9),
    Opt::flag(
        &["--install"],
        "Configure the repository in the installed system, too",
    ),
];

/// The ways to say where the repository is, of which there can be one
const LOCATIONS: [&str; 3] = ["--baseurl", "--mirrorlist", "--metalink"];

/// A package repository
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repo {
    /// Its name
    pub name: String,
    /// Its URL
    pub baseurl: Option<String>,
    /// URL of a list of its mirrors
    pub mirrorlist: Option<String>,
    /// URL of its metalink file
    pub metalink: Option<String>,
    /// Its preference, repositories with a lower number come first
    pub cost: Option<i64>,
    /// Packages that do not come from it, names or globs
    pub excludepkgs: Vec<String>,
    /// The only packages that come from it, names or globs; all if there are none
    pub includepkgs: Vec<String>,
    /// Its groups are left out when composing trees
    pub ignoregroups: bool,
    /// Proxy to fetch it through, possibly with a password in it
    pub proxy: Option<Secret>,
    /// Any certificate of the server is accepted
    pub noverifyssl: bool,
    /// The installed system has it, too
    pub install: bool,
    /// File with certificates to check the server with
    pub sslcacert: Option<String>,
    /// File with the certificate that the server asks for
    pub sslclientcert: Option<String>,
    /// File with the key to that certificate
    pub sslclientkey: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut locations = LOCATIONS.iter().filter(|name| given.text(name).is_some());
    if let (Some(one), Some(other)) = (locations.next(), locations.next()) {
        given.exclude(one, other, findings);
    }
    let Some(name) = given.raw("--name") else {
        return;
    };
    kickstart.repo.push(given.locate(Repo {
        name: name.to_owned(),
        baseurl: given.text("--baseurl"),
        mirrorlist: given.text("--mirrorlist"),
        metalink: given.text("--metalink"),
        cost: given.int("--cost"),
        excludepkgs: given.list("--excludepkgs"),
        includepkgs: given.list("--includepkgs"),
        ignoregroups: given.bool("--ignoregroups").unwrap_or_default(),
        proxy: given.text("--proxy").map(Secret::new),
        noverifyssl: given.flag("--noverifyssl"),
        install: given.flag("--install"),
        sslcacert: given.text("--sslcacert"),
        sslclientcert: given.text("--sslclientcert"),
        sslclientkey: given.text("--sslclientkey"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for repo in &kickstart.repo {
        write_one(repo, writer);
    }
}

fn write_one(repo: &Repo, writer: &mut Writer) {
    let items = |list: &[String]| (!list.is_empty()).then(|| Joined(list, ",").to_string());
    writer.put("repo");
    writer.quoted("--name", Some(&repo.name));
    match (&repo.baseurl, &repo.mirrorlist) {
        (Some(baseurl), _) => writer.value("--baseurl", Some(baseurl)),
        (None, Some(mirrorlist)) => writer.value("--mirrorlist", Some(mirrorlist)),
        // pykickstart puts a blank where the URL would be.
        (None, None) => writer.put(" "),
    }
    writer.value("--cost", repo.cost.filter(|cost| *cost != 0));
    writer.quoted("--includepkgs", items(&repo.includepkgs));
    writer.quoted("--excludepkgs", items(&repo.excludepkgs));
    writer.value("--ignoregroups", repo.ignoregroups.then_some("true"));
    writer.quoted("--proxy", repo.proxy.as_ref().map(Secret::expose));
    writer.flag("--noverifyssl", repo.noverifyssl);
    writer.flag("--install", repo.install);
    writer.value("--metalink", repo.metalink.as_ref());
    writer.quoted("--sslcacert", repo.sslcacert.as_ref());
    writer.quoted("--sslclientcert", repo.sslclientcert.as_ref());
    writer.quoted("--sslclientkey", repo.sslclientkey.as_ref());
    writer.put("\n");
}
