// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where each partition lies and how large it becomes.
//!
//! Takes the disks with what stays on them and the requests, gives places in MiB. The order, the
//! choice of a free region and the growth are Anaconda's (blivet): boot partitions first, fixed
//! before growing, larger before smaller; growth is proportional to `--size` within a region.
//! It knows nothing of mount points' meaning, UUIDs or partition numbers.

use std::cmp::Reverse;

use super::claim::Claim;
use super::issue::{Code, Issues};
use super::region::{Container, Item, Region, cost, free_regions};
use super::request::{Machine, Request};
use super::select::Usable;
use super::size::{MIB, human};
use super::table::{Label, PRIMARIES, is_container, is_logical};

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
    /// It lies in the container of an MBR.
    pub(super) logical: bool,
}

/// All places.
#[derive(Debug, Clone, Default)]
pub(super) struct Allocation {
    pub(super) placed: Vec<Placed>,
    /// Containers that are made for logical partitions.
    pub(super) containers: Vec<Container>,
}

/// Boot loaders and old firmware read no further than this.
const BOOT_LIMIT: u64 = 2 << 20;

pub(super) fn allocate(
    machine: &Machine<'_, '_>,
    claims: &[Claim<'_>],
    mut requests: Vec<Request>,
    issues: &mut Issues,
) -> Allocation {
    if issues.has_errors() {
        return Allocation::default();
    }
    requests.sort_by_key(order);
    let mut space = Space::new(machine, claims);
    for request in requests {
        match space.choose(&request) {
            Some((index, logical)) => {
                let item = Item { request, logical };
                space.regions[index].requests.push(item);
            }
            None => space.say_it_does_not_fit(&request, issues),
        }
    }
    let mut allocation = Allocation::default();
    for region in space.regions {
        let (placed, container) = region.lay_out();
        allocation.placed.extend(placed);
        allocation.containers.extend(container);
    }
    check_limits(&allocation.placed, issues);
    check_table(machine.disks, &allocation.placed, issues);
    allocation
}

fn check_table(disks: &[Usable<'_>], placed: &[Placed], issues: &mut Issues) {
    for (index, usable) in disks.iter().enumerate() {
        let created = placed.iter().filter(|place| place.disk == index).count();
        let (count, entries) = (usable.kept.len() + created, usable.entries());
        if created > 0 && count > entries {
            let device = &usable.disk.device;
            let message =
                format!("`{device}` would have {count} partitions, but its table holds {entries}");
            issues.error(Code::DoesNotFit, message);
        }
    }
}

/// Sort key: what must come first on the disk comes first.
fn order(request: &Request) -> impl Ord + use<> {
    (
        Reverse(request.weight),
        request.disk.is_none(),
        !request.primary,
        request.grow,
        Reverse(request.base),
        // Among growing ones: unlimited first, then the larger limit.
        request
            .grow
            .then(|| (request.max.is_some(), Reverse(request.max))),
        request.mount.clone(),
    )
}

/// The free space of all disks.
#[derive(Debug)]
struct Space<'d, 'i> {
    disks: &'d [Usable<'i>],
    regions: Vec<Region>,
}

impl<'d, 'i> Space<'d, 'i> {
    fn new(machine: &Machine<'d, 'i>, claims: &[Claim<'_>]) -> Self {
        let disks = machine.disks;
        let mut regions: Vec<Region> = disks
            .iter()
            .enumerate()
            .flat_map(|(index, disk)| free_regions(index, disk, claims))
            .collect();
        // What may go anywhere goes to the boot disk first.
        regions.sort_by_key(|region| Some(region.disk) != machine.boot);
        Self { disks, regions }
    }

    /// The region that a request goes into, and whether as a logical partition.
    fn choose(&self, request: &Request) -> Option<(usize, bool)> {
        let fitting: Vec<(usize, bool)> = (0..self.regions.len())
            .filter_map(|index| Some((index, self.way_into(index, request)?)))
            .collect();
        if request.weight > 1000 {
            let is_boot_place =
                |(index, logical): &(usize, bool)| self.is_boot_place(*index, *logical, request);
            return fitting.into_iter().find(is_boot_place);
        }
        if !request.grow {
            return fitting
                .into_iter()
                .min_by_key(|&(index, _)| self.regions[index].left());
        }
        // The largest of each disk, and of these the one by which most is gained.
        let mut best: Option<(u64, (usize, bool))> = None;
        let mut disks: Vec<usize> = self.regions.iter().map(|region| region.disk).collect();
        disks.dedup();
        for disk in disks {
            let of_disk = fitting
                .iter()
                .filter(|(index, _)| self.regions[*index].disk == disk);
            let largest = of_disk.min_by_key(|(index, _)| Reverse(self.regions[*index].left()));
            let Some(&(index, logical)) = largest else {
                continue;
            };
            let gained = self.growth_with(index, logical, request);
            if best.is_none_or(|(most, _)| gained > most) {
                best = Some((gained, (index, logical)));
            }
        }
        best.map(|(_, place)| place)
    }

    /// How the request fits into the region: as a logical partition or not; none where it does not.
    fn way_into(&self, index: usize, request: &Request) -> Option<bool> {
        let region = &self.regions[index];
        let logical = match self.disks[region.disk].label {
            Label::Gpt => false,
            Label::Mbr => self.next_is_logical(region.disk, request)?,
        };
        let is_place = if region.inside {
            logical
        } else {
            // A container can be made where there is none, and not be left.
            !logical || !self.has_container(region)
        };
        let is_disk = request.disk.is_none_or(|disk| disk == region.disk);
        let labels = request.labels.contains(&self.disks[region.disk].label);
        let fits = cost(request, logical) <= region.left();
        (is_place && is_disk && labels && fits).then_some(logical)
    }

    /// Whether the next partition of an MBR is a logical one; none where the table is full (blivet,
    /// `get_next_partition_type`).
    fn next_is_logical(&self, disk: usize, request: &Request) -> Option<bool> {
        let usable = &self.disks[disk];
        let primaries = |logical: bool| !logical;
        let kept = usable
            .kept
            .iter()
            .filter(|kept| primaries(is_logical(usable.label, kept)));
        let of_disk = self.regions.iter().filter(|region| region.disk == disk);
        let items: Vec<&Item> = of_disk.flat_map(|region| &region.requests).collect();
        let kept_container = usable.kept.iter().any(|kept| is_container(kept));
        let new_container = !kept_container && items.iter().any(|item| item.logical);
        let has_container = kept_container || new_container;
        let count = kept.count()
            + items.iter().filter(|item| !item.logical).count()
            + usize::from(new_container);
        match count {
            _ if count >= PRIMARIES => (has_container && !request.primary).then_some(true),
            _ if count + 1 == PRIMARIES && !has_container => Some(!request.primary),
            _ => Some(false),
        }
    }

    /// Whether the disk has a container that is not in this region.
    fn has_container(&self, region: &Region) -> bool {
        let kept = self.disks[region.disk]
            .kept
            .iter()
            .any(|kept| is_container(kept));
        let elsewhere = |other: &Region| {
            other.disk == region.disk
                && (other.inside, other.start) != (region.inside, region.start)
                && other.requests.iter().any(|item| item.logical)
        };
        kept || self.regions.iter().any(elsewhere)
    }

    fn is_boot_place(&self, index: usize, logical: bool, request: &Request) -> bool {
        let region = &self.regions[index];
        region.start + region.used() + cost(request, logical) <= BOOT_LIMIT
    }

    /// MiB that all requests gain by growing if this one goes into the region.
    fn growth_with(&self, index: usize, logical: bool, request: &Request) -> u64 {
        let with = |(i, region): (usize, &Region)| {
            let mut region = region.clone();
            if i == index {
                let request = request.clone();
                region.requests.push(Item { request, logical });
            }
            region.growth()
        };
        self.regions.iter().enumerate().map(with).sum()
    }

    fn say_it_does_not_fit(&self, request: &Request, issues: &mut Issues) {
        let of_label = |region: &&Region| request.labels.contains(&self.disks[region.disk].label);
        let on_disk = |region: &&Region| request.disk.is_none_or(|disk| disk == region.disk);
        let mut allowed = self
            .regions
            .iter()
            .filter(of_label)
            .filter(on_disk)
            .peekable();
        let what = request.what();
        let issue = if allowed.peek().is_none() && self.regions.iter().any(|r| on_disk(&r)) {
            let names: Vec<&str> = request.labels.iter().map(|label| label.name()).collect();
            let message = format!(
                "the partition for `{what}` must be on a disk with a {}",
                names.join(" or ")
            );
            issues
                .error(Code::LabelUnsupported, message)
                .help("`clearpart --all --disklabel=gpt` makes one")
        } else {
            let left = allowed.map(Region::left).max().unwrap_or(0);
            let why = if left >= request.base {
                "the partition table has no place for it left".to_owned()
            } else {
                let base = request.base;
                format!("{base} MiB are needed, the largest free space is {left} MiB")
            };
            let message = format!("the partition for `{what}` does not fit: {why}");
            issues.error(Code::DoesNotFit, message)
        };
        issue.location.clone_from(&request.location);
    }
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
