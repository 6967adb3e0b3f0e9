// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Renders the templates of the repository's `templates/` directory, which are compiled in.
//!
//! A name that the template needs and does not get is an error of the program, found by the
//! tests that render each template; at run time it gives the error's text instead of a panic.

use serde::Serialize;
use tera::{Context, Tera};

/// Templates that the installer writes into targets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Template {
    BlsMenu,
    BootMenu,
    BootupdConsole,
    BootupdMenu,
    CoreEarly,
    EspStub,
    Fstab,
    #[cfg(feature = "engine")]
    MediumEsp,
    #[cfg(feature = "engine")]
    MediumMenu,
    #[cfg(feature = "engine")]
    NetbootMenu,
    #[cfg(feature = "engine")]
    NetbootScript,
}

impl Template {
    const fn text(self) -> &'static str {
        match self {
            Self::BlsMenu => concat!(
                include_str!("../../templates/boot/grub.cfg"),
                include_str!("../../templates/boot/blscfg.cfg"),
            ),
            Self::BootMenu => concat!(
                include_str!("../../templates/boot/grub.cfg"),
                include_str!("../../templates/boot/entries.cfg"),
                include_str!("../../templates/boot/list.cfg"),
            ),
            Self::BootupdConsole => concat!(
                "# The kernel's serial console is the menu's, too.\n",
                include_str!("../../templates/boot/console.cfg"),
            ),
            Self::BootupdMenu => concat!(
                include_str!("../../templates/boot/bootupd.cfg"),
                include_str!("../../templates/boot/entries.cfg"),
                "function blscfg {\n",
                include_str!("../../templates/boot/list.cfg"),
                "}\n\n",
            ),
            Self::CoreEarly => include_str!("../../templates/boot/early.cfg"),
            Self::EspStub => include_str!("../../templates/boot/esp.cfg"),
            Self::Fstab => include_str!("../../templates/target/fstab"),
            #[cfg(feature = "engine")]
            Self::MediumEsp => include_str!("../../templates/media/esp.cfg"),
            #[cfg(feature = "engine")]
            Self::MediumMenu => include_str!("../../templates/media/grub.cfg"),
            #[cfg(feature = "engine")]
            Self::NetbootMenu => include_str!("../../templates/media/netboot.cfg"),
            #[cfg(feature = "engine")]
            Self::NetbootScript => include_str!("../../templates/media/boot.ipxe"),
        }
    }
}

/// What templates include, with its name.
const INCLUDED: (&str, &str) = (
    "console.cfg",
    include_str!("../../templates/boot/console.cfg"),
);

/// The template with its holes filled from `values`.
pub(crate) fn render(template: Template, values: &impl Serialize) -> String {
    let rendered = || {
        let mut tera = Tera::default();
        tera.add_raw_templates([INCLUDED])?;
        tera.render_str(template.text(), &Context::from_serialize(values)?, false)
    };
    rendered().unwrap_or_else(|error: tera::Error| format!("# {template:?}: {error}\n"))
}
