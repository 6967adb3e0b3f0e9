// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The typed kickstart: every command that Landfall carries out, resolved over the whole file and its includes.
//!
//! A field that is `None` or empty was not given; defaults that depend on the machine are the planner's. Each
//! command's own type stands in its file under `commands/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commands::{
    Bootc, Bootloader, ClearPart, End, Firewall, Group, IgnoreDisk, Keyboard, Lang, Network,
    OstreeContainer, Part, ReqPart, RootPw, Services, SshKey, Timezone, User, ZeroMbr,
};
use crate::location::Located;
use crate::reading::Script;

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
    /// Scripts of all kinds, in the order written
    pub scripts: Vec<Script>,
}
