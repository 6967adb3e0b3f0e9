// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ostreecontainer`: which container image is installed, and how it is fetched.
//!
//! Takes the options of the line, gives [`OstreeContainer`]. The reference is not checked here: whether it names
//! an image, and where the image comes from in the end, is decided when the image is looked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Effect, Opt, Repeat};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;

pub(super) const COMMAND: Command = Command {
    words: &["ostreecontainer"],
    summary: "Installs a bootable container image",
    effect: Effect::CarriedOut,
    repeat: Repeat::Changes,
    conflicts: &["ostreesetup", "bootc"],
    options: &[
        Opt::text(
            &["--stateroot"],
            "Name of the state root, also known as osname",
        ),
        Opt::text(&["--url"], "Container image reference").required(),
        Opt::text(
            &["--transport"],
            "Transport of the reference, like `registry` or `oci`",
        ),
        Opt::text(
            &["--remote"],
            "Name of the ostree remote that follows the image",
        ),
        Opt::flag(
            &["--no-signature-verification"],
            "Accept an image without checking its signature",
        ),
    ],
    operand: None,
    convert,
};

/// The container image to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OstreeContainer {
    /// Image reference without transport, like `quay.io/org/image:tag`
    pub url: String,
    /// Name of the state root; the default is the installer's
    pub stateroot: Option<String>,
    /// Transport of the reference; the default is `registry`
    pub transport: Option<String>,
    /// Name of the ostree remote
    pub remote: Option<String>,
    /// Signatures are not checked
    pub no_signature_verification: bool,
}

fn convert(given: &Arguments, findings: &mut Findings, kickstart: &mut Kickstart) {
    let Some(url) = given.required_text("--url", findings) else {
        return;
    };
    kickstart.ostreecontainer = Some(given.locate(OstreeContainer {
        url,
        stateroot: given.text("--stateroot"),
        transport: given.text("--transport"),
        remote: given.text("--remote"),
        no_signature_verification: given.flag("--no-signature-verification"),
    }));
}
