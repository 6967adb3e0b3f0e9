// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every kickstart under `tests/data/target` for the images that `NAME.images` lists, against the
//! target plan or the refusal beside it.
//!
//! `NAME.IMAGE.json` is the target plan, `NAME.IMAGE.txt` what people see of it,
//! `NAME.IMAGE.issues` what is said. A case is a refusal for all its images if its name begins
//! with `refused-`. The images are written down as facts, in `images.rs`; the machine is always the same.
//! `UPDATE_EXPECT=1` writes the expectations.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "target/boot_loaders.rs"]
mod boot_loaders;
#[path = "target/images.rs"]
mod images;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use kickstart_parser::{Kickstart, NoIncludes, read};
use landfall_installer::inventory::{Disk, Firmware, Inventory, Partition};
use landfall_installer::plan::{
    Action, Choices, Code, Issues, Plan, Severity, TargetAccess, TargetPlan, plan_disks,
    plan_target, render_disks, render_target,
};

use images::{debian, facts};

type Outcome = Result<(TargetPlan, Issues), Issues>;

const EXTENSIONS: [&str; 3] = ["json", "txt", "issues"];

/// Hashes and passwords of the kickstarts, which must be seen nowhere.
const SECRETS: [&str; 8] = [
    "5A17.B007",
    "$6$rootsalt$rootroothash",
    "$6$alicesalt$alicehash",
    "$6$evesalt$evehash",
    "plain-for-bob",
    "plain-for-root",
    "never-used",
    "root:*",
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/target")
}

