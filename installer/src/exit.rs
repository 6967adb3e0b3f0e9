// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The exit codes of every `landfall` command, version 1.
//!
//! A code says what a script may do next: whether the input is wrong, whether anything was
//! written, and whether trying again can help. It does not say what went wrong; the error does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// 0: everything that was asked for is done.
    Done,
    /// 1: the input (kickstart, plan, image reference) has errors; nothing was written.
    Input,
    /// 2: wrong use of the command, or a file that cannot be read.
    Usage,
    /// 3: refused before any write: tool, disk or permission missing, or no `--yes`.
    Refused,
    /// 4: failed after writes began; the disk does not boot.
    Broken,
    /// 5: the image's source is unreachable or its content invalid; nothing was written.
    Source,
    /// 130: ended by SIGINT.
    Interrupted,
    /// 143: ended by SIGTERM or SIGHUP.
    Terminated,
}

impl Exit {
    /// The process exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Input => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Broken => 4,
            Self::Source => 5,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}
