// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Settings of the installed system that are neither network nor accounts, a file each, and what the image has to say
//! about them.
//!
//! Takes the commands and [`SettingsFacts`], gives actions with exact texts and arguments. As far as a kickstart says
//! nothing, the image's own settings stay, but for what each file names.

pub(super) mod authentication;
pub(super) mod desktop;
pub(super) mod firewall;
pub(super) mod keyboard;
pub(super) mod language;
pub(super) mod realm;
pub(super) mod record;
pub(super) mod selinux;
pub(super) mod services;
pub(super) mod time;

use std::collections::{BTreeMap, BTreeSet};

/// What the image's tree says about settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsFacts {
    /// Files that the image brings where network profiles and the host name are written, by their paths in the
    /// installed system.
    pub files: BTreeSet<String>,
    /// Texts of configuration files that are changed or looked up, by their paths in the installed system; see
    /// [`SettingsFacts::TEXTS`].
    pub texts: BTreeMap<String, String>,
    /// Names of console keymaps; empty where the image has none.
    pub keymaps: BTreeSet<String>,
    /// Names of console fonts, without extension.
    pub fonts: BTreeSet<String>,
    /// File names of `NetworkManager`'s device plugins.
    pub network_plugins: BTreeSet<String>,
}

impl SettingsFacts {
    /// The files whose texts are facts.
    pub const TEXTS: [&'static str; 6] = [
        time::CHRONY[0],
        time::CHRONY[1],
        selinux::CONFIG,
        keyboard::MODEL_MAP,
        keyboard::VCONSOLE,
        keyboard::DEBIAN,
    ];

    /// The text of one of them, where the image has it.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }
}
