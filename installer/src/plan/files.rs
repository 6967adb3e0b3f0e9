// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The configuration of the installed system as actions, in Anaconda's order: file systems,
//! time, services, language, firewall, network. Network profiles and users are next door.
//!
//! Every text and argument vector is exact. It does not decide about disks and runs nothing.

use kickstart_parser::commands::{Firewall, Keyboard, Lang, PortSpec, Services, Timezone};
use kickstart_parser::{Kickstart, Located};
use serde::Serialize;

use super::certificate;
use super::issue::{Code, Issues};
use super::network::network;
use super::target::{Action, ImageFacts, MountPlan, Program, resolve};
use super::{FileSystem, Partition, Plan};
use crate::template::{Template, render};

pub(super) fn actions(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    mounts: &[MountPlan],
    issues: &mut Issues,
) -> Vec<Action> {
    let mut actions = vec![
        tmpfiles(),
        directory("/var/home", 0o755),
        directory("/var/roothome", 0o700),
        write("/etc/fstab", fstab(plan, facts, mounts)),
    ];
    actions.extend(certificate::actions(kickstart, facts, issues));
    if let Some(timezone) = &kickstart.timezone {
        actions.extend(time(timezone, facts, issues));
    }
    if let Some(command) = &kickstart.services {
        actions.extend(services(command, facts, issues));
    }
    if let Some(lang) = &kickstart.lang {
        actions.push(write("/etc/locale.conf", locale(lang, facts, issues)));
    }
    if let Some(map) = kickstart
        .keyboard
        .as_ref()
        .and_then(|keyboard| keymap(keyboard))
    {
        actions.push(write("/etc/vconsole.conf", format!("KEYMAP=\"{map}\"\n")));
    }
    actions.extend(firewall(kickstart.firewall.as_ref(), facts, issues));
    actions.extend(network(kickstart, plan, facts, issues));
    let access = plan.image.access.iter().cloned();
    actions.extend(access.map(Action::WriteSecret));
    actions
}

/// A file that everyone may read.
pub(super) fn write(path: &str, text: String) -> Action {
    Action::Write {
        path: path.to_owned(),
        mode: 0o644,
        text,
    }
}

fn directory(path: &str, mode: u32) -> Action {
    Action::Directory {
        path: path.to_owned(),
        mode,
    }
}

/// A command of the image that must exit with 0.
pub(super) fn run(argv: &[&str]) -> Action {
    run_with(argv, None)
}

pub(super) fn run_with(argv: &[&str], stdin: Option<kickstart_parser::Secret>) -> Action {
    let argv = argv.iter().map(ToString::to_string).collect();
    Action::Run(Program {
        argv,
        stdin,
        tolerate: Vec::new(),
    })
}

/// The directories of `/var` that the image declares; 65 and 73 say that some lines were not
/// valid or could not be created, which is up to the image.
fn tmpfiles() -> Action {
    const PREFIXES: [&str; 9] = [
        "/var/home",
        "/var/roothome",
        "/var/opt",
        "/var/srv",
        "/var/usrlocal",
        "/var/mnt",
        "/var/media",
        "/var/spool",
        "/var/lib",
    ];
    let mut argv = vec![
        "systemd-tmpfiles".to_owned(),
        "--create".to_owned(),
        "--boot".to_owned(),
    ];
    argv.extend(PREFIXES.map(|prefix| format!("--prefix={prefix}")));
    Action::Run(Program {
        argv,
        stdin: None,
        tolerate: vec![65, 73],
    })
}

#[derive(Serialize)]
struct Fstab {
    lines: Vec<FstabLine>,
}

#[derive(Serialize)]
struct FstabLine {
    /// The device, by what it holds.
    what: String,
    at: String,
    fs: &'static str,
    options: String,
    pass: u8,
}

/// Every mounted partition but the root, by UUID, sorted by mount point, then swap.
fn fstab(plan: &Plan, facts: &ImageFacts, mounts: &[MountPlan]) -> String {
    let mut lines: Vec<FstabLine> = plan
        .partitions()
        .filter_map(|(disk, p)| fstab_line(p, &disk.device, mounts))
        .collect();
    let in_memory = plan.in_memory.iter();
    lines.extend(in_memory.filter_map(|fs| {
        Some(FstabLine {
            what: "tmpfs".to_owned(),
            at: resolve(&fs.mount, facts)?,
            fs: "tmpfs",
            options: fs.options.clone(),
            pass: 0,
        })
    }));
    lines.sort_by(|a, b| (a.fs == "swap", &a.at).cmp(&(b.fs == "swap", &b.at)));
    render(Template::Fstab, &Fstab { lines })
}

