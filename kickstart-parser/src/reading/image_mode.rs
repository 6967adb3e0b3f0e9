// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What Landfall does with the commands of a kickstart when it installs an image: which have no effect, which are
//! not carried out yet.
//!
//! All of it is warnings: the language is in order. What stops an installation is [`crate::Reading::for_installation`]'s
//! to say.

use super::statement::Statements;
use crate::arguments::{Command, Effect};
use crate::diagnostic::{Code, Findings};

/// Looks at every command that was met, once each; a deprecated one does nothing anywhere, which is said already
pub(super) fn check(statements: &Statements<'_>, findings: &mut Findings) {
    let done = |command: &Command| !command.deprecated.has(statements.syntax);
    let met = statements.each_met();
    for (command, at, word) in met.filter(|(command, ..)| done(command)) {
        match command.effect {
            Effect::CarriedOut | Effect::Inherent => {}
            Effect::None(why) => {
                let message = format!("`{word}` has no effect: {why}");
                findings.warning(Code::CommandWithoutEffect, at.clone(), message);
            }
            Effect::NotYet => {
                let message =
                    format!("`{word}` is not carried out by this version of Landfall yet");
                findings.warning(Code::CommandNotYet, at.clone(), message);
            }
        }
    }
}
