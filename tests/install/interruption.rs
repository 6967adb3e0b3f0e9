// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Installations that end early leave a disk that no firmware starts, nothing mounted, and can be run again.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use landfall_harness::disk::Mounted;
use landfall_harness::oci::{About, Compression, Layout};
use landfall_harness::registry::Registry;
use landfall_harness::tool::{self, tool};
use landfall_harness::variant;

use super::{
    Scratch, broken_kickstart, install, install_from, is_startable, layout, partition, run,
    seed_kickstart,
};

/// Every event that tells how far the import is.
const IMPORTING: &str = r#""kind":"progress","step":"import""#;

/// Starts the installation and sends `signal` at the first event that has `text`; gives the exit status.
pub(super) fn interrupt(command: Command, signal: &str, text: &str) -> std::process::ExitStatus {
    interrupt_when(command, signal, &mut |event| event.contains(text))
}

fn interrupt_when(
    mut command: Command,
    signal: &str,
    is_time: &mut dyn FnMut(&str) -> bool,
) -> std::process::ExitStatus {
    let mut talk = tempfile::tempfile().unwrap();
    let mut child = command
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(talk.try_clone().unwrap())
        .spawn()
        .unwrap();
    let events = BufReader::new(child.stdout.take().unwrap());
    let mut sent = false;
    for event in events.lines().map_while(Result::ok) {
        if !sent && is_time(&event) {
            let pid = child.id().to_string();
            tool::run(tool("kill").unwrap().args(["-s", signal, &pid])).unwrap();
            sent = true;
        }
    }
    let status = child.wait().unwrap();
    let mut said = String::new();
    talk.rewind().unwrap();
    talk.read_to_string(&mut said).unwrap();
    assert!(sent, "the event did not come:\n{said}");
    status
}

/// Loop devices on the file; they may take a moment to go after a SIGKILL.
pub(super) fn is_attached(disk: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let list = tool::run(tool("losetup").unwrap().arg("--associated").arg(disk)).unwrap();
        if list.trim().is_empty() || Instant::now() > deadline {
            return !list.trim().is_empty();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn signals_end_with_their_code_and_the_next_run_succeeds() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let scratch = Scratch::new();
        let (disk, size) = scratch.new_disk();
        let status = interrupt(
            install(&scratch, &seed_kickstart(), &size),
            signal,
            IMPORTING,
        );
        assert_eq!(status.code(), Some(code));
        assert!(!is_startable(&disk));
        assert!(!is_attached(&disk), "loop devices are left");
        run(&mut install(
            &scratch,
            &seed_kickstart(),
            disk.to_str().unwrap(),
        ))
        .expect(0);
        assert!(is_startable(&disk));
    }
}

#[test]
fn after_a_kill_no_mount_is_left_and_the_disk_does_not_start() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let step = r#""step":"deploy","state":"done""#;
    let status = interrupt(install(&scratch, &seed_kickstart(), &size), "KILL", step);
    assert_eq!(status.code(), None);
    assert!(!is_startable(&disk));
    assert!(!is_attached(&disk), "loop devices are left");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains("/run/landfall/"), "{mounts}");
}

#[test]
fn a_unit_that_the_image_lacks_fails_the_installation() {
    let registry = Registry::http().unwrap();
    let reference = registry.push(layout(), "lab/plain:v1").unwrap();
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = seed_kickstart().replace("--enabled=sshd", "--enabled=sshd,no-such-unit");
    let mut command = install_from(&scratch, &kickstart, &size, &reference);
    let ended = run(command.arg("--plain-http")).expect(4);
    for text in [
        "deploy: failed",
        "not in the image: `no-such-unit`",
        "ks.cfg:14",
        "LF1020",
        "does not boot",
    ] {
        assert!(
            ended.stderr.contains(text),
            "no `{text}` in:\n{}",
            ended.stderr
        );
    }
    assert!(!is_startable(&disk));
    assert!(!is_attached(&disk));
}

/// What scripts are kept in on this machine while they run.
fn script_files() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/tmp").unwrap().map(Result::unwrap);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with("ks-script-"))
        .collect()
}

