// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `mount`: an existing device gets a mount point.
//!
//! Takes the line, gives [`Mount`]. Whether the device exists, and what is on it, is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Operand, Opt, Repeat, Word, values};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["mount"],
    summary: "Mounts an existing device",
    repeat: Repeat::Adds,
    conflicts: &[
        Conflict {
            with: &["autopart", "part", "raid", "volgroup", "logvol", "reqpart"],
            versions: Versions::ALL,
        },
        Conflict {
            with: &["stratispool", "stratisfs"],
            versions: Versions::SINCE_F45,
        },
    ],
    options: &[OPTIONS],
    operand: Some(Operand::any(
        "<device>",
        "The device, then its mount point, which begins with `/` or is `none`",
    )),
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::optional_text(
        &["--reformat"],
        "Make a new file system, of the kind that is there or of this one",
    )
    .resets(),
    Opt::text(
        &["--mkfsoptions"],
        "Further arguments for the program that makes the file system",
    ),
    Opt::text(&["--mountoptions"], "Mount options, separated by commas"),
];

/// An existing device and its mount point
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Mount {
    /// The device
    pub device: String,
    /// Mount point, normalised, or `none` in any case
    pub mntpoint: String,
    /// A new file system is made
    pub reformat: bool,
    /// Its kind; the one that is there when it is not given
    pub format: Option<String>,
    /// Further arguments for the program that makes the file system
    pub mkfsoptions: Option<String>,
    /// Mount options
    pub mountoptions: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let mkfsoptions = given.text("--mkfsoptions");
    if mkfsoptions.is_some() && !given.has("--reformat") {
        given.needs("--mkfsoptions", "--reformat", findings);
    }
    let [device, mntpoint, extra @ ..] = given.operands.as_slice() else {
        return report_missing(given, findings);
    };
    if let Some(extra) = extra.first() {
        let message = format!(
            "`mount` takes two arguments, {} is one too many",
            quote(&extra.text)
        );
        findings.error(Code::UnexpectedArgument, extra.location(), message);
    }
    check_mount_point(mntpoint, findings);
    kickstart.mount.push(given.locate(Mount {
        device: device.text.to_string(),
        mntpoint: values::mount_point(&mntpoint.text),
        // `--reformat=` asks for a file system without a name, which is none.
        reformat: given.has("--reformat") && given.raw("--reformat") != Some(""),
        format: given.text("--reformat"),
        mkfsoptions,
        mountoptions: given.text("--mountoptions"),
    }));
}

fn report_missing(given: &Arguments<'_>, findings: &mut Findings) {
    let what = if given.operands.is_empty() {
        "a device and a mount point"
    } else {
        "a mount point after the device"
    };
    let message = format!("`mount` needs {what}");
    let found = findings.error(Code::MissingArgument, given.location(), message);
    if let Some(format) = given.raw("--reformat") {
        let help = format!(
            "{} was read as the value of `--reformat`, which may stand last",
            quote(format)
        );
        found.help(help);
    }
}

fn check_mount_point(word: &Word<'_>, findings: &mut Findings) {
    if !word.text.starts_with('/') && !word.text.eq_ignore_ascii_case("none") {
        let message = format!("{} is no mount point", quote(&word.text));
        findings
            .error(Code::InvalidValue, word.location(), message)
            .help("write a path that begins with `/`, or `none`");
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.mount.is_empty() {
        return;
    }
    writer.put("# Mount points configuration\n");
    for mount in &kickstart.mount {
        writer.put(format_args!("mount {} {}", mount.device, mount.mntpoint));
        match &mount.format {
            Some(format) => writer.value("--reformat", Some(format)),
            None => writer.flag("--reformat", mount.reformat),
        }
        writer.quoted("--mkfsoptions", mount.mkfsoptions.as_ref());
        writer.quoted("--mountoptions", mount.mountoptions.as_ref());
        writer.put("\n");
    }
    writer.put("\n");
}
