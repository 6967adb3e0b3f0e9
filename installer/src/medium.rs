// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a medium says of the image on it: written when the medium is made, read when a machine is installed from it. Pure.

use serde::{Deserialize, Serialize};

/// Where a medium says it.
pub const PAYLOAD_FILE: &str = "landfall/landfall.json";
/// Where the image is on a medium.
pub const LAYOUT: &str = "landfall/oci";

/// The image on a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The reference that it was taken from.
    pub reference: String,
    /// What the installed system follows, if not the kickstart's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl Payload {
    /// As it is written.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
