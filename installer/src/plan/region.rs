// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Stretches of free space on the disks, in MiB, and what is laid out in them.
//!
//! Takes a disk with what stays on it; gives the places where partitions may go, and lays requests out
//! back to back, grown. On an MBR the fourth partition is a container that takes the rest of its
//! stretch, and each logical partition in it costs a MiB for its entry. Which request goes where is
//! decided in [`super::allocate`].

use super::allocate::Placed;
use super::claim::{self, Claim};
use super::request::Request;
use super::select::Usable;
use super::size::MIB;
use super::table::{Label, is_container, is_logical};
use crate::inventory::Partition;

/// A stretch of free space with what goes into it.
#[derive(Debug, Clone)]
pub(super) struct Region {
    pub(super) disk: usize,
    pub(super) start: u64,
    pub(super) length: u64,
    /// It lies in a container that stays.
    pub(super) inside: bool,
    pub(super) requests: Vec<Item>,
}

/// A request in a region.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) request: Request,
    pub(super) logical: bool,
}

/// A container that is made, in MiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container {
    pub(super) disk: usize,
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Item {
    /// MiB that it takes before it grows.
    pub(super) fn cost(&self) -> u64 {
        cost(&self.request, self.logical)
    }
}

/// MiB that a request takes before it grows; a logical partition has its entry in front.
pub(super) fn cost(request: &Request, logical: bool) -> u64 {
    request.base.saturating_add(u64::from(logical))
}

/// The stretches between what stays, whole MiB each; what is resized has its new size.
pub(super) fn free_regions(disk: usize, usable: &Usable<'_>, claims: &[Claim<'_>]) -> Vec<Region> {
    let end = usable.label.end_mib(usable.disk);
    let size_of = |kept: &Partition| {
        claim::on(claims, disk, kept).map_or(kept.size_bytes, |claim| claim.size_bytes)
    };
    let outside: Vec<(u64, u64)> = usable
        .kept
        .iter()
        .filter(|kept| !is_logical(usable.label, kept))
        .map(|kept| occupied(kept.start_bytes, size_of(kept)))
        .collect();
    let mut regions = between(disk, (1, end), outside);
    let container = usable.kept.iter().find(|kept| is_container(kept));
    if let Some(container) = container.filter(|_| usable.label == Label::Mbr) {
        let sector = u64::from(usable.disk.sector_bytes);
        let entry_and_partition = |start: u64, size: u64| {
            occupied(start.saturating_sub(sector), size.saturating_add(sector))
        };
        let logical = usable
            .kept
            .iter()
            .filter(|kept| is_logical(usable.label, kept))
            .map(|kept| entry_and_partition(kept.start_bytes, size_of(kept)))
            .collect();
        let container_end = container.start_bytes.saturating_add(container.size_bytes) / MIB;
        let bounds = (container.start_bytes.div_ceil(MIB), container_end.min(end));
        let inside = between(disk, bounds, logical);
        regions.extend(inside.into_iter().map(|region| Region {
            inside: true,
            ..region
        }));
    }
    regions
}

/// First MiB of a place, and the first behind it.
const fn occupied(start: u64, size: u64) -> (u64, u64) {
    (start / MIB, start.saturating_add(size).div_ceil(MIB))
}

fn between(disk: usize, (first, end): (u64, u64), mut occupied: Vec<(u64, u64)>) -> Vec<Region> {
    occupied.sort_unstable();
    occupied.push((end, end));
    let mut regions = Vec::new();
    let mut start = first;
    for (from, to) in occupied {
        let from = from.min(end);
        if from > start {
            regions.push(Region {
                disk,
                start,
                length: from - start,
                inside: false,
                requests: Vec::new(),
            });
        }
        start = start.max(to);
    }
    regions
}

impl Region {
    /// MiB that its requests take before they grow.
    pub(super) fn used(&self) -> u64 {
        self.requests.iter().map(Item::cost).sum()
    }

    /// MiB that are left before its requests grow.
    pub(super) fn left(&self) -> u64 {
        self.length.saturating_sub(self.used())
    }

    /// MiB that its requests gain by growing.
    pub(super) fn growth(&self) -> u64 {
        let sizes = grow(self.length, &self.requests);
        let costs = self.requests.iter().map(|item| u64::from(item.logical));
        (sizes.iter().sum::<u64>() + costs.sum::<u64>()).saturating_sub(self.used())
    }

    /// The places of its requests, and of the container that the last of them need.
    pub(super) fn lay_out(self) -> (Vec<Placed>, Option<Container>) {
        let sizes = grow(self.length, &self.requests);
        let (mut start, disk) = (self.start, self.disk);
        let end = self.start + self.length;
        let mut container = None;
        let mut placed = Vec::new();
        for (Item { request, logical }, size) in self.requests.into_iter().zip(sizes) {
            if logical && !self.inside && container.is_none() {
                container = Some(Container {
                    disk,
                    start,
                    size: end - start,
                });
            }
            start += u64::from(logical);
            placed.push(Placed {
                request,
                disk,
                start,
                size,
                logical,
            });
            start += size;
        }
        (placed, container)
    }
}

/// Sizes in MiB after growth, in the order of the requests.
///
/// Each round shares what is left among the growing requests in proportion to their base size;
/// who reaches a limit leaves. What is left by rounding goes to the first that still grows.
fn grow(length: u64, items: &[Item]) -> Vec<u64> {
    let mut sizes: Vec<u64> = items.iter().map(|item| item.request.base).collect();
    let mut pool = length.saturating_sub(items.iter().map(Item::cost).sum());
    let limit = |item: &Item| item.request.max.unwrap_or(u64::MAX);
    loop {
        let open: Vec<usize> = (0..items.len())
            .filter(|&i| items[i].request.grow && sizes[i] < limit(&items[i]))
            .collect();
        let bases: u64 = open.iter().map(|&i| items[i].request.base).sum();
        if open.is_empty() || pool == 0 {
            return sizes;
        }
        let before = pool;
        for &i in &open {
            let share = u128::from(before) * u128::from(items[i].request.base) / u128::from(bases);
            // A share is at most the pool, so it fits.
            let share = u64::try_from(share).unwrap_or(before);
            let added = share.min(limit(&items[i]) - sizes[i]);
            sizes[i] += added;
            pool -= added;
        }
        if pool == before {
            let added = pool.min(limit(&items[open[0]]) - sizes[open[0]]);
            sizes[open[0]] += added;
            pool -= added;
        }
    }
}
