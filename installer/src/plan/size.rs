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

/// A number of bytes as people write it: `512`, `10 GiB`, `20GB`. None if it is something else.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
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

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse("512"), Some(512));
        assert_eq!(parse(" 10 GiB "), Some(10 << 30));
        assert_eq!(parse("20GB"), Some(20_000_000_000));
        for text in ["", "GiB", "1.5 GiB", "-1", "1 XB", "99999999 TiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
