// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Fetches files by http and https: one request, certificates verified, bounded in time and size.
//!
//! The trusted roots and the proxy are those of the machine.

use std::error::Error;
use std::io;
use std::time::Duration;

use kickstart_parser::LARGEST_FILE;
use reqwest::{Client, StatusCode, Url};
use tokio::runtime::Builder;

/// For a whole request
const TIME_OUT: Duration = Duration::from_secs(120);

/// What is at an address. A body beyond the largest file that is read is an error.
pub(crate) fn get(url: &str) -> io::Result<Vec<u8>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(body(url))
}

/// The address of `path` as a file at `url` means it
pub(crate) fn beside(url: &str, path: &str) -> Option<String> {
    let joined = Url::parse(url).ok()?.join(path).ok()?;
    Some(joined.into())
}

async fn body(url: &str) -> io::Result<Vec<u8>> {
    let client = Client::builder()
        .timeout(TIME_OUT)
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .build();
    let request = client.map_err(|error| failure(&error))?.get(url).send();
    let mut response = request.await.map_err(|error| failure(&error))?;
    if response.status() != StatusCode::OK {
        return Err(io::Error::other(format!(
            "the server answers {}",
            response.status()
        )));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_FILE {
            let message = format!("the server sends more than {} MiB", LARGEST_FILE >> 20);
            return Err(io::Error::other(message));
        }
    }
    Ok(body)
}

/// The innermost cause: what is around it repeats the address
fn failure(error: &reqwest::Error) -> io::Error {
    if error.is_timeout() {
        let message = format!("no answer within {} s", TIME_OUT.as_secs());
        return io::Error::new(io::ErrorKind::TimedOut, message);
    }
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    io::Error::other(cause.to_string())
}