/// Files of scripts that are new since `before`; those of tests that run at the same time go by themselves.
fn script_files_left(before: &BTreeSet<String>) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let left: Vec<String> = script_files().difference(before).cloned().collect();
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_post_script_decides_with_erroronfail_and_leaves_no_file() {
    let before = script_files();
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let left = scratch.path("left");
    // `/tmp` of the target, where the script was, is gone with the installation: others look while it is there.
    let look = format!("ls -A /mnt/sysroot/tmp > {}", left.display());
    let attempt = |options: &str, disk: &str| {
        let kickstart = format!(
            "{}\n%post {options}\ntouch /tmp/seen; echo reason; exit 3\n%end\n\
             %post --nochroot\n{look}\n%end\n%onerror\n{look}\n%end\n",
            seed_kickstart()
        );
        let ended = run(install(&scratch, &kickstart, disk).arg("--allow-host-scripts"));
        let found = std::fs::read_to_string(&left).unwrap();
        std::fs::remove_file(&left).unwrap();
        assert_eq!(found, "seen\n");
        ended
    };
    let ended = attempt("--erroronfail", &size).expect(4);
    assert!(
        ended.stderr.contains("post: failed") && ended.stderr.contains("reason"),
        "{}",
        ended.stderr
    );
    assert!(!is_startable(&disk));
    attempt("", disk.to_str().unwrap()).expect(0);
    assert!(is_startable(&disk));
    assert_eq!(script_files_left(&before), [""; 0]);
}

