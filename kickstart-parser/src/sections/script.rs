// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `%pre`, `%pre-install`, `%post`, `%onerror`, `%traceback`: scripts and when they run.
//!
//! Takes header and body, gives a [`Script`]. Scripts are not looked into.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Opt};
use crate::diagnostic::{Code, Findings};
use crate::location::{Location, Place};
use crate::syntax::is_blank;
use crate::version::{Syntax, Versions};
use crate::writer::Writer;

pub(super) const OPTIONS: &[&[Opt]] = &[COMMON];

pub(super) const POST_OPTIONS: &[&[Opt]] = &[
    COMMON,
    &[Opt::flag(
        &["--nochroot"],
        "Run the script in the installer's environment",
    )],
];

const COMMON: &[Opt] = &[
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

/// Versions that want `%onerror` in place of `%traceback`
pub(super) const WITH_ONERROR: Versions = Versions::ALL.except(Versions::RHEL8);

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

/// A script whose end has not come yet
#[derive(Debug)]
pub(crate) struct Pending {
    script: Script,
    pub(super) body: String,
}

impl Pending {
    pub(super) fn begin(kind: ScriptKind, given: &Arguments<'_>) -> Self {
        let script = Script {
            kind,
            interpreter: given
                .text("--interpreter")
                .unwrap_or_else(|| "/bin/sh".to_owned()),
            log: given.raw("--log").map(str::to_owned),
            erroronfail: given.flag("--erroronfail"),
            nochroot: given.flag("--nochroot"),
            body: String::new(),
            location: given.location(),
        };
        Self {
            script,
            body: String::new(),
        }
    }

    /// The script; `None` if it is only white space
    pub(super) fn end(self) -> Option<Script> {
        let Self { script, body } = self;
        (!body.trim_matches(is_blank).is_empty()).then_some(Script { body, ..script })
    }
}

/// Says that `%traceback` is deprecated where it is
pub(super) fn report_traceback(syntax: Syntax, place: Place<'_>, findings: &mut Findings) {
    if WITH_ONERROR.has(syntax) {
        findings
            .deprecation(
                Code::SectionDeprecated,
                place.whole(),
                "`%traceback` is deprecated",
            )
            .help("use `%onerror`");
    }
}

impl Script {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.put(match self.kind {
            ScriptKind::Pre => "\n%pre",
            ScriptKind::PreInstall => "\n%pre-install",
            ScriptKind::Post => "\n%post",
            ScriptKind::OnError => "\n%onerror",
            ScriptKind::Traceback => "\n%traceback",
        });
        let interpreter = Some(&self.interpreter).filter(|path| *path != "/bin/sh");
        writer.value("--interpreter", interpreter);
        writer.flag("--nochroot", self.nochroot);
        writer.value("--logfile", self.log.as_ref());
        writer.flag("--erroronfail", self.erroronfail);
        let end = if self.body.ends_with('\n') {
            "%end\n"
        } else {
            "\n%end\n"
        };
        writer.put("\n");
        writer.put(&self.body);
        writer.put(end);
    }
}
