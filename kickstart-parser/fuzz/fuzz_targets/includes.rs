// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that include each other, themselves, and ever new ones.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kickstart_parser_fuzz::includes(input));
