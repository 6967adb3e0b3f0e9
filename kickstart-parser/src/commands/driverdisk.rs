// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `driverdisk`: where drivers that the installer lacks come from.
//!
//! Takes the line, gives [`DriverDisk`]: exactly one of three ways to say where. Whether there is such a partition
//! or file is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["driverdisk"],
    summary: "Loads drivers from a partition or a server",
    effect: Effect::None("drivers come with the image"),
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(
            &["--source"],
            "URL of an image with drivers, or `nfs:HOST:PATH`",
        ),
        Opt::text(
            &["--biospart"],
            "Partition with drivers as the BIOS counts it, like `80p1`",
        ),
    ]],
    operand: Some(Operand::optional(
        PARTITION,
        "Partition with drivers, also as `LABEL=` or `UUID=`",
    )),
    convert,
    write,
    ..Command::BASE
};

const PARTITION: &str = "<partition>";

/// Where drivers are
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriverDisk {
    /// On a partition: a device name, `LABEL=` or `UUID=`
    Partition(String),
    /// At a URL, or at `nfs:HOST:PATH`
    Source(String),
    /// On a partition as the BIOS counts it
    BiosPart(String),
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let partition = given.first_operand().map(str::to_owned);
    let (source, biospart) = (given.text("--source"), given.text("--biospart"));
    let disk = match (partition, source, biospart) {
        (Some(partition), None, None) => DriverDisk::Partition(partition),
        (None, Some(source), None) => DriverDisk::Source(source),
        (None, None, Some(biospart)) => DriverDisk::BiosPart(biospart),
        (None, None, None) => {
            let what = "a partition, `--source` or `--biospart`";
            return given.lacks(what, &["--source", "--biospart"], findings);
        }
        (None, ..) => return given.exclude("--source", "--biospart", findings),
        (Some(_), Some(_), _) => return given.exclude(PARTITION, "--source", findings),
        (Some(_), None, _) => return given.exclude(PARTITION, "--biospart", findings),
    };
    kickstart.driverdisk.push(given.locate(disk));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for disk in &kickstart.driverdisk {
        writer.put("driverdisk ");
        match &disk.value {
            DriverDisk::Partition(partition) => writer.put(partition),
            DriverDisk::Source(source) => writer.put(format_args!("--source={source}")),
            DriverDisk::BiosPart(biospart) => writer.put(format_args!("--biospart={biospart}")),
        }
        writer.put("\n");
    }
}
