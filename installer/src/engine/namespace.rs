// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A mount namespace of the installation's own: however the process ends, SIGKILL included, the
//! kernel takes its mounts away.

use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;

use super::error::EngineError;

/// Moves this thread, and all that it starts from now on, into a new mount namespace from which
/// nothing propagates back. Call it before any thread that resolves paths is started.
pub(crate) fn enter() -> Result<(), EngineError> {
    unshare().map_err(|e| EngineError::io("making a mount namespace (this needs root)", e))?;
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(|e| EngineError::io("making the mount namespace private", e.into()))
}

#[allow(unsafe_code, reason = "unshare(2) is only offered as unsafe")]
fn unshare() -> io::Result<()> {
    // SAFETY: only `FILES` makes the call unsafe, by splitting the table of file descriptors
    // between threads; a mount namespace leaves that table alone.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.map_err(Into::into)
}
