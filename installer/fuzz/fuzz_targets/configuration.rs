// SPDX-License-Identifier: Apache-2.0 OR MIT
//! registries.conf, policy.json and a reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| landfall_installer_fuzz::configuration(input));
