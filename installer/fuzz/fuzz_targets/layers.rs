// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layers of an image, imported into a repository.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| landfall_installer_fuzz::layers(input));
