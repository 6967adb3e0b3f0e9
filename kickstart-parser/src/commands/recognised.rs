// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Commands that are recognised by their word and not looked into: those without effect when an image is
//! installed, those that are not supported yet, those that left the language.
//!
//! A command moves out of here into a file of its own when Landfall carries it out.

use crate::arguments::{Command, Effect};

const PACKAGES: Effect = Effect::None("the image decides what is installed");
const MEDIUM: Effect =
    Effect::None("an image is installed, not packages from a medium or repository");
const NO_DESKTOP: Effect = Effect::None("the image decides what the system starts");
const NO_REMOTE: Effect =
    Effect::None("the installer asks nothing, so there is nothing to look at");

const fn none(words: &'static [&'static str], effect: Effect, summary: &'static str) -> Command {
    Command::recognised(words, effect, summary)
}

const fn not_yet(words: &'static [&'static str], summary: &'static str) -> Command {
    Command::recognised(words, Effect::NotYet, summary)
}

const fn removed(words: &'static [&'static str], summary: &'static str) -> Command {
    Command::recognised(words, Effect::Removed, summary)
}

pub(super) static COMMANDS: &[Command] = &[
    none(&["cdrom"], MEDIUM, "Installs packages from an optical disc"),
    none(
        &["eula"],
        Effect::None("there is no licence to agree to"),
        "Agrees to the licence",
    ),
    none(
        &["firstboot"],
        NO_DESKTOP,
        "Starts the set-up agent on first boot",
    ),
    none(&["harddrive"], MEDIUM, "Installs packages from a disk"),
    none(&["hmc"], MEDIUM, "Installs packages from an HMC"),
    none(&["liveimg"], MEDIUM, "Installs a file system image"),
    none(&["mediacheck"], MEDIUM, "Checks the installation medium"),
    none(&["nfs"], MEDIUM, "Installs packages from an NFS server"),
    none(&["rdp"], NO_REMOTE, "Shows the installer over RDP"),
    none(&["repo"], PACKAGES, "Adds a package repository"),
    none(&["skipx"], NO_DESKTOP, "Leaves X unconfigured"),
    none(
        &["updates"],
        Effect::None("the installer is not Anaconda"),
        "Updates the installer",
    ),
    none(&["url"], MEDIUM, "Installs packages from a repository"),
    none(&["xconfig"], NO_DESKTOP, "Configures X"),
    not_yet(&["authselect"], "Sets up authentication"),
    not_yet(&["autopart"], "Makes partitions by a default layout"),
    not_yet(&["btrfs"], "Makes a btrfs volume or subvolume"),
    not_yet(&["driverdisk"], "Loads drivers"),
    not_yet(&["fcoe"], "Attaches disks over FCoE"),
    not_yet(&["iscsi"], "Attaches disks over iSCSI"),
    not_yet(&["iscsiname"], "Names the iSCSI initiator"),
    not_yet(&["logging"], "Sends the installer's log to a server"),
    not_yet(&["logvol"], "Makes a logical volume"),
    not_yet(&["mount"], "Mounts an existing device"),
    not_yet(&["ostreesetup"], "Installs from an ostree repository"),
    not_yet(&["raid"], "Makes a RAID device"),
    not_yet(&["realm"], "Joins a domain"),
    not_yet(&["rescue"], "Starts the rescue mode"),
    not_yet(&["rhsm"], "Registers with Red Hat"),
    not_yet(&["selinux"], "Sets the SELinux mode"),
    not_yet(&["snapshot"], "Makes an LVM snapshot"),
    not_yet(
        &["sshpw"],
        "Makes an account in the installer's environment",
    ),
    not_yet(&["stratisfs"], "Makes a Stratis file system"),
    not_yet(&["stratispool"], "Makes a Stratis pool"),
    not_yet(&["syspurpose"], "Says what the system is for"),
    not_yet(&["timesource"], "Sets time servers"),
    not_yet(&["volgroup"], "Makes an LVM volume group"),
    not_yet(&["zfcp"], "Attaches disks over zFCP"),
    not_yet(&["zipl"], "Configures zipl"),
    removed(&["auth", "authconfig"], "`authselect` has taken its place"),
    removed(
        &["autostep"],
        "it showed every dialogue of the graphical installer; leave it out",
    ),
    removed(&["device"], "drivers are loaded on demand; leave it out"),
    removed(
        &["deviceprobe"],
        "devices are found without it; leave it out",
    ),
    removed(&["dmraid"], "firmware RAID needs no command; leave it out"),
    removed(
        &["install"],
        "installing is what a kickstart does; leave it out",
    ),
    removed(
        &["method"],
        "use the command of the installation source itself",
    ),
    removed(
        &["module"],
        "modules are gone, and the image decides what is installed; leave it out",
    ),
    removed(
        &["multipath"],
        "multipath devices need no command; leave it out",
    ),
    removed(&["nvdimm"], "use `ndctl` in `%pre`"),
    removed(
        &["vnc"],
        "the installer asks nothing, so there is nothing to look at; leave it out",
    ),
];
