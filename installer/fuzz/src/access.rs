// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A machine that is a directory.

use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    pub(crate) policy: Option<PathBuf>,
    pub(crate) places: Places,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) root: PathBuf,
}

impl Places {
    pub(super) fn system(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn variable(&self, _: &str) -> Option<&Path> {
        None
    }

    pub(super) fn config(&self, _: &str) -> Option<PathBuf> {
        None
    }
}
