// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `nvdimm`: what is done with non-volatile memory: made a disk, or used as one.
//!
//! Takes the line, gives [`Nvdimm`]. RHEL 8 and 9 have it, Fedora up to 44 accepts it and does nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["nvdimm"],
    summary: "Makes non-volatile memory a disk",
    deprecated: Versions::FEDORA.except(Versions::SINCE_F45),
    removed: Versions::SINCE_F45.or(Versions::RHEL10),
    instead: "use `ndctl` in `%pre`",
    effect: Effect::NotYet,
    repeat: Repeat::Adds,
    options: &[&[
        Opt::text(
            &["--namespace"],
            "Device by its namespace, like `namespace0.0`",
        ),
        Opt::list(
            &["--blockdevs"],
            "Devices by their names, separated by commas",
        ),
        Opt::choice(
            &["--mode"],
            &["sector"],
            "Mode of the device; `sector` without this option",
        ),
        Opt::int(&["--sectorsize"], "Size of a sector in bytes"),
    ]],
    operand: Some(Operand::one("<action>", "`reconfigure` or `use`")),
    rank: 80,
    convert,
    write,
    ..Command::BASE
};

/// What is done with a device of non-volatile memory; it gets or has the mode `sector`, the only one there is
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nvdimm {
    /// What is done
    pub action: NvdimmAction,
    /// The device by its namespace
    pub namespace: Option<String>,
    /// The devices by their names
    pub blockdevs: Vec<String>,
    /// Size of a sector in bytes
    pub sectorsize: Option<i64>,
}

/// What is done with a device of non-volatile memory
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NvdimmAction {
    /// It is brought into another mode
    Reconfigure,
    /// It is used as a disk
    Use,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(action) = action(given, findings) else {
        return;
    };
    let value = Nvdimm {
        action,
        namespace: given.text("--namespace"),
        blockdevs: given.list("--blockdevs"),
        sectorsize: given.int("--sectorsize").filter(|size| *size != 0),
    };
    check(&value, given, findings);
    kickstart.nvdimm.push(given.locate(value));
}

fn action(given: &Arguments<'_>, findings: &mut Findings) -> Option<NvdimmAction> {
    let word = given.operands.first()?;
    match &*word.text {
        "reconfigure" => Some(NvdimmAction::Reconfigure),
        "use" => Some(NvdimmAction::Use),
        other => {
            let message = format!("`nvdimm` has no action {}", quote(other));
            findings
                .error(Code::InvalidValue, word.location(), message)
                .help("write `reconfigure` or `use`");
            None
        }
    }
}

fn check(nvdimm: &Nvdimm, given: &Arguments<'_>, findings: &mut Findings) {
    let by_name = !nvdimm.blockdevs.is_empty();
    match (nvdimm.action, &nvdimm.namespace) {
        (_, Some(_)) if by_name => given.exclude("--namespace", "--blockdevs", findings),
        (NvdimmAction::Reconfigure, None) => {
            given.lacks("`--namespace`", &["--namespace"], findings);
        }
        (NvdimmAction::Reconfigure, Some(_)) if nvdimm.sectorsize.is_none() => {
            given.lacks("`--sectorsize`", &["--sectorsize"], findings);
        }
        (NvdimmAction::Use, None) if !by_name => {
            given.lacks(
                "`--namespace` or `--blockdevs`",
                &["--namespace", "--blockdevs"],
                findings,
            );
        }
        _ => {}
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if kickstart.nvdimm.is_empty() {
        return;
    }
    writer.put("# NVDIMM devices setup\n");
    for nvdimm in &kickstart.nvdimm {
        match nvdimm.action {
            NvdimmAction::Reconfigure => {
                writer.put("nvdimm reconfigure");
                writer.value("--namespace", nvdimm.namespace.as_ref());
                writer.put(" --mode=sector");
                writer.value("--sectorsize", nvdimm.sectorsize);
            }
            NvdimmAction::Use => {
                writer.put("nvdimm use");
                writer.value("--namespace", nvdimm.namespace.as_ref());
                writer.list("--blockdevs", &nvdimm.blockdevs);
            }
        }
        writer.put("\n");
    }
    writer.put("\n");
}
