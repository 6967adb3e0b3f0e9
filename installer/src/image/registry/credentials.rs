// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Logins for registries, from the files of bootc, Podman and Docker (containers-auth.json(5)).
//!
//! Takes the host and repository that will be asked; gives the login of the longest matching entry of the
//! first file that has one. Credential helpers (`docker-credential-NAME`) are run. It does not know
//! how a login is used, and no message of it shows any content of a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kickstart_parser::Secret;
use serde::Deserialize;

use super::super::ImageError;
use super::super::access::Access;
use super::super::file::{read_bounded, read_named};
use super::helper;

/// The longest file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// What a registry or its token server is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// A user with a password.
    Password { user: String, password: Secret },
    /// A token that is exchanged for others (OAuth 2).
    IdentityToken(Secret),
}

/// The login for a repository, if there is one.
pub(super) fn login(
    (host, repository): (&str, &str),
    access: &Access,
) -> Result<Option<Login>, ImageError> {
    let names = names(host, repository);
    for (file, text) in files(access)? {
        let found = AuthFile::parse(&text)
            .and_then(|parsed| parsed.login(&names))
            .map_err(|reason| ImageError::configuration(&file, reason))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The files, in the order in which they are asked. A file that was named is the only one.
fn files(access: &Access) -> Result<Vec<(PathBuf, Vec<u8>)>, ImageError> {
    let places = &access.places;
    let named = access.authfile.as_deref();
    if let Some(file) = named.or(places.variable("REGISTRY_AUTH_FILE")) {
        return Ok(vec![(file.to_owned(), read_named(file, MAX_FILE)?)]);
    }
    let runtime = places.variable("XDG_RUNTIME_DIR");
    let docker = places.variable("DOCKER_CONFIG");
    let machine = [
        Some(places.system("run/ostree/auth.json")),
        Some(places.system("etc/ostree/auth.json")),
        Some(places.system("usr/lib/ostree/auth.json")),
        runtime.map(|runtime| runtime.join("containers/auth.json")),
        Some(places.system(&format!(
            "run/containers/{}/auth.json",
            rustix::process::geteuid().as_raw()
        ))),
        places.config("containers/auth.json"),
        match docker {
            Some(directory) => Some(directory.join("config.json")),
            None => places.home(".docker/config.json"),
        },
    ];
    let mut files = Vec::new();
    for file in machine.into_iter().flatten() {
        if let Some(text) = read_bounded(&file, MAX_FILE)? {
            files.push((file, text));
        }
    }
    Ok(files)
}

/// What may stand in a file for a repository, the longest first.
fn names(host: &str, repository: &str) -> Vec<String> {
    let host = canonical(host);
    let mut name = format!("{host}/{repository}");
    let mut names = vec![name.clone()];
    while let Some(end) = name.rfind('/') {
        name.truncate(end);
        names.push(name.clone());
    }
    names
}

/// Docker Hub has several names.
fn canonical(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        other => other,
    }
}

/// The key of an entry as it is compared: Docker writes addresses, whose paths mean nothing.
fn key(text: &str) -> String {
    let bare = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    if let Some(bare) = bare {
        return canonical(bare.split('/').next().unwrap_or(bare)).to_owned();
    }
    match text.split_once('/') {
        Some((host, path)) => format!("{}/{path}", canonical(host)),
        None => canonical(text).to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthFile {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    identitytoken: String,
}

impl AuthFile {
    fn parse(text: &[u8]) -> Result<Self, String> {
        // The parser's own message may quote a secret.
        serde_json::from_slice(text).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            format!("line {line}, column {column}: it is not JSON as in containers-auth.json(5)")
        })
    }

    fn login(&self, names: &[String]) -> Result<Option<Login>, String> {
        for name in names {
            let helper = self.cred_helpers.iter().find(|(k, _)| key(k) == *name);
            if let Some((server, helper)) = helper {
                return helper::ask(helper, server);
            }
        }
        for name in names {
            let entries = self.auths.iter().filter(|(k, _)| key(k) == *name);
            for (name, entry) in entries {
                if let Some(login) = entry.login(name)? {
                    return Ok(Some(login));
                }
            }
        }
        match (&self.creds_store, names.last()) {
            // Docker's store for everything; where it is not installed, there is nothing in it.
            (Some(store), Some(host)) if helper::exists(store) => helper::ask(store, address(host)),
            _ => Ok(None),
        }
    }
}

/// The name under which Docker keeps a login in its store.
fn address(host: &str) -> &str {
    match host {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    }
}

impl Entry {
    fn login(&self, name: &str) -> Result<Option<Login>, String> {
        if !self.identitytoken.is_empty() {
            let token = Secret::new(self.identitytoken.as_str());
            return Ok(Some(Login::IdentityToken(token)));
        }
        if self.auth.is_empty() {
            return Ok(None);
        }
        let refused = || format!("the entry `{name}` is not `USER:PASSWORD` in base64");
        let decoded = STANDARD.decode(self.auth.trim()).map_err(|_| refused())?;
        let text = String::from_utf8(decoded).map_err(|_| refused())?;
        let (user, password) = text.split_once(':').ok_or_else(refused)?;
        Ok(Some(Login::Password {
            user: user.to_owned(),
            password: Secret::new(password.trim_end_matches('\0')),
        }))
    }
}

/// The text of a file that can be used, for one that is copied into the target.
pub(in super::super) fn check(file: &Path) -> Result<Vec<u8>, ImageError> {
    let text = read_named(file, MAX_FILE)?;
    AuthFile::parse(&text).map_err(|reason| ImageError::configuration(file, reason))?;
    Ok(text)
}
