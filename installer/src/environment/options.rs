// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel's command line says to the installer. Pure.
//!
//! Takes the line; gives options beside warnings. The rules are Anaconda's (`pyanaconda/argument_parsing.py`,
//! `core/kernel.py`): the prefix `inst.` is needed, of most options the last one counts, `0`, `no` and `off` switch off.
//! What the installed system keeps of the line is [`crate::plan::concerning_target`]'s, the network is dracut's.

use std::collections::BTreeSet;
use std::time::Duration;

use kickstart_parser::Secret;

use super::{Device, KickstartSource, reference};
use crate::plan::{Unsaved, is_card, is_on};

/// Seconds that a volume `OEMDRV` is waited for, and the most that can be asked for.
const WAIT: u64 = 5;
const LONGEST_WAIT: u64 = 10_000;
/// UDP port of syslog.
const SYSLOG_PORT: u16 = 514;
/// Anaconda's options that change nothing here: there is one display, the medium is found by its label, and storage is what
/// the kernel finds.
pub(super) const WITHOUT_EFFECT: [&str; 30] = [
    "addrepo",
    "debug",
    "dd",
    "geoloc",
    "geoloc-use-with-ks",
    "graphical",
    "ibft",
    "kdump_addon",
    "keymap",
    "lang",
    "memcheck",
    "mpath",
    "mpathfriendlynames",
    "multilib",
    "noibft",
    "nokill",
    "nomemcheck",
    "nomount",
    "nonibftiscsiboot",
    "notmux",
    "profile",
    "repo",
    "resolution",
    "stage2",
    "stage2.all",
    "updates",
    "virtiolog",
    "waitfornet",
    "webui.remote",
    "xtimeout",
];

/// Arguments by which dracut sets networks up (dracut.cmdline(7)).
const NETWORK: [&str; 6] = ["ip", "bond", "bridge", "team", "vlan", "rd.route"];

/// What the installer environment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootOptions {
    /// Where the kickstart is.
    pub kickstart: KickstartOption,
    /// Servers of kickstarts are told the addresses of network interfaces.
    pub send_mac: bool,
    /// Servers of kickstarts are told the machine's serial number.
    pub send_serial: bool,
    /// A kickstart is refused for what is else a warning.
    pub strict: bool,
    /// Certificates of servers are verified.
    pub verify_tls: bool,
    /// The way to http and ftp servers.
    pub proxy: Option<Secret>,
    /// The network is described here.
    pub network: bool,
    /// Nobody is asked, whatever happens: no menu, no shell.
    pub noninteractive: bool,
    /// Where log lines are sent.
    pub syslog: Option<Syslog>,
    /// A server for ssh runs while the machine is installed.
    pub sshd: bool,
    /// What is not kept in the installed system.
    pub nosave: BTreeSet<Unsaved>,
    /// How long a volume with a kickstart is waited for.
    pub wait_for_disks: Duration,
    /// Partition table of disks that get a new one: `gpt` or `mbr`.
    pub disk_label: Option<&'static str>,
    /// A shell in place of an installation.
    pub rescue: bool,
    /// No shell after a failure.
    pub noshell: bool,
    /// A disc stays in its drive.
    pub noeject: bool,
    /// The installed system is started without the firmware.
    pub kexec: bool,
    /// The plan is shown, and nothing is done.
    pub plan_only: bool,
    /// The medium is read and verified, and nothing is done.
    pub check_medium: bool,
    /// The medium that the machine was started from.
    pub medium: Option<Device>,
    /// Where events are posted to, and what proves who posts.
    pub report: Option<Secret>,
    /// See `report`.
    pub token: Option<Secret>,
}

/// What the line says about the kickstart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KickstartOption {
    /// Nothing: it is looked for where no option is needed.
    #[default]
    Absent,
    /// Where to look; the first that is found counts. Never empty.
    At(Vec<KickstartSource>),
    /// What cannot be meant: nothing else may be taken in its place. A sentence.
    Wrong(String),
}

/// A syslog server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// Name or address, an IPv6 address without brackets.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

impl Default for BootOptions {
    fn default() -> Self {
        Self {
            kickstart: KickstartOption::Absent,
            send_mac: false,
            send_serial: false,
            strict: false,
            verify_tls: true,
            proxy: None,
            network: false,
            noninteractive: false,
            syslog: None,
            sshd: false,
            nosave: BTreeSet::new(),
            wait_for_disks: Duration::from_secs(WAIT),
            disk_label: None,
            rescue: false,
            noshell: false,
            noeject: false,
            kexec: false,
            plan_only: false,
            check_medium: false,
            medium: None,
            report: None,
            token: None,
        }
    }
}

