// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The boot loader of an image that has bootupd: for UEFI the files that `bootupctl backend install --write-uuid` puts on
//! the disk, for BIOS its menu, and what it records of them, so that `bootupctl` of the installed system finds its own work.
//!
//! Takes the payload as it is in the image's tree; gives a [`BootPlan`]. Why the program itself is not run is told in
//! `docs/explanation/boot.md`. The names and forms are those of bootupd 0.3.2 (`efi.rs`, `bootupd.rs`, `grubconfigs.rs`).

mod chain;

use kickstart_parser::Kickstart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::chain::Chain;
use super::bios::{self, BiosPlan};
use super::bls::BlsCommand;
use super::boot::{BootMenu, BootPlan, Copy, EFI_NAMES, EspPlan, entry};
use super::issue::{Code, Issues};
use super::target::{Action, ImageFacts};
use super::{Plan, boot_password, grub_script};
use crate::inventory::Firmware;
use crate::template::{Template, render};

/// What the image has of bootupd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootupdPayload {
    /// What is said about the boot chain for UEFI, `EFI.json`.
    pub efi: Option<String>,
    /// What is said about GRUB for BIOS, `BIOS.json`.
    pub bios: Option<String>,
    /// The directory of the boot chain for UEFI, a path in the tree.
    pub directory: String,
    /// What is in it.
    pub files: Vec<ChainFile>,
    /// The texts of the menu.
    pub configuration: Option<StaticConfiguration>,
}

/// What is in the directory of the boot chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainFile {
    /// Path from there.
    pub path: String,
    /// Size of a regular file; none of what is no such file.
    pub bytes: Option<u64>,
    /// The command for boot entries that is built into it, of a GRUB.
    pub bls: Option<BlsCommand>,
}

/// The menu as the image has it, in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticConfiguration {
    /// What comes first.
    pub before: String,
    /// Names and texts of what is added, in their order.
    pub parts: Vec<(String, String)>,
    /// What finds the menu from the ESP.
    pub stub: String,
}

/// What bootupd of the installed system finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootupdPlan {
    /// Where its record is in the installed system.
    pub path: String,
    /// Its record, but for sizes and digests of files.
    pub state: Value,
    /// The component that is installed: `EFI`, `BIOS`.
    pub component: String,
    /// Files whose sizes and digests the record has.
    pub files: Vec<BootupdFile>,
}

/// A file of the boot chain for UEFI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootupdFile {
    /// Path in the image.
    pub from: String,
    /// The same from the directory of the boot chain.
    pub source: String,
    /// Path below `EFI`.
    pub to: String,
}

/// Bytes of one file that is copied to make the disk start; those of distributions have under 5 MiB.
pub const MOST_FILE_BYTES: u64 = 64 << 20;
/// Where bootupd has the menu, below `/boot`.
const DIRECTORY: &str = "grub2";
const STATE: &str = "/boot/bootupd-state.json";
/// Of bootupd: updates the boot loader at every start.
const UPDATE_UNIT: &str = "bootloader-update.service";
/// Where newer images have the boot chain: `NAME/VERSION/EFI/..`; in others it is at its place.
const BY_PACKAGE: &str = "usr/lib/efi";
/// Packages of other boot loaders in there.
const OTHERS: [&str; 2] = ["grub-cc", "systemd-boot"];
/// Bytes of GRUB's environment, which is a file of this size always.
const ENVIRONMENT_BYTES: usize = 1024;

/// Keeps bootupd of the installed system off a boot loader that is somebody else's: without a record it would take it for an
/// older one, and install over it.
pub(super) fn mask(
    kickstart: &Kickstart,
    plan: &Plan,
    facts: &ImageFacts,
    issues: &mut Issues,
) -> Option<Action> {
    let keeps_mbr = plan.firmware == Firmware::Bios && plan.boot_options.keep_mbr;
    let is_others = plan.boot_disk.is_none() || keeps_mbr;
    (is_others && facts.units.contains(UPDATE_UNIT)).then_some(())?;
    let message = format!("`{UPDATE_UNIT}` is masked: the boot loader is not Landfall's");
    issues
        .warning(Code::NoEffect, message)
        .help("`systemctl unmask` lets bootupd replace the boot loader at the next start")
        .location = kickstart.bootloader.as_ref().map(|c| c.location.clone());
    Some(Action::Link {
        path: format!("/etc/systemd/system/{UPDATE_UNIT}"),
        target: "/dev/null".to_owned(),
    })
}

/// What is to be planned for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) kickstart: &'w Kickstart,
    pub(super) plan: &'w Plan,
    pub(super) facts: &'w ImageFacts,
}

/// What bootupd would install for a firmware.
pub(super) struct Component<'f> {
    payload: &'f BootupdPayload,
    name: &'static str,
    metadata: &'f str,
}

/// What bootupd of the image installs for this firmware; without its own word for that it installs nothing.
pub(super) fn of(facts: &ImageFacts, firmware: Firmware) -> Option<Component<'_>> {
    let payload = facts.bootupd.as_ref()?;
    let (name, metadata) = match firmware {
        Firmware::Uefi => ("EFI", &payload.efi),
        Firmware::Bios => ("BIOS", &payload.bios),
    };
    facts.programs.contains("bootupctl").then_some(())?;
    Some(Component {
        payload,
        name,
        metadata: metadata.as_deref()?,
    })
}

