// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The HTTP client for one registry: certificates, proxy, redirects, time limits.
//!
//! Takes the host and the access options; gives a client that trusts the machine's roots, `--ca`, and what
//! containers-certs.d(5) has for the host. The proxy is that of the environment (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `NO_PROXY`). A redirect to another host carries no credentials, and none leads from https to http;
//! a login in a request's body goes through none.

use std::path::{Path, PathBuf};

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Identity, Url};

use super::super::ImageError;
use super::super::access::Access;
use super::super::file::{list, read_bounded, read_named};
use super::failure::Failure;

/// Redirects that are followed for one request.
const MAX_REDIRECTS: usize = 5;
/// The longest file with certificates, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// How a registry is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// https, certificates verified.
    Verified,
    /// https with any certificate, or http.
    Insecure,
    /// http.
    Plain,
}

/// What is done about redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// They are followed, a few.
    Followed,
    /// They are answers: the body of a request, too, would go where 307 and 308 lead.
    Refused,
}

/// Makes the client for `host`, perhaps with a port.
pub(super) fn client(
    host: &str,
    (security, redirects): (Security, Redirects),
    access: &Access,
) -> Result<Client, ImageError> {
    let trust = Trust::find(host, access)?;
    let build = |only: bool| {
        let builder = builder(security, access, &trust, only);
        builder.redirect(policy(security, redirects)).build()
    };
    match build(false) {
        Ok(client) => Ok(client),
        // A machine without any root certificates can still talk http.
        Err(_) if security != Security::Verified => build(true).map_err(|e| failed(host, e)),
        Err(error) => Err(failed(host, error)),
    }
}

fn failed(host: &str, error: reqwest::Error) -> ImageError {
    Failure::from(error).explain(format!("preparing to talk https to `{host}`"))
}

/// `only`: without the machine's roots.
fn builder(security: Security, access: &Access, trust: &Trust, only: bool) -> ClientBuilder {
    let certificates = trust.certificates.iter().cloned();
    let builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .referer(false)
        .connect_timeout(access.patience.connect)
        .timeout(access.patience.stall)
        .tls_danger_accept_invalid_certs(security == Security::Insecure);
    let builder = if only {
        builder.tls_certs_only(certificates)
    } else {
        builder.tls_certs_merge(certificates)
    };
    match &trust.identity {
        Some(identity) => builder.identity(identity.clone()),
        None => builder,
    }
}

fn policy(security: Security, redirects: Redirects) -> Policy {
    if redirects == Redirects::Refused {
        return Policy::none();
    }
    let verified = security == Security::Verified;
    Policy::custom(move |attempt: Attempt<'_>| {
        match may_redirect(attempt.previous(), attempt.url(), verified) {
            Ok(()) => attempt.follow(),
            Err(reason) => attempt.error(reason),
        }
    })
}

/// Whether a request that went through `previous` may go on to `url`.
pub(in super::super) fn may_redirect(
    previous: &[Url],
    url: &Url,
    verified: bool,
) -> Result<(), &'static str> {
    if previous.len() > MAX_REDIRECTS {
        return Err("too many redirects");
    }
    let from_https = previous.iter().any(|url| url.scheme() == "https");
    if verified && from_https && url.scheme() != "https" {
        return Err("it redirects from https to http");
    }
    Ok(())
}

/// Certificates for one host.
#[derive(Default)]
struct Trust {
    certificates: Vec<Certificate>,
    identity: Option<Identity>,
}

impl Trust {
    fn find(host: &str, access: &Access) -> Result<Self, ImageError> {
        let mut trust = Self::default();
        if let Some(file) = &access.ca {
            trust.add(file, &read_named(file, MAX_FILE)?)?;
        }
        for text in &access.certificates {
            trust.add(Path::new("%certificate"), text.as_bytes())?;
        }
        let Some(directory) = directory(host, access) else {
            return Ok(trust);
        };
        for file in list(&directory, "crt")? {
            trust.add(&file, &read_named(&file, MAX_FILE)?)?;
        }
        trust.identity = identity(&directory)?;
        Ok(trust)
    }

    fn add(&mut self, file: &Path, text: &[u8]) -> Result<(), ImageError> {
        let found = Certificate::from_pem_bundle(text).unwrap_or_default();
        if found.is_empty() {
            return Err(ImageError::configuration(
                file,
                "it holds no certificate in PEM",
            ));
        }
        self.certificates.extend(found);
        Ok(())
    }
}

/// The text of a file with certificates, for one that is copied into the target.
pub(in super::super) fn check(file: &Path) -> Result<Vec<u8>, ImageError> {
    let text = read_named(file, MAX_FILE)?;
    Trust::default().add(file, &text)?;
    Ok(text)
}

/// The directory of the host: the first that exists.
fn directory(host: &str, access: &Access) -> Option<PathBuf> {
    let places = &access.places;
    [
        places.config("containers/certs.d"),
        Some(places.system("etc/containers/certs.d")),
        Some(places.system("etc/docker/certs.d")),
    ]
    .into_iter()
    .flatten()
    .map(|directory| directory.join(host))
    .find(|directory| directory.is_dir())
}

/// The client certificate of the first pair of `NAME.cert` and `NAME.key`.
fn identity(directory: &Path) -> Result<Option<Identity>, ImageError> {
    let (certificates, keys) = (list(directory, "cert")?, list(directory, "key")?);
    for (files, partner) in [(&certificates, "key"), (&keys, "cert")] {
        if let Some(file) = files.iter().find(|f| !f.with_extension(partner).exists()) {
            let name = file.with_extension(partner);
            let reason = format!("there is no `{}` beside it", name.display());
            return Err(ImageError::configuration(file, reason));
        }
    }
    let Some(file) = certificates.first() else {
        return Ok(None);
    };
    let mut text = read_named(file, MAX_FILE)?;
    text.push(b'\n');
    text.extend(read_bounded(&file.with_extension("key"), MAX_FILE)?.unwrap_or_default());
    let identity = Identity::from_pem(&text);
    // The error may tell of the key.
    let reason = "with its key it is no client certificate in PEM";
    identity
        .map(Some)
        .map_err(|_| ImageError::configuration(file, reason))
}
