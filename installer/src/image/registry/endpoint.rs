// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One repository at one server: requests to it with the authorization that it wants.
//!
//! Takes a path below the repository; gives the answer if it is a success. A challenge is met once a request,
//! and what met it is kept for the next. It deliberately does not ask again after a failure: the caller may
//! have another place to ask.

use std::io::{self, Read as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use oci_spec::distribution::Reference;
use reqwest::blocking::{Client, Response};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue,
    RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::super::ImageError;
use super::super::access::Access;
use super::super::manifest::MAX_JSON;
use super::challenge::{self, Challenge};
use super::client::{Redirects, Security, client};
use super::credentials::{Login, login};
use super::failure::Failure;
use super::retries::retry_after;
use super::routes::Route;
use super::token;

const MANIFEST_TYPES: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";
/// Bytes of a refusal that are read.
const MAX_REFUSAL: u64 = 8 * 1024;

/// One repository at one server.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Its name, and what of it is wanted.
    pub(super) reference: Reference,
    client: Client,
    /// What asks token servers.
    tokens: Client,
    security: Security,
    login: Option<Login>,
    scheme: OnceLock<&'static str>,
    authorization: Mutex<Option<HeaderValue>>,
}

impl Endpoint {
    pub(super) fn new(route: Route, access: &Access) -> Result<Self, ImageError> {
        let security = match route {
            Route { mirror: false, .. } if access.plain_http => Security::Plain,
            Route { insecure: true, .. } => Security::Insecure,
            _ if access.insecure => Security::Insecure,
            _ => Security::Verified,
        };
        let host = host(&route.reference);
        let (follow, refuse) = (Redirects::Followed, Redirects::Refused);
        let client_with = |redirects| client(host, (security, redirects), access);
        let client = client_with(follow)?;
        let login = login((host, route.reference.repository()), access)?;
        let tokens = match login {
            Some(Login::IdentityToken(_)) => client_with(refuse)?,
            _ => client.clone(),
        };
        Ok(Self {
            client,
            tokens,
            login,
            reference: route.reference,
            security,
            scheme: OnceLock::new(),
            authorization: Mutex::new(None),
        })
    }

    /// Host and repository.
    pub(super) fn name(&self) -> String {
        format!(
            "{}/{}",
            self.reference.registry(),
            self.reference.repository()
        )
    }

