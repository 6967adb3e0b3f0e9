// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `firewall`: whether the installed system has a firewall, and what it lets through.
//!
//! Takes the options of the line, gives [`Firewall`]. Service names are the firewall's and are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["firewall"],
    summary: "Configures the firewall of the installed system",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[
        Opt::flag(&["--disabled", "--disable"], "No firewall"),
        Opt::flag(
            &["--enabled", "--enable"],
            "A firewall, the default of this command",
        ),
        Opt::list(&["--port"], "Ports to open, each as `port:protocol`"),
        Opt::list(&["--trust"], "Devices to trust altogether"),
        Opt::list(&["--service"], "Services to let through"),
        Opt::flag(&["--ftp"], "Let `ftp` through").keeps(),
        Opt::flag(&["--http"], "Let `http` through").keeps(),
        Opt::flag(&["--smtp"], "Let `smtp` through").keeps(),
        Opt::flag(&["--ssh"], "Let `ssh` through").keeps(),
        Opt::list(&["--remove-service"], "Services to block"),
        Opt::flag(
            &["--use-system-defaults"],
            "Leave the image's firewall as it is",
        ),
    ],
    operand: None,
    convert,
};

/// The firewall; of `--enabled` and `--disabled` the last one counts
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firewall {
    /// There is a firewall
    pub enabled: bool,
    /// Ports to open
    pub port: Vec<PortSpec>,
    /// Services to let through
    pub service: Vec<String>,
    /// Services to block
    pub remove_service: Vec<String>,
    /// Devices to trust altogether
    pub trust: Vec<String>,
    /// The image's firewall is left as it is, whatever the other fields say
    pub use_system_defaults: bool,
}

/// A port to open
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortSpec {
    /// A number, a range like `1000-1010`, or a service name
    pub port: String,
    /// `tcp` or `udp`; `tcp` when the kickstart does not say
    pub protocol: String,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mut service = given.all("--service");
    for name in ["--ftp", "--http", "--smtp", "--ssh"] {
        if given.flag(name) {
            service.push(name.trim_start_matches('-').to_owned());
        }
    }
    kickstart.firewall = Some(given.locate(Firewall {
        enabled: given.last_of(&["--disabled", "--enabled"]) != Some("--disabled"),
        port: ports(given, findings),
        service,
        remove_service: given.all("--remove-service"),
        trust: given.all("--trust"),
        use_system_defaults: given.flag("--use-system-defaults"),
    }));
}

fn ports(given: &Arguments, findings: &mut Findings) -> Vec<PortSpec> {
    let mut ports = Vec::new();
    for item in given.all("--port") {
        if let Some((port, protocol)) = values::port(&item) {
            ports.push(PortSpec { port, protocol });
        } else {
            findings
                .error(
                    Code::InvalidValue,
                    given.location_of("--port"),
                    format!("{} is not a port", quote(&item)),
                )
                .help("write `port:protocol`, like `443:tcp`");
        }
    }
    ports
}
