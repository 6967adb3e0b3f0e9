// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `xconfig`: the graphical desktop of the installed system.
//!
//! Takes the options of the line, gives [`Xconfig`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Opt};
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["xconfig"],
    summary: "Configures the graphical desktop",
    options: &[&[
        Opt::text(
            &["--defaultdesktop"],
            "Desktop that is the default, like `GNOME`",
        ),
        Opt::flag(&["--startxonboot"], "Let users log in graphically"),
    ]],
    convert,
    write,
    ..Command::BASE
};

/// The graphical desktop
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Xconfig {
    /// Desktop that is the default
    pub defaultdesktop: Option<String>,
    /// Users log in graphically
    pub startxonboot: bool,
}

fn convert(given: &Arguments<'_>, _: &mut Findings, kickstart: &mut Kickstart) {
    kickstart.xconfig = Some(given.locate(Xconfig {
        defaultdesktop: given.text("--defaultdesktop"),
        startxonboot: given.flag("--startxonboot"),
    }));
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    let xconfig = kickstart.xconfig.as_deref();
    let Some(xconfig) = xconfig.filter(|xconfig| **xconfig != Xconfig::default()) else {
        return;
    };
    // The canonical form has two blanks here.
    writer.put("# X Window System configuration information\nxconfig ");
    writer.value("--defaultdesktop", xconfig.defaultdesktop.as_ref());
    writer.flag("--startxonboot", xconfig.startxonboot);
    writer.put("\n");
}
