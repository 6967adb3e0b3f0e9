// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `zipl`: the boot loader of IBM Z.
//!
//! Takes the options of the line, gives [`Zipl`]. Of the options the last one counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["zipl"],
    summary: "Configures the boot loader of IBM Z",
    effect: Effect::NotYet,
    options: &[&[
        Opt::flag(&["--secure-boot"], "Use Secure Boot where the machine can").keeps(),
        Opt::flag(&["--force-secure-boot"], "Use Secure Boot").keeps(),
        Opt::flag(&["--no-secure-boot"], "Do without Secure Boot").keeps(),
    ]],
    rank: 10,
    convert,
    write,
    ..Command::BASE
};

/// The boot loader of IBM Z
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Zipl {
    /// What is said about Secure Boot, if anything
    pub secure_boot: Option<SecureBoot>,
}

/// Whether Secure Boot is used
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecureBoot {
    /// Where the machine can
    Auto,
    /// Always
    Force,
    /// Never
    No,
}

impl SecureBoot {
    /// The option for it
    const fn option(self) -> &'static str {
        match self {
            Self::Auto => "--secure-boot",
            Self::Force => "--force-secure-boot",
            Self::No => "--no-secure-boot",
        }
    }
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    let last = given.last_of(&["--secure-boot", "--force-secure-boot", "--no-secure-boot"]);
    let secure_boot = last.map(|name| match name {
        "--secure-boot" => SecureBoot::Auto,
        "--force-secure-boot" => SecureBoot::Force,
        _ => SecureBoot::No,
    });
    kickstart.zipl = Some(given.locate(Zipl { secure_boot }));
}

/// Writes it if it says anything
fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let zipl = kickstart.zipl.as_ref();
    if let Some(secure_boot) = zipl.and_then(|zipl| zipl.secure_boot) {
        writer.put("# ZIPL configuration\nzipl");
        writer.flag(secure_boot.option(), true);
        writer.put("\n");
    }
}
