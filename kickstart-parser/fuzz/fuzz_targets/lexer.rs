// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lossless document: nothing lost, words where they say they are.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kickstart_parser_fuzz::lexer(input));
