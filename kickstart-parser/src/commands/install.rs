// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `install`: says that a system is installed and not upgraded. RHEL 8 accepts it and does nothing, every later version
//! rejects it, so only the words are known here and nothing is kept.

use crate::arguments::Command;
use crate::version::Versions;

pub(super) const COMMAND: Command = Command {
    words: &["install"],
    summary: "Asks for an installation",
    deprecated: Versions::RHEL8,
    removed: Versions::ALL.except(Versions::RHEL8),
    ..Command::BASE
};
