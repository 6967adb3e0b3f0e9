// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading under every version, and showing what is said.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kickstart_parser_fuzz::parser(input));
