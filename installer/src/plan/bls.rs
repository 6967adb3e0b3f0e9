// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GRUB's own command for boot entries as ostree writes them, `blscfg`, where a GRUB has it.
//!
//! There are two: a patch that Fedora and its relatives have carried since 2018, and a module of GRUB 2.14. Takes a GRUB's
//! modules or its binary, gives which of them it has, and the lines that list the entries with it. GRUB 2.12 has neither.

use std::collections::BTreeSet;

/// Which `blscfg` a GRUB has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlsCommand {
    /// Of the module `blscfg`.
    Patched,
    /// Of the module `blsuki`.
    Upstream,
}

impl BlsCommand {
    /// The one that is among these modules, names without `.mod`.
    pub fn of_modules(modules: &BTreeSet<String>) -> Option<Self> {
        [Self::Upstream, Self::Patched]
            .into_iter()
            .find(|command| modules.contains(command.module()))
    }

    /// The one that is built into a binary: a module's name stands in it, with a zero behind it.
    pub fn built_in(binary: &[u8]) -> Option<Self> {
        [Self::Upstream, Self::Patched].into_iter().find(|command| {
            let name = format!("{}\0", command.module());
            let mut windows = binary.windows(name.len());
            windows.any(|window| window == name.as_bytes())
        })
    }

    const fn module(self) -> &'static str {
        match self {
            Self::Patched => "blscfg",
            Self::Upstream => "blsuki",
        }
    }

    /// What a GRUB for BIOS needs built in for its entries.
    pub(super) const fn modules(self) -> &'static [&'static str] {
        match self {
            // Its entries load `gzio` by themselves.
            Self::Patched => &["blscfg", "gzio"],
            Self::Upstream => &["blsuki"],
        }
    }

    /// The lines that list the entries below `path`, where `/boot` is on its file system: empty, or `/boot`.
    pub(super) fn list(self, path: &str) -> String {
        match (self, path) {
            (_, "") => "blscfg".to_owned(),
            (Self::Patched, path) => format!("set blsdir={path}/loader/entries\nblscfg"),
            (Self::Upstream, path) => format!("blscfg --path {path}/loader/entries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(names: &str) -> BTreeSet<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_command_is_found_by_its_module() {
        let of = |names| BlsCommand::of_modules(&modules(names));
        assert_eq!(of("bli normal"), None);
        assert_eq!(of("normal blscfg"), Some(BlsCommand::Patched));
        assert_eq!(of("blsuki normal"), Some(BlsCommand::Upstream));
        let of = BlsCommand::built_in;
        assert_eq!(of(b"normal\0bli\0blscfg-less\0"), None);
        assert_eq!(of(b"blscfg"), None);
        assert_eq!(of(b"normal\0blscfg\0linux\0"), Some(BlsCommand::Patched));
        // The command of that module has the other's name.
        assert_eq!(of(b"blscfg\0blsuki\0"), Some(BlsCommand::Upstream));
    }

    #[test]
    fn entries_below_boot_are_found_by_both() {
        assert_eq!(BlsCommand::Upstream.list(""), "blscfg");
        assert_eq!(
            BlsCommand::Upstream.list("/boot"),
            "blscfg --path /boot/loader/entries"
        );
        assert_eq!(
            BlsCommand::Patched.list("/boot"),
            "set blsdir=/boot/loader/entries\nblscfg"
        );
    }
}
