// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sizes: the units of the plan and how they are shown.

/// Bytes in a MiB, the unit of kickstart sizes and the alignment of partitions.
pub const MIB: u64 = 1 << 20;

/// A size for people: binary units, at most one decimal, `2 GiB`, `599.5 MiB`.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scale = 1u64;
    while unit + 1 < UNITS.len() && bytes / scale >= 1024 {
        scale *= 1024;
        unit += 1;
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(scale) / 2) / u128::from(scale);
    if tenths % 10 == 0 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(human(0), "0 B");
        assert_eq!(human(512), "512 B");
        assert_eq!(human(600 * MIB), "600 MiB");
        assert_eq!(human(2048 * MIB), "2 GiB");
        assert_eq!(human(2048 * MIB + 52 * MIB), "2.1 GiB");
        assert_eq!(human(u64::MAX), "16777216 TiB");
    }
}
