// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Asks a running installation to end: between steps, and while layers are pulled.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::EngineError;
use crate::exit::Exit;

/// Set from a signal handler, looked at by the engine. 0: go on; else the signal's number.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicUsize>);

/// The number of SIGTERM; any other stopping signal counts as SIGINT.
const SIGTERM: usize = 15;

impl Stop {
    /// The number that a signal handler stores its signal in.
    pub fn signal(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Why something failed: the signal, if there was one, for it reaches the programs that run.
    pub fn cause(&self, error: EngineError) -> EngineError {
        self.check().err().unwrap_or(error)
    }

    /// The same for those who ask whether to go on.
    pub(super) fn go_on(&self) -> ControlFlow<()> {
        match self.check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    pub(super) fn check(&self) -> Result<(), EngineError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            SIGTERM => Err(EngineError::Stopped(Exit::Terminated)),
            _ => Err(EngineError::Stopped(Exit::Interrupted)),
        }
    }
}
