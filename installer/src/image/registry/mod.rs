// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A container registry, read as a source of manifests and blobs (OCI distribution specification 1.1).
//!
//! Takes a registry reference and how to reach it; gives manifests as bytes and blobs as blocking readers.
//! A request goes to the mirrors in their order and then to the registry itself, in rounds, until one answers
//! or nothing is left to hope for. It deliberately does not verify blobs: the caller wraps.

mod blob;
mod challenge;
mod client;
mod credentials;
mod endpoint;
mod failure;
mod helper;
mod retries;
mod routes;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::access::{Access, Patience};
use super::{ImageError, RegistryRef};

pub(super) use blob::Blob;
pub(super) use client::check as check_certificates;
#[cfg(test)]
pub(super) use client::may_redirect;
pub(super) use credentials::check as check_authfile;
pub(super) use routes::check as check_registries_conf;

use endpoint::Endpoint;
use failure::Failure;
use retries::Retries;

/// One repository, wherever its content is.
#[derive(Debug)]
pub(super) struct Registry {
    name: String,
    endpoints: Vec<Endpoint>,
    /// The endpoint that answered last.
    preferred: AtomicUsize,
    patience: Patience,
}

impl Registry {
    /// Reads the configuration of this machine for the name; asks nothing yet.
    pub(super) fn new(reference: &RegistryRef, access: &Access) -> Result<Self, ImageError> {
        let routes = routes::routes(reference, access)?.into_iter();
        Ok(Self {
            name: reference.name().to_owned(),
            endpoints: routes
                .map(|route| Endpoint::new(route, access))
                .collect::<Result<_, _>>()?,
            preferred: AtomicUsize::new(0),
            patience: access.patience.clone(),
        })
    }

    /// The manifest or index that the reference names, or that `digest` names in the same
    /// repository; at most [`super::manifest::MAX_JSON`] bytes, not verified.
    pub(super) fn manifest(&self, digest: Option<&str>) -> Result<Vec<u8>, ImageError> {
        let doing = match digest {
            Some(digest) => format!("fetching the manifest `{digest}` of `{}`", self.name),
            None => format!("fetching the manifest of `{}`", self.name),
        };
        self.ask(&doing, |endpoint| endpoint.manifest(digest))
    }

    /// A blob as it comes, not verified.
    pub(super) fn blob(self: &Arc<Self>, digest: &str, size: u64) -> Blob {
        Blob::new(Arc::clone(self), digest, size)
    }

    /// Asks the endpoints in order, again and again while one of them may yet answer.
    fn ask<T>(
        &self,
        doing: &str,
        ask: impl Fn(&Endpoint) -> Result<T, Failure>,
    ) -> Result<T, ImageError> {
        let mut retries = Retries::new(&self.patience);
        loop {
            let mut failures = Vec::new();
            for at in self.order() {
                match ask(&self.endpoints[at]) {
                    Ok(answer) => {
                        self.preferred.store(at, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(failure) => failures.push((at, failure)),
                }
            }
            if !retries.wait(failures.iter().map(|(_, failure)| failure)) {
                return Err(self.explain(doing, failures));
            }
        }
    }

    /// The endpoint that answered last, then the others in their order.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let first = self.preferred.load(Ordering::Relaxed);
        let others = (0..self.endpoints.len()).filter(move |at| *at != first);
        std::iter::once(first).chain(others)
    }

    /// What the registry itself said counts; the mirrors are told beside it.
    fn explain(&self, doing: &str, mut failures: Vec<(usize, Failure)>) -> ImageError {
        failures.sort_by_key(|(at, _)| *at);
        let own = failures.pop();
        let mirrors: Vec<String> = failures
            .iter()
            .map(|(at, failure)| {
                let mirror = self.endpoints[*at].name();
                format!(" (mirror `{mirror}`: {})", failure.brief())
            })
            .collect();
        let doing = format!("{doing}{}", mirrors.concat());
        match own {
            Some((_, failure)) => failure.explain(doing),
            None => ImageError::invalid(doing, "there is no place to ask"),
        }
    }
}
