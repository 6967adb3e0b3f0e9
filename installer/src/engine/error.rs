// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why an installation, or looking at a machine, failed.
//!
//! Contexts are what was being done ("opening `/dev/vda`"); whether the disk was touched by then
//! is said by [`super::Failed`], not here.

use std::io;

use thiserror::Error;

use super::import::ImportError;
use super::tool::Tool;
use crate::exit::Exit;
use crate::image::ImageError;
use crate::plan::{Code, Issues};

/// What went wrong.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The system said no.
    #[error("{context}")]
    Io {
        /// What was being done.
        context: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program failed.
    #[error("running `{command}`: {status}{}", indent(.stderr))]
    Tool {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// Programs are missing on this machine.
    #[error("missing on this machine: {}", join(.0, Tool::program))]
    Missing(Vec<Tool>),
    /// A file of the image is not as it must be.
    #[error("{context}")]
    Tree {
        /// What was being done.
        context: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The image is whole, and cannot be installed.
    #[error("{0}")]
    Unusable(String),
    /// Something else that the installation cannot go on with.
    #[error("{0}")]
    Refused(String),
    /// The plan has errors.
    #[error("the kickstart cannot be carried out")]
    Plan(Issues),
    /// A saved plan is not what would be planned now.
    #[error("the saved plan no longer holds")]
    Changed(Vec<String>),
    /// The image cannot be had or used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The image cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A script of the kickstart failed and was marked `--erroronfail`.
    #[error("{script} failed: {status}{}", indent(.output))]
    Script {
        /// Its section and the line of the header.
        script: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The user, or the system, ended it.
    #[error("stopped by a signal")]
    Stopped(Exit),
}

impl EngineError {
    /// A system error with what was being done.
    pub fn io(context: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            context: context.into(),
            source,
        }
    }

    /// What is wrong with the image's tree, with what was being done.
    pub(super) fn tree(context: impl Into<String>, source: io::Error) -> Self {
        Self::Tree {
            context: context.into(),
            source,
        }
    }

    /// How a command ends that fails with this before anything is written.
    pub fn exit_before_writes(&self) -> Exit {
        match self {
            Self::Plan(issues) => exit_of(issues),
            Self::Image(ImageError::Reference { .. }) => Exit::Input,
            Self::Image(_) | Self::Import(_) | Self::Tree { .. } | Self::Unusable(_) => {
                Exit::Source
            }
            Self::Stopped(exit) => *exit,
            _ => Exit::Refused,
        }
    }

    /// The error and its causes, outermost first; of a plan, every error.
    pub fn chain(&self) -> Vec<String> {
        let mut chain = vec![self.to_string()];
        if let Self::Plan(issues) = self {
            chain.extend(issues.errors().map(ToString::to_string));
        }
        if let Self::Changed(differences) = self {
            chain.extend(differences.iter().cloned());
        }
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            chain.push(error.to_string());
            cause = error.source();
        }
        chain
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(tools) => Some(format!(
                "install the packages that have them; on Debian: {}",
                join(tools, Tool::package)
            )),
            Self::Image(error) => hint_for_image(error).map(str::to_owned),
            Self::Plan(issues) => hint_for_plan(issues),
            Self::Changed(_) => Some(
                "make the plan again with `landfall plan --json` and the same options, and look at it"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Errors about the machine are refusals, those of the image alone are its source's; all others are about the input.
fn exit_of(issues: &Issues) -> Exit {
    let about_machine = |code| {
        matches!(
            code,
            Code::DiskMissing
                | Code::NoUsableDisk
                | Code::DiskInUse
                | Code::DiskReadOnly
                | Code::DoesNotFit
                | Code::SizeLimit
                | Code::FirmwareUnsupported
        )
    };
    let about_image = |code| matches!(code, Code::ImageUnusable | Code::BootLoaderMissing);
    if issues.errors().all(|issue| about_machine(issue.code)) {
        Exit::Refused
    } else if issues.errors().all(|issue| about_image(issue.code)) {
        Exit::Source
    } else {
        Exit::Input
    }
}

fn hint_for_plan(issues: &Issues) -> Option<String> {
    let helps: Vec<&str> = issues
        .errors()
        .filter_map(|issue| issue.help.as_deref())
        .collect();
    (!helps.is_empty()).then(|| helps.join("; "))
}

fn hint_for_image(error: &ImageError) -> Option<&'static str> {
    match error {
        ImageError::Unreachable { .. } => Some(
            "check the reference, and for a registry the network; one without TLS needs `--plain-http`, \
             one with a certificate of its own `--ca`",
        ),
        ImageError::Refused {
            status: 401 | 403, ..
        } => Some("give a login with `--authfile FILE`; `podman login --authfile FILE` writes one"),
        ImageError::Refused { status: 404, .. } => Some("check repository and tag"),
        ImageError::Refused {
            status: 429 | 500..,
            ..
        } => Some("the registry is busy or broken: try again later"),
        ImageError::WrongArchitecture { .. } => Some("use an image for this architecture"),
        _ => None,
    }
}

fn join(tools: &[Tool], what: fn(Tool) -> &'static str) -> String {
    let mut words: Vec<&str> = tools.iter().map(|tool| what(*tool)).collect();
    words.sort_unstable();
    words.dedup();
    words.join(", ")
}

fn indent(text: &str) -> String {
    text.lines().flat_map(|line| ["\n    ", line]).collect()
}
