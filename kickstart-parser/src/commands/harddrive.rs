// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `harddrive`: packages come from a directory on a disk.
//!
//! Takes the options of the line, gives [`HardDrive`]. RHEL 8 can also name the partition as the BIOS counts it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["harddrive"],
    summary: "Installs packages from a disk",
    effect: Effect::None("an image is installed, not packages from a medium or repository"),
    options: &[&[
        Opt::text(
            &["--biospart"],
            "Partition as the BIOS counts it, like `80p1`",
        )
        .only(WITH_BIOSPART),
        Opt::text(&["--partition"], "Partition, like `sdb2`")
            .required_in(Versions::ALL.except(WITH_BIOSPART)),
        Opt::text(&["--dir"], "Directory with the installation tree or images").required(),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Versions with a choice of two ways to name the partition
const WITH_BIOSPART: Versions = Versions::RHEL8;

/// Packages come from a directory on a disk
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HardDrive {
    /// Partition as the BIOS counts it
    pub biospart: Option<String>,
    /// Partition; empty if `biospart` names it
    pub partition: String,
    /// Directory with the installation tree or images
    pub dir: String,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if WITH_BIOSPART.has(given.syntax) {
        match (given.has("--biospart"), given.has("--partition")) {
            (true, true) => given.exclude("--biospart", "--partition", findings),
            (false, false) => {
                given.lacks(
                    "`--partition` or `--biospart`",
                    &["--partition", "--biospart"],
                    findings,
                );
            }
            _ => {}
        }
    }
    let owned = |name| given.raw(name).map(str::to_owned);
    kickstart.harddrive = Some(given.locate(HardDrive {
        biospart: owned("--biospart"),
        partition: owned("--partition").unwrap_or_default(),
        dir: owned("--dir").unwrap_or_default(),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(drive) = &kickstart.harddrive else {
        return;
    };
    writer.put("# Use hard drive installation media\nharddrive");
    writer.quoted("--dir", Some(&drive.dir));
    match &drive.biospart {
        Some(biospart) if WITH_BIOSPART.has(writer.syntax) => {
            writer.value("--biospart", Some(biospart));
        }
        _ => writer.value("--partition", Some(&drive.partition)),
    }
    writer.put("\n");
}
