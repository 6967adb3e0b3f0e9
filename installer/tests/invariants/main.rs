// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What holds for every plan, tried with random kickstarts on random machines.
//!
//! A [`Recipe`] becomes kickstart text, which is read and planned like a user's. Each property is
//! judged from the recipe and the inventory by rules written down here a second time, shorter and
//! without the planner's code. A property that saw too few plans fails.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod hostile;
mod kept;
mod places;
mod recipe;
mod world;

use std::cell::Cell;

use kickstart_parser::{NoIncludes, read};
use landfall_installer::inventory::{Disk, Inventory, Partition as Old};
use landfall_installer::plan::{
    Choices, DiskPlan, Label, Partition, PartitionAction, Plan, plan_disks,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use uuid::{Uuid, uuid};

use recipe::{Part, Recipe};

const MIB: u64 = 1 << 20;
const SEED: Uuid = uuid!("6f1d3c52-0a4e-4c0b-9f57-2d8b7a1e5c90");
const CASES: u32 = 512;

const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
const LINUX: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const LVM: &str = "e6d6d379-f507-44c2-a23c-238f2a3df928";
const BASIC: &str = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7";

fn planned(text: &str, inventory: &Inventory) -> Option<Plan> {
    let reading = read("ks", text, None, &NoIncludes);
    let choices = Choices {
        seed: SEED,
        ..Choices::default()
    };
    let planned = plan_disks(&reading.kickstart, inventory, &choices);
    planned.ok().map(|planned| planned.plan)
}

/// Checks a property on the plans of random worlds, of which at least a third must be plans.
fn for_every_plan(check: impl Fn(&Recipe, &Inventory, &Plan)) {
    for_plans_of(TestRunner::new(config()), check);
}

fn config() -> Config {
    Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    }
}

fn for_plans_of(mut runner: TestRunner, check: impl Fn(&Recipe, &Inventory, &Plan)) {
    let plans = Cell::new(0);
    let result = runner.run(&world::worlds(), |(recipe, inventory)| {
        if let Some(plan) = planned(&recipe.text(), &inventory) {
            plans.set(plans.get() + 1);
            check(&recipe, &inventory, &plan);
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(plans.get() > CASES / 3, "only {} plans", plans.get());
}

fn created(disk: &DiskPlan) -> impl Iterator<Item = &Partition> {
    disk.after
        .iter()
        .filter(|p| p.action == PartitionAction::Create && !p.kind.is_container())
}

fn end(partition: &Partition) -> u64 {
    partition.start_bytes + partition.size_bytes
}

/// The line that asked for a partition; none for those of `reqpart` and for swap.
fn line<'r>(recipe: &'r Recipe, partition: &Partition) -> Option<&'r Part> {
    let mount = partition.mount.as_deref()?;
    recipe.parts.iter().find(|part| part.mount == mount)
}

fn on<'i>(inventory: &'i Inventory, plan: &DiskPlan) -> &'i Disk {
    let mut disks = inventory.disks.iter();
    disks.find(|disk| disk.device == plan.device).unwrap()
}

/// Whether the partition lies in the container of an MBR.
fn is_logical(label: Label, number: u32) -> bool {
    label == Label::Mbr && number > 4
}

/// The types of containers, as `sfdisk` writes them.
fn is_container(old: &Old) -> bool {
    matches!(old.kind.as_str(), "5" | "f" | "85")
}

#[test]
fn the_same_input_gives_the_same_plan() {
    for_every_plan(|recipe, inventory, plan| {
        assert_eq!(planned(&recipe.text(), inventory).as_ref(), Some(plan));
    });
}

/// The properties say nothing of what never happens. The same worlds each time, so that chance fails no test.
#[test]
fn the_random_machines_have_every_kind_of_change() {
    let seen = Cell::new([0u32; 7]);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for_plans_of(TestRunner::new_with_rng(config(), rng), |_, _, plan| {
        let mut counts = seen.get();
        for disk in &plan.disks {
            let new = |p: &&Partition| p.action == PartitionAction::Create;
            let container = disk.after.iter().find(|p| p.kind.is_container());
            let logical = |p: &&Partition| is_logical(disk.label, p.number);
            let new_inside = disk.after.iter().filter(new).any(|p| logical(&p));
            let resizes = || {
                disk.after
                    .iter()
                    .filter_map(|p| Some((p.resize.as_ref()?, p)))
            };
            let happens = [
                disk.label_id.is_some(),
                disk.label == Label::Mbr && disk.label_id.is_none(),
                container.is_some_and(|p| new(&p)),
                container.is_some_and(|p| !new(&p)) && new_inside,
                resizes().any(|(resize, p)| resize.shrinks(p.size_bytes)),
                resizes().any(|(resize, p)| !resize.shrinks(p.size_bytes)),
                disk.after
                    .iter()
                    .any(|p| p.action == PartitionAction::Format),
            ];
            for (count, happens) in counts.iter_mut().zip(happens) {
                *count += u32::from(happens);
            }
        }
        seen.set(counts);
    });
    assert!(
        seen.get().iter().all(|count| *count >= 2),
        "{:?}",
        seen.get()
    );
}
