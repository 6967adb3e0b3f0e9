// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Bearer tokens: asked of the token server that a registry names.
//!
//! Takes the challenge's realm and service, the repository, and perhaps a login; gives a token for
//! pulling from that repository alone, whatever more the registry proposes.

use std::io::Read as _;

use kickstart_parser::Secret;
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::credentials::Login;
use super::endpoint::judge;
use super::failure::Failure;

/// The longest answer of a token server, in bytes.
const MAX_ANSWER: u64 = 1024 * 1024;
/// How we are called in a token exchange.
const CLIENT_ID: &str = "landfall";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

/// What a token is asked for.
pub(super) struct Request<'a> {
    pub(super) realm: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) repository: &'a str,
    /// The registry speaks verified https, and so must the token server.
    pub(super) verified: bool,
}

/// Fetches a token. An identity token is sent in a body: for such a login, `client` follows no redirect.
pub(super) fn fetch(
    client: &Client,
    request: &Request<'_>,
    login: Option<&Login>,
) -> Result<Secret, Failure> {
    let url = realm(request)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let answer = send(client, url, request, login)
        .and_then(judge)
        .map_err(|failure| name_server(failure, &host, login))?;
    let mut text = Vec::new();
    answer.take(MAX_ANSWER).read_to_end(&mut text)?;
    let answer: Answer = serde_json::from_slice(&text)
        .map_err(|_| Failure::Invalid(format!("the token server `{host}` sent no token")))?;
    let token = [answer.token, answer.access_token]
        .into_iter()
        .find(|token| !token.is_empty())
        .ok_or_else(|| Failure::Invalid(format!("the token server `{host}` sent no token")))?;
    Ok(Secret::new(token))
}

fn realm(request: &Request<'_>) -> Result<Url, Failure> {
    let url = Url::parse(request.realm).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        Failure::Invalid("it names a token server by something that is no address".to_owned())
    })?;
    if request.verified && url.scheme() != "https" {
        let host = url.host_str().unwrap_or_default();
        return Err(Failure::Distrusted(format!(
            "its token server `{host}` does not use https"
        )));
    }
    Ok(url)
}

fn send(
    client: &Client,
    mut url: Url,
    request: &Request<'_>,
    login: Option<&Login>,
) -> Result<Response, Failure> {
    let scope = format!("repository:{}:pull", request.repository);
    let mut fields: Vec<(&str, &str)> = vec![("scope", &scope)];
    fields.extend(request.service.map(|service| ("service", service)));
    let sent = match login {
        Some(Login::IdentityToken(token)) => {
            fields.extend([("grant_type", "refresh_token"), ("client_id", CLIENT_ID)]);
            fields.push(("refresh_token", token.expose()));
            let form = client
                .post(url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            form.body(encode(&fields)).send()
        }
        Some(Login::Password { user, password }) => {
            fields.push(("account", user));
            url.query_pairs_mut().extend_pairs(fields);
            let get = client.get(url);
            get.basic_auth(user, Some(password.expose())).send()
        }
        None => {
            url.query_pairs_mut().extend_pairs(fields);
            client.get(url).send()
        }
    };
    sent.map_err(Failure::from)
}

/// `a=b&c=d`, as forms are sent.
fn encode(fields: &[(&str, &str)]) -> String {
    let query = Url::parse("http://form").map(|mut url| {
        url.query_pairs_mut().extend_pairs(fields);
        url.query().unwrap_or_default().to_owned()
    });
    query.unwrap_or_default()
}

/// Says which server refused, and whether a login was given.
fn name_server(failure: Failure, host: &str, login: Option<&Login>) -> Failure {
    match failure {
        Failure::Status {
            status: status @ (400 | 401 | 403),
            ..
        } => {
            let what = match login {
                Some(Login::Password { user, .. }) => format!("the login of `{user}`"),
                Some(Login::IdentityToken(_)) => "the identity token".to_owned(),
                None => "access without a login".to_owned(),
            };
            Failure::refused(
                if status == 400 { 401 } else { status },
                &format!("the token server `{host}` refuses {what}"),
            )
        }
        Failure::Status {
            status: 300..=399, ..
        } if matches!(login, Some(Login::IdentityToken(_))) => Failure::Distrusted(format!(
            "the token server `{host}` redirects, and an identity token is not sent on"
        )),
        Failure::Network(reason) => {
            Failure::Network(format!("asking the token server `{host}`: {reason}"))
        }
        Failure::Distrusted(reason) => {
            Failure::Distrusted(format!("asking the token server `{host}`: {reason}"))
        }
        other => other,
    }
}
