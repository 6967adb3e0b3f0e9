// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A kickstart by its address: http and https as Anaconda asks for it, ftp with curl.
//!
//! Takes addresses; gives bytes, no more than a kickstart may have. It does not know what is in them.

use std::io::{self, Read as _};
use std::thread::sleep;
use std::time::Duration;

use kickstart_parser::{LARGEST_FILE, Secret};
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::redirect::{Attempt, Policy};

use super::{BootOptions, machine};
use crate::engine::error::EngineError;
use crate::engine::tool::Tool;

/// How long one answer of a server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tries of each address, and the time between them.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(3);
const MOST_REDIRECTS: usize = 5;

/// The file behind an address, when the network is there.
pub(super) fn fetch(url: &Secret, options: &BootOptions) -> Result<Vec<u8>, EngineError> {
    machine::await_network()?;
    if url.expose().starts_with("ftp://") {
        return by_ftp(url, options.proxy.as_ref());
    }
    let shown = kickstart_parser::hidden(url.expose()).into_owned();
    let failed = |e| EngineError::io(format!("fetching the kickstart `{shown}`"), e);
    let client = client(options).map_err(|e| failed(failure(e)))?;
    let headers = machine::headers(options);
    let get = || {
        let mut request = client.get(url.expose());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let response = request.send().and_then(Response::error_for_status);
        body(response.map_err(failure)?)
    };
    let body = again(get, PAUSE).map_err(failed)?;
    if body.len() > LARGEST_FILE {
        let message = format!("it has more than {} MiB", LARGEST_FILE >> 20);
        return Err(failed(io::Error::other(message)));
    }
    Ok(body)
}

/// Tries a few times; why the last one failed.
fn again<T>(mut get: impl FnMut() -> io::Result<T>, pause: Duration) -> io::Result<T> {
    for _ in 1..TRIES {
        if let Ok(got) = get() {
            return Ok(got);
        }
        sleep(pause);
    }
    get()
}

/// All of it, or one byte more than a kickstart may have.
fn body(response: Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let most = LARGEST_FILE as u64 + 1;
    let read = response.take(most).read_to_end(&mut body);
    // The cause of a broken answer names its address.
    read.map_err(|e| match e.downcast::<reqwest::Error>() {
        Ok(error) => failure(error),
        Err(error) => error,
    })?;
    Ok(body)
}

fn client(options: &BootOptions) -> Result<Client, reqwest::Error> {
    let verified = options.verify_tls;
    let mut builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        .tls_danger_accept_invalid_certs(!verified)
        .redirect(Policy::custom(
            move |attempt: Attempt<'_>| match may_redirect(
                attempt.previous(),
                attempt.url(),
                verified,
            ) {
                Ok(()) => attempt.follow(),
                Err(reason) => attempt.error(reason),
            },
        ));
    if let Some(proxy) = &options.proxy {
        builder = builder.proxy(reqwest::Proxy::all(with_scheme(proxy))?);
    }
    builder.build()
}

/// Whether a request that went through `previous` goes on to `url`: what was asked for with proof is not taken without.
fn may_redirect(previous: &[Url], url: &Url, verified: bool) -> Result<(), &'static str> {
    if previous.len() > MOST_REDIRECTS {
        return Err("too many redirects");
    }
    let from_https = previous.iter().any(|url| url.scheme() == "https");
    if verified && from_https && url.scheme() != "https" {
        return Err("it redirects from https to http");
    }
    Ok(())
}

fn with_scheme(proxy: &Secret) -> String {
    let proxy = proxy.expose();
    if proxy.contains("://") {
        proxy.to_owned()
    } else {
        format!("http://{proxy}")
    }
}

