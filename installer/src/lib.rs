// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Plans an installation of a bootable container image and carries it out.
//!
//! Takes a typed [`kickstart_parser::Kickstart`] and an [`inventory::Inventory`], gives a
//! [`plan::Plan`] in which nothing is left to decide, and (feature `engine`) executes it while
//! reporting [`event::Event`]s. Without the feature the crate is pure: it reads and changes
//! nothing, and builds without the engine's crates.

pub mod display;
pub mod environment;
pub mod event;
pub mod exit;
mod hex;
pub mod inventory;
pub mod journal;
pub mod medium;
pub mod netboot;
pub mod plan;
pub mod report;
pub mod selinux;
mod template;

#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod image;
#[cfg(feature = "engine")]
pub mod media;