fn fstab_line(partition: &Partition, device: &str, mounts: &[MountPlan]) -> Option<FstabLine> {
    let (fs, uuid) = (partition.fs?, partition.fs_uuid.clone()?);
    if !partition.used {
        return None;
    }
    let given = partition
        .mount_options
        .clone()
        .unwrap_or_else(|| "defaults".to_owned());
    let (at, options, pass) = match partition.mount.as_deref() {
        Some("/") => return None,
        // Only ostree writes there, through a mount of its own.
        Some("/boot") => ("/boot".to_owned(), read_only(given), 2),
        Some("/boot/efi") => ("/boot/efi".to_owned(), given, 2),
        None if fs == FileSystem::Swap => ("none".to_owned(), given, 0),
        _ => {
            let of = |m: &&MountPlan| m.device == device && m.number == partition.number;
            (mounts.iter().find(of)?.at.clone(), given, 2)
        }
    };
    Some(FstabLine {
        what: format!("UUID={uuid}"),
        at,
        fs: fs.name(),
        options,
        pass,
    })
}

/// Adds `ro` unless the kickstart has decided.
fn read_only(options: String) -> String {
    if options.split(',').any(|word| matches!(word, "ro" | "rw")) {
        options
    } else {
        format!("{options},ro")
    }
}

fn time(timezone: &Located<Timezone>, facts: &ImageFacts, issues: &mut Issues) -> Vec<Action> {
    let clock = if timezone.utc { "UTC" } else { "LOCAL" };
    let mut actions = vec![write("/etc/adjtime", format!("0.0 0 0.0\n0\n{clock}\n"))];
    let Some(zone) = &timezone.timezone else {
        return actions;
    };
    if facts.zones.contains(zone) {
        let target = format!("../usr/share/zoneinfo/{zone}");
        actions.push(Action::Link {
            path: "/etc/localtime".to_owned(),
            target,
        });
    } else {
        let message = format!("the image does not know the time zone `{zone}`; its own stays");
        issues
            .warning(Code::ValueInvalid, message)
            .at(&timezone.location);
    }
    actions
}

/// Disabled first; a unit that cannot be enabled is an error, one that cannot be disabled is not.
fn services(command: &Located<Services>, facts: &ImageFacts, issues: &mut Issues) -> Vec<Action> {
    let unit = |name: &String| {
        if name.contains('.') {
            name.clone()
        } else {
            format!("{name}.service")
        }
    };
    let missing: Vec<&str> = command
        .enabled
        .iter()
        .filter(|name| !name.contains('@') && !facts.units.contains(&unit(name)))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "services that shall be enabled are not in the image: `{}`",
            missing.join("`, `")
        );
        issues
            .error(Code::UnitMissing, message)
            .at(&command.location)
            .help("install them in the image, or take them out of the `services` command");
    }
    let disable = command
        .disabled
        .iter()
        .filter(|name| facts.units.contains(&unit(name)))
        .map(|name| run(&["systemctl", "disable", name]));
    let enable = command
        .enabled
        .iter()
        .map(|name| run(&["systemctl", "enable", name]));
    disable.chain(enable).collect()
}

/// The locale, or `C.UTF-8` where the image does not have it.
fn locale(lang: &Located<Lang>, facts: &ImageFacts, issues: &mut Issues) -> String {
    let plain = |name: &str| name.to_ascii_lowercase().replace("utf-8", "utf8");
    let known = facts.locales.as_ref().is_none_or(|locales| {
        locales
            .iter()
            .any(|locale| plain(locale) == plain(&lang.lang))
    });
    if known {
        return format!("LANG=\"{}\"\n", lang.lang);
    }
    let message = format!(
        "the image does not have the locale `{}`; `C.UTF-8` is set",
        lang.lang
    );
    issues
        .warning(Code::ValueInvalid, message)
        .at(&lang.location);
    "LANG=\"C.UTF-8\"\n".to_owned()
}

/// The console keymap that the command asks for.
pub(super) fn keymap(keyboard: &Keyboard) -> Option<String> {
    keyboard
        .vckeymap
        .clone()
        .or_else(|| keyboard.keyboard.clone())
        .filter(|map| !map.is_empty())
}

/// Without a command the firewall is on and lets ssh in, where the image has one.
fn firewall(
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
