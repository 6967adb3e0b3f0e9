// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `bootc`: which container image is installed, and which one the installed system follows.
//!
//! Takes the options of the line, gives [`Bootc`]. References are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["bootc"],
    summary: "Installs a bootable container image and says which one the system follows",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &["ostreesetup", "ostreecontainer"],
    options: &[
        Opt::text(&["--stateroot"], "Name of the state root").resets(),
        Opt::text(
            &["--source-imgref"],
            "Image reference with transport to install from",
        )
        .required(),
        Opt::text(
            &["--target-imgref"],
            "Image reference that the installed system follows",
        ),
        Opt::text(&["--bootloader"], "Boot loader to install"),
        Opt::flag(&["--composefs"], "Use the composefs backend"),
    ],
    operand: None,
    convert,
};

/// The container image to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bootc {
    /// Image reference with transport, like `registry:quay.io/org/image:tag`
    pub source_imgref: String,
    /// Image reference that the installed system follows; the default is `source_imgref`
    pub target_imgref: Option<String>,
    /// Name of the state root; the default is `default`
    pub stateroot: Option<String>,
    /// Boot loader to install
    pub bootloader: Option<String>,
    /// The composefs backend is wanted
    pub composefs: bool,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(source_imgref) = given.required_text("--source-imgref", findings) else {
        return;
    };
    kickstart.bootc = Some(given.locate(Bootc {
        source_imgref,
        target_imgref: given.text("--target-imgref"),
        stateroot: given.text("--stateroot"),
        bootloader: given.text("--bootloader"),
        composefs: given.flag("--composefs"),
    }));
}
