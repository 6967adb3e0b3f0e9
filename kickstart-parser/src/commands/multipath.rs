// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `multipath`: gives a name to a multipath device. RHEL 8 accepts it and does nothing, every later version rejects it, so
//! only the words are known here and nothing is kept.

use crate::arguments::Command;
use crate::version::Versions;

pub(super) const COMMAND: Command = Command {
    words: &["multipath"],
    summary: "Names a multipath device",
    deprecated: Versions::RHEL8,
    removed: Versions::ALL.except(Versions::RHEL8),
    ..Command::BASE
};
