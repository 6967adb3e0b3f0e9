// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that tell the installed system how to reach the registry that it follows.
//!
//! Takes their content, as the command line named them, and the reference that is followed; gives their places, those
//! in which bootc looks. Nothing is written that was not asked for. It does not know what is in them.

use kickstart_parser::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the installed system is given; none of it by default.
#[derive(Debug, Clone, Default)]
pub struct TargetAccess {
    /// Logins, containers-auth.json(5).
    pub authfile: Option<Secret>,
    /// Mirrors and the like, containers-registries.conf(5).
    pub registries_conf: Option<Secret>,
    /// Certificates of authorities for the registry that is followed, in PEM.
    pub ca: Option<Secret>,
}

/// A file of the installed system whose content is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessFile {
    /// Where.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// What; masked wherever it is shown.
    pub text: Secret,
}

impl TargetAccess {
    /// The files for a system that follows `target`, `docker://HOST/…`.
    pub(super) fn files(&self, target: &str) -> Vec<AccessFile> {
        let name = target.strip_prefix("docker://").unwrap_or(target);
        let host = name.split('/').next().unwrap_or_default();
        let file = |path: String, mode, text: &Option<Secret>| {
            let text = text.clone()?;
            Some(AccessFile { path, mode, text })
        };
        [
            file("/etc/ostree/auth.json".to_owned(), 0o600, &self.authfile),
            file(
                "/etc/containers/registries.conf.d/50-landfall.conf".to_owned(),
                0o644,
                &self.registries_conf,
            ),
            file(
                format!("/etc/containers/certs.d/{host}/landfall.crt"),
                0o644,
                &self.ca,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
