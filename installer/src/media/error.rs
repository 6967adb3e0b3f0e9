// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why a medium could not be made.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::engine::error::EngineError;
use crate::exit::Exit;

/// What went wrong.
#[derive(Debug, Error)]
pub enum MediaError {
    /// The image, this machine, or a program of either.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The image of the installer environment lacks what that is made of.
    #[error("`{image}` cannot be an installer environment: it has no {}", what(.lacks))]
    Lacking {
        /// The image.
        image: String,
        /// What, each with the package that has it.
        lacks: Vec<Lack>,
    },
    /// What the kickstart needs of it.
    #[error("`{image}` cannot install by this kickstart: it has no {}", what(.lacks))]
    Unfit {
        /// The image of the installer environment.
        image: String,
        /// What, each with the package that has it.
        lacks: Vec<Lack>,
    },
}

/// Something that an image lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// As it is told: "`mkfs.xfs`".
    pub what: String,
    /// Debian's package that has it; other distributions name theirs alike.
    pub package: String,
}

impl MediaError {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit_before_writes(),
            Self::Lacking { .. } | Self::Unfit { .. } => Exit::Source,
        }
    }

    /// The error and its causes, outermost first.
    pub fn chain(&self) -> Vec<String> {
        match self {
            Self::Engine(error) => error.chain(),
            Self::Lacking { .. } | Self::Unfit { .. } => vec![self.to_string()],
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Lacking { lacks, .. } | Self::Unfit { lacks, .. } => {
                let mut packages: Vec<_> = lacks.iter().map(|lack| lack.package.as_str()).collect();
                packages.sort_unstable();
                packages.dedup();
                Some(format!(
                    "add packages to the image (on Debian: {}), or name another image with `--env-image`",
                    packages.join(", ")
                ))
            }
        }
    }
}

fn what(lacks: &[Lack]) -> String {
    let words: Vec<_> = lacks.iter().map(|lack| lack.what.as_str()).collect();
    words.join(", ")
}
