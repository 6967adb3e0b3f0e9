// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From text to a typed kickstart: follows includes, collects scripts, resolves commands over the whole file.
//!
//! Takes text and a way to fetch includes, gives a [`Reading`]: all that was understood and all that is wrong.
//! Whether an error stops anything is the caller's decision; disks, images and networks are not known here.

mod cross;
mod include;
mod reader;
mod section;
mod statement;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use include::{Includes, NoIncludes};
pub use section::{Script, ScriptKind};

use crate::diagnostic::{Diagnostic, Severity};
use crate::kickstart::Kickstart;
use crate::location::Source;

/// What was read from a kickstart and the files that it includes
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// All that was understood
    pub kickstart: Kickstart,
    /// All that there is to say about it, in the order of the places
    pub diagnostics: Vec<Diagnostic>,
    /// The files, in the order in which they were opened, for showing places
    pub sources: Vec<Source>,
}

impl Reading {
    /// Whether any diagnostic is an error
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reads a kickstart; `file` is its name in diagnostics and the place that includes are relative to
pub fn read(file: &str, text: &str, includes: &dyn Includes) -> Reading {
    reader::Reader::new(includes).read(file, text)
}