impl BootOptions {
    /// Reads a kernel's command line; warnings are sentences.
    pub fn parse(line: &str) -> (Self, Vec<String>) {
        let mut reading = Reading::default();
        for word in words(line) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            reading.word(name, value);
        }
        reading.finish()
    }
}

/// Words as the kernel has them: double quotes hold one together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_ascii_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[derive(Default)]
struct Reading {
    options: BootOptions,
    /// Values of `inst.ks`, as they came.
    kickstarts: Vec<String>,
    all_kickstarts: bool,
    warnings: Vec<String>,
}

impl Reading {
    fn word(&mut self, name: &str, value: Option<&str>) {
        if let Some(name) = name.strip_prefix("inst.") {
            self.installer(name, value);
        } else if let Some(name) = name.strip_prefix("landfall.") {
            self.own(name, value);
        } else if NETWORK.contains(&name) {
            self.options.network = true;
        } else if name == "BOOTIF" {
            self.options.network |= value.is_some_and(is_card);
        }
    }

    fn installer(&mut self, name: &str, value: Option<&str>) {
        let is_on = is_on(value);
        let options = &mut self.options;
        match name {
            _ if !reference::is_installers(name) => self.unknown("inst", name),
            "ks" => self.kickstarts.push(value.unwrap_or("").to_owned()),
            "ks.all" => self.all_kickstarts = is_on,
            "ks.sendmac" => options.send_mac = is_on,
            "ks.sendsn" => options.send_serial = is_on,
            "ksstrict" => options.strict = is_on,
            // Options that say no are not taken back by a value.
            "noverifyssl" => options.verify_tls = false,
            "noshell" => options.noshell = true,
            "noeject" => options.noeject = true,
            // What is shown is plain lines in any case.
            "cmdline" | "noninteractive" => options.noninteractive = is_on,
            "sshd" => options.sshd = is_on,
            "rescue" => options.rescue = is_on,
            "kexec" => options.kexec = is_on,
            "gpt" if is_on => options.disk_label = Some("gpt"),
            "proxy" | "syslog" | "nosave" | "wait_for_disks" | "disklabel" => {
                self.valued(name, value);
            }
            // Of the plan: which arguments of its environment's kernel the installed system keeps. What is shown is text.
            "leavebootorder" | "nombr" | "selinux" | "noselinux" | "text" | "gpt" => {}
            _ if WITHOUT_EFFECT.contains(&name) => {
                self.warnings.push(format!("`inst.{name}` has no effect"));
            }
            _ => self.unknown("inst", name),
        }
    }

    fn valued(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            self.warnings.push(format!("`inst.{name}` needs a value"));
            return;
        };
        let options = &mut self.options;
        let wrong = match name {
            "proxy" => {
                options.proxy = Some(Secret::new(value));
                None
            }
            "syslog" => match Syslog::parse(value) {
                Some(syslog) => {
                    options.syslog = Some(syslog);
                    None
                }
                None => Some("HOST or HOST:PORT"),
            },
            "nosave" => nosave(value, &mut options.nosave),
            "wait_for_disks" => match value.parse::<u64>() {
                Ok(seconds) if seconds <= LONGEST_WAIT => {
                    options.wait_for_disks = Duration::from_secs(seconds);
                    None
                }
                _ => Some("seconds, at most 10000"),
            },
            _ => match ["gpt", "mbr"].into_iter().find(|label| *label == value) {
                Some(label) => {
                    options.disk_label = Some(label);
                    None
                }
                None => Some("gpt or mbr"),
            },
        };
        if let Some(form) = wrong {
            self.warnings.push(format!(
                "`inst.{name}={value}` is ignored: its value is {form}"
            ));
        }
    }

    fn own(&mut self, name: &str, value: Option<&str>) {
        let options = &mut self.options;
        match (name, value) {
            _ if !reference::is_own(name) => self.unknown("landfall", name),
            ("report", Some(url)) => options.report = Some(Secret::new(url)),
            ("token", Some(token)) => options.token = Some(Secret::new(token)),
            ("medium", Some(device)) => options.medium = Some(Device::parse(device)),
            ("plan", _) => options.plan_only = is_on(value),
            ("check", _) => options.check_medium = is_on(value),
            // See `concerning_target`.
            ("menu", None) => {}
            _ => self.unknown("landfall", name),
        }
    }

    fn unknown(&mut self, prefix: &str, name: &str) {
        let message = format!("`{prefix}.{name}` is no option that is known");
        self.warnings.push(message);
    }

    fn finish(mut self) -> (BootOptions, Vec<String>) {
        self.options.kickstart = match (self.all_kickstarts, self.kickstarts.as_slice()) {
            (_, []) => KickstartOption::Absent,
            (false, [.., last]) => KickstartOption::of(std::slice::from_ref(last), |_| true),
            (true, all) => KickstartOption::of(all, |source| source.url().is_some()),
        };
        (self.options, self.warnings)
    }
}

