// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a request can end with, before it is known what was being done.
//!
//! Takes errors of the client and answers of servers; gives what to tell, and whether asking again may
//! help. Addresses are never told: those of storage behind a registry carry signatures.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::super::ImageError;

/// Characters of a server's own words that are shown.
const WORDS: usize = 200;

#[derive(Debug)]
pub(super) enum Failure {
    /// No answer, or not all of it.
    Network(String),
    /// No answer that can be trusted: asking again will not help.
    Distrusted(String),
    /// An answer that is a refusal.
    Status {
        status: u16,
        message: String,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// An answer that makes no sense.
    Invalid(String),
}

impl Failure {
    pub(super) fn refused(status: u16, message: &str) -> Self {
        Self::Status {
            status,
            message: shorten(message),
            retry_after: None,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Distrusted(_) | Self::Invalid(_) => false,
        }
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(super) fn explain(self, doing: String) -> ImageError {
        match self {
            Self::Network(reason) | Self::Distrusted(reason) => {
                ImageError::unreachable(doing, reason)
            }
            Self::Status {
                status, message, ..
            } => ImageError::Refused {
                doing,
                status,
                message,
            },
            Self::Invalid(reason) => ImageError::invalid(doing, reason),
        }
    }

    /// In a few words, for a failure that is not the main one.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Network(reason) | Self::Distrusted(reason) | Self::Invalid(reason) => {
                reason.clone()
            }
            Self::Status { status, .. } => format!("answered {status}"),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let reason = reason(&error);
        // Rustls's errors of certificates and protocols have this kind; a cut connection has others.
        let distrusted = error.is_redirect()
            || causes(&error)
                .filter_map(|cause| cause.downcast_ref::<io::Error>())
                .any(|cause| cause.kind() == io::ErrorKind::InvalidData);
        if distrusted {
            Self::Distrusted(reason)
        } else {
            Self::Network(reason)
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.downcast::<reqwest::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::Network(error.to_string()),
        }
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

/// The innermost cause: what is around it repeats the address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if error.is_redirect() {
        return shorten(
            &causes(error)
                .last()
                .map(ToString::to_string)
                .unwrap_or_default(),
        );
    }
    match causes(error).last() {
        Some(cause) if !cause.is::<reqwest::Error>() => shorten(&cause.to_string()),
        _ => "the request failed".to_owned(),
    }
}

/// A server's words, made fit for one line.
pub(super) fn shorten(message: &str) -> String {
    let line: String = message
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .take(WORDS)
        .collect();
    let line = line.trim();
    if line.is_empty() {
        "no reason given".to_owned()
    } else {
        line.to_owned()
    }
}
