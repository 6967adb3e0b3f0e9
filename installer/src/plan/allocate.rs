// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where each partition lies and how large it becomes.
//!
//! Takes the disks with what stays on them and the requests, gives places in MiB. The order, the
//! choice of a free region and the growth are Anaconda's (blivet): boot partitions first, fixed
//! before growing, larger before smaller; growth is proportional to `--size` within a region.
//! It knows nothing of mount points' meaning, UUIDs or partition numbers.

use std::cmp::Reverse;

use super::issue::{Code, Issues};
use super::request::Request;
use super::select::Usable;
use super::size::{MIB, human};

/// A request with its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) request: Request,
    /// Index of the disk.
    pub(super) disk: usize,
    /// First MiB.
    pub(super) start: u64,
    /// Size in MiB.
    pub(super) size: u64,
}

/// A stretch of free space on a disk, in MiB, with what goes into it.
#[derive(Debug, Clone)]
struct Region {
    disk: usize,
    start: u64,
    length: u64,
    requests: Vec<Request>,
}

/// Boot loaders and old firmware read no further than this.
const BOOT_LIMIT: u64 = 2 << 20;

/// Bytes at the end of a disk that may hold the backup partition table.
const BACKUP_BYTES: u64 = 33 * 4096;

pub(super) fn allocate(
    disks: &[Usable<'_>],
    boot: Option<usize>,
    mut requests: Vec<Request>,
    issues: &mut Issues,
) -> Vec<Placed> {
    if issues.has_errors() {
        return Vec::new();
    }
    requests.sort_by_key(order);
    let mut regions: Vec<Region> = disks
        .iter()
        .enumerate()
        .flat_map(|(index, disk)| free_regions(index, disk))
        .collect();
    // What may go anywhere goes to the boot disk first.
    regions.sort_by_key(|region| Some(region.disk) != boot);
    for request in requests {
        match choose(&regions, &request) {
            Some(index) => regions[index].requests.push(request),
            None => say_it_does_not_fit(&regions, &request, issues),
        }
    }
    let placed: Vec<Placed> = regions.into_iter().flat_map(Region::lay_out).collect();
    check_limits(&placed, issues);
    check_table(disks, &placed, issues);
    placed
}

/// A new GPT has this many entries.
const TABLE_ENTRIES: usize = 128;

fn check_table(disks: &[Usable<'_>], placed: &[Placed], issues: &mut Issues) {
    for (index, usable) in disks.iter().enumerate() {
        let created = placed.iter().filter(|place| place.disk == index).count();
        let count = usable.kept.len() + created;
        if created > 0 && count > TABLE_ENTRIES {
            let device = &usable.disk.device;
            let message = format!(
                "`{device}` would have {count} partitions, but its table holds {TABLE_ENTRIES}"
            );
            issues.error(Code::DoesNotFit, message);
        }
    }
}

/// Sort key: what must come first on the disk comes first.
fn order(request: &Request) -> impl Ord + use<> {
    (
        Reverse(request.weight),
        request.disk.is_none(),
        request.grow,
        Reverse(request.base),
        // Among growing ones: unlimited first, then the larger limit.
        request
            .grow
            .then(|| (request.max.is_some(), Reverse(request.max))),
        request.mount.clone(),
    )
}

/// The stretches between what stays, whole MiB each.
fn free_regions(index: usize, usable: &Usable<'_>) -> Vec<Region> {
    let end = usable.disk.size_bytes.saturating_sub(BACKUP_BYTES) / MIB;
    let mut kept: Vec<(u64, u64)> = usable
        .kept
        .iter()
        .map(|p| {
            (
                p.start_bytes / MIB,
                p.start_bytes.saturating_add(p.size_bytes).div_ceil(MIB),
            )
        })
        .collect();
    kept.sort_unstable();
    kept.push((end, end));
    let mut regions = Vec::new();
    let mut start = 1;
    for (from, to) in kept {
        if from > start {
            let length = from - start;
            regions.push(Region {
                disk: index,
                start,
                length,
                requests: Vec::new(),
            });
        }
        start = start.max(to);
    }
    regions
}

impl Region {
    fn used(&self) -> u64 {
        self.requests.iter().map(|request| request.base).sum()
    }

    fn fits(&self, request: &Request) -> bool {
        request.disk.is_none_or(|disk| disk == self.disk)
            && self.used().saturating_add(request.base) <= self.length
    }

    fn is_boot_place(&self, request: &Request) -> bool {
        self.start + self.used() + request.base <= BOOT_LIMIT
    }

    /// MiB that its requests gain by growing.
    fn growth(&self) -> u64 {
        grow(self.length, &self.requests).iter().sum::<u64>() - self.used()
    }

    fn lay_out(self) -> Vec<Placed> {
        let sizes = grow(self.length, &self.requests);
        let mut start = self.start;
        let disk = self.disk;
        let place = |(request, size): (Request, u64)| {
            let placed = Placed {
                request,
                disk,
                start,
                size,
            };
            start += size;
            placed
        };
        self.requests.into_iter().zip(sizes).map(place).collect()
    }
}

/// The region that a request goes into.
fn choose(regions: &[Region], request: &Request) -> Option<usize> {
    let mut fitting = (0..regions.len()).filter(|&index| regions[index].fits(request));
    if request.weight > 1000 {
        return fitting.find(|&index| regions[index].is_boot_place(request));
    }
    if request.grow {
        return fitting.min_by_key(|&index| Reverse(total_growth(regions, index, request)));
    }
    fitting.min_by_key(|&index| regions[index].length - regions[index].used())
}

fn total_growth(regions: &[Region], index: usize, request: &Request) -> u64 {
    let with = |(i, region): (usize, &Region)| {
        let mut region = region.clone();
        if i == index {
            region.requests.push(request.clone());
        }
        region.growth()
    };
    regions.iter().enumerate().map(with).sum()
}

/// Sizes in MiB after growth, in the order of the requests.
///
/// Each round shares what is left among the growing requests in proportion to their base size;
/// who reaches a limit leaves. What is left by rounding goes to the first that still grows.
fn grow(length: u64, requests: &[Request]) -> Vec<u64> {
    let mut sizes: Vec<u64> = requests.iter().map(|request| request.base).collect();
    let mut pool = length.saturating_sub(sizes.iter().sum());
    let limit = |request: &Request| request.max.unwrap_or(u64::MAX);
    loop {
        let open: Vec<usize> = (0..requests.len())
            .filter(|&i| requests[i].grow && sizes[i] < limit(&requests[i]))
            .collect();
        let bases: u64 = open.iter().map(|&i| requests[i].base).sum();
        if open.is_empty() || pool == 0 {
            return sizes;
        }
        let before = pool;
        for &i in &open {
            let share = u128::from(before) * u128::from(requests[i].base) / u128::from(bases);
            // A share is at most the pool, so it fits.
            let share = u64::try_from(share).unwrap_or(before);
            let added = share.min(limit(&requests[i]) - sizes[i]);
            sizes[i] += added;
            pool -= added;
        }
        if pool == before {
            let added = pool.min(limit(&requests[open[0]]) - sizes[open[0]]);
            sizes[open[0]] += added;
            pool -= added;
        }
    }
}

fn say_it_does_not_fit(regions: &[Region], request: &Request, issues: &mut Issues) {
    let left = regions
        .iter()
        .filter(|region| request.disk.is_none_or(|disk| disk == region.disk))
        .map(|region| region.length - region.used())
        .max()
        .unwrap_or(0);
    let message = format!(
        "the partition for `{}` does not fit: {} MiB are needed, the largest free space is {left} MiB",
        request.what(),
        request.base,
    );
    issues
        .error(Code::DoesNotFit, message)
        .location
        .clone_from(&request.location);
}

/// A growing request may end smaller than its file system needs.
fn check_limits(placed: &[Placed], issues: &mut Issues) {
    for place in placed {
        let min = place.request.fs.min_bytes();
        if place.size * MIB < min {
            let message = format!(
                "the partition for `{}` would have {}, but {} needs at least {}",
                place.request.what(),
                human(place.size * MIB),
                place.request.fs.name(),
                human(min)
            );
            issues
                .error(Code::SizeLimit, message)
                .location
                .clone_from(&place.request.location);
        }
    }
}
