// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every terminal that the kernel was told to use: what is said goes to all of them.

use std::fs::{self, File};
use std::io::Write as _;

use crate::display;
use crate::engine::error::EngineError;

/// The terminals, open.
#[derive(Debug)]
pub(super) struct Terminals {
    open: Vec<(String, File)>,
}

impl Terminals {
    /// Those that the kernel uses (`/sys/class/tty/console/active`).
    pub(super) fn of_kernel() -> Self {
        let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
        let open = active.split_whitespace().filter_map(|name| {
            let file = File::options().write(true).open(format!("/dev/{name}"));
            Some((name.to_owned(), file.ok()?))
        });
        Self {
            open: open.collect(),
        }
    }

    /// The kernel's own one, which programs that ask are started on.
    pub(super) fn last_device(&self) -> Option<String> {
        self.open.last().map(|(name, _)| format!("/dev/{name}"))
    }

    /// Shows an error with its causes, and what to do about it.
    pub(super) fn fail(&mut self, error: &EngineError) {
        for line in display::reasons(&error.chain(), error.hint().as_deref()) {
            self.say(&line);
        }
    }

    /// Shows a line. A terminal that is away is nobody's concern.
    pub(super) fn say(&mut self, line: &str) {
        // Control characters of what is told must not steer a terminal.
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        for (_, terminal) in &mut self.open {
            let _ = write!(terminal, "{line}\r\n");
        }
    }
}
