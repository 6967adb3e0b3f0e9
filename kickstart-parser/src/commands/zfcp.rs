// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `zfcp`: disks of an IBM Z machine that are attached over Fibre Channel.
//!
//! Takes the options of the line, gives [`Zfcp`]. The numbers are not checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["zfcp"],
    summary: "Attaches disks over zFCP",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(
            &["--devnum"],
            "Device bus ID of the adapter, like `0.0.4000`",
        )
        .required(),
        Opt::text(
            &["--wwpn"],
            "World wide port name, `0x` and 16 hexadecimal digits",
        )
        .required_in(WHOLE),
        Opt::text(
            &["--fcplun"],
            "Logical unit number, `0x` and 16 hexadecimal digits",
        )
        .required_in(WHOLE),
    ]],
    rank: 71,
    convert,
    write,
    ..Command::BASE
};

/// Versions that do not find the units of an adapter by themselves
const WHOLE: Versions = Versions::RHEL8;

/// Disks behind a zFCP adapter
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Zfcp {
    /// Device bus ID of the adapter
    pub devnum: String,
    /// World wide port name; all units of the adapter if there is none
    pub wwpn: Option<String>,
    /// Logical unit number; given together with `wwpn`
    pub fcplun: Option<String>,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(devnum) = given.raw("--devnum") else {
        return;
    };
    let value = Zfcp {
        devnum: devnum.to_owned(),
        wwpn: given.text("--wwpn"),
        fcplun: given.text("--fcplun"),
    };
    if !WHOLE.has(given.syntax) {
        match (&value.wwpn, &value.fcplun) {
            (Some(_), None) => given.needs("--wwpn", "--fcplun", findings),
            (None, Some(_)) => given.needs("--fcplun", "--wwpn", findings),
            _ if devnum.is_empty() => given.lacks("a value of `--devnum`", &[], findings),
            _ => {}
        }
    }
    kickstart.zfcp.push(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for zfcp in &kickstart.zfcp {
        writer.put("zfcp");
        writer.value(
            "--devnum",
            Some(&zfcp.devnum).filter(|number| !number.is_empty()),
        );
        writer.value("--wwpn", zfcp.wwpn.as_ref());
        writer.value("--fcplun", zfcp.fcplun.as_ref());
        writer.put("\n");
    }
}
