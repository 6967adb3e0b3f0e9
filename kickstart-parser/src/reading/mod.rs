// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From text to a typed kickstart: follows includes, collects scripts, resolves commands over the whole file.
//!
//! Takes text and a way to fetch includes, gives a [`Reading`]: all that was understood and all that is wrong.
//! Whether an error stops anything is the caller's decision; disks, images and networks are not known here.

mod assemble;
mod cross;
mod decode;
mod image_mode;
mod include;
mod reader;
mod statement;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use decode::{LARGEST_FILE, decode};
pub use include::{Includes, NoIncludes};

use crate::diagnostic::{Code, Diagnostic, Findings, Severity, quote};
use crate::kickstart::Kickstart;
use crate::location::{Place, Source};
use crate::mask::shown_name;
use crate::syntax::is_blank;
use crate::version::{Syntax, declaration};

/// What was read from a kickstart and the files that it includes
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The version of the language that it was read by
    pub syntax: Syntax,
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
        self.has(Severity::Error)
    }

    /// Whether pykickstart's validator is silent about it: no error, no deprecation, no warning of the language.
    /// What Landfall adds about the whole kickstart or about images does not count.
    pub fn is_strictly_valid(&self) -> bool {
        let counts = |diagnostic: &Diagnostic| {
            let code = diagnostic.code;
            diagnostic.severity == Severity::Error
                || code.class() == crate::Class::Language
                || code == Code::EmptyKickstart
        };
        !self.diagnostics.iter().any(counts)
    }

    /// The same judged for an installation: warnings about what could not be carried out become errors
    #[must_use]
    pub fn for_installation(mut self) -> Self {
        for diagnostic in &mut self.diagnostics {
            if diagnostic.code.stops_installation() {
                diagnostic.severity = Severity::Error;
            }
        }
        self
    }

    fn has(&self, severity: Severity) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == severity)
    }
}

/// Reads a kickstart; `file` is its name in diagnostics and the place that includes are relative to. Without a
/// `syntax` its `#version=` line says which version of the language it is in, and without that it is the newest.
pub fn read(file: &str, text: &str, syntax: Option<Syntax>, includes: &dyn Includes) -> Reading {
    let mut findings = Findings::default();
    let syntax = syntax.unwrap_or_else(|| declared(file, text, &mut findings));
    let assembly = assemble::assemble(file, text, includes, &mut findings);
    let statements = reader::read_lines(&assembly, syntax, &mut findings);
    if text.chars().all(is_blank) {
        findings
            .general_warning(Code::EmptyKickstart, "the kickstart is empty")
            .help("`--strict` refuses it, as pykickstart's validator does");
    } else {
        cross::check(&statements, &assembly, &mut findings);
        image_mode::check(&statements, &mut findings);
    }
    let kickstart = statements.kickstart;
    let files: Vec<_> = assembly
        .sources
        .iter()
        .map(|source| source.name.clone())
        .collect();
    Reading {
        syntax,
        kickstart,
        diagnostics: findings.into_sorted(&files),
        sources: assembly.sources,
    }
}

/// The version that the kickstart names; the newest if it names none that is known
fn declared(file: &str, text: &str, findings: &mut Findings) -> Syntax {
    let Some(declared) = Syntax::declared(text) else {
        return Syntax::NEWEST;
    };
    declared.unwrap_or_else(|value| {
        let message = format!(
            "{} is no version that is known, read as {}",
            quote(value),
            Syntax::NEWEST
        );
        let place = Place {
            file: &shown_name(file).into(),
            line: declaration(text).map_or(1, |(number, _)| number),
            text: &format!("#version={value}"),
        };
        findings
            .warning(Code::UnknownVersion, place.whole(), message)
            .help(crate::version::UnknownSyntax.to_string());
        Syntax::NEWEST
    })
}