/// The boot loader; none, with an error, where bootupd of the image could not install it either.
pub(super) fn boot(
    wanted: Wanted<'_>,
    component: &Component<'_>,
    menu: &BootMenu,
    issues: &mut Issues,
) -> Option<BootPlan> {
    let Wanted {
        kickstart,
        plan,
        facts,
    } = wanted;
    let menu = menu.at(DIRECTORY);
    let payload = component.payload;
    let metadata = metadata(component, issues)?;
    let Some(configuration) = &payload.configuration else {
        let message = "bootupd of the image has no menu in `/usr/lib/bootupd/grub2-static`";
        issues.error(Code::BootLoaderMissing, message);
        return None;
    };
    let chain = match plan.firmware {
        Firmware::Uefi => Some(chain::read(payload, &plan.arch, issues)?),
        Firmware::Bios => None,
    };
    let has_command = chain
        .as_ref()
        .map_or_else(|| bios::bls(facts), |chain| chain.bls);
    // A function would be there for a GRUB without a command, until an update brings one that has it.
    if has_command != Some(BlsCommand::Patched) && !menu.path.is_empty() {
        let message = "the image's GRUB finds boot entries only on a partition for `/boot`, as bootupd's menu asks for them";
        issues
            .error(Code::BootLoaderMissing, message)
            .help("`reqpart --add-boot` adds one");
    }
    let text = configuration.menu();
    check_menu(kickstart, &text, issues);
    let mut boot = BootPlan {
        menu: files(kickstart, &menu, &text, has_command.is_some()),
        password: boot_password::file(kickstart.bootloader.as_ref(), plan.seed, DIRECTORY),
        ..BootPlan::default()
    };
    let mut recorded = Vec::new();
    match plan.firmware {
        Firmware::Uefi => {
            let chain = chain?;
            boot.esp = Some(esp(plan, &chain, (configuration, &menu), issues)?);
            recorded = chain.files;
        }
        Firmware::Bios if plan.boot_options.keep_mbr => return Some(boot),
        Firmware::Bios => {
            let modules = bios::all_modules(facts, &menu);
            let bios = bios::bios(plan, facts, &menu, issues)?;
            boot.bios = Some(BiosPlan { modules, ..bios });
        }
    }
    boot.bootupd = Some(BootupdPlan {
        path: STATE.to_owned(),
        state: state(component.name, &metadata),
        component: component.name.to_owned(),
        files: recorded,
    });
    Some(boot)
}

/// What the image says about a component, without what it says about other boot loaders than GRUB.
fn metadata(component: &Component<'_>, issues: &mut Issues) -> Option<Value> {
    let name = component.name;
    let mut refuse = |why: &str| {
        let message = format!("bootupd of the image cannot install `{name}`: {why}");
        issues.error(Code::BootLoaderMissing, message);
        None
    };
    let Ok(Value::Object(mut metadata)) = serde_json::from_str(component.metadata) else {
        return refuse("its metadata are not as expected");
    };
    let default = metadata.get("default-bootloader").and_then(Value::as_str);
    if let Some(other) = default.filter(|name| *name != "Grub") {
        return refuse(&format!("its boot loader is {other}, not GRUB"));
    }
    let is_timed = metadata.get("timestamp").is_some_and(Value::is_string);
    let Some(version) = metadata
        .get("version")
        .and_then(Value::as_str)
        .filter(|_| is_timed)
    else {
        return refuse("its metadata have no version, or no time");
    };
    let is_other = |package: &str| OTHERS.iter().any(|other| package.starts_with(other));
    let version: Vec<&str> = version.split(',').filter(|one| !is_other(one)).collect();
    let version = version.join(",");
    metadata.insert("version".to_owned(), version.into());
    if let Some(Value::Array(versions)) = metadata.get_mut("versions") {
        versions.retain(|one| {
            !one["name"]
                .as_str()
                .is_some_and(|name| OTHERS.contains(&name))
        });
    }
    Some(metadata.into())
}

/// bootupd's record, but for the files.
fn state(component: &str, metadata: &Value) -> Value {
    json!({
        "installed": {
            component: { "meta": metadata, "filetree": null, "adopted-from": null },
        },
        "pending": null,
        // Who has put the menu there; bootupd has its own version here.
        "static-configs": {
            "timestamp": metadata["timestamp"],
            "version": "landfall",
            "versions": null,
            "default-bootloader": null,
        },
    })
}

impl StaticConfiguration {
    /// The whole menu.
    fn menu(&self) -> String {
        let part = |(name, text): &(String, String)| {
            let end = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            format!("\n### BEGIN {name} ###\n{text}{end}### END {name} ###\n")
        };
        let parts: Vec<String> = self.parts.iter().map(part).collect();
        format!(
            "# Generated by bootupd / do not edit\n\n{}{}",
            self.before,
            parts.concat()
        )
    }
}

