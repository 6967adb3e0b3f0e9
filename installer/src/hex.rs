// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Bytes as text: the one place that prints digests and checksums.
//!
//! Takes bytes, gives lower-case hexadecimal digits, two a byte. It does not know what the bytes
//! are, and reads no hexadecimal.

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0xf)]);
    }
    out
}