impl KickstartOption {
    fn of(values: &[String], counts: impl Fn(&KickstartSource) -> bool) -> Self {
        let mut sources = Vec::new();
        for value in values {
            match KickstartSource::parse(value) {
                Ok(source) => sources.push(source),
                Err(why) => {
                    let shown = kickstart_parser::hidden(value);
                    return Self::Wrong(format!("`inst.ks={shown}` cannot be used: {why}"));
                }
            }
        }
        sources.retain(counts);
        if sources.is_empty() {
            return Self::Wrong("`inst.ks.all` takes addresses, and `inst.ks` has none".to_owned());
        }
        Self::At(sources)
    }
}

/// Adds what a list names; gives the form of the value if it is another.
fn nosave(value: &str, unsaved: &mut BTreeSet<Unsaved>) -> Option<&'static str> {
    for word in value.split(',') {
        unsaved.extend(match word {
            "input_ks" => &[Unsaved::InputKs][..],
            "output_ks" => &[Unsaved::OutputKs],
            "all_ks" => &[Unsaved::InputKs, Unsaved::OutputKs],
            "logs" => &[Unsaved::Logs],
            "all" => &[Unsaved::Logs, Unsaved::InputKs, Unsaved::OutputKs],
            _ => return Some("a list of input_ks, output_ks, all_ks, logs, all"),
        });
    }
    None
}

