// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Asks a running installation to end: between steps, and while layers are pulled.
//!
//! The programs that run are ended by whoever listens to signals, except in a [`Shelter`].

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::error::EngineError;
use super::process::Family;
use crate::exit::Exit;

/// Set from a signal handler, looked at by the engine.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// 0: go on; else the signal's number.
    signal: Arc<AtomicUsize>,
    shelter: Arc<Mutex<()>>,
    family: Family,
}

/// As long as it lives, the first signal ends no program: what runs would lose data if it were cut short.
#[derive(Debug)]
pub(super) struct Shelter<'s> {
    _held: MutexGuard<'s, ()>,
}

/// The number of SIGTERM; any other stopping signal counts as SIGINT.
const SIGTERM: usize = 15;

impl Stop {
    /// One for an installation whose programs are the `family`.
    pub fn of(family: Family) -> Self {
        Self {
            family,
            ..Self::default()
        }
    }

    /// What the installation has started.
    pub const fn family(&self) -> &Family {
        &self.family
    }

    /// The number that a signal handler stores its signal in.
    pub fn signal(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.signal)
    }

    /// Why something failed: the signal, if there was one, for it reaches the programs that run.
    pub fn cause(&self, error: EngineError) -> EngineError {
        self.check().err().unwrap_or(error)
    }

    /// The same for those who ask whether to go on.
    pub(crate) fn go_on(&self) -> ControlFlow<()> {
        match self.check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// A shelter for what runs from now on, unless a signal has come already.
    pub(super) fn shelter(&self) -> Result<Shelter<'_>, EngineError> {
        let held = self.shelter.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at in the shelter, or one that comes in between would be missed.
        self.check()?;
        Ok(Shelter { _held: held })
    }

    /// Whether something runs that must come to its end.
    pub fn is_sheltered(&self) -> bool {
        matches!(self.shelter.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Does `work` unless there is a shelter, and lets nobody into one meanwhile.
    pub(super) fn outside_shelter(&self, work: impl FnOnce()) {
        let _held = match self.shelter.try_lock() {
            Err(TryLockError::WouldBlock) => return,
            Err(TryLockError::Poisoned(held)) => held.into_inner(),
            Ok(held) => held,
        };
        work();
    }

    pub(crate) fn check(&self) -> Result<(), EngineError> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            SIGTERM => Err(EngineError::Stopped(Exit::Terminated)),
            _ => Err(EngineError::Stopped(Exit::Interrupted)),
        }
    }
}
