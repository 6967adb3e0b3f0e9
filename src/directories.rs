// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a user's files are: the cache, temporary files.

use std::env;
use std::path::PathBuf;

use landfall_installer::media;

/// Directories by the variables of the environment.
#[derive(Debug)]
pub(crate) struct Directories {
    cache: PathBuf,
    temporary: PathBuf,
}

impl Directories {
    /// `XDG_CACHE_HOME` (XDG Base Directory Specification), `TMPDIR`. Images are large, and `/tmp` often is memory.
    pub(crate) fn find() -> Self {
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(home);
        let temporary = env::var_os("TMPDIR").map(PathBuf::from);
        Self {
            cache: cache
                .unwrap_or_else(|| "/var/cache".into())
                .join("landfall/environments"),
            temporary: temporary.unwrap_or_else(|| "/var/tmp".into()),
        }
    }

    /// As media are made with.
    pub(crate) fn as_ref(&self) -> media::Directories<'_> {
        media::Directories {
            cache: &self.cache,
            temporary: &self.temporary,
        }
    }
}
