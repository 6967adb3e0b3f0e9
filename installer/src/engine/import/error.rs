// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why an image could not be imported.
//!
//! Takes what failed and where; gives one-line messages. It deliberately does not know exit codes
//! or hints: the caller chooses those by the variant.

use std::io;

use crate::engine::repository::Fault;
use crate::image::ImageError;
use crate::selinux::ContextsError;

/// Why an image could not be imported. Whole layers of it may be in the repository, the image is not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A blob could not be read, or is not what its digest says.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The caller's progress function said to stop.
    #[error("importing the image was stopped")]
    Stopped,
    /// The image is of a kind that cannot be imported.
    #[error("importing the image: {feature} is not supported")]
    Unsupported {
        /// The kind, as a noun phrase.
        feature: String,
    },
    /// A layer is authentic, but holds what cannot be installed, or is no layer.
    #[error("unpacking the layer `{layer}`{}: {reason}", at(.entry.as_deref()))]
    Layer {
        /// Digest of the layer's blob.
        layer: String,
        /// The name of the entry in it, as far as it can be shown.
        entry: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// The policy in the image cannot be followed.
    #[error("reading the image's SELinux policy")]
    Policy(#[from] ContextsError),
    /// The repository refused: no space, no permission, an attribute that the file system lacks.
    #[error("{doing}")]
    Repository {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ImportError {
    pub(super) fn repository(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Repository { doing, source }
    }

    /// Whether another try may have more luck.
    pub(super) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Image(ImageError::Unreachable { .. }))
    }

    pub(super) fn unsupported(feature: impl Into<String>) -> Self {
        Self::Unsupported {
            feature: feature.into(),
        }
    }
}

fn at(entry: Option<&str>) -> String {
    entry
        .map(|entry| format!(" at `{entry}`"))
        .unwrap_or_default()
}

/// What goes wrong inside a layer, before it is known in which.
#[derive(Debug)]
pub(super) enum LayerFault {
    Content {
        entry: Option<String>,
        reason: String,
    },
    Repository {
        entry: Option<String>,
        source: io::Error,
    },
}

impl LayerFault {
    pub(super) fn content(reason: impl Into<String>) -> Self {
        Self::Content {
            entry: None,
            reason: reason.into(),
        }
    }

    pub(super) fn file_parent() -> Self {
        Self::content("its parent is not a directory")
    }

    /// Names the entry; control characters and overlong names are made fit for a message.
    pub(super) fn in_entry(mut self, name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(&name[..name.len().min(200)])
            .escape_debug()
            .to_string();
        match &mut self {
            Self::Content { entry, .. } | Self::Repository { entry, .. } => *entry = Some(name),
        }
        self
    }

    pub(super) fn in_layer(self, layer: &str) -> ImportError {
        match self {
            Self::Content { entry, reason } => ImportError::Layer {
                layer: layer.to_owned(),
                entry,
                reason,
            },
            Self::Repository { entry, source } => {
                let doing = format!("writing the layer `{layer}`{}", at(entry.as_deref()));
                ImportError::Repository { doing, source }
            }
        }
    }
}

impl From<io::Error> for LayerFault {
    fn from(error: io::Error) -> Self {
        Self::content(error.to_string())
    }
}

impl From<String> for LayerFault {
    fn from(reason: String) -> Self {
        Self::content(reason)
    }
}

impl From<Fault> for LayerFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Content(error) => error.into(),
            Fault::Repository(source) => Self::Repository {
                entry: None,
                source,
            },
        }
    }
}
