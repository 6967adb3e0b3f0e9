// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `snapshot`: a snapshot of a logical volume.
//!
//! Takes the line, gives [`Snapshot`]. Whether the volume exists is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["snapshot"],
    summary: "Makes a snapshot of a logical volume",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(&["--name"], "Name of the snapshot").required(),
        Opt::keyword(
            &["--when"],
            &["pre-install", "post-install"],
            "Whether it is made before the installation or after it",
        )
        .required(),
    ]],
    operand: Some(Operand::one(
        "<originVG/originLV>",
        "Volume group and logical volume",
    )),
    rank: 140,
    convert,
    write,
    ..Command::BASE
};

/// A snapshot
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The logical volume, as `group/volume`
    pub origin: String,
    /// Name of the snapshot
    pub name: String,
    /// When it is made
    pub when: SnapshotTime,
}

/// When a snapshot is made
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotTime {
    /// Before the installation
    PreInstall,
    /// After the installation
    PostInstall,
}

impl SnapshotTime {
    /// The word for it
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
        }
    }
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if let Some(word) = given.operands.first().filter(|word| !is_volume(&word.text)) {
        let message = format!("{} is not `group/volume`", quote(&word.text));
        findings.error(Code::InvalidValue, word.location(), message);
    }
    check_name(given, findings, kickstart);
    let values = (
        given.first_operand(),
        given.raw("--name"),
        given.raw("--when"),
    );
    let (Some(origin), Some(name), Some(when)) = values else {
        return;
    };
    kickstart.snapshot.push(given.locate(Snapshot {
        origin: origin.to_owned(),
        name: name.to_owned(),
        when: if when.eq_ignore_ascii_case("pre-install") {
            SnapshotTime::PreInstall
        } else {
            SnapshotTime::PostInstall
        },
    }));
}

fn is_volume(origin: &str) -> bool {
    let parts = origin.split_once('/');
    parts.is_some_and(|(group, volume)| {
        !group.is_empty() && !volume.is_empty() && !volume.contains('/')
    })
}

fn check_name(given: &Arguments<'_>, findings: &mut Findings, kickstart: &Kickstart) {
    let Some(name) = given.raw("--name") else {
        return;
    };
    if let Some(earlier) = kickstart
        .snapshot
        .iter()
        .find(|snapshot| snapshot.name == name)
    {
        let message = format!("the snapshot {} is defined already", quote(name));
        let first = &earlier.location;
        findings
            .error(Code::Duplicate, given.location_of("--name"), message)
            .help(format!(
                "the first time is in {} line {}",
                quote(&first.file),
                first.line
            ));
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for snapshot in &kickstart.snapshot {
        writer.put(format_args!("snapshot {}", snapshot.origin));
        writer.value("--name", Some(&snapshot.name));
        writer.value("--when", Some(snapshot.when.as_str()));
        writer.put("\n");
    }
}
