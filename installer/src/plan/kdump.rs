// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%addon com_redhat_kdump`: memory for a kernel that saves the memory of one that has crashed, and the service for it.
//!
//! Takes the words of the section's header; gives a kernel argument and a command. Other add-ons are warned of by the
//! parser.

use kickstart_parser::{Kickstart, Location};

use super::files::run;
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};

const SERVICE: &str = "kdump.service";

/// What kdump's own tool reserves without a word from the user, by architecture (Red Hat Enterprise Linux 9).
const AMD64: &str = "1G-4G:192M,4G-64G:256M,64G-:512M";
const ARM64: &str = "1G-4G:256M,4G-64G:320M,64G-:576M";

/// What the sections of a kickstart ask for; the last word counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kdump<'k> {
    enabled: bool,
    /// MiB, or `auto`.
    reserve: Option<&'k str>,
    location: Option<&'k Location>,
    unknown: Vec<&'k str>,
}

impl<'k> Kdump<'k> {
    fn of(kickstart: &'k Kickstart) -> Option<Self> {
        let mut found = None;
        for section in &kickstart.verbatim {
            let Some(options) = section.kdump_options() else {
                continue;
            };
            let kdump = found.get_or_insert_with(Self::default);
            kdump.location = Some(&section.location);
            kdump.read(options);
        }
        found
    }

    fn read(&mut self, options: &'k [String]) {
        let mut words = options.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word.split_once('=') {
                None if word == "--enable" => self.enabled = true,
                None if word == "--disable" => self.enabled = false,
                None if word == "--reserve-mb" => self.reserve = words.next(),
                Some(("--reserve-mb", value)) => self.reserve = Some(value),
                _ => self.unknown.push(word),
            }
        }
    }

    /// The value of `crashkernel=`; none for a number that is none.
    fn size(&self, arch: &str) -> Option<String> {
        match self.reserve.map(|value| value.trim_matches(['"', '\''])) {
            None | Some("auto" | "") => {
                Some(if arch == "arm64" { ARM64 } else { AMD64 }.to_owned())
            }
            Some(number) => {
                let mebibytes: u32 = number.trim_end_matches(['m', 'M']).parse().ok()?;
                (mebibytes > 0).then(|| format!("{mebibytes}M"))
            }
        }
    }
}

pub(super) fn check(kickstart: &Kickstart, arch: &str, issues: &mut Issues) {
    let Some(kdump) = Kdump::of(kickstart) else {
        return;
    };
    for word in &kdump.unknown {
        let message = format!("`{word}` of the add-on for kdump has no effect");
        issues.warning(Code::NoEffect, message).location = kdump.location.cloned();
    }
    if kdump.size(arch).is_none() {
        let message = "`--reserve-mb` is a number of MiB, or `auto`";
        issues.error(Code::ValueInvalid, message).location = kdump.location.cloned();
    }
}

/// The kernel argument that reserves the memory.
pub(super) fn karg(kickstart: &Kickstart, arch: &str) -> Option<String> {
    let kdump = Kdump::of(kickstart).filter(|kdump| kdump.enabled)?;
    Some(format!("crashkernel={}", kdump.size(arch)?))
}

/// Enables or disables the service; it is an error if it should be on and the image does not have it.
pub(super) fn action(
    kickstart: &Kickstart,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let kdump = Kdump::of(kickstart)?;
    let is_there = facts.units.contains(SERVICE);
    if kdump.enabled && !is_there {
        let message = format!("the image has no `{SERVICE}`, which the add-on for kdump enables");
        issues
            .error(Code::UnitMissing, message)
            .help("install kexec-tools (kdump-utils) in the image")
            .location = kdump.location.cloned();
    }
    let verb = if kdump.enabled { "enable" } else { "disable" };
    is_there.then(|| run(&["systemctl", verb, SERVICE]))
}

#[cfg(test)]
mod tests {
    use kickstart_parser::{NoIncludes, read};

    use super::*;

    fn kickstart(options: &str) -> Kickstart {
        let text = format!("%addon com_redhat_kdump {options}\n%end\n");
        read("ks", &text, None, &NoIncludes).kickstart
    }

    fn argument(options: &str, arch: &str) -> Option<String> {
        karg(&kickstart(options), arch)
    }

    #[test]
    fn memory_is_reserved_by_number_or_by_what_the_tool_does_itself() {
        let number = Some("crashkernel=160M".to_owned());
        assert_eq!(argument("--enable --reserve-mb=160", "amd64"), number);
        assert_eq!(argument("--enable --reserve-mb='160'", "amd64"), number);
        assert_eq!(argument("--enable --reserve-mb 160M", "arm64"), number);
        let auto = |value| Some(format!("crashkernel={value}"));
        assert_eq!(argument("--enable --reserve-mb=auto", "amd64"), auto(AMD64));
        assert_eq!(argument("--enable", "arm64"), auto(ARM64));
        assert_eq!(argument("--disable", "amd64"), None);
        assert_eq!(argument("--reserve-mb=160", "amd64"), None);
    }

    #[test]
    fn words_that_mean_nothing_are_told() {
        let mut issues = Issues::default();
        check(
            &kickstart("--enable --enablefadump --reserve-mb=much"),
            "amd64",
            &mut issues,
        );
        let said: Vec<String> = issues.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "ks:1: `--enablefadump` of the add-on for kdump has no effect [LF1019]",
                "ks:1: `--reserve-mb` is a number of MiB, or `auto` [LF1026]"
            ]
        );
    }

    #[test]
    fn the_service_is_enabled_where_the_image_has_it() {
        let mut issues = Issues::default();
        let mut facts = ImageFacts::default();
        assert_eq!(action(&kickstart("--disable"), &facts, &mut issues), None);
        assert!(!issues.has_errors());
        assert_eq!(action(&kickstart("--enable"), &facts, &mut issues), None);
        assert!(issues.0[0].to_string().contains("[LF1020]"));
        facts.units.insert(SERVICE.to_owned());
        let enable = run(&["systemctl", "enable", SERVICE]);
        assert_eq!(
            action(&kickstart("--enable"), &facts, &mut issues),
            Some(enable)
        );
    }
}
