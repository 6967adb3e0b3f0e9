// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a medium says of itself, in `/landfall/landfall.json`: written when it is made, read when a machine is installed from
//! it, changed when it is customised. Pure.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::MediumImage;

/// Where a medium says it.
pub const FILE: &str = "landfall/landfall.json";
/// Where the image is on a medium.
pub const LAYOUT: &str = "landfall/oci";
/// The embedded kickstart.
pub const KICKSTART: &str = "ks.cfg";
/// Bytes of the description, whatever it says: it is written over in place.
pub const FILE_BYTES: usize = 16 << 10;

/// A medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Medium {
    /// Format version, 1.
    pub medium: u32,
    /// Version of Landfall that made it.
    pub landfall: String,
    /// CPU architecture as in OCI images: `amd64`.
    pub arch: String,
    /// Label of the file system, by which the medium is found.
    pub label: String,
    /// The image on it; none where machines pull it.
    pub image: Option<Payload>,
    /// What the installer environment is made of.
    pub environment: EnvironmentSource,
    /// What installed systems follow, if not the kickstart's reference.
    pub target: Option<String>,
    /// Reserved areas, whose content may be changed in place.
    pub areas: Areas,
    /// SHA-256 of the whole area of the kickstart.
    pub kickstart_sha256: String,
    /// Files that are verified before an installation begins.
    pub files: Vec<MediumFile>,
}

/// The image on a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// The reference that it was taken from.
    pub reference: String,
    /// Digest of its manifest.
    pub digest: String,
    /// What kickstarts call it besides, whatever installed systems are to follow later.
    #[serde(default)]
    pub names: Vec<String>,
}

/// Where kernel and programs of the installer come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentSource {
    /// The image's reference.
    pub reference: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Version of the kernel.
    pub kernel: String,
}

/// The reserved areas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Areas {
    /// The kickstart, filled up with newlines.
    pub kickstart: Area,
    /// A line of the boot menu with kernel arguments, filled up with a comment.
    pub kernel_arguments: Area,
    /// One more initramfs, filled up with zeros.
    pub initramfs: Area,
}

/// A part of the file that a medium is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Area {
    /// From the beginning of the medium, in bytes.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
}

/// A file of a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MediumFile {
    /// From the root of the medium.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub sha256: String,
}

impl Medium {
    /// As it is written, filled up to its size. None if it does not fit.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).ok()?;
        if bytes.len() >= FILE_BYTES {
            return None;
        }
        bytes.resize(FILE_BYTES, b'\n');
        Some(bytes)
    }

    /// The image on it, when it is mounted at `at`.
    pub fn payload_at(&self, at: &Path) -> Option<MediumImage> {
        let payload = self.image.as_ref()?;
        let reference = std::iter::once(&payload.reference);
        Some(MediumImage {
            layout: format!("oci:{}", at.join(LAYOUT).display()),
            names: reference.chain(&payload.names).cloned().collect(),
            target: self.target.clone(),
        })
    }

    /// Reads what [`Self::to_bytes`] gives.
    ///
    /// # Errors
    /// What JSON that is no description of a medium says, and versions that are not known.
    pub fn from_bytes(bytes: &[u8]) -> serde_json::Result<Self> {
        let medium: Self = serde_json::from_slice(bytes)?;
        if medium.medium == 1 {
            return Ok(medium);
        }
        let message = format!("version {} of media is not known", medium.medium);
        Err(serde::de::Error::custom(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium() -> Medium {
        Medium {
            medium: 1,
            landfall: "1".into(),
            arch: "amd64".into(),
            label: "A".into(),
            image: None,
            environment: EnvironmentSource {
                reference: "a".into(),
                digest: "b".into(),
                kernel: "c".into(),
            },
            target: None,
            areas: Areas::default(),
            kickstart_sha256: String::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_has_one_size_and_is_read_back() {
        let bytes = medium().to_bytes().unwrap();
        assert_eq!(bytes.len(), FILE_BYTES);
        assert_eq!(Medium::from_bytes(&bytes).unwrap(), medium());
        let target = Some("a".repeat(FILE_BYTES));
        assert_eq!(Medium { target, ..medium() }.to_bytes(), None);
    }

    #[test]
    fn another_version_is_not_read() {
        let bytes = Medium {
            medium: 2,
            ..medium()
        }
        .to_bytes()
        .unwrap();
        let error = Medium::from_bytes(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "version 2 of media is not known");
    }
}