/// The number after `"key":` in an event.
fn number_of(event: &str, key: &str) -> Option<u64> {
    let (_, rest) = event.split_once(&format!("\"{key}\":"))?;
    let digits = rest.split(|each: char| !each.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The image, its layers not compressed, below more layers than an import keeps to itself: a kill in the middle finds
/// some of it made durable.
fn layered(scratch: &Scratch) -> String {
    let (upper, both) = (scratch.path("upper"), scratch.path("layered"));
    variant::repacked(layout(), &upper, &[Compression::None]).unwrap();
    let lower = scratch.path("lower");
    let mut image = Layout::create(&lower).unwrap();
    for number in 0..64 {
        let mut layer = image.layer(Compression::Gzip, 1).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(4096);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("usr/share/landfall/{number}");
        let content = [number; 4096];
        layer.append_data(&mut header, path, &content[..]).unwrap();
        image.push(layer, "", "").unwrap();
    }
    let about = About {
        labels: HashMap::new(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        reference: "lower:1".to_owned(),
    };
    image.finish(&about).unwrap();
    variant::stack(&lower, &upper, &both).unwrap();
    format!("oci:{}", both.display())
}

const TAKEN_UP: &str = "an earlier installation by the same plan is taken up";

/// Where an import is to be killed.
#[derive(Clone, Copy)]
struct Place {
    /// Bytes that are to be left out.
    after: u64,
    /// Thousandths of the others.
    part: u64,
}

impl Place {
    fn is_reached(self, done: u64, total: u64) -> bool {
        (done.saturating_sub(self.after)) * 1000 >= self.part * total.saturating_sub(self.after)
    }
}

/// Kills an installation at a place in its import; tells how many bytes were done then, and whether it took up one before.
fn killed_at(place: Place, command: Command) -> (u64, bool) {
    let (mut at, mut is_taken_up) = (None, false);
    let status = interrupt_when(command, "KILL", &mut |event| {
        is_taken_up |= event.contains(TAKEN_UP);
        if event.contains(IMPORTING) {
            let numbers = number_of(event, "done").zip(number_of(event, "total"));
            at = numbers.and_then(|(done, total)| place.is_reached(done, total).then_some(done));
        }
        at.is_some()
    });
    let Place { after, part } = place;
    assert_eq!(status.code(), None, "at {part} thousandths after {after}");
    (at.unwrap(), is_taken_up)
}

#[test]
fn killed_anywhere_in_the_import_the_disk_does_not_start_and_the_next_run_takes_it_up() {
    const ROUNDS: u64 = 10;
    let scratch = Scratch::new();
    let image = layered(&scratch);
    let disk = scratch.path("disk.img");
    // Each round starts over, for another seed is another plan. Not the seed of another test: XFS mounts no two file
    // systems of one UUID.
    let attempt = |round: u64, disk: &str| {
        let mut command = install_from(&scratch, &seed_kickstart(), disk, &image);
        let seed = format!("5eed5eed-4111-4eed-8eed-5eed5eed5e{round:02}");
        command.args(["--seed", &seed]);
        command
    };
    let path = disk.to_str().unwrap();
    let new = format!("{path}:8G");
    let (mut places, mut resumed) = (BTreeSet::new(), 0);
    // A linear congruential generator.
    let mut random = 20_u64;
    let mut draw = |most: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % most
    };
    for round in 0..ROUNDS {
        let after_kill = || {
            assert!(!is_startable(&disk), "in round {round}");
            assert!(!is_attached(&disk), "loop devices are left");
        };
        let width = 1000 / ROUNDS;
        let first = Place {
            after: 0,
            part: round * width + draw(width),
        };
        let given = if round == 0 { &new } else { path };
        let (after, is_taken_up) = killed_at(first, attempt(round, given));
        assert!(!is_taken_up, "round {round} did not start over");
        after_kill();
        // What the first one was at may count as done at once in the second.
        let part = draw(1000);
        let second = Place { after, part };
        let (at, is_taken_up) = killed_at(second, attempt(round, path));
        after_kill();
        places.extend([after, at]);
        resumed += u32::from(is_taken_up);
    }
    assert!(resumed > 0, "no run took up what the one before left");
    let count = places.len() as u64;
    assert!(count > ROUNDS, "killed at {places:?} only");
    let mut command = attempt(ROUNDS - 1, path);
    let log = run(command.arg("--json")).expect(0).stdout;
    assert!(log.contains(TAKEN_UP), "{log}");
    assert!(!log.contains("; 0 B of layers were there"), "{log}");
    assert!(is_startable(&disk));
    let mounted = Mounted::of(&disk, &partition(&disk, "root")).unwrap();
    let repo = mounted.path().join("ostree/repo");
    tool::run(tool("ostree").unwrap().args(["fsck", "--repo"]).arg(repo)).unwrap();
}

const SEED: &str = "5eed5eed-5eed-4eed-8eed-5eed5eed5eed";

#[test]
fn with_its_seed_a_failed_installation_is_taken_up() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let broken = broken_kickstart();
    let mut first = install(&scratch, &broken, &size);
    let ended = run(first.args(["--seed", SEED]));
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let hint = format!("with `--seed {SEED}` it fetches only what is missing");
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    let log = |seed: &str| {
        let mut command = install(&scratch, &seed_kickstart(), disk.to_str().unwrap());
        run(command.args(["--json", "--seed", seed]))
            .expect(0)
            .stdout
    };
    let resumed = log(SEED);
    assert!(resumed.contains(TAKEN_UP), "{resumed}");
    assert!(resumed.contains("0 B of layers unpacked"), "{resumed}");
    assert!(is_startable(&disk));
    // What is complete is not taken up, nor what another plan made.
    for seed in [SEED, "5eed5eed-5eed-4eed-8eed-000000000000"] {
        let log = log(seed);
        assert!(!log.contains(TAKEN_UP), "{log}");
        assert!(log.contains("; 0 B of layers were there"), "{log}");
    }
}

#[test]
fn with_its_seed_another_image_takes_up_nothing() {
    const SEED: &str = "5eed5eed-07e4-4eed-8eed-5eed5eed5eed";
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let broken = broken_kickstart();
    run(install(&scratch, &broken, &size).args(["--seed", SEED])).expect(4);
    // The layers are the same: without the mark they would be found.
    let other = variant::with_config(layout(), &scratch.path("other"), |config| {
        config["created"] = "2026-11-09T00:00:00Z".into();
    });
    let image = format!("oci:{}", other.unwrap().display());
    let disk = disk.to_str().unwrap();
    let mut command = install_from(&scratch, &seed_kickstart(), disk, &image);
    let log = run(command.args(["--json", "--seed", SEED]))
        .expect(0)
        .stdout;
    assert!(!log.contains("is taken up"), "{log}");
    assert!(log.contains("; 0 B of layers were there"), "{log}");
}
