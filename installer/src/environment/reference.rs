// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The options of the kernel's command line as a page of the reference.
//!
//! What is not in these tables is no option: [`super::BootOptions`] asks them first, so that the page cannot lack one.

use std::fmt::Write as _;

use super::options::WITHOUT_EFFECT;

/// An option: its name without prefix, its value, what it does.
type Row = (&'static str, &'static str, &'static str);

const SWITCH: &str = "";

/// Anaconda's, with the prefix `inst.`.
const INSTALLER: [Row; 24] = [
    (
        "ks",
        "PLACE",
        "Where the kickstart is: [Say where the kickstart is](../how-to/inst-ks.md). The last one counts",
    ),
    (
        "ks.all",
        SWITCH,
        "Every `inst.ks=` with `http`, `https` or `ftp` counts: the first that can be fetched is taken",
    ),
    (
        "ks.sendmac",
        SWITCH,
        "Requests for the kickstart tell the hardware addresses: `X-RHN-Provisioning-MAC-0: NAME ADDRESS` and so on",
    ),
    (
        "ks.sendsn",
        SWITCH,
        "Requests for the kickstart tell the machine's serial number: `X-System-Serial-Number`",
    ),
    (
        "ksstrict",
        SWITCH,
        "The kickstart is refused for deprecations and warnings, too, as by `landfall check --strict`",
    ),
    (
        "noverifyssl",
        SWITCH,
        "No certificate is verified: of servers of kickstarts and of registries",
    ),
    (
        "proxy",
        "[SCHEME://][USER:PASSWORD@]HOST[:PORT]",
        "The way to http, https and ftp servers of kickstarts, and to registries",
    ),
    (
        "cmdline",
        SWITCH,
        "Plain lines, and nobody is asked: no menu, no shell",
    ),
    (
        "noninteractive",
        SWITCH,
        "Nobody is asked: no menu, no shell",
    ),
    (
        "text",
        SWITCH,
        "Accepted. What is shown is text in any case",
    ),
    ("noshell", SWITCH, "No shell after a failure"),
    (
        "noeject",
        SWITCH,
        "A disc stays in its drive, whatever the kickstart says",
    ),
    (
        "kexec",
        SWITCH,
        "The installed system is started without the firmware, as by `reboot --kexec`",
    ),
    ("rescue", SWITCH, "A shell in place of an installation"),
    (
        "sshd",
        SWITCH,
        "A server for ssh runs while the machine is installed. Root logs in with a key of `sshpw --sshkey`, or else of `sshkey`",
    ),
    (
        "syslog",
        "HOST[:PORT]",
        "What the installation says is sent there, too, by UDP (RFC 5424). The port is 514 without one",
    ),
    (
        "nosave",
        "WHAT[,WHAT]",
        "What is not kept in the installed system: `input_ks`, `output_ks`, `all_ks`, `logs`, `all`",
    ),
    (
        "wait_for_disks",
        "SECONDS",
        "How long a volume `OEMDRV` is waited for; 5 without it, at most 10000",
    ),
    ("gpt", SWITCH, "As `inst.disklabel=gpt`"),
    (
        "disklabel",
        "gpt\\|mbr",
        "The partition table of a disk that gets a new one, where the kickstart does not say",
    ),
    (
        "leavebootorder",
        SWITCH,
        "The firmware's boot order stays; the installed system gets an entry in it all the same",
    ),
    (
        "nombr",
        SWITCH,
        "No boot code is written to a disk for BIOS",
    ),
    (
        "selinux",
        SWITCH,
        "`inst.selinux=0` switches SELinux off in the installed system, with the kernel argument `selinux=0`, unless the kickstart's `selinux` says a mode. On is what the image says",
    ),
    ("noselinux", SWITCH, "As `inst.selinux=0`"),
];

/// Ours, with the prefix `landfall.`.
const OWN: [Row; 6] = [
    (
        "medium",
        "DEVICE",
        "The medium that the machine was started from: `LABEL=`, `UUID=` or a path. Menus of media say it",
    ),
    (
        "menu",
        SWITCH,
        "Menus of media put it behind their own words: of what stands before it, nothing is kept for the installed system",
    ),
    ("plan", SWITCH, "The plan is shown, and nothing is done"),
    (
        "check",
        SWITCH,
        "Every file of the medium is read and verified, and nothing is done",
    ),
    (
        "report",
        "URL",
        "Events are posted there, as [JSON lines](events-plan-report.md). A server that is away keeps nothing from going on",
    ),
    (
        "token",
        "TOKEN",
        "Goes with these requests, as `Authorization: Bearer`",
    ),
];

/// What dracut and systemd read of the line.
const OF_THE_ENVIRONMENT: &str = "\
## The network

`systemd-network-generator` of the image that the environment is made of reads these, with the meaning of `dracut.cmdline(7)`; which of them
it knows is in its manual page. Without any of them that names a network (`ip=`, `rd.route=`, `vlan=`, `bond=`, `bridge=`, `BOOTIF=`) the kickstart's
`network` counts if an image is to be pulled, and the kickstart did not come through the network; else every interface with a link asks for an address by DHCP. Nothing waits for the network that does not need it.

| option | remark |
| --- | --- |
| `ip=` | All forms of systemd's: `ip=dhcp`, `ip=NAME:dhcp`, `ip=ADDRESS::GATEWAY:NETMASK:HOST:NAME:none`. HOST is the name of the machine while it is installed |
| `nameserver=`, `rd.peerdns=` | |
| `rd.route=NETWORK/BITS:GATEWAY[:INTERFACE]` | |
| `ifname=NAME:ADDRESS`, `net.ifname_policy=` | An interface gets a name by its hardware address |
| `vlan=NAME:INTERFACE` | The number at the end of NAME is the VLAN's |
| `bond=NAME:INTERFACES[:OPTIONS[:MTU]]` | OPTIONS are the names of the kernel, such as `mode=active-backup,miimon=100`, which systemd leaves out and Landfall adds; one that networkd has no word for is left out |
| `bridge=NAME:INTERFACES` | |
| `BOOTIF=ADDRESS` | DHCP on the card with this hardware address alone, with what `nameserver=` and those `rd.route=` say that name no interface; the others are left as they are. Without effect beside an `ip=` and its like that names an interface |

## Others that count

| option | meaning |
| --- | --- |
| `console=` | Everything is shown on each of these terminals, and a question may be answered on any. A shell is where it was asked for |
| `rd.*`, `systemd.*`, `modprobe.blacklist=` | As dracut, systemd and the kernel have them |

Some words of the line are also kept for the installed system, as Anaconda keeps them, but not those of a medium's own menu: `console=`, `nomodeset`,
`net.ifnames=`, `selinux=`, `fips=` and the like ([What is on the disk afterwards](disk-layout.md)).
";

/// Whether an option with the prefix `inst.` is known, with an effect or without.
pub(super) fn is_installers(name: &str) -> bool {
    has(&INSTALLER, name) || WITHOUT_EFFECT.contains(&name)
}

/// Whether an option with the prefix `landfall.` is known.
pub(super) fn is_own(name: &str) -> bool {
    has(&OWN, name)
}

fn has(rows: &[Row], name: &str) -> bool {
    rows.iter().any(|(known, ..)| *known == name)
}

/// The page.
pub fn boot_options_page() -> String {
    let mut page = "\
# Boot options

<!-- Generated by `landfall reference docs/reference` from the tables of the code. -->

What the kernel's command line says to the installer environment. The options are Anaconda's, with the prefix `inst.`, which is needed, and a few of
Landfall's own. Of an option that is given twice the last one counts. A switch is on when it is there; `0`, `no` and `off` as its value
switch it off, but for `inst.noverifyssl`, `inst.noshell`, `inst.noeject` and `inst.noselinux`, which no value takes back. Words are separated by blanks; double
quotes hold one together. An option with either prefix that is not on this page is a warning on the console.

## Of the installation

| option | what it does |
| --- | --- |
"
    .to_owned();
    rows(&mut page, "inst.", &INSTALLER);
    page.push_str("\n## Landfall's own\n\n| option | what it does |\n| --- | --- |\n");
    rows(&mut page, "landfall.", &OWN);
    page.push_str(
        "\nValues of `landfall.token=`, and passwords in `inst.ks=`, `inst.proxy=` and `landfall.report=`, are never shown.\n\n",
    );
    page.push_str(OF_THE_ENVIRONMENT);
    page.push_str(
        "\n## Without effect\n\nAnaconda's options that change nothing here, with a warning: there is one display, the medium is found by its label, and \
         storage is what\nthe kernel finds.\n\n",
    );
    let names: Vec<String> = WITHOUT_EFFECT
        .iter()
        .map(|name| format!("`inst.{name}`"))
        .collect();
    for line in names.chunks(6) {
        let _ = writeln!(page, "{},", line.join(", "));
    }
    page.truncate(page.trim_end_matches([',', '\n']).len());
    page.push_str(".\n");
    page
}

fn rows(page: &mut String, prefix: &str, rows: &[Row]) {
    for (name, value, meaning) in rows {
        let form = if value.is_empty() {
            format!("`{prefix}{name}`")
        } else {
            format!("`{prefix}{name}={value}`")
        };
        let _ = writeln!(page, "| {form} | {meaning} |");
    }
}

#[cfg(test)]
mod tests {
    use super::super::BootOptions;
    use super::*;

    #[test]
    fn what_is_on_the_page_is_known_to_the_reader() {
        for (prefix, rows) in [("inst.", &INSTALLER[..]), ("landfall.", &OWN[..])] {
            for (name, value, _) in rows {
                let form = match *name {
                    "ks" => "=http://a/ks".to_owned(),
                    "nosave" => "=logs".to_owned(),
                    "wait_for_disks" => "=7".to_owned(),
                    "disklabel" => "=mbr".to_owned(),
                    // Of what is chosen among kickstarts there must be some.
                    "ks.all" => " inst.ks=http://a/ks".to_owned(),
                    _ if value.is_empty() => String::new(),
                    _ => "=a".to_owned(),
                };
                let (_, warnings) = BootOptions::parse(&format!("{prefix}{name}{form}"));
                assert!(warnings.is_empty(), "{warnings:?}");
            }
        }
        let page = boot_options_page();
        for name in WITHOUT_EFFECT {
            assert!(page.contains(&format!("`inst.{name}`")), "{name}");
            assert!(!has(&INSTALLER, name), "{name}");
        }
    }
}
