// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with, or worth saying about, a plan.
//!
//! The planner collects every issue instead of stopping at the first. Codes are `LF1001` and up
//! (`LF0…` are the parser's) and are never reused.

use std::fmt;

use kickstart_parser::Location;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A problem, with the kickstart line that it comes from where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issue {
    /// Errors keep the plan from being carried out.
    pub severity: Severity,
    /// Which rule speaks.
    pub code: Code,
    /// One sentence without a full stop.
    pub message: String,
    /// The kickstart line.
    pub location: Option<Location>,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is done.
    Error,
    /// It is done, and said.
    Warning,
}

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $code:literal,)*) => {
        /// The planner's rules.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Self::$name,)*];

            /// What the rule is about, a sentence without a full stop.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $doc.trim_ascii().trim_end_matches('.'),)* }
            }

            /// The code as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

codes! {
    /// The kickstart names no image.
    NoImage = "LF1001",
    /// The installed system would follow a path of the installer.
    TargetIsPath = "LF1002",
    /// The firmware is not supported yet.
    FirmwareUnsupported = "LF1003",
    /// A disk that the kickstart names does not exist.
    DiskMissing = "LF1004",
    /// No disk may be used.
    NoUsableDisk = "LF1005",
    /// A disk is in use.
    DiskInUse = "LF1006",
    /// A disk is read-only.
    DiskReadOnly = "LF1007",
    /// The disk label is not supported.
    LabelUnsupported = "LF1008",
    /// An option is known but not carried out yet.
    NotSupportedYet = "LF1009",
    /// No partition is mounted at `/`.
    NoRoot = "LF1010",
    /// No place for a boot loader.
    NoBootLoader = "LF1011",
    /// The partitions do not fit.
    DoesNotFit = "LF1012",
    /// A file system is too small or too large for its type.
    SizeLimit = "LF1013",
    /// The file system type is unknown.
    FileSystemUnknown = "LF1014",
    /// A mount point is given twice.
    MountTwice = "LF1015",
    /// A mount point cannot be a file system of its own.
    MountInvalid = "LF1016",
    /// A size is out of range.
    SizeInvalid = "LF1017",
    /// Smaller than recommended.
    SizeRecommended = "LF1018",
    /// Something in the kickstart has no effect here.
    NoEffect = "LF1019",
    /// A unit is not in the image.
    UnitMissing = "LF1020",
    /// A program is not in the image.
    ProgramMissing = "LF1021",
    /// The image has no boot loader that can be used.
    BootLoaderMissing = "LF1022",
    /// The image cannot be deployed.
    ImageUnusable = "LF1023",
    /// A kernel argument cannot be written to a boot menu.
    KernelArgument = "LF1024",
    /// A user that the kickstart names is defined nowhere.
    UserUnknown = "LF1025",
    /// A value is not valid.
    ValueInvalid = "LF1026",
    /// What is on a partition stays, though it should be made anew.
    Reformat = "LF1027",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.location {
            write!(f, "{}:{}: ", at.file, at.line)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// Issues in the making.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Issues(pub Vec<Issue>);

impl Issues {
    /// Adds an error; the location and help can be set on what comes back.
    pub fn error(&mut self, code: Code, message: impl Into<String>) -> &mut Issue {
        self.push(Severity::Error, code, message.into())
    }

    /// Adds a warning; the location and help can be set on what comes back.
    pub fn warning(&mut self, code: Code, message: impl Into<String>) -> &mut Issue {
        self.push(Severity::Warning, code, message.into())
    }

    fn push(&mut self, severity: Severity, code: Code, message: String) -> &mut Issue {
        self.0.push(Issue {
            severity,
            code,
            message,
            location: None,
            help: None,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// Those that keep the plan from being carried out.
    pub fn errors(&self) -> impl Iterator<Item = &Issue> {
        self.0
            .iter()
            .filter(|issue| issue.severity == Severity::Error)
    }

    /// True if one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|issue| issue.severity == Severity::Error)
    }
}

impl Issue {
    /// The issue and what to do about it, in one line.
    pub fn with_help(&self) -> String {
        let help = self
            .help
            .as_deref()
            .map(|help| format!("; {help}"))
            .unwrap_or_default();
        format!("{self}{help}")
    }

    /// Says which kickstart line this comes from.
    pub fn at(&mut self, location: &Location) -> &mut Self {
        self.location = Some(location.clone());
        self
    }

    /// Says what to do.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}
