// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who is told while a medium is made, and who may end that.

use std::ops::ControlFlow;

use super::error::MediaError;
use crate::engine::Stop;
use crate::engine::error::EngineError;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The kickstart is tried on the image.
    Judge,
    /// The image of the installer environment is unpacked.
    Unpack,
    /// Its initramfs is made.
    Initramfs,
    /// The layers of the image are fetched.
    Fetch,
    /// The medium is written, and what is written on it verified.
    Write,
}

impl Phase {
    /// As users read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Unpack => "unpack",
            Self::Initramfs => "initramfs",
            Self::Fetch => "fetch",
            Self::Write => "write",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What is being done.
    pub phase: Phase,
    /// Bytes that are done.
    pub done: u64,
    /// Bytes that there are, where that is known.
    pub total: Option<u64>,
}

/// Whoever makes a medium gets one.
pub struct Watch<'w> {
    /// Asked between steps, and while data are copied.
    pub stop: &'w Stop,
    /// Told how far it is.
    pub tell: &'w mut dyn FnMut(Told),
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch<'_> {
    /// Tells, and says whether to go on.
    pub(super) fn tell(&mut self, phase: Phase, done: u64, total: Option<u64>) -> ControlFlow<()> {
        (self.tell)(Told { phase, done, total });
        self.stop.go_on()
    }

    /// What failed because it was ended is said to be that.
    pub(super) fn cause(&self, error: MediaError) -> MediaError {
        match (error, self.stop.check()) {
            (_, Err(stopped)) => stopped.into(),
            (error, Ok(())) => error,
        }
    }

    /// An error if somebody has ended it.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        self.stop.check()
    }
}
