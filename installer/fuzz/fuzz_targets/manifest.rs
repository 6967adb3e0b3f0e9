// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Manifests, indexes and configurations.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| landfall_installer_fuzz::manifest(input));
