// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How included files are had: a trait that the caller implements, since this library reads no files.
//!
//! The rules for relative paths and URLs are the implementor's.

use std::io;

/// A way to get at the files that a kickstart includes
pub trait Includes {
    /// Fetches what an `%include` names: `path` as it is written, `from` the name of the including file. Gives the
    /// name that the included file goes by in diagnostics, and its text.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] says that includes are not followed: the line is left out with a warning.
    /// Every other error is an error of the kickstart.
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)>;
}

/// Follows no include
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn fetch(&self, _: &str, _: &str) -> io::Result<(String, String)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