fn files() -> BTreeSet<String> {
    fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Kickstart and image of every case.
fn cases() -> Vec<(String, String)> {
    let files = files();
    let names = files.iter().filter_map(|file| file.strip_suffix(".ks"));
    names
        .flat_map(|name| {
            let images = text(&format!("{name}.images"));
            let pair = |image: &str| (name.to_owned(), image.to_owned());
            images.lines().map(pair).collect::<Vec<_>>()
        })
        .collect()
}

fn text(file: &str) -> String {
    let path = directory().join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn machine() -> Inventory {
    let disk = Disk {
        device: "/dev/vda".to_owned(),
        image_file: false,
        links: vec!["/dev/disk/by-id/virtio-LAB0001".to_owned()],
        size_bytes: 8 << 30,
        sector_bytes: 512,
        model: None,
        serial: Some("LAB0001".to_owned()),
        transport: Some("virtio".to_owned()),
        removable: false,
        read_only: false,
        in_use: None,
        source: false,
        table: None,
        table_entries: None,
        fs: None,
        label: None,
        fs_uuid: None,
        partitions: Vec::new(),
    };
    Inventory {
        inventory: 1,
        arch: "amd64".to_owned(),
        firmware: Firmware::Uefi,
        memory_bytes: 4 << 30,
        disks: vec![disk],
        interfaces: Vec::new(),
        efi_variables: false,
        kernel_arguments: Vec::new(),
    }
}

fn kickstart(name: &str) -> Kickstart {
    let file = format!("{name}.ks");
    let reading = read(&file, &text(&file), None, &NoIncludes);
    let is_error =
        |d: &&kickstart_parser::Diagnostic| d.severity == kickstart_parser::Severity::Error;
    let errors: Vec<_> = reading.diagnostics.iter().filter(is_error).collect();
    assert!(errors.is_empty(), "{file} is no kickstart: {errors:#?}");
    reading.kickstart
}

/// The plan for the machine that an image is installed on: one with a BIOS for an image with GRUB for that.
fn plan(name: &str, image: &str, kickstart: &Kickstart) -> Plan {
    let choices = Choices {
        seed: uuid::uuid!("6f1d3c52-0a4e-4c0b-9f57-2d8b7a1e5c90"),
        ..Choices::default()
    };
    let mut machine = machine();
    if image.starts_with("bios") {
        machine.firmware = Firmware::Bios;
    }
    if image == "in-environment" {
        machine.efi_variables = true;
        machine.kernel_arguments = ["nomodeset", "console=ttyS0,115200", "inst.leavebootorder"]
            .map(str::to_owned)
            .to_vec();
    }
    let planned = plan_disks(kickstart, &machine, &choices);
    planned
        .unwrap_or_else(|issues| panic!("{name}: {issues:#?}"))
        .plan
}

fn outcome(name: &str, image: &str) -> Outcome {
    let kickstart = kickstart(name);
    let plan = plan(name, image, &kickstart);
    plan_target(&kickstart, &plan, &facts(image))
}

fn said(issues: &Issues) -> String {
    let mut text = String::new();
    for issue in &issues.0 {
        let severity = match issue.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = issue.location.as_ref();
        let place = place.map_or(String::new(), |at| format!("{}:{}: ", at.file, at.line));
        writeln!(text, "{severity} {} {place}{}", issue.code, issue.message).unwrap();
        if let Some(help) = &issue.help {
            writeln!(text, "help: {help}").unwrap();
        }
    }
    text
}

fn expectation(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut texts = Vec::new();
    if let Ok((target, _)) = outcome {
        texts.push(("json", serde_json::to_string_pretty(target).unwrap() + "\n"));
        texts.push(("txt", render_target(target)));
    }
    let (Ok((_, issues)) | Err(issues)) = outcome;
    if !issues.0.is_empty() {
        texts.push(("issues", said(issues)));
    }
    texts
}

/// Compares with what is written, or writes it; gives what is wrong.
fn compare(case: &str, actual: &[(&'static str, String)], update: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for extension in EXTENSIONS {
        let path = directory().join(format!("{case}.{extension}"));
        let now = actual
            .iter()
            .find(|(e, _)| *e == extension)
            .map(|(_, text)| text);
        let written = fs::read_to_string(&path).ok();
        match (now, written) {
            (now, written) if now == written.as_ref() => {}
            (Some(now), _) if update => fs::write(&path, now).unwrap(),
            (None, Some(_)) if update => fs::remove_file(&path).unwrap(),
            (now, written) => {
                let shown = |text: Option<&String>| text.cloned().unwrap_or("nothing\n".to_owned());
                let (path, written, now) = (path.display(), shown(written.as_ref()), shown(now));
                problems.push(format!("{path}\n--- expected\n{written}--- actual\n{now}"));
            }
        }
    }
    problems
}

#[test]
fn kickstarts_and_images_become_the_target_plans_and_refusals_beside_them() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let (mut problems, mut good, mut refused) = (Vec::new(), 0, 0);
    for (name, image) in cases() {
        let outcome = outcome(&name, &image);
        *(if outcome.is_ok() {
            &mut good
        } else {
            &mut refused
        }) += 1;
        if name.starts_with("refused-") && outcome.is_ok() {
            problems.push(format!("{name} for {image}: planned"));
        }
        problems.extend(compare(
            &format!("{name}.{image}"),
            &expectation(&outcome),
            update,
        ));
    }
    assert!(
        good >= 20 && refused >= 10,
        "only {good} plans and {refused} refusals"
    );
    assert!(
        problems.is_empty(),
        "{} differences\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn every_file_belongs_to_a_case() {
    let cases = cases();
    for file in files() {
        let (case, extension) = file.rsplit_once('.').unwrap();
        let belongs = if EXTENSIONS.contains(&extension) {
            cases
                .iter()
                .any(|(name, image)| format!("{name}.{image}") == case)
        } else {
            matches!(extension, "ks" | "images") && cases.iter().any(|(name, _)| name == case)
        };
        assert!(belongs, "{file} has no case");
    }
}

#[test]
fn every_code_of_the_target_half_is_given_by_some_case() {
    let codes = |issues: &Issues| issues.0.iter().map(|issue| issue.code).collect::<Vec<_>>();
    let given: Vec<Code> = cases()
        .iter()
        .flat_map(|(name, image)| match outcome(name, image) {
            Ok((_, issues)) | Err(issues) => codes(&issues),
        })
        .collect();
    for code in [
        Code::MountTwice,
        Code::MountInvalid,
        Code::NoEffect,
        Code::UnitMissing,
        Code::ProgramMissing,
        Code::BootLoaderMissing,
        Code::ImageUnusable,
        Code::KernelArgument,
        Code::UserUnknown,
        Code::ValueInvalid,
    ] {
        assert!(given.contains(&code), "no case gives {code}");
    }
}

/// Texts that the plan has written into files, with their paths.
fn written(target: &TargetPlan) -> Vec<(String, String)> {
    let configured = target.configure.iter().filter_map(|action| match action {
        Action::Write { path, text, .. } => Some((path.clone(), text.clone())),
        _ => None,
    });
    let boot = &target.boot;
    let esp = boot.esp.iter().flat_map(|esp| esp.files.clone());
    let bios = boot.bios.iter();
    let early = bios.map(|bios| (bios.early_path.clone(), bios.early.clone()));
    configured
        .chain(boot.menu.clone())
        .chain(esp)
        .chain(early)
        .collect()
}

#[test]
fn every_template_is_rendered_without_an_error() {
    const PLACES: [&str; 8] = [
        "/run/landfall/early.cfg",
        "grub2/grub.cfg",
        "grub2/console.cfg",
        "grub/grub.cfg",
        "EFI/debian/grub.cfg",
        "/etc/fstab",
        "/etc/systemd/network/10-enp1s0.network",
        "/etc/NetworkManager/system-connections/enp1s0.nmconnection",
    ];
    let targets = cases()
        .into_iter()
        .filter_map(|(name, image)| outcome(&name, &image).ok());
    let texts: Vec<_> = targets.flat_map(|(target, _)| written(&target)).collect();
    for place in PLACES {
        assert!(
            texts.iter().any(|(path, _)| path == place),
            "{place} is never written"
        );
    }
    for (path, text) in &texts {
        for template in [
            "BootMenu",
            "BlsMenu",
            "BootupdMenu",
            "BootupdConsole",
            "CoreEarly",
            "EspStub",
            "Fstab",
        ] {
            assert!(!text.contains(&format!("# {template}:")), "{path}:\n{text}");
        }
        assert!(
            !text.contains("{{") && !text.contains("{%"),
            "{path}:\n{text}"
        );
    }
}

#[test]
fn passwords_and_hashes_are_only_on_standard_input() {
    let mut exposed = String::new();
    for (name, image) in cases() {
        let Ok((target, issues)) = outcome(&name, &image) else {
            continue;
        };
        let shown = format!(
            "{}{target:?}{target:#?}{issues:?}{}",
            serde_json::to_string(&target).unwrap(),
            render_target(&target)
        );
        for secret in SECRETS {
            assert!(
                !shown.contains(secret),
                "{name} for {image} shows `{secret}`"
            );
        }
        exposed.extend(target.configure.iter().filter_map(|action| match action {
            Action::Run(program) => program.stdin.as_ref().map(kickstart_parser::Secret::expose),
            Action::WriteSecret(file) => Some(file.text.expose()),
            _ => None,
        }));
        exposed.extend(target.boot.password.iter().map(|file| file.text.expose()));
    }
    for secret in SECRETS {
        // Plain ones are hashed; the user who has `never-used` is in the image, and is only in the kickstart that is kept.
        let is_plain = secret.starts_with("plain-") || secret == "never-used";
        assert_eq!(exposed.contains(secret), !is_plain, "`{secret}`");
    }
}

/// As in Anaconda, only swap space that the kickstart asks for is used.
#[test]
fn swap_that_is_kept_is_not_in_fstab() {
    let mut machine = machine();
    machine.disks[0].table = Some("gpt".to_owned());
    machine.disks[0].partitions.push(Partition {
        number: 1,
        start_bytes: 1 << 20,
        size_bytes: 1 << 30,
        kind: "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f".to_owned(),
        uuid: None,
        name: None,
        fs: Some("swap".to_owned()),
        label: None,
        fs_uuid: Some("11111111-2222-4333-8444-555555555555".to_owned()),
        active: false,
        min_bytes: None,
    });
    let text = "ostreecontainer --url=x/y:1\nreqpart\npart / --grow\npart swap --size=100\n";
    let kickstart = read("ks", text, None, &NoIncludes).kickstart;
    let plan = plan_disks(&kickstart, &machine, &Choices::default())
        .unwrap()
        .plan;
    assert_eq!(plan.partitions().count(), 4);
    let (target, _) = plan_target(&kickstart, &plan, &debian()).unwrap();
    let written = written(&target);
    let (_, fstab) = written
        .iter()
        .find(|(path, _)| path == "/etc/fstab")
        .unwrap();
    assert_eq!(fstab.matches(" swap ").count(), 1, "{fstab}");
    assert!(!fstab.contains("11111111-2222"), "{fstab}");
}

#[test]
fn access_files_reach_the_target_and_are_never_shown() {
    let text = "clearpart --all --initlabel\nostreecontainer --url=r.test:5000/lab/os:1\nreqpart\npart / --grow\n";
    let kickstart = read("ks", text, None, &NoIncludes).kickstart;
    let secret = |text: &str| Some(kickstart_parser::Secret::new(text));
    let choices = Choices {
        target_access: TargetAccess {
            authfile: secret("hush 1"),
            registries_conf: secret("hush 2"),
            ca: secret("hush 3"),
        },
        ..Choices::default()
    };
    let plan = plan_disks(&kickstart, &machine(), &choices).unwrap().plan;
    let (target, _) = plan_target(&kickstart, &plan, &debian()).unwrap();
    let given = target.configure.iter().filter_map(|action| match action {
        Action::WriteSecret(file) if !file.path.starts_with("/root/") => {
            Some((file.path.as_str(), file.mode, file.text.expose()))
        }
        _ => None,
    });
    assert_eq!(
        given.collect::<Vec<_>>(),
        [
            ("/etc/ostree/auth.json", 0o600, "hush 1"),
            (
                "/etc/containers/registries.conf.d/50-landfall.conf",
                0o644,
                "hush 2"
            ),
            (
                "/etc/containers/certs.d/r.test:5000/landfall.crt",
                0o644,
                "hush 3"
            ),
        ]
    );
    let shown = [
        serde_json::to_string(&plan).unwrap(),
        serde_json::to_string(&target).unwrap(),
        format!("{plan:?} {target:?}"),
        render_disks(&plan),
        render_target(&target),
    ];
    for text in shown {
        assert!(!text.contains("hush"), "{text}");
    }
}

/// What `crypt(3)` of libxcrypt makes of `plain-for-root` with the salt of the seed and the account.
const PLAIN_FOR_ROOT: &str = "$6$rounds=5000$6kQCaYSBpqybZMBb$3PaAT3aN0kJOSgndpDyUGraD3lSWzgnze7DhpJifQvEchKP387EFwEDlK5B08ZCmRRLHfIjBXH3cxNMNAGr6V0";

/// What `chpasswd` reads is masked in the expectations, so it is written down here.
#[test]
fn chpasswd_reads_exact_lines() {
    let lines = |name: &str, image: &str| {
        let (target, _) = outcome(name, image).unwrap();
        let stdin = target
            .configure
            .into_iter()
            .filter_map(|action| match action {
                Action::Run(program) => program.stdin.map(|secret| secret.expose().to_owned()),
                _ => None,
            });
        stdin.collect::<String>()
    };
    assert_eq!(lines("seed", "debian"), "root:*\n");
    assert_eq!(lines("least", "debian"), "root:!\n");
    assert_eq!(lines("root-locked", "debian"), "root:!\n");
    assert_eq!(
        lines("passwords", "debian"),
        format!("root:!{PLAIN_FOR_ROOT}\neve:!$6$evesalt$evehash\n")
    );
    let rich = lines("rich", "networkmanager");
    let (known, bob) = rich.split_once("bob:").unwrap();
    assert_eq!(
        known,
        "root:$6$rootsalt$rootroothash\nalice:$6$alicesalt$alicehash\n"
    );
    assert!(bob.starts_with("!$6$rounds=5000$"), "{bob}");
}
