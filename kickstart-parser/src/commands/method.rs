// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `method`: the name under which pykickstart keeps the installation source, whichever command gave it.
//!
//! It was never a command to write. RHEL 8 cannot read it, RHEL 9 accepts it and does nothing, every later version
//! rejects it, so only the word is known here and nothing is kept.

use crate::arguments::Command;
use crate::version::Versions;

pub(super) const COMMAND: Command = Command {
    words: &["method"],
    summary: "Stands for the installation source",
    versions: Versions::ALL.except(Versions::RHEL8),
    deprecated: Versions::RHEL9,
    removed: Versions::ALL
        .except(Versions::RHEL8)
        .except(Versions::RHEL9),
    instead: "write the command of the installation source itself, like `url`",
    ..Command::BASE
};
