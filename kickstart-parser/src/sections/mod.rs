// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sections of the language, one file for each kind: options of their headers, what their bodies mean, canonical
//! form.
//!
//! Takes a header and then line after line, adds to the kickstart when the section ends. Scripts are not looked into.

mod certificate;
mod packages;
mod script;
mod table;
mod verbatim;

pub use certificate::Certificate;
pub use packages::{GroupMembers, Packages};
pub use script::{Script, ScriptKind};
pub(crate) use table::of;
pub use table::{SectionType, all, find};
pub use verbatim::Verbatim;

use crate::arguments::{Effect, Takes, match_words};
use crate::diagnostic::{Code, Findings};
use crate::kickstart::Kickstart;
use crate::location::Place;
use crate::syntax::{Section, Token};
use crate::version::Syntax;
use crate::writer::Writer;

/// A section whose end has not come yet
#[derive(Debug)]
pub(crate) enum Pending<'a> {
    Script(script::Pending),
    Packages(packages::Pending<'a>),
    Certificate(certificate::Pending),
    Verbatim(Verbatim),
}

impl<'a> Pending<'a> {
    /// Reads the header of a section
    pub(crate) fn begin(
        section: Section,
        syntax: Syntax,
        (tokens, place): (&[Token<'a>], Place<'a>),
        findings: &mut Findings,
    ) -> Self {
        report_effect(section, place, findings);
        if section == Section::Addon {
            verbatim::report_addon(tokens, place, findings);
        }
        let takes = Takes {
            options: of(section).options,
            operand: None,
            syntax,
        };
        let mut given = || match_words(takes, tokens, place, findings);
        match section {
            Section::Pre => Self::Script(script::Pending::begin(ScriptKind::Pre, &given())),
            Section::PreInstall => {
                Self::Script(script::Pending::begin(ScriptKind::PreInstall, &given()))
            }
            Section::Post => Self::Script(script::Pending::begin(ScriptKind::Post, &given())),
            Section::OnError => Self::Script(script::Pending::begin(ScriptKind::OnError, &given())),
            Section::Traceback => {
                let pending = script::Pending::begin(ScriptKind::Traceback, &given());
                script::report_traceback(syntax, place, findings);
                Self::Script(pending)
            }
            Section::Packages => {
                let arguments = given();
                Self::Packages(packages::Pending::begin(arguments, findings))
            }
            Section::Certificate => {
                let arguments = given();
                Self::Certificate(certificate::Pending::begin(&arguments, findings))
            }
            Section::Addon | Section::Anaconda => Self::Verbatim(Verbatim::begin(tokens, place)),
        }
    }

    /// Takes the next line of the body
    pub(crate) fn take(&mut self, place: Place<'a>, findings: &mut Findings) {
        match self {
            Self::Script(script) => script.body.push_str(place.text),
            Self::Packages(packages) => packages.take(place, findings),
            Self::Certificate(certificate) => certificate.body.push_str(place.text),
            Self::Verbatim(verbatim) => verbatim.body.push_str(place.text),
        }
    }

    /// Adds what the section amounts to
    pub(crate) fn end(self, kickstart: &mut Kickstart, findings: &mut Findings) {
        match self {
            Self::Script(script) => kickstart.scripts.extend(script.end()),
            Self::Packages(packages) => packages.end(kickstart, findings),
            Self::Certificate(certificate) => {
                kickstart.certificates.extend(certificate.end(findings));
            }
            Self::Verbatim(verbatim) => kickstart.verbatim.push(verbatim),
        }
    }
}

/// Says what a section amounts to when an image is installed
fn report_effect(section: Section, place: Place<'_>, findings: &mut Findings) {
    let word = section.word();
    let (code, message) = match of(section).effect {
        Effect::CarriedOut | Effect::Inherent => return,
        Effect::None(why) => (
            Code::SectionWithoutEffect,
            format!("`{word}` has no effect: {why}"),
        ),
        Effect::NotYet => {
            let message = format!("`{word}` is not carried out by this version of Landfall yet");
            (Code::SectionNotYet, message)
        }
    };
    findings.warning(code, place.whole(), message);
}

/// Writes the sections in the order in which pykickstart does
pub(crate) fn write(kickstart: &Kickstart, writer: &mut Writer) {
    for script in &kickstart.scripts {
        script.write(writer);
    }
    verbatim::write(&kickstart.verbatim, writer);
    if let Some(packages) = &kickstart.packages {
        packages.write(writer);
    }
    for certificate in &kickstart.certificates {
        certificate.write(writer);
    }
}
