// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why an image could not be read, told apart by what the user can do about it.
//!
//! Takes what each step of reading was doing; gives one-line messages with the values in them. It
//! deliberately does not know exit codes or hints: the caller chooses those by the variant.

use std::path::Path;

/// Why an image could not be read. `doing` is a gerund phrase with its object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The reference is not one that can be read.
    #[error("reading the image reference `{text}`: {reason}")]
    Reference {
        /// The reference as given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing answered: no route, no such host, TLS failure, connection cut, no such directory.
    #[error("{doing}")]
    Unreachable {
        /// What was being done.
        doing: String,
        /// What the network or the file system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The registry answered, and the answer is no.
    #[error("{doing}: the registry answered {status} ({message})")]
    Refused {
        /// What was being done.
        doing: String,
        /// HTTP status, such as 401, 404, 429 or 503.
        status: u16,
        /// The registry's own words.
        message: String,
    },
    /// What came is not what its digest, its size or its format promises.
    #[error("{doing}: {reason}")]
    Invalid {
        /// What was being done.
        doing: String,
        /// What is wrong with the content.
        reason: String,
    },
    /// The image exists, but not for this architecture.
    #[error("choosing `{reference}` for `{wanted}`: the image is for {}", listed(.found))]
    WrongArchitecture {
        /// The image asked for.
        reference: String,
        /// The OCI architecture asked for.
        wanted: String,
        /// The OCI architectures that there are.
        found: Vec<String>,
    },
    /// A file that says how images are reached or judged cannot be used.
    #[error("reading `{file}`: {reason}")]
    Configuration {
        /// The file.
        file: String,
        /// What is wrong with it, never its content.
        reason: String,
    },
    /// A policy or the configuration of registries keeps the image out.
    #[error("checking `{reference}` against `{file}`: {reason}")]
    Forbidden {
        /// The image asked for.
        reference: String,
        /// The file that forbids it.
        file: String,
        /// Which rule does, and what it demands.
        reason: String,
    },
    /// Valid, but of a kind that cannot be installed.
    #[error("{doing}: {feature} is not supported")]
    Unsupported {
        /// What was being done.
        doing: String,
        /// The kind, as a noun phrase.
        feature: String,
    },
}

impl ImageError {
    pub(crate) fn invalid(doing: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            doing: doing.into(),
            reason: reason.into(),
        }
    }

    pub(super) fn unsupported(doing: impl Into<String>, feature: impl Into<String>) -> Self {
        Self::Unsupported {
            doing: doing.into(),
            feature: feature.into(),
        }
    }

    pub(super) fn configuration(file: &Path, reason: impl Into<String>) -> Self {
        Self::Configuration {
            file: file.display().to_string(),
            reason: reason.into(),
        }
    }

    pub(crate) fn unreachable(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unreachable {
            doing: doing.into(),
            source: source.into(),
        }
    }
}

/// Values in backticks, or "nothing at all".
fn listed(values: &[String]) -> String {
    if values.is_empty() {
        return "no architecture at all".to_owned();
    }
    values
        .iter()
        .map(|value| format!("`{value}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
