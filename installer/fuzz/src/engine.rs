// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The engine's modules that read images.

#[path = "../../src/engine/import/mod.rs"]
pub(crate) mod import;
#[path = "../../src/engine/repository/mod.rs"]
pub(crate) mod repository;
#[path = "scan.rs"]
pub(crate) mod scan;
