// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a tree for network boot says of itself, in `landfall.json` at its top: for boot servers. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tree of files that a boot server can serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetbootTree {
    /// Format version, 1.
    pub netboot: u32,
    /// CPU architecture as in OCI images: `amd64`.
    pub arch: String,
    /// The image that it was made to install. Which one is installed, the kickstart says.
    pub image: TreeImage,
    /// Digest of the manifest of the image that the installer is made of.
    pub env: String,
    /// Version of the kernel.
    pub kver: String,
    /// Version of Landfall that made it.
    pub landfall: String,
    /// All other files.
    pub files: Vec<TreeFile>,
    /// Arguments that the kernel needs, besides those that say where the kickstart is.
    pub kargs: Vec<String>,
    /// Whether it has a signed chain from shim to the kernel.
    pub secureboot: bool,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TreeImage {
    /// The reference that it was found by.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Digest of its manifest.
    pub digest: String,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TreeFile {
    /// From the top of the tree.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub sha256: String,
    /// What it is for.
    pub role: Role,
}

/// What a file of a tree is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The kernel.
    Kernel,
    /// The initramfs.
    Initrd,
    /// What UEFI firmware starts, by PXE or HTTP: the signed shim.
    Shim,
    /// What the shim starts: signed GRUB for networks.
    Grub,
    /// Where the shim has keys enrolled.
    MokManager,
    /// GRUB's menu, for UEFI and BIOS.
    GrubConfig,
    /// What a BIOS starts by PXE.
    GrubPxe,
    /// A script for iPXE.
    IpxeScript,
}