/// What the kickstart wants of the menu, and this menu cannot do.
fn check_menu(kickstart: &Kickstart, text: &str, issues: &mut Issues) {
    let Some(command) = &kickstart.bootloader else {
        return;
    };
    if command.password.is_some() && !text.contains("GRUB2_PASSWORD") {
        let message = "the menu of the image's bootupd knows no password";
        issues
            .error(Code::BootLoaderMissing, message)
            .at(&command.location);
    }
    if command.timeout.is_some() && !text.contains("custom.cfg") {
        let message =
            "`bootloader --timeout` has no effect: the menu of the image's bootupd has its own";
        issues
            .warning(Code::NoEffect, message)
            .at(&command.location);
    }
}

/// The files of the menu, below `/boot`: bootupd's, and those of the user's that its menu reads.
fn files(
    kickstart: &Kickstart,
    menu: &BootMenu,
    text: &str,
    has_command: bool,
) -> Vec<(String, String)> {
    let calls = || grub_script::commands(text);
    let needs_function = !has_command && calls().iter().any(|command| command == "blscfg");
    let mut whole = String::new();
    if needs_function {
        whole = render(Template::BootupdMenu, menu);
    }
    whole += text;
    let mut files = vec![
        ("grub.cfg", whole),
        ("bootuuid.cfg", boot_uuid(menu)),
        ("grubenv", empty_environment()),
    ];
    if menu.serial.is_some() {
        files.push(("console.cfg", render(Template::BootupdConsole, menu)));
    }
    let command = kickstart.bootloader.as_ref();
    if let Some(seconds) = command.and_then(|command| command.timeout) {
        files.push(("custom.cfg", format!("set timeout={seconds}\n")));
    }
    let below = |(name, text)| (format!("{DIRECTORY}/{name}"), text);
    files.into_iter().map(below).collect()
}

fn boot_uuid(menu: &BootMenu) -> String {
    format!("set BOOT_UUID=\"{}\"\n", menu.uuid)
}

/// GRUB's environment without a variable.
fn empty_environment() -> String {
    let mut text = "# GRUB Environment Block\n".to_owned();
    text += &"#".repeat(ENVIRONMENT_BYTES - text.len());
    text
}

fn esp(
    plan: &Plan,
    chain: &Chain,
    (configuration, menu): (&StaticConfiguration, &BootMenu),
    issues: &mut Issues,
) -> Option<EspPlan> {
    let (_, removable, suffix) = EFI_NAMES.iter().find(|(arch, ..)| *arch == plan.arch)?;
    let (files, vendor) = (&chain.files, &chain.vendor);
    let (disk, partition) = plan.mounted_at("/boot/efi")?;
    chain.check_room(partition.size_bytes, issues)?;
    let removable = format!("BOOT/{removable}");
    if !files
        .iter()
        .any(|file| file.to.eq_ignore_ascii_case(&removable))
    {
        let message = format!(
            "bootupd of the image installs no `EFI/{removable}`: the disk starts only by an entry of the firmware"
        );
        issues.warning(Code::BootLoaderMissing, message);
    }
    let copies = files.iter().map(|file| Copy {
        from: file.from.clone(),
        to: format!("EFI/{}", file.to),
    });
    let mut copies: Vec<Copy> = copies.collect();
    copies.sort_by_key(|copy| chain::rank(&copy.to));
    let directory = format!("EFI/{vendor}");
    Some(EspPlan {
        device: disk.device.clone(),
        number: partition.number,
        files: vec![
            (format!("{directory}/grub.cfg"), configuration.stub.clone()),
            (format!("{directory}/bootuuid.cfg"), boot_uuid(menu)),
        ],
        chain: copies,
        entry: plan
            .boot_options
            .entry
            .then(|| entry(plan, vendor, (disk, partition), suffix)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_boot_loaders_are_not_in_the_record() {
        let text = json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "version": "grub-cc-1,grub2-1:2.12-9,shim-16",
            "versions": [{"name": "grub-cc", "rpm_evr": "1"}, {"name": "shim", "rpm_evr": "16"}],
        });
        let payload = BootupdPayload::default();
        let of = |metadata: &str| {
            let component = Component {
                payload: &payload,
                name: "EFI",
                metadata,
            };
            let mut issues = Issues::default();
            let found = super::metadata(&component, &mut issues);
            found.ok_or_else(|| issues.0[0].message.clone())
        };
        let metadata = of(&text.to_string()).unwrap();
        assert_eq!(metadata["version"], "grub2-1:2.12-9,shim-16");
        assert_eq!(
            metadata["versions"],
            json!([{"name": "shim", "rpm_evr": "16"}])
        );
        for (text, why) in [
            ("[]", "not as expected"),
            ("{", "not as expected"),
            (r#"{"version": "1"}"#, "no version, or no time"),
            (
                r#"{"timestamp": "x", "version": "1", "default-bootloader": "Systemd"}"#,
                "is Systemd, not GRUB",
            ),
        ] {
            let message = of(text).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn the_environment_is_of_its_size() {
        let text = empty_environment();
        assert_eq!(text.len(), 1024);
        assert!(text.starts_with("# GRUB Environment Block\n###"));
    }
}
