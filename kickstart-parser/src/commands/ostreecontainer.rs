// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ostreecontainer`: which container image is installed.
//!
//! Takes the options of the line, gives [`OstreeContainer`]. The reference is not checked here: whether it names
//! an image, and where the image comes from in the end, is decided when the image is looked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["ostreecontainer"],
    summary: "Installs a bootable container image",
    versions: Versions::ALL.except(Versions::RHEL8),
    conflicts: &[
        Conflict {
            with: &["ostreesetup"],
            versions: Versions::ALL,
        },
        Conflict {
            with: &["bootc"],
            versions: Versions::SINCE_F43.or(Versions::RHEL10),
        },
    ],
    options: &[&[
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
        )
        .without_effect("the image is followed by its reference, not by an ostree remote"),
        Opt::flag(
            &["--no-signature-verification"],
            "Accept an image without checking its signature",
        ),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// The container image to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OstreeContainer {
    /// Image reference without transport, like `quay.io/org/image:tag`; names no image if it is empty
    pub url: String,
    /// Name of the state root; the default is the installer's
    pub stateroot: Option<String>,
    /// Transport of the reference; the default is `registry`
    pub transport: Option<String>,
    /// Name of the ostree remote; the default is the name of the state root
    pub remote: Option<String>,
    /// Signatures are not checked
    pub no_signature_verification: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.ostreecontainer = Some(given.locate(OstreeContainer {
        url: given.required_text("--url", findings).unwrap_or_default(),
        stateroot: given.text("--stateroot"),
        transport: given.text("--transport"),
        remote: given.text("--remote"),
        no_signature_verification: given.flag("--no-signature-verification"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(container) = &kickstart.ostreecontainer else {
        return;
    };
    let remote = container.remote.as_ref().or(container.stateroot.as_ref());
    let url = Some(&container.url).filter(|url| !url.is_empty());
    writer.put("# OSTree container setup\nostreecontainer");
    writer.quoted("--stateroot", container.stateroot.as_ref());
    writer.quoted("--remote", remote);
    writer.flag(
        "--no-signature-verification",
        container.no_signature_verification,
    );
    writer.quoted("--transport", container.transport.as_ref());
    writer.quoted("--url", url);
    // pykickstart joins the options with blanks after the one that follows the command.
    let nothing = remote.or(url).or(container.transport.as_ref()).is_none();
    writer.put(if nothing && !container.no_signature_verification {
        " \n"
    } else {
        "\n"
    });
}
