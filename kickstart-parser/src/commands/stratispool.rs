// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `stratispool`: a Stratis pool.
//!
//! Takes the line, gives [`StratisPool`]. Whether the block devices exist is the planner's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Effect, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::version::Versions;
use crate::writer::{Joined, Writer};

pub(super) const COMMAND: Command = Command {
    words: &["stratispool"],
    summary: "Makes a Stratis pool",
    versions: Versions::SINCE_F45,
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    conflicts: &[Conflict {
        with: &["autopart", "mount"],
        versions: Versions::ALL,
    }],
    options: &[&[
        Opt::flag(&["--useexisting"], "Use an existing pool"),
        Opt::flag(&["--encrypted"], "Encrypt the pool"),
        Opt::secret(&["--passphrase"], "Passphrase of the encryption"),
        Opt::flag(
            &["--overprovisioning"],
            "Let file systems promise more space than there is",
        ),
    ]],
    operand: Some(Operand::any(
        "<name>",
        "Name of the pool, then its block devices",
    )),
    rank: 134,
    convert,
    write,
    ..Command::BASE
};

/// A Stratis pool
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StratisPool {
    /// Name of the pool
    pub name: String,
    /// Its block devices; none of an existing pool
    pub blockdevs: Vec<String>,
    /// The pool exists
    pub useexisting: bool,
    /// It is encrypted
    pub encrypted: bool,
    /// Passphrase of the encryption
    pub passphrase: Option<Secret>,
    /// File systems may promise more space than there is
    pub overprovisioning: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let value = StratisPool {
        name: given.first_operand().unwrap_or("").to_owned(),
        blockdevs: given
            .operands
            .iter()
            .skip(1)
            .map(|word| word.text.to_string())
            .collect(),
        useexisting: given.flag("--useexisting"),
        encrypted: given.flag("--encrypted"),
        passphrase: given.text("--passphrase").map(Secret::new),
        overprovisioning: given.flag("--overprovisioning"),
    };
    if value.passphrase.is_some() && !value.encrypted {
        given.needs("--passphrase", "--encrypted", findings);
    }
    match (given.operands.as_slice(), value.useexisting) {
        ([], _) => return given.lacks("the name of the pool", &[], findings),
        ([_], false) => given.lacks("block devices after the name", &["--useexisting"], findings),
        ([_, device, ..], true) => {
            let message = "an existing Stratis pool has its block devices already";
            findings
                .error(Code::UnexpectedArgument, device.location(), message)
                .help("give the name only, or leave out `--useexisting`");
        }
        _ => {}
    }
    kickstart.stratispool.push(given.locate(value));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for pool in &kickstart.stratispool {
        writer.put(format_args!("stratispool {}", pool.name));
        writer.flag("--useexisting", pool.useexisting);
        writer.flag("--encrypted", pool.encrypted);
        writer.quoted("--passphrase", pool.passphrase.as_ref().map(Secret::expose));
        writer.flag("--overprovisioning", pool.overprovisioning);
        if !pool.useexisting {
            writer.put(format_args!(" {}", Joined(&pool.blockdevs, " ")));
        }
        writer.trim_end();
        writer.put("\n");
    }
}
