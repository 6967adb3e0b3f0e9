// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the tables of the language say Landfall does with a command and with each of its options, which is what the
//! reference prints, against what reading for an installation and planning do with a kickstart that has it.
//!
//! For each option a line is made, in the newest version of the language that has it, and put into a kickstart that
//! can be installed. *Not yet* must be refused, and nothing else may be; *no effect* must be said, and of nothing else
//! may it be said. Whether an option that is carried out has the right effect is for other tests.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kickstart_parser::commands::{self, Arity, Command, Effect, Kind, Opt};
use kickstart_parser::{NoIncludes, Syntax, Versions, read};
use landfall_installer::inventory::{Firmware, Inventory};
use landfall_installer::plan::{Choices, Code, plan_disks};

/// What a kickstart that can be installed consists of, a line for each command.
const CONTEXT: [&str; 5] = [
    "clearpart --all --initlabel",
    "reqpart --add-boot",
    "part / --size=2048",
    "part /srv --size=100",
    "ostreecontainer --url=registry.example.com/lab/plain:v1",
];

/// What stands for a command that needs more than its word.
const LINES: [(&str, &str); 21] = [
    ("autopart", "autopart --type=plain"),
    (
        "bootc",
        "bootc --source-imgref=registry:registry.example.com/lab/plain:v1",
    ),
    ("eula", "eula --agreed"),
    ("firewall", "firewall --enabled"),
    ("group", "group --name=lab"),
    ("ignoredisk", "ignoredisk --drives=sdz"),
    ("keyboard", "keyboard us"),
    ("lang", "lang C.UTF-8"),
    ("module", "module --name=lab"),
    ("network", "network --device=enp1s0"),
    ("nfs", "nfs --server=a.test --dir=/a"),
    (
        "ostreecontainer",
        "ostreecontainer --url=registry.example.com/lab/plain:v1",
    ),
    ("part", "part /var --size=512"),
    ("realm", "realm join"),
    ("repo", "repo --name=lab --baseurl=https://a.test/"),
    ("rootpw", "rootpw --lock"),
    ("services", "services --enabled=sshd"),
    ("sshkey", "sshkey --username=root"),
    ("timezone", "timezone UTC"),
    ("url", "url --url=https://a.test/"),
    ("user", "user --name=lab"),
];

/// What comes after the line, where it must be.
const OPERANDS: [(&str, &str); 2] = [
    ("sshkey", "'ssh-ed25519 AAAA lab'"),
    ("realm", "lab.example.com"),
];

/// Options whose line is more than the option with a value of its kind; the whole line.
const OPTIONS: [(&str, &str, &str); 18] = [
    ("part", "--onpart", "part /var --onpart=vda9"),
    (
        "part",
        "--fsprofile",
        "part /var --size=512 --fstype=ext4 --fsprofile=news",
    ),
    ("bootloader", "--boot-drive", "bootloader --boot-drive=vda"),
    ("bootloader", "--driveorder", "bootloader --driveorder=vda"),
    ("bootloader", "--password", "bootloader --password=hush"),
    (
        "bootloader",
        "--iscrypted",
        "bootloader --password=hush --iscrypted",
    ),
    (
        "bootc",
        "--bootloader",
        "bootc --source-imgref=registry:a.test/b:1 --bootloader=systemd",
    ),
    (
        "clearpart",
        "--disklabel",
        "clearpart --all --initlabel --disklabel=gpt",
    ),
    (
        "network",
        "--bondopts",
        "network --device=bond0 --bondslaves=a,b --bondopts=mode=1",
    ),
    (
        "network",
        "--bondslaves",
        "network --device=bond0 --bondslaves=a,b",
    ),
    (
        "network",
        "--bridgeopts",
        "network --device=br0 --bridgeslaves=a --bridgeopts=stp=no",
    ),
    (
        "network",
        "--bridgeslaves",
        "network --device=br0 --bridgeslaves=a",
    ),
    (
        "network",
        "--teamslaves",
        "network --device=team0 --teamslaves=a",
    ),
    (
        "network",
        "--teamconfig",
        "network --device=team0 --teamslaves=a --teamconfig={}",
    ),
    (
        "network",
        "--ip",
        "network --device=a --bootproto=static --ip=10.0.0.5 --netmask=255.0.0.0",
    ),
    ("network", "--vlanid", "network --device=a --vlanid=7"),
    (
        "network",
        "--bootproto",
        "network --device=a --bootproto=dhcp",
    ),
    ("part", "--fstype", "part /var --size=512 --fstype=ext4"),
];

/// Commands whose options another command decides about, or whose words are not read as options at all.
const ELSEWHERE: [&str; 1] = ["authselect"];

/// Options of encryption, which mean nothing without it.
const ENCRYPTION: [&str; 10] = [
    "--passphrase",
    "--escrowcert",
    "--backuppassphrase",
    "--cipher",
    "--luks-version",
    "--pbkdf",
    "--pbkdf-memory",
    "--pbkdf-time",
    "--pbkdf-iterations",
    "--hw-passphrase",
];

/// Options that say something of machines with a BIOS alone.
const OF_BIOS: [&str; 1] = ["--nombr"];

fn machine(line: &str) -> Inventory {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/inventories/virtio-blank.json"
    );
    let inventory = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    if OF_BIOS.iter().any(|option| line.contains(option)) {
        return Inventory {
            firmware: Firmware::Bios,
            ..inventory
        };
    }
    inventory
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Refused,
    WithoutEffect,
    CarriedOut,
}

