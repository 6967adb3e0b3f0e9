// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What must hold of every input: the bodies of the fuzz targets.
//!
//! Each takes any bytes for what an image, a registry or an administrator says, and panics when a promise is broken.
//! The modules are the installer's, by their paths, all but the registry's client (`image.rs`). Time and memory are
//! bounded by who runs them.

#![allow(
    dead_code,
    unused_imports,
    reason = "the modules have more than is fuzzed"
)]

mod engine;
#[path = "../../src/hex.rs"]
mod hex;
mod image;
#[path = "../../src/selinux/mod.rs"]
mod selinux;
mod tar_blocks;
mod targets;

pub use image::{configuration, manifest};
pub use targets::{archive, layers};
