// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `volgroup`: an LVM volume group.
//!
//! Takes the line, gives [`VolGroup`] with sizes as written. Whether the physical volumes exist is the planner's
//! business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Effect, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["volgroup"],
    summary: "Makes an LVM volume group",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[&[
        Opt::int(&["--pesize"], "Size of the physical extents in KiB"),
        Opt::int(&["--reserved-space"], "Space to leave unused in MiB"),
        Opt::int(
            &["--reserved-percent"],
            "Space to leave unused in percent, 1 to 99",
        ),
        Opt::flag(&["--noformat"], "Use an existing volume group"),
        Opt::flag(&["--useexisting"], "Use an existing volume group"),
    ]],
    operand: Some(Operand::any(
        "<name>",
        "Name of the volume group, then its physical volumes like `pv.N`",
    )),
    rank: 132,
    convert,
    write,
    ..Command::BASE
};

/// A volume group
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VolGroup {
    /// Name of the volume group
    pub name: String,
    /// Its physical volumes; none of an existing group
    pub partitions: Vec<String>,
    /// Size of the physical extents in KiB; not range-checked
    pub pesize: Option<i64>,
    /// Space left unused in MiB, not negative
    pub reserved_space: Option<i64>,
    /// Space left unused in percent, 1 to 99
    pub reserved_percent: Option<i64>,
    /// It is kept as it is
    pub noformat: bool,
    /// The volume group exists; so it does with `noformat`
    pub useexisting: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = VolGroup {
        name: given.first_operand().unwrap_or("").to_owned(),
        partitions: given
            .operands
            .iter()
            .skip(1)
            .map(|word| word.text.to_string())
            .collect(),
        pesize: given.int("--pesize"),
        reserved_space: given.int("--reserved-space"),
        reserved_percent: given.int("--reserved-percent"),
        noformat: given.flag("--noformat"),
        useexisting: given.flag("--useexisting") || given.flag("--noformat"),
    };
    check_reserved(&value, given, findings);
    match (given.operands.as_slice(), value.useexisting) {
        ([], _) => return given.lacks("the name of the volume group", &[], findings),
        ([_], false) => {
            given.lacks(
                "physical volumes after the name",
                &["--useexisting", "--noformat"],
                findings,
            );
        }
        ([_, volume, ..], true) => {
            let message = "an existing volume group has its physical volumes already";
            findings
                .error(Code::UnexpectedArgument, volume.location(), message)
                .help("give the name only, or leave out `--useexisting` and `--noformat`");
        }
        _ => {}
    }
    kickstart.volgroup.push(given.locate(value));
}

fn check_reserved(volgroup: &VolGroup, given: &Arguments<'_>, findings: &mut Findings) {
    if volgroup.reserved_space.is_some_and(|size| size < 0) {
        let at = given.location_of("--reserved-space");
        findings.error(
            Code::InvalidValue,
            at,
            "`--reserved-space` cannot be negative",
        );
    }
    let percent = volgroup.reserved_percent;
    if percent.is_some_and(|percent| !(1..=99).contains(&percent)) {
        let at = given.location_of("--reserved-percent");
        findings.error(
            Code::InvalidValue,
            at,
            "`--reserved-percent` is a number from 1 to 99",
        );
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for volgroup in &kickstart.volgroup {
        writer.put(format_args!("volgroup {}", volgroup.name));
        writer.flag("--noformat", volgroup.noformat);
        writer.number("--pesize", volgroup.pesize);
        writer.flag("--useexisting", volgroup.useexisting);
        writer.number("--reserved-space", volgroup.reserved_space);
        writer.number("--reserved-percent", volgroup.reserved_percent);
        if !volgroup.useexisting {
            writer.put(format_args!(" {}", Joined(&volgroup.partitions, " ")));
        }
        writer.trim_end();
        writer.put("\n");
    }
}
