// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The typed kickstart: every command of the language, resolved over the whole file and its includes.
//!
//! A field that is `None` or empty was not given; defaults that depend on the machine are the planner's. Each
//! command's own type stands in its file under `commands/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commands::{
    Auth, Authselect, AutoPart, Autostep, Bootc, Bootloader, Btrfs, Cdrom, ClearPart, DisplayMode,
    DriverDisk, End, Eula, Fcoe, Firewall, FirstBoot, Group, HardDrive, Hmc, IgnoreDisk, Iscsi,
    IscsiName, Keyboard, Lang, LiveImg, LogVol, Logging, MediaCheck, Module, Mount, Network, Nfs,
    Nvdimm, OstreeContainer, OstreeSetup, Part, Raid, Rdp, Realm, Repo, ReqPart, Rescue, Rhsm,
    RootPw, Selinux, Services, Skipx, Snapshot, SshKey, SshPw, StratisFs, StratisPool, Syspurpose,
    TimeSource, Timezone, Updates, Url, User, Vnc, VolGroup, Xconfig, ZeroMbr, Zfcp, Zipl,
};
use crate::location::Located;
use crate::sections::{Certificate, Packages, Script, Verbatim};

/// What a kickstart asks for
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Kickstart {
    /// The image to install, `ostreecontainer`
    pub ostreecontainer: Option<Located<OstreeContainer>>,
    /// The image to install, `bootc`
    pub bootc: Option<Located<Bootc>>,
    /// Which partitions to remove first
    pub clearpart: Option<Located<ClearPart>>,
    /// Whether disks without a valid partition table are initialised
    pub zerombr: Option<Located<ZeroMbr>>,
    /// Which disks are used at all
    pub ignoredisk: Option<Located<IgnoreDisk>>,
    /// Whether the partitions that the platform needs are made
    pub reqpart: Option<Located<ReqPart>>,
    /// The partitions, in the order written
    pub part: Vec<Located<Part>>,
    /// Boot loader and kernel arguments
    pub bootloader: Option<Located<Bootloader>>,
    /// Network devices and host name, in the order written
    pub network: Vec<Located<Network>>,
    /// The system's language
    pub lang: Option<Located<Lang>>,
    /// The system's keyboard
    pub keyboard: Option<Located<Keyboard>>,
    /// The system's time zone
    pub timezone: Option<Located<Timezone>>,
    /// The root account
    pub rootpw: Option<Located<RootPw>>,
    /// Further accounts
    pub user: Vec<Located<User>>,
    /// Groups
    pub group: Vec<Located<Group>>,
    /// Keys for logging in over ssh
    pub sshkey: Vec<Located<SshKey>>,
    /// The firewall
    pub firewall: Option<Located<Firewall>>,
    /// Services to enable and disable
    pub services: Option<Located<Services>>,
    /// What the machine does when the installation is over
    pub end: Option<Located<End>>,
    /// How users are authenticated, in the words of authconfig
    pub auth: Option<Located<Auth>>,
    /// How users are authenticated, in the words of authselect
    pub authselect: Option<Located<Authselect>>,
    /// Whether the partitions follow a default layout
    pub autopart: Option<Located<AutoPart>>,
    /// Whether the graphical installer shows every dialogue
    pub autostep: Option<Located<Autostep>>,
    /// btrfs volumes and subvolumes, in the order written
    pub btrfs: Vec<Located<Btrfs>>,
    /// Packages from an optical disc
    pub cdrom: Option<Located<Cdrom>>,
    /// Where drivers come from, in the order written
    pub driverdisk: Vec<Located<DriverDisk>>,
    /// The licence is agreed to
    pub eula: Option<Located<Eula>>,
    /// Disks attached over Fibre Channel over Ethernet, in the order written
    pub fcoe: Vec<Located<Fcoe>>,
    /// Whether a set-up agent starts on first boot
    pub firstboot: Option<Located<FirstBoot>>,
    /// Packages from a disk
    pub harddrive: Option<Located<HardDrive>>,
    /// Packages from the console of a mainframe
    pub hmc: Option<Located<Hmc>>,
    /// Disks attached over iSCSI, in the order written
    pub iscsi: Vec<Located<Iscsi>>,
    /// The name of the iSCSI initiator
    pub iscsiname: Option<Located<IscsiName>>,
    /// The file system image to install
    pub liveimg: Option<Located<LiveImg>>,
    /// Where the installer's log goes
    pub logging: Option<Located<Logging>>,
    /// Logical volumes, in the order written
    pub logvol: Vec<Located<LogVol>>,
    /// Whether the installation medium is checked
    pub mediacheck: Option<Located<MediaCheck>>,
    /// Modules to enable or disable, in the order written
    pub module: Vec<Located<Module>>,
    /// Existing devices and their mount points, in the order written
    pub mount: Vec<Located<Mount>>,
    /// Packages from an NFS server
    pub nfs: Option<Located<Nfs>>,
    /// What is done with non-volatile memory, in the order written
    pub nvdimm: Vec<Located<Nvdimm>>,
    /// The branch of an ostree repository to install
    pub ostreesetup: Option<Located<OstreeSetup>>,
    /// RAID devices, in the order written
    pub raid: Vec<Located<Raid>>,
    /// Whether the installer is shown over RDP
    pub rdp: Option<Located<Rdp>>,
    /// The domain to join
    pub realm: Option<Located<Realm>>,
    /// Package repositories, in the order written
    pub repo: Vec<Located<Repo>>,
    /// A rescue shell in place of the installation
    pub rescue: Option<Located<Rescue>>,
    /// Registration with Red Hat's subscription management
    pub rhsm: Option<Located<Rhsm>>,
    /// The mode of SELinux
    pub selinux: Option<Located<Selinux>>,
    /// Whether the X Window System is left unconfigured
    pub skipx: Option<Located<Skipx>>,
    /// Snapshots of logical volumes, in the order written
    pub snapshot: Vec<Located<Snapshot>>,
    /// Accounts of the installer's own environment, in the order written
    pub sshpw: Vec<Located<SshPw>>,
    /// File systems in Stratis pools, in the order written
    pub stratisfs: Vec<Located<StratisFs>>,
    /// Stratis pools, in the order written
    pub stratispool: Vec<Located<StratisPool>>,
    /// What the system is for
    pub syspurpose: Option<Located<Syspurpose>>,
    /// Where the system gets its time from, in the order written
    pub timesource: Vec<Located<TimeSource>>,
    /// Changes to the installer
    pub updates: Option<Located<Updates>>,
    /// Packages from a repository
    pub url: Option<Located<Url>>,
    /// Whether the installer is shown over VNC
    pub vnc: Option<Located<Vnc>>,
    /// Volume groups, in the order written
    pub volgroup: Vec<Located<VolGroup>>,
    /// The graphical desktop
    pub xconfig: Option<Located<Xconfig>>,
    /// Disks attached over zFCP, in the order written
    pub zfcp: Vec<Located<Zfcp>>,
    /// The boot loader of IBM Z
    pub zipl: Option<Located<Zipl>>,
    /// How the installer talks to the user, `text`, `cmdline` or `graphical`
    pub display: Option<Located<DisplayMode>>,
    /// What `#platform=` says
    pub platform: Option<String>,
    /// Scripts of all kinds, in the order written
    pub scripts: Vec<Script>,
    /// The packages to install, `%packages`; all its sections together
    pub packages: Option<Packages>,
    /// Certificates to trust, in the order written
    pub certificates: Vec<Certificate>,
    /// `%addon` and `%anaconda` sections, in the order written
    pub verbatim: Vec<Verbatim>,
}
