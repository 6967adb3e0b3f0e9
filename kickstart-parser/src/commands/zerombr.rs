// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `zerombr`: disks without a valid partition table are initialised.
//!
//! Takes nothing, gives [`ZeroMbr`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["zerombr"],
    summary: "Initialises disks that have no valid partition table",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &[],
    options: &[],
    operand: None,
    convert,
};

/// Disks without a valid partition table are initialised
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZeroMbr {}

fn convert(given: &Arguments, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.zerombr = Some(given.locate(ZeroMbr {}));
}
