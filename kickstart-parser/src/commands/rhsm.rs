// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `rhsm`: registration of the installed system with Red Hat's subscription management.
//!
//! Takes the options of the line, gives [`Rhsm`]. Hosts and addresses are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["rhsm"],
    summary: "Registers the installed system with Red Hat's subscription management",
    versions: Versions::RHEL,
    effect: Effect::None("the running system is registered, by `subscription-manager` or `rhc`"),
    options: &[OPTIONS],
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(
        &["--organization"],
        "Identifier of the organisation that registers the system",
    )
    .required(),
    Opt::secret(
        &["--activation-key"],
        "Activation key; may be given several times",
    )
    .required(),
    Opt::flag(
        &["--connect-to-insights"],
        "Connect the system to Red Hat Insights",
    ),
    Opt::secret(&["--proxy"], "HTTP proxy, as `user:password@host:port`"),
    Opt::text(
        &["--server-hostname"],
        "Server to register with, without a protocol",
    ),
    Opt::text(&["--rhsm-baseurl"], "Address of the package repositories"),
    Opt::text(
        &["--flatpak-registry-url"],
        "Address of the Flatpak registry",
    )
    .only(WITH_FLATPAK),
];

/// Versions that set up a Flatpak registry
const WITH_FLATPAK: Versions = Versions::RHEL10;

/// A registration with Red Hat's subscription management
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rhsm {
    /// Identifier of the organisation that registers the system; empty if the kickstart gives an empty one
    pub organization: String,
    /// Activation keys, at least one and none of them empty
    pub activation_key: Vec<Secret>,
    /// The system is connected to Red Hat Insights
    pub connect_to_insights: bool,
    /// HTTP proxy, which may hold a password
    pub proxy: Option<Secret>,
    /// Server to register with, without a protocol
    pub server_hostname: Option<String>,
    /// Address of the package repositories
    pub rhsm_baseurl: Option<String>,
    /// Address of the Flatpak registry
    pub flatpak_registry_url: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if given.each("--activation-key").any(str::is_empty) {
        let at = given.location_of("--activation-key");
        findings.error(Code::InvalidValue, at, "an activation key is empty");
    }
    kickstart.rhsm = Some(given.locate(Rhsm {
        organization: given.text("--organization").unwrap_or_default(),
        activation_key: given.each("--activation-key").map(Secret::new).collect(),
        connect_to_insights: given.flag("--connect-to-insights"),
        proxy: given.text("--proxy").map(Secret::new),
        server_hostname: given.text("--server-hostname"),
        rhsm_baseurl: given.text("--rhsm-baseurl"),
        flatpak_registry_url: given.text("--flatpak-registry-url"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(rhsm) = &kickstart.rhsm else { return };
    writer.put("# Red Hat Subscription Manager\nrhsm");
    writer.quoted(
        "--organization",
        Some(&rhsm.organization).filter(|name| !name.is_empty()),
    );
    for key in &rhsm.activation_key {
        writer.quoted("--activation-key", Some(key.expose()));
    }
    writer.flag("--connect-to-insights", rhsm.connect_to_insights);
    writer.quoted("--proxy", rhsm.proxy.as_ref().map(Secret::expose));
    writer.quoted("--server-hostname", rhsm.server_hostname.as_ref());
    writer.quoted("--rhsm-baseurl", rhsm.rhsm_baseurl.as_ref());
    if WITH_FLATPAK.has(writer.syntax) {
        writer.quoted("--flatpak-registry-url", rhsm.flatpak_registry_url.as_ref());
    }
    writer.put("\n");
}
