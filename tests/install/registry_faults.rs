// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registries that do not give what they promised, when the disk has been written to: the installation fails and says
//! so, no firmware starts the disk, and the next run fetches only what is missing.

use std::fs;
use std::path::Path;

use landfall_harness::disk::Mounted;
use landfall_harness::registry::Registry;
use landfall_harness::tool::{self, tool};
use landfall_harness::{image, variant};

use super::faults::judge;
use super::front::{Fault, Front};
use super::interruption::is_attached;
use super::{Ended, Scratch, install_from, is_startable, layout, partition, run, seed_kickstart};

const NAME: &str = "lab/image:v1";

/// Sizes of an image's layers in bytes.
fn layer_sizes(layout: &Path, layers: &[String]) -> Vec<u64> {
    let file = |digest: &String| layout.join("blobs").join(digest.replace(':', "/"));
    let sizes = layers
        .iter()
        .map(|digest| fs::metadata(file(digest)).unwrap().len());
    sizes.collect()
}

/// How many layers it takes, from the lowest, for more than half of all bytes.
fn larger_half(sizes: &[u64]) -> usize {
    let total: u64 = sizes.iter().sum();
    let mut sum = 0;
    let enough = sizes.iter().position(|size| {
        sum += size;
        2 * sum > total
    });
    enough.unwrap() + 1
}

/// The words after `--seed` in the hint of a failure.
fn hinted_seed(ended: &Ended) -> String {
    let hint = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("hint: ") && line.contains("--seed"));
    let hint = hint.unwrap_or_else(|| panic!("no seed in a hint:\n{}", ended.stderr));
    let (_, rest) = hint.split_once("`--seed ").unwrap();
    rest.split('`').next().unwrap().to_owned()
}

/// Bytes of blobs that an installation fetches after one that lost the registry in the layer `lost` for good, when it had
/// the layers `before`.
fn fetched_again(layout: &Path, lost: &str, before: &[String]) -> u64 {
    let layers = variant::parts(layout).unwrap().layers;
    let total: u64 = layer_sizes(layout, &layers).iter().sum();
    let registry = Registry::http().unwrap();
    registry.push(layout, NAME).unwrap();
    let fault = Some((lost, Fault::Gone(before.iter().cloned().collect())));
    let front = Front::start(&registry.address(), fault);
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let install = |disk: &str| {
        let reference = format!("{}/{NAME}", front.address());
        let mut command = install_from(&scratch, &seed_kickstart(), disk, &reference);
        command.arg("--plain-http");
        command
    };

    let ended = run(&mut install(&format!("{}:8G", disk.display())));
    judge(&ended, &["import"], 4, "fetching the blob `sha256:");
    assert!(front.blob_bytes() < total, "it did not go away");
    assert!(!is_startable(&disk));
    assert!(!is_attached(&disk), "loop devices are left");

    let again = Front::start_at(front.address(), &registry.address(), None);
    let mut command = install(disk.to_str().unwrap());
    run(command.args(["--seed", &hinted_seed(&ended)])).expect(0);
    let fetched = again.blob_bytes();
    assert!(is_startable(&disk));
    let mounted = Mounted::of(&disk, &partition(&disk, "root")).unwrap();
    let repo = mounted.path().join("ostree/repo");
    tool::run(tool("ostree").unwrap().args(["fsck", "--repo"]).arg(repo)).unwrap();
    fetched
}

#[test]
fn a_registry_that_goes_away_costs_the_next_run_less_than_half() {
    let layout = image::layout("encapsulated").unwrap();
    let layers = variant::parts(&layout).unwrap().layers;
    let sizes = layer_sizes(&layout, &layers);
    let (total, whole) = (sizes.iter().sum::<u64>(), larger_half(&sizes));
    let fetched = fetched_again(&layout, &layers[whole], &layers[..whole]);
    assert!(
        fetched > sizes[whole] && 2 * fetched < total,
        "{fetched} of {total} bytes were fetched again"
    );
}

#[test]
fn layers_above_the_one_that_was_lost_are_not_fetched_again() {
    let layers = variant::parts(layout()).unwrap().layers;
    let sizes = layer_sizes(layout(), &layers);
    let fetched = fetched_again(layout(), &layers[0], &layers[1..]);
    assert!(
        fetched >= sizes[0] && fetched < sizes[0] + sizes[1] / 2,
        "{fetched} bytes were fetched again of {sizes:?}"
    );
}

/// An installation of the image with a fault of its largest layer ends with `causes`.
#[track_caller]
fn fails_in_mid_import(fault: Fault, causes: &[&str]) {
    let layers = variant::parts(layout()).unwrap().layers;
    let registry = Registry::http().unwrap();
    registry.push(layout(), NAME).unwrap();
    let front = Front::start(&registry.address(), Some((&layers[0], fault)));
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let reference = format!("{}/{NAME}", front.address());
    let mut command = install_from(&scratch, &seed_kickstart(), &size, &reference);
    let ended = run(command.arg("--plain-http"));
    judge(&ended, &["import"], 4, &layers[0]);
    for cause in causes {
        assert!(
            ended.stderr.contains(cause),
            "no `{cause}` in:\n{}",
            ended.stderr
        );
    }
    assert!(!is_startable(&disk));
    assert!(!is_attached(&disk), "loop devices are left");
}

#[test]
fn a_layer_that_the_registry_lacks_is_told() {
    fails_in_mid_import(Fault::Missing, &["fetching the blob", "answered 404"]);
}

#[test]
fn a_layer_with_another_content_is_told() {
    fails_in_mid_import(Fault::Altered, &["verifying the blob", "has the digest"]);
}

#[test]
fn a_layer_of_which_the_registry_has_half_is_told() {
    fails_in_mid_import(Fault::Truncated, &["fetching the blob", "bytes"]);
}