impl Syslog {
    fn parse(value: &str) -> Option<Self> {
        let (host, port) = match value.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (host, rest.strip_prefix(':'))
            }
            None => match value.split_once(':') {
                Some((_, port)) if port.contains(':') => (value, None),
                Some((host, port)) => (host, Some(port)),
                None => (value, None),
            },
        };
        let port = port.map_or(Some(SYSLOG_PORT), |port| port.parse().ok())?;
        let host = (!host.is_empty()).then(|| host.to_owned())?;
        Some(Self { host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> BootOptions {
        let (options, warnings) = BootOptions::parse(line);
        assert!(warnings.is_empty(), "{warnings:?}");
        options
    }

    fn kickstarts(line: &str) -> Vec<String> {
        match parse(line).kickstart {
            KickstartOption::At(sources) => sources.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn warnings(line: &str) -> Vec<String> {
        BootOptions::parse(line).1
    }

    #[test]
    fn a_line_without_options_asks_for_nothing() {
        let line = "BOOT_IMAGE=/vmlinuz quiet root=live:x ks=http://a/ks.cfg text\n";
        assert_eq!(parse(line), BootOptions::default());
    }

    #[test]
    fn a_network_of_the_line_is_noticed() {
        assert!(!parse("ifname=a:52:54:00:00:00:01 nameserver=10.0.0.1").network);
        assert!(parse("ip=dhcp").network && parse("vlan=a.5:a").network);
        assert!(parse("BOOTIF=01-52-54-00-00-00-01").network);
        assert!(!parse("BOOTIF=01-").network && !parse("BOOTIF").network);
    }

    #[test]
    fn the_last_kickstart_counts() {
        let line = "inst.ks=http://a/1.ks inst.ks=hd:LABEL=B:/2.ks";
        assert_eq!(kickstarts(line), ["hd:LABEL=B:/2.ks"]);
    }

    #[test]
    fn with_all_every_address_counts_in_its_order() {
        let line = "inst.ks=http://a/1.ks inst.ks=hd:sdb:/2.ks inst.ks.all inst.ks=nfs://c/4.ks inst.ks=ftp://b/3.ks \
                    inst.ks=file:/a://b";
        assert_eq!(kickstarts(line), ["http://a/1.ks", "ftp://b/3.ks"]);
    }

    #[test]
    fn nothing_is_taken_in_place_of_a_kickstart_that_cannot_be_meant() {
        for (line, why) in [
            (
                "inst.ks=http://a/1.ks inst.ks=nowhere",
                "`inst.ks=nowhere` cannot be used: it is no place that is known: http, https, ftp, nfs, hd, cdrom, file",
            ),
            (
                "inst.ks",
                "`inst.ks=` cannot be used: it is no place that is known: http, https, ftp, nfs, hd, cdrom, file",
            ),
            (
                "inst.ks=http:/a/1.ks inst.ks.all inst.ks=http://a/2.ks",
                "`inst.ks=http:/a/1.ks` cannot be used: it is no place that is known: http, https, ftp, nfs, hd, cdrom, file",
            ),
            (
                "inst.ks=cdrom inst.ks.all",
                "`inst.ks.all` takes addresses, and `inst.ks` has none",
            ),
        ] {
            assert_eq!(
                parse(line).kickstart,
                KickstartOption::Wrong(why.to_owned())
            );
        }
    }

    #[test]
    fn switches_are_on_without_a_value_and_off_by_some() {
        for (line, on) in [
            ("inst.sshd", true),
            ("inst.sshd=1", true),
            ("inst.sshd=0", false),
            ("inst.sshd=no", false),
            ("inst.sshd inst.sshd=off", false),
        ] {
            assert_eq!(parse(line).sshd, on, "{line}");
        }
        assert!(!parse("inst.noverifyssl=0").verify_tls);
    }

    #[test]
    fn a_line_of_the_menu_has_no_warning() {
        let line = "quiet console=tty0 landfall.menu inst.noninteractive";
        assert!(parse(line).noninteractive);
    }

    #[test]
    fn values_are_read() {
        let options = parse(
            "inst.syslog=[fe80::1]:1514 inst.nosave=logs,all_ks inst.wait_for_disks=0 inst.disklabel=mbr \
             landfall.medium=LABEL=LANDFALL \"inst.proxy=http://user:a b@proxy:3128\"",
        );
        let syslog = options.syslog.unwrap();
        assert_eq!((&*syslog.host, syslog.port), ("fe80::1", 1514));
        assert_eq!(options.nosave.len(), 3);
        assert_eq!(options.wait_for_disks, Duration::ZERO);
        assert_eq!(options.disk_label, Some("mbr"));
        assert_eq!(options.medium, Some(Device::Label("LANDFALL".into())));
        assert_eq!(
            options.proxy.unwrap().expose(),
            "http://user:a b@proxy:3128"
        );
    }

    #[test]
    fn syslog_has_a_port_of_its_own() {
        for (value, host, port) in [
            ("host", "host", 514),
            ("host:99", "host", 99),
            ("::1", "::1", 514),
        ] {
            let syslog = Syslog::parse(value).unwrap();
            assert_eq!((&*syslog.host, syslog.port), (host, port));
        }
        assert_eq!(Syslog::parse("host:x"), None);
        assert_eq!(Syslog::parse(":514"), None);
    }

    #[test]
    fn what_does_nothing_is_said() {
        for (line, warning) in [
            ("inst.stage2=hd:LABEL=x", "`inst.stage2` has no effect"),
            ("inst.sendmac", "`inst.sendmac` is no option that is known"),
            ("inst.nosave", "`inst.nosave` needs a value"),
            (
                "inst.nosave=all,none",
                "`inst.nosave=all,none` is ignored: its value is a list of input_ks, output_ks, all_ks, logs, all",
            ),
            (
                "inst.wait_for_disks=-1",
                "`inst.wait_for_disks=-1` is ignored: its value is seconds, at most 10000",
            ),
            (
                "landfall.tokn=hush",
                "`landfall.tokn` is no option that is known",
            ),
        ] {
            assert_eq!(warnings(line), [warning]);
        }
    }

    #[test]
    fn secrets_are_not_in_a_dump() {
        let line = "landfall.token=hunter2 landfall.report=http://u:hunter2@a/ inst.proxy=http://u:hunter2@a/ \
                    inst.ks=http://u:hunter2@a/";
        assert!(!format!("{:?}", BootOptions::parse(line)).contains("hunter2"));
    }
}
