// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How images are reached and which are let in: what the user named, and where a machine keeps the rest.
//!
//! Takes options and environment variables; gives paths. It reads no file: `policy` and `registry`
//! do, each in its own order. Tests give a root and variables of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// The variables that say where configuration is.
const VARIABLES: [&str; 7] = [
    "CONTAINERS_POLICY_JSON",
    "CONTAINERS_REGISTRIES_CONF",
    "DOCKER_CONFIG",
    "HOME",
    "REGISTRY_AUTH_FILE",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];

/// How images are reached and which are let in.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The registry of the reference is spoken to over http instead of https.
    pub plain_http: bool,
    /// No registry's certificate is verified, and http will do.
    pub insecure: bool,
    /// The only file with credentials, in place of those that the machine has.
    pub authfile: Option<PathBuf>,
    /// A file with certificates (PEM) that are trusted beside the machine's.
    pub ca: Option<PathBuf>,
    /// Certificates (PEM) that are trusted, too.
    pub certificates: Vec<String>,
    /// The policy, in place of the machine's.
    pub policy: Option<PathBuf>,
    /// Where the machine's files are.
    pub places: Places,
    /// How long a registry is waited for.
    pub patience: Patience,
}

/// How long a registry is waited for, and how often it is asked again.
#[derive(Debug, Clone)]
pub struct Patience {
    /// How often a request is made before it is given up, the first time included.
    pub rounds: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub first: Duration,
    /// The longest pause of our own choice.
    pub longest: Duration,
    /// The longest time for all rounds of one request, with the pauses that the registry asks for.
    pub total: Duration,
    /// How long nothing may come.
    pub stall: Duration,
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// When it is not 0, nothing is waited for any longer: a signal has come.
    pub stopped: Arc<AtomicUsize>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            rounds: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            total: Duration::from_secs(180),
            stall: Duration::from_secs(60),
            connect: Duration::from_secs(20),
            stopped: Arc::default(),
        }
    }
}

/// Where configuration is looked for. The default is this machine.
#[derive(Debug, Clone)]
pub struct Places {
    root: PathBuf,
    variables: BTreeMap<&'static str, PathBuf>,
}

impl Default for Places {
    fn default() -> Self {
        let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let set = |name| Some((name, PathBuf::from(value(name)?)));
        Self {
            root: PathBuf::from("/"),
            variables: VARIABLES.into_iter().filter_map(set).collect(),
        }
    }
}

impl Places {
    /// The places below `root`, without a home directory or other variables.
    #[cfg(test)]
    pub(crate) fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            variables: BTreeMap::new(),
        }
    }

    /// The same with one variable set.
    #[cfg(test)]
    pub(crate) fn with(mut self, name: &'static str, value: &Path) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    /// A file of the system, such as `etc/containers/policy.json`.
    pub(super) fn system(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The value of a variable that holds a path.
    pub(super) fn variable(&self, name: &str) -> Option<&Path> {
        self.variables.get(name).map(PathBuf::as_path)
    }

    /// A file below the home directory.
    pub(super) fn home(&self, path: &str) -> Option<PathBuf> {
        Some(self.variable("HOME")?.join(path))
    }

    /// A file of the user's configuration: below `$XDG_CONFIG_HOME`, or else `~/.config`.
    pub(super) fn config(&self, path: &str) -> Option<PathBuf> {
        match self.variable("XDG_CONFIG_HOME") {
            Some(directory) => Some(directory.join(path)),
            None => self.home(&format!(".config/{path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_configuration_follows_the_variable_and_then_home() {
        let bare = Places::below(Path::new("/r"));
        assert_eq!(bare.config("a"), None);
        assert_eq!(bare.system("etc/a"), Path::new("/r/etc/a"));
        let home = bare.with("HOME", Path::new("/h"));
        assert_eq!(home.config("a").unwrap(), Path::new("/h/.config/a"));
        let xdg = home.with("XDG_CONFIG_HOME", Path::new("/c"));
        assert_eq!(xdg.config("a").unwrap(), Path::new("/c/a"));
    }
}
