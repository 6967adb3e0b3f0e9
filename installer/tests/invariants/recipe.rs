// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The storage part of a kickstart, and what it means: which disks and partitions it names.

use std::fmt::Write;

use landfall_installer::inventory::{Disk, Partition as Old};
use landfall_installer::plan::Label;

use super::{LVM, is_container};

/// The storage part of a kickstart.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) clear: Option<Clear>,
    pub(crate) zerombr: bool,
    /// `--only-use` or `--drives`, with names of disks.
    pub(crate) ignore: Option<(bool, Vec<String>)>,
    /// Partitions that are there and that the new system uses.
    pub(crate) takes: Vec<Take>,
    /// With `--add-boot`.
    pub(crate) reqpart: Option<bool>,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub(crate) struct Clear {
    /// `all`, `linux`, `none`; otherwise a list of partitions.
    pub(crate) mode: &'static str,
    pub(crate) list: Vec<String>,
    pub(crate) drives: Vec<String>,
    pub(crate) initlabel: bool,
    pub(crate) msdos: bool,
}

/// A line `part --onpart`.
#[derive(Debug, Clone)]
pub(crate) struct Take {
    /// Of the partition: `sda3`.
    pub(crate) name: String,
    pub(crate) mount: &'static str,
    /// Otherwise it is formatted.
    pub(crate) keep: bool,
    /// New size in MiB.
    pub(crate) resize: Option<u64>,
}

impl Take {
    fn text(&self) -> String {
        let keep = if self.keep { " --noformat" } else { "" };
        let resize = self.resize.map(|size| format!(" --resize --size={size}"));
        let (mount, name) = (self.mount, &self.name);
        format!(
            "part {mount} --onpart={name}{keep}{}\n",
            resize.unwrap_or_default()
        )
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) mount: &'static str,
    pub(crate) size: Option<u64>,
    pub(crate) grow: bool,
    pub(crate) maxsize: Option<u64>,
    pub(crate) fstype: Option<&'static str>,
    pub(crate) ondisk: Option<&'static str>,
}

impl Part {
    pub(crate) fn base(&self) -> u64 {
        self.size.unwrap_or(500)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("part {}", self.mount);
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, " --{name}={value}");
            }
        };
        option("size", self.size.map(|size| size.to_string()));
        option("maxsize", self.maxsize.map(|size| size.to_string()));
        option("fstype", self.fstype.map(str::to_owned));
        option("ondisk", self.ondisk.map(str::to_owned));
        text + if self.grow { " --grow\n" } else { "\n" }
    }
}

impl Recipe {
    pub(crate) fn text(&self) -> String {
        let mut text = "ostreecontainer --url registry.example.com/lab/plain:v1\n".to_owned();
        if let Some(clear) = &self.clear {
            text += &clear.text();
        }
        if self.zerombr {
            text += "zerombr\n";
        }
        if let Some((only, disks)) = &self.ignore {
            let option = if *only { "only-use" } else { "drives" };
            let _ = writeln!(text, "ignoredisk --{option}={}", disks.join(","));
        }
        if let Some(add_boot) = self.reqpart {
            text += if add_boot {
                "reqpart --add-boot\n"
            } else {
                "reqpart\n"
            };
        }
        let takes = self.takes.iter().map(Take::text);
        let parts = self.parts.iter().map(Part::text);
        text + &parts.chain(takes).collect::<String>()
    }

    /// The line about a partition that is there.
    pub(crate) fn take(&self, disk: &Disk, number: u32) -> Option<&Take> {
        let name = format!("{}{number}", disk.name());
        self.takes.iter().find(|take| take.name == name)
    }

    /// The kickstart lets the installer use this disk at all.
    pub(crate) fn may_use(&self, disk: &Disk) -> bool {
        let named = |disks: &[String]| disks.iter().any(|name| name == disk.name());
        self.ignore
            .as_ref()
            .is_none_or(|(only, disks)| *only == named(disks))
    }

    /// The kickstart has this partition removed.
    pub(crate) fn removes(&self, disk: &Disk, old: &Old) -> bool {
        let Some(clear) = self.clear.as_ref().filter(|clear| clear.covers(disk)) else {
            return false;
        };
        if is_container(old) {
            return self.empties(disk);
        }
        if !clear.list.is_empty() {
            return clear
                .list
                .contains(&format!("{}{}", disk.name(), old.number));
        }
        match clear.mode {
            "all" => true,
            "linux" => {
                matches!(old.kind.as_str(), LVM | "8e")
                    || matches!(old.fs.as_deref(), Some("ext4" | "LVM2_member"))
            }
            _ => false,
        }
    }

    /// The last logical partition goes, and the container with it.
    fn empties(&self, disk: &Disk) -> bool {
        let others = || disk.partitions.iter().filter(|old| !is_container(old));
        let mut logical = others().filter(|old| old.number > 4);
        logical.all(|old| self.removes(disk, old)) && others().any(|old| self.removes(disk, old))
    }

    /// The table of the disk afterwards, if it can be used.
    pub(crate) fn label(&self, disk: &Disk) -> Option<Label> {
        let msdos = self.clear.as_ref().is_some_and(|clear| clear.msdos);
        match disk.table.as_deref() {
            _ if self.relabels(disk) => Some(if msdos { Label::Mbr } else { Label::Gpt }),
            Some("gpt") => Some(Label::Gpt),
            Some("dos") => Some(Label::Mbr),
            _ => None,
        }
    }

    /// The disk gets a new table: nothing stays on it, and the kickstart says so.
    pub(crate) fn relabels(&self, disk: &Disk) -> bool {
        let blank = disk.table.is_none() && disk.fs.is_none();
        let emptied = disk.partitions.iter().all(|old| self.removes(disk, old));
        let by_clear = self.clear.as_ref().is_some_and(|clear| {
            let ours = disk.fs.as_deref() == Some("LVM2_member");
            clear.covers(disk)
                && clear.list.is_empty()
                && match clear.mode {
                    "all" => true,
                    "linux" => emptied && (ours || (clear.initlabel && disk.fs.is_none())),
                    _ => disk.partitions.is_empty() && disk.fs.is_none() && clear.initlabel,
                }
        });
        (self.zerombr && blank) || by_clear
    }
}

impl Clear {
    pub(crate) fn covers(&self, disk: &Disk) -> bool {
        self.drives.is_empty() || self.drives.iter().any(|name| name == disk.name())
    }

    pub(crate) fn text(&self) -> String {
        let mut text = "clearpart".to_owned();
        if self.list.is_empty() {
            let _ = write!(text, " --{}", self.mode);
        } else {
            let _ = write!(text, " --list={}", self.list.join(","));
        }
        if !self.drives.is_empty() {
            let _ = write!(text, " --drives={}", self.drives.join(","));
        }
        if self.initlabel {
            text += " --initlabel";
        }
        text + if self.msdos {
            " --disklabel=msdos\n"
        } else {
            "\n"
        }
    }
}
