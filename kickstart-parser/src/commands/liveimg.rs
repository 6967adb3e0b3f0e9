// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `liveimg`: a file system image or tar archive that is copied to the disk.
//!
//! Takes the options of the line, gives [`LiveImg`]. The image is not looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::url::CONNECTION;
use crate::arguments::{Arguments, Command, Effect, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::secret::Secret;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["liveimg"],
    summary: "Installs a file system image or tar archive",
    effect: Effect::None("a container image is installed"),
    options: &[
        &[
            Opt::text(
                &["--url"],
                "URL of the image, with `http:`, `https:`, `ftp:` or `file:`",
            )
            .required(),
            Opt::text(&["--checksum"], "SHA-256 of the image, in hexadecimal"),
        ],
        CONNECTION,
    ],
    convert,
    write,
    ..Command::BASE
};

/// The file system image to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveImg {
    /// Where it is
    pub url: String,
    /// Proxy to fetch it through, possibly with a password in it
    pub proxy: Option<Secret>,
    /// Any certificate of the server is accepted
    pub noverifyssl: bool,
    /// SHA-256 of the image, in hexadecimal
    pub checksum: Option<String>,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.liveimg = Some(given.locate(LiveImg {
        url: given.raw("--url").unwrap_or_default().to_owned(),
        proxy: given.text("--proxy").map(Secret::new),
        noverifyssl: given.flag("--noverifyssl"),
        checksum: given.text("--checksum"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(image) = &kickstart.liveimg else {
        return;
    };
    writer.put("# Use live disk image installation\nliveimg");
    writer.quoted("--url", Some(&image.url));
    writer.quoted("--proxy", image.proxy.as_ref().map(Secret::expose));
    writer.flag("--noverifyssl", image.noverifyssl);
    writer.quoted("--checksum", image.checksum.as_ref());
    writer.put("\n");
}
