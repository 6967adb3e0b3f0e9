// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Bytes as text: the one place that prints digests and checksums.
//!
//! Takes bytes, gives lower-case hexadecimal digits, two a byte. It does not know what the bytes
//! are, and reads no hexadecimal.

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}
