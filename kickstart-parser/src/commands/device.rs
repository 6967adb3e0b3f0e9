// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `device`: names a driver to load. RHEL 8 accepts it and does nothing, every later version rejects it, so only the words
//! are known here and nothing is kept.

use crate::arguments::Command;
use crate::version::Versions;

pub(super) const COMMAND: Command = Command {
    words: &["device"],
    summary: "Loads a driver",
    deprecated: Versions::RHEL8,
    removed: Versions::ALL.except(Versions::RHEL8),
    ..Command::BASE
};
