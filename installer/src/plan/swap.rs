// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How much swap space a machine should have: `--recommended` and `--hibernation`.
//!
//! Anaconda's rule (`core/storage.py`, `suggest_swap_size`): by memory, and unless it is for hibernation
//! at most a tenth of the free space. All sizes in MiB.

const GIB: u64 = 1024;
/// Machines with more memory than this are not hibernated.
const MOST_FOR_HIBERNATION: u64 = 64 * GIB;

/// The size for a machine with `memory`, whose disks have `free`.
pub(super) fn recommended(memory: u64, free: u64) -> u64 {
    by_memory(rounded(memory)).min(free / 10).max(1)
}

/// The size that memory fits into as well.
pub(super) fn for_hibernation(memory: u64, free: u64) -> u64 {
    let rounded = rounded(memory);
    if rounded <= MOST_FOR_HIBERNATION {
        rounded + by_memory(rounded)
    } else {
        recommended(memory, free)
    }
}

/// Machines report somewhat less memory than they have.
const fn rounded(memory: u64) -> u64 {
    (memory / 16 + 1) * 16
}

fn by_memory(memory: u64) -> u64 {
    match memory {
        _ if memory < 2 * GIB => 2 * memory,
        _ if memory < 8 * GIB => memory,
        _ if memory < 64 * GIB => memory / 2,
        _ => 32 * GIB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_memory() {
        let much = 1 << 30;
        for (memory, size) in [
            (1000, 2016),
            (2000, 4032),
            (4000, 4016),
            (16_000, 8008),
            (70_000, 32 * GIB),
        ] {
            assert_eq!(recommended(memory, much), size, "{memory}");
        }
    }

    #[test]
    fn a_tenth_of_the_disks_is_the_most() {
        assert_eq!(recommended(4000, 10_000), 1000);
        assert_eq!(for_hibernation(4000, 10_000), 8032);
        assert_eq!(for_hibernation(70_000, 10_000), 1000);
    }
}
