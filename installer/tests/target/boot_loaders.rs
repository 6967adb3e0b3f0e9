// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images whose boot loader is bootupd's, or has a command for boot entries.

use landfall_installer::plan::{
    BlsCommand, BootPayload, BootupdPayload, ChainFile, ImageFacts, StaticConfiguration,
};

use super::images::{bios, debian};

/// The image of a case.
pub(crate) fn facts(image: &str) -> ImageFacts {
    match image {
        "bios-upstream" => with_command(BlsCommand::Upstream, "blsuki"),
        "bios-fedora" => with_command(BlsCommand::Patched, "blscfg gzio"),
        "fedora" => with_command(BlsCommand::Patched, ""),
        "bootupd" | "bios-bootupd" => bootupd(),
        other => odd_bootupd(other),
    }
}

/// A Debian whose GRUB, for UEFI and for BIOS, has a command for boot entries.
fn with_command(command: BlsCommand, module: &str) -> ImageFacts {
    let mut facts = bios(&format!("xfs part_msdos {module}"));
    facts.boot = facts.boot.map(|boot| BootPayload {
        bls: Some(command),
        ..boot
    });
    facts
}

const EFI_METADATA: &str = r#"{"timestamp":"2026-11-01T00:00:00Z","version":"grub-cc-1,grub2-1:2.12-9,shim-16",
    "versions":[{"name":"grub-cc","rpm_evr":"1"},{"name":"grub2","rpm_evr":"1:2.12-9"},{"name":"shim","rpm_evr":"16"}]}"#;
const BIOS_METADATA: &str = r#"{"timestamp":"2026-11-01T00:00:00Z","version":"grub2-tools-1:2.12-9.x86_64","versions":null}"#;

fn file(path: &str) -> ChainFile {
    ChainFile {
        path: path.to_owned(),
        bytes: Some(1 << 20),
        bls: None,
    }
}

/// The same, with this command built into GRUB.
fn bootupd_with(command: BlsCommand) -> ImageFacts {
    bootupd_but(|payload| {
        let mut files = payload.files.iter_mut();
        let grub = files.find(|file| file.path.starts_with("grub2/"));
        grub.unwrap().bls = Some(command);
    })
}

/// What bootupd would install, and nothing where packages of Debian have a boot chain.
fn bootupd() -> ImageFacts {
    let files = [
        "grub-cc/1/EFI/lab/grubx64.efi",
        "grub2/1:2.12-9/EFI/lab/grubx64.efi",
        "shim/16/EFI/BOOT/BOOTX64.EFI",
        "shim/16/EFI/BOOT/fbx64.efi",
        "shim/16/EFI/lab/BOOTX64.CSV",
        "shim/16/EFI/lab/mmx64.efi",
        "shim/16/EFI/lab/shimx64.efi",
    ];
    let part = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let configuration = StaticConfiguration {
        before: "set timeout=1\n".to_owned(),
        parts: vec![
            part("01_users.cfg", "password_pbkdf2 root ${GRUB2_PASSWORD}\n"),
            part("10_blscfg.cfg", "blscfg\n"),
            part("41_custom.cfg", "source $prefix/custom.cfg\n"),
        ],
        stub: "configfile $prefix/grub.cfg\n".to_owned(),
    };
    let mut facts = bios("xfs part_msdos");
    facts.programs.insert("bootupctl".to_owned());
    facts.units.insert("bootloader-update.service".to_owned());
    facts.boot = None;
    facts.bootupd = Some(BootupdPayload {
        efi: Some(EFI_METADATA.to_owned()),
        bios: Some(BIOS_METADATA.to_owned()),
        directory: "usr/lib/efi".to_owned(),
        files: files.map(file).to_vec(),
        configuration: Some(configuration),
    });
    facts
}

/// The same, changed.
fn bootupd_but(change: impl FnOnce(&mut BootupdPayload)) -> ImageFacts {
    let mut facts = bootupd();
    change(facts.bootupd.as_mut().unwrap());
    facts
}

/// Images with bootupd that it could not install from, and some that it installs nothing of.
fn odd_bootupd(image: &str) -> ImageFacts {
    match image {
        "bootupd-of-fedora" => bootupd_with(BlsCommand::Patched),
        "bootupd-upstream" => bootupd_with(BlsCommand::Upstream),
        "bootupd-systemd" => bootupd_but(|payload| {
            let other = EFI_METADATA.replacen('{', r#"{"default-bootloader":"Systemd","#, 1);
            payload.efi = Some(other);
        }),
        "bootupd-without-shim" => bootupd_but(|payload| {
            payload
                .files
                .retain(|file| !file.path.ends_with("shimx64.efi"));
        }),
        "bootupd-without-grub" => bootupd_but(|payload| {
            payload.files.retain(|file| !file.path.contains("grub2/"));
        }),
        "bootupd-with-two-shims" => bootupd_but(|payload| {
            payload.files.push(file("shim/16/EFI/other/shimx64.efi"));
        }),
        "bootupd-with-two-versions" => bootupd_but(|payload| {
            payload.files.push(file("shim/15/EFI/lab/shimx64.efi"));
        }),
        "bootupd-with-a-link" => bootupd_but(|payload| {
            let mut files = payload.files.iter_mut();
            let shim = files.find(|file| file.path.ends_with("shimx64.efi"));
            shim.unwrap().bytes = None;
        }),
        "bootupd-with-a-stub" => bootupd_but(|payload| {
            payload.files.push(file("grub2/1:2.12-9/EFI/LAB/GRUB.CFG"));
        }),
        "bootupd-too-large" => bootupd_but(|payload| {
            for number in 0..10 {
                let mut large = file(&format!("shim/16/EFI/lab/{number}.efi"));
                large.bytes = Some(64 << 20);
                payload.files.push(large);
            }
        }),
        "bootupd-without-menu" => bootupd_but(|payload| payload.configuration = None),
        "bootupd-bare-menu" => bootupd_but(|payload| {
            payload.files.retain(|file| !file.path.contains("BOOT/"));
            if let Some(configuration) = &mut payload.configuration {
                configuration.parts.clear();
            }
        }),
        "bootupd-not-for-it" => {
            let mut facts = bootupd_but(|payload| payload.efi = None);
            facts.boot = debian().boot;
            facts
        }
        "bootupd-not-run" => {
            let mut facts = bootupd();
            facts.programs.remove("bootupctl");
            facts
        }
        other => panic!("`{other}` is no image"),
    }
}
