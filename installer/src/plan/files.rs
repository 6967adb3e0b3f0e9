// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The configuration of the installed system as actions, in Anaconda's order: file systems, security, time, services,
//! language, firewall, network. Each has a file in [`super::settings`] or [`super::network`]; accounts are in
//! [`super::users`].
//!
//! Every text and argument vector is exact. It does not decide about disks and runs nothing.

use kickstart_parser::Kickstart;
use serde::Serialize;

use super::certificate;
use super::issue::Issues;
use super::network::network;
use super::settings::{
    authentication, desktop, firewall, keyboard, language, selinux, services, time,
};
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
    actions.extend(selinux::selinux(kickstart, facts, issues));
    actions.extend(authentication::authselect(kickstart, facts, issues));
    if let Some(timezone) = &kickstart.timezone {
        actions.extend(time::zone(timezone, facts, issues));
    }
    actions.extend(time::sources(kickstart, facts, issues));
    if let Some(command) = &kickstart.services {
        actions.extend(services::services(command, facts, issues));
    }
    actions.extend(desktop::first_boot(kickstart, facts, issues));
    actions.extend(desktop::graphical(kickstart));
    if let Some(lang) = &kickstart.lang {
        actions.push(language::locale(lang, facts, issues));
    }
    actions.extend(keyboard::keyboard(kickstart, facts, issues));
    let command = kickstart.firewall.as_ref();
    actions.extend(firewall::firewall(command, facts, issues));
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