fn expected(effect: Effect) -> Outcome {
    match effect {
        Effect::CarriedOut | Effect::Inherent => Outcome::CarriedOut,
        Effect::None(_) => Outcome::WithoutEffect,
        Effect::NotYet => Outcome::Refused,
    }
}

/// Puts the line into the context, in place of lines of the same command where one of them is enough.
fn kickstart(command: &Command, line: &str) -> String {
    let replaced = ["clearpart", "reqpart", "ostreecontainer"];
    let takes_place = |known: &str| {
        let word = known.split(' ').next().unwrap();
        let image = command.word() == "bootc" && word == "ostreecontainer";
        let parts = command.word() == "autopart" && matches!(word, "part" | "reqpart");
        image || parts || (replaced.contains(&word) && command.word() == word)
    };
    let kept = CONTEXT.into_iter().filter(|known| !takes_place(known));
    let lines: Vec<&str> = kept.chain([line]).collect();
    lines.join("\n") + "\n"
}

fn outcome(command: &Command, syntax: Syntax, line: &str) -> Outcome {
    let text = kickstart(command, line);
    let at = u32::try_from(text.lines().count()).unwrap();
    let reading = read("ks", &text, Some(syntax), &NoIncludes).for_installation();
    let said = |code| {
        let mut all = reading.diagnostics.iter();
        all.any(|d| d.code == code && d.location.as_ref().is_some_and(|l| l.line == at))
    };
    if said(kickstart_parser::Code::CommandNotYet) {
        return Outcome::Refused;
    }
    if said(kickstart_parser::Code::CommandWithoutEffect) {
        return Outcome::WithoutEffect;
    }
    let issues = match plan_disks(&reading.kickstart, &machine(line), &Choices::default()) {
        Ok(planned) => planned.issues,
        Err(issues) => issues,
    };
    let planned = |code| {
        let mut all = issues.0.iter();
        all.any(|i| i.code == code && i.location.as_ref().is_some_and(|l| l.line == at))
    };
    if planned(Code::NotSupportedYet) {
        Outcome::Refused
    } else if planned(Code::NoEffect) {
        Outcome::WithoutEffect
    } else {
        Outcome::CarriedOut
    }
}

fn newest(versions: Versions) -> Option<Syntax> {
    Syntax::ALL
        .iter()
        .rev()
        .copied()
        .find(|syntax| versions.has(*syntax))
}

fn living(command: &Command) -> Versions {
    command
        .versions
        .except(command.removed)
        .except(command.deprecated)
}

/// The line of the command with all that it needs.
fn line_of(command: &Command) -> String {
    let word = command.word();
    let line = LINES.iter().find(|(known, _)| *known == word);
    line.map_or_else(|| word.to_owned(), |(_, line)| (*line).to_owned())
}

fn with_operand(command: &Command, line: String) -> String {
    let operand = OPERANDS.iter().find(|(known, _)| *known == command.word());
    match operand {
        Some((_, operand)) => format!("{line} {operand}"),
        None => line,
    }
}

fn line_with(command: &Command, option: &Opt) -> String {
    let own = OPTIONS
        .iter()
        .find(|(word, name, _)| *word == command.word() && *name == option.name());
    if let Some((_, _, line)) = own {
        return (*line).to_owned();
    }
    let value = match option.kind {
        Kind::Flag => "",
        Kind::Text | Kind::Secret | Kind::OptionalText => "=a",
        Kind::Int => "=600",
        Kind::Bool => "=yes",
        Kind::List => "=a,b",
        Kind::Choice(words) | Kind::Keyword(words) => &format!("={}", words[0]),
    };
    let mut line = line_of(command);
    if ENCRYPTION.contains(&option.name()) {
        line += " --encrypted";
    }
    let given = line.contains(option.name()).then_some(line.clone());
    with_operand(
        command,
        given.unwrap_or(format!("{line} {}{value}", option.name())),
    )
}

#[test]
fn commands_are_treated_as_the_reference_says() {
    let mut wrong = Vec::new();
    for command in commands::all() {
        let Some(syntax) = newest(living(command)) else {
            continue;
        };
        let mut line = with_operand(command, line_of(command));
        if command
            .operand
            .is_some_and(|operand| operand.arity == Arity::One)
            && line == command.word()
        {
            line += " a";
        }
        let (is, says) = (outcome(command, syntax, &line), expected(command.effect));
        if is != says {
            wrong.push(format!("{line}: the table says {says:?}, it is {is:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn options_are_treated_as_the_reference_says() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for command in commands::all().filter(|command| !ELSEWHERE.contains(&command.word())) {
        // All of a command that is not carried out is as the command.
        if expected(command.effect) != Outcome::CarriedOut {
            continue;
        }
        for option in command.all_options() {
            let all = living(command);
            let versions = all.except(all.except(option.versions));
            let Some(syntax) = newest(versions) else {
                continue;
            };
            let line = line_with(command, option);
            let is = outcome(command, syntax, &line);
            let says = expected(option.effect.unwrap_or(command.effect));
            count += 1;
            if is != says {
                wrong.push(format!("{line}: the table says {says:?}, it is {is:?}"));
            }
        }
    }
    assert!(count > 150, "only {count} options");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
