// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A reader that lets nothing past that its digest does not cover.
//!
//! Takes any reader with the size and SHA-256 it must have; gives the same bytes, and an error
//! instead of the end of the file if they differ. It never gives more than the promised size. It
//! deliberately does not know where the bytes come from.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::ImageError;
use crate::hex::hex;

/// Checks a blob while it streams. Errors are [`io::Error`]s that carry an [`ImageError`].
pub(crate) struct Verified<R> {
    inner: R,
    hash: Sha256,
    left: u64,
    size: u64,
    digest: String,
    done: bool,
}

impl<R: Read> Verified<R> {
    /// `digest` is `sha256:` and 64 lower-case hexadecimal digits, `size` is in bytes.
    pub(crate) fn new(inner: R, digest: &str, size: u64) -> Self {
        let digest = digest.to_owned();
        Self {
            inner,
            hash: Sha256::new(),
            left: size,
            size,
            digest,
            done: false,
        }
    }

    fn refuse(&self, reason: String) -> io::Error {
        let doing = format!("verifying the blob `{}`", self.digest);
        io::Error::new(
            io::ErrorKind::InvalidData,
            ImageError::Invalid { doing, reason },
        )
    }

    /// The promised number of bytes has come: there must be no more, and the digest must match.
    fn finish(&mut self) -> io::Result<usize> {
        if self.inner.read(&mut [0])? > 0 {
            return Err(self.refuse(format!("it is longer than {} bytes", self.size)));
        }
        let found = format!("sha256:{}", hex(&self.hash.finalize_reset()));
        if found != self.digest {
            return Err(self.refuse(format!("its content has the digest `{found}`")));
        }
        self.done = true;
        Ok(0)
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return self.finish();
        }
        let room = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.inner.read(&mut buffer[..room])?;
        if count == 0 {
            let had = self.size - self.left;
            return Err(self.refuse(format!("it ends after {had} of {} bytes", self.size)));
        }
        self.hash.update(&buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

/// Reads a whole small blob, at most `limit` bytes, verified.
pub(super) fn read_all(
    source: impl Read,
    (digest, size): (&str, u64),
    limit: u64,
) -> io::Result<Vec<u8>> {
    let mut reader = Verified::new(source, digest, size);
    if size > limit {
        return Err(reader.refuse(format!("its {size} bytes are more than {limit}")));
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `sha256:` and the digest of `bytes`.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], promised: &[u8], size: u64) -> io::Result<Vec<u8>> {
        read_all(content, (&digest_of(promised), size), 100)
    }

    #[test]
    fn good_content_passes_unchanged() {
        assert_eq!(read(b"abc", b"abc", 3).unwrap(), b"abc");
        assert_eq!(read(b"", b"", 0).unwrap(), b"");
    }

    #[test]
    fn every_deviation_is_an_error() {
        let reason = |result: io::Result<Vec<u8>>| result.unwrap_err().to_string();
        assert!(reason(read(b"abd", b"abc", 3)).contains("has the digest"));
        assert!(reason(read(b"ab", b"abc", 3)).contains("ends after 2 of 3 bytes"));
        assert!(reason(read(b"abcd", b"abc", 3)).contains("longer than 3 bytes"));
        assert!(reason(read(b"x", b"", 0)).contains("longer than 0 bytes"));
        assert!(reason(read(b"", b"", 101)).contains("more than 100"));
    }

    #[test]
    fn no_byte_beyond_the_size_is_given() {
        let mut reader = Verified::new(&b"abcdef"[..], &digest_of(b"abc"), 3);
        let mut given = Vec::new();
        assert!(reader.read_to_end(&mut given).is_err());
        assert_eq!(given, b"abc");
    }

    #[test]
    fn errors_carry_the_image_error() {
        let error = read(b"abd", b"abc", 3).unwrap_err();
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ImageError>());
        assert!(matches!(inner, Some(ImageError::Invalid { .. })));
    }
}