    /// A manifest or index by its digest, or by what the reference says.
    pub(super) fn manifest(&self, digest: Option<&str>) -> Result<Vec<u8>, Failure> {
        let name = digest
            .or(self.reference.digest())
            .or(self.reference.tag())
            .unwrap_or("latest");
        let accept = (ACCEPT, HeaderValue::from_static(MANIFEST_TYPES));
        let answer = self.get(&format!("manifests/{name}"), Some(&accept))?;
        let mut bytes = Vec::new();
        answer.take(MAX_JSON + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_JSON {
            let reason = format!("it is longer than {MAX_JSON} bytes");
            return Err(Failure::Invalid(reason));
        }
        Ok(bytes)
    }

    /// The bytes of a blob of `size` bytes from `at` on.
    pub(super) fn blob(&self, digest: &str, at: u64, size: u64) -> Result<Response, Failure> {
        let range = HeaderValue::from_str(&format!("bytes={at}-")).ok();
        let range = range.filter(|_| at > 0).map(|range| (RANGE, range));
        let mut answer = self.get(&format!("blobs/{digest}"), range.as_ref())?;
        if at > 0 && answer.status() == StatusCode::PARTIAL_CONTENT {
            check_range(answer.headers(), at, size)?;
            return Ok(answer);
        }
        if answer.status() != StatusCode::OK {
            let status = answer.status().as_u16();
            return Err(Failure::refused(status, "not an answer to the question"));
        }
        check_length(answer.headers(), size)?;
        // The server does not know ranges: what is there already passes by.
        let skipped = io::copy(&mut (&mut answer).take(at), &mut io::sink())?;
        if skipped < at {
            return Err(Failure::Network("the connection ended".to_owned()));
        }
        Ok(answer)
    }

    fn get(
        &self,
        path: &str,
        header: Option<&(HeaderName, HeaderValue)>,
    ) -> Result<Response, Failure> {
        let url = self.url(path)?;
        let host = host(&self.reference);
        let send = |authorization: Option<HeaderValue>| {
            let mut request = self.client.get(url.clone());
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            if let Some(value) = authorization {
                request = request.header(AUTHORIZATION, value);
            }
            request.send()
        };
        let answer = send(self.known_authorization())?;
        // A challenge from where the registry redirects to is not for its login.
        let same = answer.url().origin() == url.origin();
        if answer.status() != StatusCode::UNAUTHORIZED || !same {
            return judge(answer);
        }
        match self.authorize(&answer)? {
            Some(authorization) => judge(send(Some(authorization))?),
            None => Err(Failure::refused(
                401,
                &format!("`{host}` wants a login, and none is known for it"),
            )),
        }
        .map_err(|failure| self.name_user(failure))
    }

    /// A refused login is told by its user.
    fn name_user(&self, failure: Failure) -> Failure {
        match (&failure, &self.login) {
            (Failure::Status { status: 401, .. }, Some(Login::Password { user, .. })) => {
                Failure::refused(401, &format!("the login of `{user}` is not accepted"))
            }
            _ => failure,
        }
    }

    fn known_authorization(&self) -> Option<HeaderValue> {
        let known = self.authorization.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Meets the challenge of a refusal; `None` if that needs a login that there is not.
    fn authorize(&self, refusal: &Response) -> Result<Option<HeaderValue>, Failure> {
        let values = refusal.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = challenge::choose(values.filter_map(|value| value.to_str().ok()));
        let text = match (challenge, &self.login) {
            (Some(Challenge::Bearer { realm, service }), login) => {
                let request = token::Request {
                    realm: &realm,
                    service: service.as_deref(),
                    repository: self.reference.repository(),
                    verified: self.security == Security::Verified,
                };
                let token = token::fetch(&self.tokens, &request, login.as_ref())?;
                format!("Bearer {}", token.expose())
            }
            (Some(Challenge::Basic), Some(Login::Password { user, password })) => {
                basic(user, password.expose())
            }
            _ => return Ok(None),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Failure::Invalid("its token cannot stand in a header".to_owned()))?;
        value.set_sensitive(true);
        let mut known = self
            .authorization
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(value.clone());
        Ok(Some(value))
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        let host = host(&self.reference);
        let scheme = self.scheme()?;
        let repository = self.reference.repository();
        Url::parse(&format!("{scheme}://{host}/v2/{repository}/{path}"))
            .map_err(|e| Failure::Invalid(format!("`{host}` is no host: {e}")))
    }

    /// http or https; for a registry that may be insecure, https if anything answers to it.
    fn scheme(&self) -> Result<&'static str, Failure> {
        let ping = |scheme: &str| {
            let url = format!("{scheme}://{}/v2/", host(&self.reference));
            self.client.get(url).send()
        };
        match self.security {
            Security::Verified => Ok("https"),
            Security::Plain => Ok("http"),
            Security::Insecure => {
                if let Some(known) = self.scheme.get() {
                    return Ok(known);
                }
                let found = if ping("https").is_ok() {
                    "https"
                } else {
                    "http"
                };
                if found == "http" {
                    ping("http")?;
                }
                Ok(self.scheme.get_or_init(|| found))
            }
        }
    }
}

/// The server behind the name of a registry.
fn host(reference: &Reference) -> &str {
    match reference.registry() {
        "docker.io" => "registry-1.docker.io",
        other => other,
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let text = format!("{user}:{password}");
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    format!("Basic {encoded}")
}

/// The answer if it is a success, else what the server says.
pub(super) fn judge(answer: Response) -> Result<Response, Failure> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let after = answer.headers().get(RETRY_AFTER);
    let after = after.and_then(|value| retry_after(value.to_str().ok()?));
    let mut text = Vec::new();
    // Its words are a courtesy.
    let _ = answer.take(MAX_REFUSAL).read_to_end(&mut text);
    let mut failure = Failure::refused(status, &words(&text));
    if let Failure::Status { retry_after, .. } = &mut failure {
        *retry_after = after;
    }
    Err(failure)
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<RefusalEntry>,
}

#[derive(Deserialize)]
struct RefusalEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The messages of a refusal as the distribution specification has them, else its text.
fn words(text: &[u8]) -> String {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(text) else {
        return String::from_utf8_lossy(text).into_owned();
    };
    let entries = refusal.errors.into_iter();
    let words = entries.map(|entry| {
        if entry.message.is_empty() {
            entry.code
        } else {
            entry.message
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

/// The part that was asked for must be the part that comes: `bytes 5-9/10`.
fn check_range(headers: &HeaderMap, at: u64, size: u64) -> Result<(), Failure> {
    let text = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let parsed = || {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let last: u64 = last.parse().ok()?;
        Some((first.parse::<u64>().ok()?, last, total))
    };
    match parsed() {
        Some((first, last, total))
            if first == at && last < size && (total == "*" || total.parse() == Ok(size)) =>
        {
            Ok(())
        }
        _ => Err(Failure::Invalid(format!(
            "asked for the bytes from {at} of {size}, the registry sends the range `{}`",
            super::failure::shorten(text)
        ))),
    }
}

fn check_length(headers: &HeaderMap, size: u64) -> Result<(), Failure> {
    let length = headers.get(CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length != size => Err(Failure::Invalid(format!(
            "the registry has {length} bytes of it, its descriptor says {size}"
        ))),
        _ => Ok(()),
    }
}
