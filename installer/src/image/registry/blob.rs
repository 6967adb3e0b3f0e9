// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A blob as it comes from a registry, taken up again where the connection was cut.
//!
//! Takes a registry and a digest; reads the bytes in order, whatever connections they came by. Nothing is
//! asked for before the first read. It does not verify: the caller does, over all parts together.

use std::io::{self, Read};
use std::sync::Arc;

use reqwest::blocking::Response;

use super::Registry;
use super::failure::Failure;
use super::retries::Retries;

/// Bytes that a connection must bring to count as progress.
const PROGRESS: u64 = 64 * 1024;

/// The reading end of a download.
#[derive(Debug)]
pub(in super::super) struct Blob {
    registry: Arc<Registry>,
    digest: String,
    size: u64,
    at: u64,
    answer: Option<Response>,
    /// Where the connection began that is read now.
    since: u64,
    fruitless: Retries,
}

impl Blob {
    pub(super) fn new(registry: Arc<Registry>, digest: &str, size: u64) -> Self {
        Self {
            fruitless: Retries::new(&registry.patience),
            registry,
            digest: digest.to_owned(),
            size,
            at: 0,
            answer: None,
            since: 0,
        }
    }

    fn doing(&self) -> String {
        let name = &self.registry.name;
        format!("fetching the blob `{}` of `{name}`", self.digest)
    }

    fn connect(&mut self) -> io::Result<Response> {
        self.since = self.at;
        let ask = |endpoint: &super::Endpoint| endpoint.blob(&self.digest, self.at, self.size);
        self.registry
            .ask(&self.doing(), ask)
            .map_err(io::Error::other)
    }

    /// Whether it is worth while to connect again, after a pause if nothing came.
    fn cut(&mut self, failure: Failure) -> io::Result<()> {
        if self.at - self.since >= PROGRESS {
            self.fruitless = Retries::new(&self.registry.patience);
            return Ok(());
        }
        if self.fruitless.wait([&failure].into_iter()) {
            return Ok(());
        }
        let doing = format!("{}, {} of {} bytes", self.doing(), self.at, self.size);
        Err(io::Error::other(failure.explain(doing)))
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let mut answer = match self.answer.take() {
                Some(answer) => answer,
                None if self.at >= self.size && self.at > 0 => return Ok(0),
                None => self.connect()?,
            };
            match answer.read(buffer) {
                Ok(0) if self.at < self.size => {
                    self.cut(Failure::Network("the connection ended".to_owned()))?;
                }
                // After the last byte it does not matter how the connection ends.
                Err(_) if self.at >= self.size => return Ok(0),
                Err(error) => self.cut(error.into())?,
                Ok(count) => {
                    self.at += count as u64;
                    self.answer = Some(answer);
                    return Ok(count);
                }
            }
        }
    }
}