/// The innermost cause, without the address, which may have a password.
fn failure(error: reqwest::Error) -> io::Error {
    if let Some(status) = error.status() {
        return io::Error::other(format!("the server answers {status}"));
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    io::Error::other(cause.to_string())
}

fn by_ftp(url: &Secret, proxy: Option<&Secret>) -> Result<Vec<u8>, EngineError> {
    Tool::require(&[Tool::Curl])?;
    let fixed = [
        "--fail",
        "--silent",
        "--show-error",
        "--globoff",
        "--retry",
        "3",
        "--config",
        "-",
    ];
    let (seconds, size) = (PATIENCE.as_secs().to_string(), LARGEST_FILE.to_string());
    let bounds = ["--max-time", &seconds, "--max-filesize", &size];
    let text = Tool::Curl
        .with(fixed.into_iter().chain(bounds))
        .feed(curl_config(url, proxy).expose().as_bytes())?;
    Ok(text.into_bytes())
}

/// What curl reads from its stdin: both may have a password, and are no arguments for that.
fn curl_config(url: &Secret, proxy: Option<&Secret>) -> Secret {
    let quoted = |text: &str| {
        let plain = text.chars().filter(|c| !c.is_control()).collect::<String>();
        plain.replace('\\', "\\\\").replace('"', "\\\"")
    };
    let mut config = format!("url = \"{}\"\n", quoted(url.expose()));
    if let Some(proxy) = proxy {
        config.extend(["proxy = \"", &quoted(&with_scheme(proxy)), "\"\n"]);
    }
    Secret::new(config)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use super::*;

    /// A server that gives one answer after the other; its address.
    fn answers(list: &'static [&str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/a.ks", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in list {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn get(address: &str) -> io::Result<Vec<u8>> {
        let client = client(&BootOptions::default()).map_err(failure)?;
        let get = || {
            let response = client.get(address).send();
            body(
                response
                    .and_then(Response::error_for_status)
                    .map_err(failure)?,
            )
        };
        again(get, Duration::ZERO)
    }

    #[test]
    fn an_answer_that_breaks_off_is_asked_for_again() {
        let address = answers(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf",
            "HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole",
        ]);
        assert_eq!(get(&address).unwrap(), b"whole");
    }

    #[test]
    fn after_some_tries_the_last_failure_is_told() {
        const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        const BROKEN: &str =
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf";
        let gone = get(&answers(&[BROKEN, BROKEN, BROKEN, GONE])).unwrap_err();
        assert_eq!(gone.to_string(), "the server answers 410 Gone");
        let broken = get(&answers(&[GONE, GONE, GONE, BROKEN])).unwrap_err();
        assert!(!broken.to_string().contains("127.0.0.1"), "{broken}");
    }

    #[test]
    fn redirects_in_a_circle_end() {
        let address = answers(
            &["HTTP/1.1 302 Found\r\nLocation: /a.ks\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                24],
        );
        assert_eq!(get(&address).unwrap_err().to_string(), "too many redirects");
    }

    #[test]
    fn a_redirect_from_https_to_http_is_not_followed() {
        let url = |text: &str| Url::parse(text).unwrap();
        let may = |from: &str, to: &str, verified| may_redirect(&[url(from)], &url(to), verified);
        assert_eq!(
            may("https://a", "http://a", true),
            Err("it redirects from https to http")
        );
        assert!(may("https://a", "https://b", true).is_ok());
        assert!(may("http://a", "https://b", true).is_ok());
        assert!(may("https://a", "http://a", false).is_ok());
    }

    #[test]
    fn curl_is_told_address_and_proxy_in_quotes() {
        let url = Secret::new("ftp://u:a\"b\\c@host/{a}[1].ks\nproxy = x");
        let config = curl_config(&url, Some(&Secret::new("u:p@proxy:3128")));
        assert_eq!(
            config.expose(),
            "url = \"ftp://u:a\\\"b\\\\c@host/{a}[1].ksproxy = x\"\nproxy = \"http://u:p@proxy:3128\"\n"
        );
        assert!(!curl_config(&url, None).expose().contains("\nproxy"));
    }
}
