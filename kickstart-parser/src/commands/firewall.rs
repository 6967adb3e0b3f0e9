// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `firewall`: whether the installed system has a firewall, and what it lets through.
//!
//! Takes the options of the line, gives [`Firewall`]. Ports, devices and services are the firewall's and are not
//! checked here: any text is taken for one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt, values};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["firewall"],
    summary: "Configures the firewall of the installed system",
    options: &[&[
        Opt::flag(&["--disabled", "--disable"], "No firewall"),
        Opt::flag(
            &["--enabled", "--enable"],
            "A firewall, the default of this command",
        ),
        Opt::text(
            &["--port"],
            "Ports to open, separated by commas, each as `port:protocol`; `tcp` without a protocol",
        ),
        Opt::text(
            &["--trust"],
            "Device to trust altogether; may be given several times",
        ),
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
    ]],
    convert,
    write,
    ..Command::BASE
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
    /// Devices to trust altogether, each as the kickstart has it
    pub trust: Vec<String>,
    /// The image's firewall is left as it is, whatever the other fields say
    pub use_system_defaults: bool,
}

/// A port to open; whatever the kickstart gives, the two joined by a colon are what it means
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortSpec {
    /// A number, a range like `1000-1010`, or a service name: what stands before the first colon
    pub port: String,
    /// `tcp` or `udp`: what stands after the first colon; `tcp` without a colon
    pub protocol: String,
}

impl PortSpec {
    fn parse(item: &str) -> Self {
        let (port, protocol) = item.trim().split_once(':').unwrap_or((item.trim(), "tcp"));
        Self {
            port: port.to_owned(),
            protocol: protocol.to_owned(),
        }
    }
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.firewall = Some(
        given.locate(Firewall {
            enabled: given.last_of(&["--disabled", "--enabled"]) != Some("--disabled"),
            port: given
                .each("--port")
                .flat_map(|text| text.split(','))
                .map(PortSpec::parse)
                .collect(),
            service: services(given),
            remove_service: given.all("--remove-service"),
            trust: given.each("--trust").map(str::to_owned).collect(),
            use_system_defaults: given.flag("--use-system-defaults"),
        }),
    );
}

/// The services in the order given; the five options for them are one list, which a later line replaces as a whole
fn services(given: &Arguments<'_>) -> Vec<String> {
    let names = ["--service", "--ftp", "--http", "--smtp", "--ssh"];
    let mut all: Vec<_> = given.given.iter().collect();
    all.retain(|one| names.contains(&one.option.name()));
    let line = all.last().map(|one| one.at.place.text);
    all.retain(|one| line.is_some_and(|line| std::ptr::eq(line, one.at.place.text)));
    let mut services = Vec::new();
    for one in all {
        match one.option.name() {
            "--service" => services.extend(values::list(&one.at.text)),
            name => services.push(name.trim_start_matches('-').to_owned()),
        }
    }
    services
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(firewall) = &kickstart.firewall else {
        return;
    };
    writer.put("# Firewall configuration\nfirewall");
    writer.flag("--use-system-defaults", firewall.use_system_defaults);
    if !firewall.use_system_defaults {
        writer.flag("--disabled", !firewall.enabled);
        writer.flag("--enabled", firewall.enabled);
        if firewall.enabled {
            writer.put(allowed(firewall));
        }
    }
    writer.put("\n");
}

/// What a firewall lets through as options; white space at the end of a list goes
fn allowed(firewall: &Firewall) -> String {
    let (named, other): (Vec<_>, Vec<_>) = firewall.port.iter().partition(|port| {
        let name = matches!(&*port.port, "ftp" | "http" | "smtp" | "ssh" | "telnet");
        name && port.protocol == "tcp"
    });
    let written = |port: &PortSpec| format!("{}:{}", port.port, port.protocol);
    let other: Vec<_> = other.into_iter().map(written).collect();
    let mut text = String::new();
    for port in named {
        text.extend([" --", &port.port]);
    }
    for (name, items) in [("port", &other), ("trust", &firewall.trust)] {
        text.push_str(&option(name, items));
    }
    for (name, items) in [
        ("service", &firewall.service),
        ("remove-service", &firewall.remove_service),
    ] {
        text.truncate(text.trim_end().len());
        text.push_str(&option(name, items));
    }
    text
}

fn option(name: &str, items: &[String]) -> String {
    let items = items.join(",");
    if items.is_empty() {
        items
    } else {
        format!(" --{name}={items}")
    }
}
