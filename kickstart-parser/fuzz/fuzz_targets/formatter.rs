// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Formatting twice is formatting once, and formatting changes no meaning.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kickstart_parser_fuzz::formatter(input));
