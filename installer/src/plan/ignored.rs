// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options that are valid, change nothing here, and are not worth refusing an installation for: a
//! warning for each, so that nothing is read and forgotten. What would break something when left
//! out is refused in [`super::support`].

use kickstart_parser::{Kickstart, Located, Location};

use super::issue::{Code, Issues};

/// An option, whether it was given, where, and why it has no effect.
type Ignored<'k> = (&'static str, bool, &'k Location, &'static str);

pub(super) fn warn(kickstart: &Kickstart, issues: &mut Issues) {
    let lists = [image(kickstart), boot(kickstart), system(kickstart)];
    for (option, _, at, why) in lists.into_iter().flatten().filter(|(_, given, ..)| *given) {
        issues
            .warning(Code::NoEffect, format!("`{option}` has no effect: {why}"))
            .at(at);
    }
}

fn image(kickstart: &Kickstart) -> Vec<Ignored<'_>> {
    let mut found: Vec<Ignored<'_>> = Vec::new();
    if let Some(Located { value, location }) = &kickstart.ostreecontainer {
        let why = "the image is followed by its reference, not by an ostree remote";
        found.push((
            "ostreecontainer --remote",
            value.remote.is_some(),
            location,
            why,
        ));
    }
    for Located { value, location } in &kickstart.part {
        let why = "Landfall marks the partition with `/boot` in an MBR, and nothing in a GPT";
        found.push(("part --active", value.active, location, why));
    }
    if let Some(Located { value, location }) = &kickstart.ignoredisk {
        let why = "the installer asks nothing";
        let option = "ignoredisk --interactive";
        found.push((option, value.interactive, location, why));
    }
    found
}

fn boot(kickstart: &Kickstart) -> Vec<Ignored<'_>> {
    let mut found: Vec<Ignored<'_>> = Vec::new();
    if let Some(Located { value, location }) = &kickstart.bootloader {
        let own = "the image brings its boot loader";
        found.push(("bootloader --upgrade", value.upgrade, location, own));
        let entry = "the newest deployment starts";
        found.push((
            "bootloader --default",
            value.default.is_some(),
            location,
            entry,
        ));
    }
    found
}

fn system(kickstart: &Kickstart) -> Vec<Ignored<'_>> {
    let mut found: Vec<Ignored<'_>> = Vec::new();
    if let Some(Located { value, location }) = &kickstart.lang {
        let why = "languages come with the image";
        found.push((
            "lang --addsupport",
            !value.addsupport.is_empty(),
            location,
            why,
        ));
    }
    for Located { value, location } in &kickstart.network {
        let why = "no network service is told of it";
        found.push((
            "network --dhcpclass",
            value.dhcpclass.is_some(),
            location,
            why,
        ));
        found.push(("network --ethtool", value.ethtool.is_some(), location, why));
        found.push(("network --notksdevice", value.notksdevice, location, why));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_without_effect_is_said_once() {
        let text = "ostreecontainer --url=h.example/i:1 --remote=r\npart /\n\
            bootloader --default=x\n\
            lang C.UTF-8 --addsupport=de_DE\nnetwork --dhcpclass=a --ethtool=b --notksdevice\n";
        let reading = kickstart_parser::read("ks", text, None, &kickstart_parser::NoIncludes);
        assert!(!reading.has_errors(), "{:?}", reading.diagnostics);
        let mut issues = Issues::default();
        warn(&reading.kickstart, &mut issues);
        let lines: Vec<u32> = issues
            .0
            .iter()
            .filter_map(|i| Some(i.location.as_ref()?.line))
            .collect();
        assert_eq!(lines, [1, 3, 4, 5, 5, 5]);
        assert!(!issues.has_errors());
    }
}
