// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An image in an archive, by its members.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| landfall_installer_fuzz::archive(input));
