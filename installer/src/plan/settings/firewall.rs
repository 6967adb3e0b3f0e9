// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `firewall`: firewalld's permanent configuration, by its own offline tool.

use kickstart_parser::Located;
use kickstart_parser::commands::{Firewall, PortSpec};

use crate::plan::files::run;
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

/// Without a command the firewall is on and lets ssh in, where the image has one.
pub(in crate::plan) fn firewall(
    command: Option<&Located<Firewall>>,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    const TOOL: &str = "firewall-offline-cmd";
    let has_tool = facts.programs.contains(TOOL);
    let Some(command) = command else {
        return has_tool.then(|| run(&[TOOL, "--enabled", "--service=ssh"]));
    };
    if command.use_system_defaults || (!command.enabled && !has_tool) {
        return None;
    }
    if !has_tool {
        issues
            .error(
                Code::ProgramMissing,
                format!("the image has no `{TOOL}` to set up the firewall"),
            )
            .at(&command.location);
        return None;
    }
    let argv = firewall_argv(command);
    Some(run(&argv.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn firewall_argv(command: &Firewall) -> Vec<String> {
    let state = if command.enabled {
        "--enabled"
    } else {
        "--disabled"
    };
    let mut argv = vec!["firewall-offline-cmd".to_owned(), state.to_owned()];
    let named = |name: &str| {
        command
            .service
            .iter()
            .chain(&command.remove_service)
            .any(|service| service == name)
    };
    let port22 = command
        .port
        .iter()
        .any(|port| port_argument(port) == "22/tcp");
    if !named("ssh") && !port22 {
        argv.push("--service=ssh".to_owned());
    }
    argv.extend(
        command
            .trust
            .iter()
            .map(|interface| format!("--trust={interface}")),
    );
    argv.extend(
        command
            .port
            .iter()
            .map(|port| format!("--port={}", port_argument(port))),
    );
    argv.extend(
        command
            .remove_service
            .iter()
            .map(|name| format!("--remove-service={name}")),
    );
    argv.extend(
        command
            .service
            .iter()
            .map(|name| format!("--service={name}")),
    );
    argv
}

/// `22/tcp`; firewalld writes the protocol after a slash.
fn port_argument(port: &PortSpec) -> String {
    format!("{}/{}", port.port, port.protocol)
}
