// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the tests and the demo need around Landfall: test images, a registry, guests.
//!
//! Takes recipes (`tests/images`) and gives OCI layouts; takes a disk image and gives a booted guest. Knows Landfall
//! only as a program that it runs: no code of it is used here, so what is tested is what users get.

pub mod cache;
pub mod case;
pub mod channel;
pub mod damage;
pub mod demo;
pub mod disk;
pub mod guest;
pub mod image;
pub mod landfall;
pub mod medium;
pub mod oci;
pub mod oracle;
pub mod outcome;
pub mod policy;
pub mod registry;
pub mod root;
pub mod server;
pub mod ssh;
pub mod step;
pub mod switch;
pub mod tool;
pub mod update;
pub mod variant;
