// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Archives that a fuzzer made, given checksums so that more than the first header is read.

const BLOCK: usize = 512;

/// Puts the right checksum into every header that a reader would find.
pub(crate) fn mend(archive: &mut [u8]) {
    let mut at = 0_usize;
    while let Some(header) = archive.get_mut(at..at.saturating_add(BLOCK)) {
        if header.iter().any(|&byte| byte != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().copied().map(u32::from).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
        let size = std::str::from_utf8(&header[124..136]).ok();
        let size =
            size.and_then(|text| usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok());
        let blocks = size.unwrap_or_default().div_ceil(BLOCK);
        at = at.saturating_add(blocks.saturating_add(1).saturating_mul(BLOCK));
    }
}
