// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How an installation fails: the step, whether a disk was written, why, and what the user does about it.

use thiserror::Error;
use uuid::Uuid;

use super::error::EngineError;
use crate::event::{Body, Failure, Step};
use crate::exit::Exit;

/// An installation that failed.
#[derive(Debug, Error)]
#[error("the step `{}` failed", .step.name())]
pub struct Failed {
    /// The step that failed.
    pub step: Step,
    /// Whether a disk had been written to.
    pub written: bool,
    /// Seed of the plan that was being carried out: with it another run takes up what is there.
    pub seed: Option<Uuid>,
    /// Why.
    #[source]
    pub error: EngineError,
}

impl Failed {
    /// An error before the first write.
    pub fn before_writes(step: Step, error: EngineError) -> Self {
        Self {
            step,
            written: false,
            seed: None,
            error,
        }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match &self.error {
            EngineError::Stopped(exit) => *exit,
            _ if self.written => Exit::Broken,
            error => error.exit_before_writes(),
        }
    }

    /// The event for it.
    pub fn event(&self) -> Body {
        Body::Failed {
            step: self.step,
            error: Failure {
                code: self.exit().code(),
                chain: self.error.chain(),
                hint: self.error.hint(),
            },
        }
    }

    /// In which state the disks are, and what can be done now.
    pub fn state(&self) -> String {
        if !self.written {
            return "no disk was written to; the same command can be run again".to_owned();
        }
        let state = if self.step == Step::Finalize {
            "the installation is not complete, and the disk may start all the same"
        } else {
            "the disk does not boot"
        };
        let again = "the same command can be run again";
        match self.seed {
            Some(seed) => {
                format!("{state}; {again}, with `--seed {seed}` it fetches only what is missing")
            }
            None => format!("{state}; {again}"),
        }
    }
}
