// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `bootc`: which container image is installed, and which one the installed system follows.
//!
//! Takes the options of the line, gives [`Bootc`]. References are not checked here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Conflict, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::version::Versions;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["bootc"],
    summary: "Installs a bootable container image and says which one the system follows",
    versions: Versions::RHEL10.or(Versions::SINCE_F43),
    conflicts: &[Conflict {
        with: &["ostreesetup", "ostreecontainer"],
        versions: Versions::ALL,
    }],
    options: &[&[
        Opt::text(
            &["--stateroot"],
            "Name of the state root; `default` without this option",
        )
        .resets(),
        Opt::text(
            &["--source-imgref"],
            "Image reference with transport to install from",
        )
        .required(),
        Opt::text(
            &["--target-imgref"],
            "Image reference that the installed system follows",
        ),
        Opt::text(
            &["--bootloader"],
            "Boot loader to install; `grub` is the one there is",
        )
        .only(SINCE_COMPOSEFS)
        .not_yet(),
        Opt::flag(&["--composefs"], "Use the composefs backend")
            .only(SINCE_COMPOSEFS)
            .not_yet(),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// Versions that choose the boot loader and the backend
const SINCE_COMPOSEFS: Versions = Versions::SINCE_F45;

/// The container image to install
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bootc {
    /// Image reference with transport, like `registry:quay.io/org/image:tag`
    pub source_imgref: String,
    /// Image reference that the installed system follows; the one that is installed where the kickstart does not say
    pub target_imgref: Option<String>,
    /// Name of the state root; `default` where it is not given or empty
    pub stateroot: Option<String>,
    /// Boot loader to install
    pub bootloader: Option<String>,
    /// The composefs backend is wanted
    pub composefs: bool,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    if !given.has("--source-imgref") {
        return;
    }
    let source = given.required_text("--source-imgref", findings);
    // The first image is also the target of a later line that names another source and no target.
    let earlier = kickstart
        .bootc
        .take()
        .and_then(|earlier| earlier.value.target_imgref);
    let target = match given.raw("--target-imgref") {
        Some("") => None,
        _ => given
            .text_here("--target-imgref")
            .map(str::to_owned)
            .or(earlier),
    };
    kickstart.bootc = Some(given.locate(Bootc {
        target_imgref: target.or_else(|| source.clone()),
        source_imgref: source.unwrap_or_default(),
        stateroot: given.raw("--stateroot").map(str::to_owned),
        bootloader: given.text("--bootloader"),
        composefs: given.flag("--composefs"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let Some(bootc) = &kickstart.bootc else {
        return;
    };
    writer.put("# Bootc setup\nbootc");
    let stateroot = bootc.stateroot.as_deref().unwrap_or("default");
    let options = [
        ("--stateroot", Some(stateroot)),
        ("--source-imgref", Some(&*bootc.source_imgref)),
        ("--target-imgref", bootc.target_imgref.as_deref()),
    ];
    for (name, value) in options {
        writer.quoted(name, value.filter(|value| !value.is_empty()));
    }
    if SINCE_COMPOSEFS.has(writer.syntax) {
        writer.quoted("--bootloader", bootc.bootloader.as_ref());
        writer.flag("--composefs", bootc.composefs);
    }
    writer.put("\n");
}
