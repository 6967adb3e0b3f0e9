// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections: options of their headers, scripts with their bodies, and what the other sections amount to.
//!
//! Takes header and body, gives a [`Script`] for the sections that hold one. Scripts are not looked into.

use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Opt, match_words};
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Location, Place};
use crate::syntax::{Section, Token};

const OPTIONS: &[Opt] = &[
    Opt::flag(
        &["--erroronfail"],
        "Stop the installation when the script fails",
    ),
    Opt::text(
        &["--interpreter"],
        "Program that runs the script; `/bin/sh` without this option",
    ),
    Opt::text(
        &["--log", "--logfile"],
        "File that the script's output goes to",
    ),
];

const POST_OPTIONS: &[Opt] = &[
    OPTIONS[0],
    OPTIONS[1],
    OPTIONS[2],
    Opt::flag(
        &["--nochroot"],
        "Run the script in the installer's environment",
    ),
];

/// A script of a kickstart
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// When it runs
    pub kind: ScriptKind,
    /// Program that runs it
    pub interpreter: String,
    /// File that its output goes to, as seen from where it runs
    pub log: Option<String>,
    /// Its failure stops the installation
    pub erroronfail: bool,
    /// A `%post` that runs in the installer's environment; the other kinds do so anyway
    pub nochroot: bool,
    /// Its text, every line with its terminator
    pub body: String,
    /// Where its header is
    pub location: Location,
}

/// When a script runs
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptKind {
    /// Before the disks are planned
    Pre,
    /// After partitioning, before the image is deployed
    PreInstall,
    /// At the end, in the installed system
    Post,
    /// When the installation fails
    #[serde(rename = "onerror")]
    OnError,
    /// When the installer itself fails
    Traceback,
}

/// A section whose end has not come yet
pub(super) struct Pending {
    kind: Option<ScriptKind>,
    arguments: Option<Arguments>,
    location: Location,
    pub(super) body: String,
}

impl Pending {
    /// Reads the header of a section
    pub(super) fn begin(
        section: Section,
        tokens: &[Token],
        place: &Rc<Place>,
        findings: &mut Findings,
    ) -> Self {
        let kind = script_kind(section);
        let options = if kind == Some(ScriptKind::Post) {
            POST_OPTIONS
        } else {
            OPTIONS
        };
        let arguments = kind.map(|_| match_words(options, None, (tokens, place), findings));
        let location = place.whole();
        report(section, place, findings);
        Self {
            kind,
            arguments,
            location,
            body: String::new(),
        }
    }

    /// The script of the section; `None` if it holds none or only white space
    pub(super) fn end(self) -> Option<Script> {
        let Self {
            kind,
            arguments,
            location,
            body,
        } = self;
        let (kind, given) = (kind?, arguments?);
        if body.trim().is_empty() {
            return None;
        }
        Some(Script {
            kind,
            interpreter: given
                .text("--interpreter")
                .unwrap_or_else(|| "/bin/sh".to_owned()),
            log: given.text("--log"),
            erroronfail: given.flag("--erroronfail"),
            nochroot: given.flag("--nochroot"),
            body,
            location,
        })
    }
}

fn script_kind(section: Section) -> Option<ScriptKind> {
    match section {
        Section::Pre => Some(ScriptKind::Pre),
        Section::PreInstall => Some(ScriptKind::PreInstall),
        Section::Post => Some(ScriptKind::Post),
        Section::OnError => Some(ScriptKind::OnError),
        Section::Traceback => Some(ScriptKind::Traceback),
        Section::Packages | Section::Addon | Section::Anaconda | Section::Certificate => None,
    }
}

/// Says what a section without a script amounts to
fn report(section: Section, place: &Rc<Place>, findings: &mut Findings) {
    let at = place.whole();
    let name = Section::ALL
        .iter()
        .find(|(_, other)| *other == section)
        .map_or("", |(name, _)| name);
    let without_effect = match section {
        Section::Packages => Some("the image decides what is installed"),
        Section::Addon => Some("the installer has no add-ons"),
        Section::Anaconda => Some("the installer is not Anaconda"),
        _ => None,
    };
    if let Some(why) = without_effect {
        let message = format!("{} has no effect: {why}", quote(name));
        findings.warning(Code::SectionWithoutEffect, at, message);
    } else if section == Section::Certificate {
        let message = format!(
            "{} is known but not supported by this version of Landfall yet",
            quote(name)
        );
        findings.error(Code::SectionNotYet, at, message);
    } else if section == Section::Traceback {
        findings
            .deprecation(Code::OptionDeprecated, at, "`%traceback` is deprecated")
            .help("use `%onerror`");
    }
}
