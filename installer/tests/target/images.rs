// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The images of the cases, as facts.

use std::collections::{BTreeMap, BTreeSet};

use landfall_installer::plan::{BiosPayload, BootPayload, ImageFacts, InstallKargs, SettingsFacts};

use super::boot_loaders;

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// Directories at the top of an image, with links into `/var`.
fn top() -> BTreeMap<String, Option<String>> {
    let links = ["home", "srv", "mnt", "opt", "media"].map(|name| (name, format!("var/{name}")));
    let links = links
        .into_iter()
        .map(|(name, to)| (name.to_owned(), Some(to)));
    let real = ["boot", "etc", "tmp", "usr", "var"].map(|name| (name.to_owned(), None));
    let root = ("root".to_owned(), Some("var/roothome".to_owned()));
    links.chain(real).chain([root]).collect()
}

fn users() -> BTreeMap<String, String> {
    let users = [
        ("root", "/root"),
        ("daemon", "/usr/sbin"),
        ("admin", "/home/admin"),
    ];
    users
        .map(|(name, home)| (name.to_owned(), home.to_owned()))
        .into()
}

/// Two rows of systemd's table, whose columns are separated by blanks.
const MODEL_MAP: &str = "# a comment\nus us pc105+inet - terminate:ctrl_alt_bksp\n\
    cz-lat2 cz pc105 qwerty terminate:ctrl_alt_bksp\n";
const CHRONY: &str =
    "# the image's\npool 2.debian.pool.ntp.org iburst\nmakestep 1 3\n  server a.test\n";

fn texts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    let texts = texts.iter();
    texts
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

/// A Debian with systemd-networkd and Debian's signed boot chain.
pub(crate) fn debian() -> ImageFacts {
    ImageFacts {
        kernel: "6.12.57+deb13-cloud-amd64".to_owned(),
        kargs: vec!["mitigations=auto".to_owned(), "nosmt".to_owned()],
        install_kargs: InstallKargs::default(),
        boot: Some(BootPayload {
            vendor: "debian".to_owned(),
            shim: "/usr/lib/shim/shimx64.efi.signed".to_owned(),
            grub: "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed".to_owned(),
            mok_manager: Some("/usr/lib/shim/mmx64.efi.signed".to_owned()),
            bls: None,
        }),
        bios: None,
        bootupd: None,
        programs: set(
            "ostree systemctl systemd-tmpfiles chpasswd chage useradd usermod groupadd install chown",
        ),
        units: set("sshd.service systemd-networkd.service fstrim.timer cups.service"),
        users: users(),
        groups: set("root daemon sudo"),
        zones: set("Europe/Prague UTC"),
        locales: Some(set("C C.utf8 POSIX cs_CZ.utf8")),
        top: top(),
        bound_images: Vec::new(),
        selinux: false,
        settings: SettingsFacts {
            texts: texts(&[
                ("/usr/share/systemd/kbd-model-map", MODEL_MAP),
                ("/etc/chrony/chrony.conf", CHRONY),
            ]),
            ..SettingsFacts::default()
        },
    }
}

/// An image with NetworkManager and firewalld, without `MokManager` and kernel arguments.
fn networkmanager() -> ImageFacts {
    let mut facts = debian();
    facts.kargs.clear();
    facts.boot = facts.boot.map(|boot| BootPayload {
        vendor: "lab".to_owned(),
        mok_manager: None,
        ..boot
    });
    facts.programs.insert("firewall-offline-cmd".to_owned());
    facts.units.insert("NetworkManager.service".to_owned());
    facts.locales = None;
    facts
}

/// An image that has a kernel, root, and what boots it.
fn bare_but_bootable() -> ImageFacts {
    ImageFacts {
        programs: set("ostree systemd-tmpfiles chpasswd chage"),
        units: BTreeSet::new(),
        groups: BTreeSet::new(),
        zones: BTreeSet::new(),
        locales: None,
        kargs: Vec::new(),
        ..debian()
    }
}

/// A Debian with GRUB for BIOS that has the usual modules and `more`.
pub(crate) fn bios(more: &str) -> ImageFacts {
    let modules = "biosdisk part_gpt search_fs_uuid search normal configfile linux serial terminal echo test \
                   regexp ls cat loadenv boot halt reboot minicmd password_pbkdf2 ";
    ImageFacts {
        bios: Some(BiosPayload {
            directory: "/usr/lib/grub/i386-pc".to_owned(),
            mkimage: "/usr/bin/grub-mkimage".to_owned(),
            modules: set(&format!("{modules}{more}")),
            files: ["all_video.mod", "command.lst"].map(str::to_owned).to_vec(),
        }),
        ..debian()
    }
}

/// An image that has all of what kickstarts can set up.
fn full() -> ImageFacts {
    let mut facts = networkmanager();
    facts.programs.extend(set("authselect realm"));
    facts.units.extend(set(
        "chrony.service chronyd.service initial-setup.service getty@.service serial-getty@.service",
    ));
    facts.selinux = true;
    let settings = &mut facts.settings;
    settings.keymaps = set("us cz-lat2");
    settings.fonts = set("eurlatgr");
    settings.network_plugins = set("libnm-device-plugin-team.so");
    settings.texts.extend(texts(&[(
        "/etc/selinux/config",
        "# the mode\nSELINUX=enforcing\nSELINUXTYPE=targeted\n",
    )]));
    facts
}

/// An image that brings its own settings, and no zones but one.
fn settled() -> ImageFacts {
    let mut facts = networkmanager();
    facts.zones = set("America/New_York");
    let keyfiles = "/etc/NetworkManager/system-connections";
    facts.settings.files = set(&format!("/etc/hostname {keyfiles}/enp1s0.nmconnection"));
    facts
}

/// The image of a case.
pub(crate) fn facts(image: &str) -> ImageFacts {
    match image {
        "debian" | "bios-missing" => debian(),
        "networkmanager" => networkmanager(),
        "bare-but-bootable" => bare_but_bootable(),
        "bios" => bios("xfs part_msdos"),
        "in-environment" => ImageFacts {
            install_kargs: InstallKargs {
                add: vec!["image.install=1".to_owned(), "quiet".to_owned()],
                delete: vec!["quiet".to_owned(), "nosmt".to_owned()],
            },
            ..debian()
        },
        "bios-without-modules" => bios(""),
        "bare" => ImageFacts {
            kernel: "6.12.57".to_owned(),
            ..ImageFacts::default()
        },
        "bound" => ImageFacts {
            bound_images: vec!["tools.container".to_owned()],
            ..debian()
        },
        "full" => full(),
        "chrony-bare" => {
            let mut facts = networkmanager();
            facts.units.insert("chronyd.service".to_owned());
            facts.settings.texts.clear();
            facts
        }
        "timesyncd" => {
            let mut facts = debian();
            facts.units.insert("systemd-timesyncd.service".to_owned());
            facts
        }
        "settled" => settled(),
        "selinux-off" => {
            let mut facts = debian();
            let config = (
                "/etc/selinux/config",
                "SELINUX=disabled\nSELINUXTYPE=default\n",
            );
            facts.settings.texts.extend(texts(&[config]));
            facts
        }
        "strange" => ImageFacts {
            kargs: vec!["quiet;reboot".to_owned()],
            ..debian()
        },
        "selinux" => ImageFacts {
            selinux: true,
            ..debian()
        },
        other => boot_loaders::facts(other),
    }
}
