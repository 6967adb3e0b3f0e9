// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The host name and the network profiles of the installed system as actions.
//!
//! Takes the `network` commands, the plan and the image's facts; gives the files of every profile, for NetworkManager
//! or systemd-networkd, whichever the image has. As in Anaconda, files that the image brings stay. It does not know
//! which interfaces the target has, and sets up no network.

mod check;
mod command_line;
mod ini;
mod keyfile;
mod link;
mod networkd;
mod options;

use kickstart_parser::Kickstart;

use super::Plan;
use super::files::write;
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};
use crate::inventory::Interface;
pub(super) use check::{check, interfaces};
pub use command_line::{additions, host_name as host_name_of_command_line, is_card};
use link::{Kind, Link, Method6};

/// Everything that the `network` commands ask for.
pub(super) fn network(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let mut actions: Vec<Action> = host_name(kickstart, facts, issues).into_iter().collect();
    let links = link::links(&kickstart.network, &plan.interfaces);
    let Some(first) = kickstart.network.first().filter(|_| !links.is_empty()) else {
        return actions;
    };
    let files = if facts.units.contains("NetworkManager.service") {
        check_teams(&links, facts, issues);
        links
            .iter()
            .map(|link| keyfile::profile(link, plan.seed))
            .collect()
    } else if facts.units.contains("systemd-networkd.service") {
        networkd::files(&links).unwrap_or_else(|message| {
            issues
                .error(Code::NotSupportedYet, message)
                .at(&first.location);
            Vec::new()
        })
    } else {
        let message = "the image has neither NetworkManager nor systemd-networkd";
        issues.warning(Code::NoEffect, message).at(&first.location);
        return actions;
    };
    for (path, text) in files {
        if facts.settings.files.contains(&path) {
            let message = format!("the image has `{path}` already, which stays");
            issues.warning(Code::NoEffect, message).at(&first.location);
            continue;
        }
        let mode = if path.starts_with(keyfile::DIRECTORY) {
            0o600
        } else {
            0o644
        };
        actions.push(Action::Write { path, mode, text });
    }
    actions.extend(without_ipv6(&links));
    actions
}

/// The `network` commands as files of systemd-networkd for the machine that installs, which has `interfaces`; or what networkd
/// cannot be told.
///
/// # Errors
/// A sentence.
pub fn for_environment(
    kickstart: &Kickstart,
    interfaces: &[Interface],
) -> Result<Vec<(String, String)>, String> {
    networkd::files(&link::links(&kickstart.network, interfaces))
}

/// The first name that is given; the image's own goes before it.
fn host_name(kickstart: &Kickstart, facts: &ImageFacts, issues: &mut Issues) -> Option<Action> {
    const FILE: &str = "/etc/hostname";
    let mut named = kickstart.network.iter().filter_map(|line| {
        let name = line.hostname.as_deref().filter(|name| !name.is_empty())?;
        Some((name, &line.location))
    });
    let (name, location) = named.next()?;
    if facts.settings.files.contains(FILE) {
        let message =
            format!("the image has `{FILE}` already, and its name stays instead of `{name}`");
        issues.warning(Code::NoEffect, message).at(location);
        return None;
    }
    Some(write(FILE, format!("{name}\n")))
}

/// `NetworkManager` can do without teams, and newer ones do.
fn check_teams(links: &[Link], facts: &ImageFacts, issues: &mut Issues) {
    let has_teams = facts
        .settings
        .network_plugins
        .iter()
        .any(|name| name.contains("team"));
    let mut teams = links
        .iter()
        .filter(|link| matches!(link.kind, Kind::Team(_)));
    if let Some(team) = teams.next().filter(|_| !has_teams) {
        let message = format!(
            "the image's NetworkManager makes no teams such as `{}`",
            team.id
        );
        issues
            .error(Code::NotSupportedYet, message)
            .help("make it a bond, or add the plugin for teams to the image");
    }
}

/// Where every line does without IPv6, the system does.
fn without_ipv6(links: &[Link]) -> Option<Action> {
    let mut addressed = links.iter().filter_map(|link| link.ip.as_ref());
    let none = addressed.all(|ip| matches!(ip.v6, Method6::Ignored | Method6::Disabled));
    let text = "# Written by Landfall: no network command wants IPv6.\n\
        net.ipv6.conf.all.disable_ipv6=1\nnet.ipv6.conf.default.disable_ipv6=1\n";
    none.then(|| write("/etc/sysctl.d/anaconda.conf", text.to_owned()))
}
