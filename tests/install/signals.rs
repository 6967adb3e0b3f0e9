// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SIGINT, SIGTERM and SIGKILL at every step: the exit status, what is left, and that the same command succeeds later.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use landfall_harness::disk::{Loop, Mounted};
use landfall_harness::tool::{self, tool};

use super::interruption::{interrupt, is_attached};
use super::storage::{self, MIB};
use super::{
    Scratch, TARGET, install, install_from, is_startable, partition, path_with, run,
    seed_kickstart, write_program,
};

/// The steps of an installation without `%pre`.
const STEPS: [&str; 10] = [
    "inventory",
    "plan",
    "partition",
    "format",
    "import",
    "deploy",
    "configure",
    "bootloader",
    "post",
    "finalize",
];

/// The event of a step.
fn event(step: &str, state: &str) -> String {
    format!(r#""step":"{step}","state":"{state}""#)
}

/// Each test has a seed of its own: XFS mounts no two file systems of one UUID.
fn seeded(scratch: &Scratch, disk: &str, seed: &str) -> Command {
    let mut command = install(scratch, &seed_kickstart(), disk);
    command.args(["--seed", seed]);
    command
}

/// The same command once more succeeds, and what it leaves is whole.
fn succeeds_again(scratch: &Scratch, disk: &Path, seed: &str) {
    run(&mut seeded(scratch, disk.to_str().unwrap(), seed)).expect(0);
    assert!(is_startable(disk));
    let mounted = Mounted::of(disk, &partition(disk, "root")).unwrap();
    let repo = mounted.path().join("ostree/repo");
    tool::run(tool("ostree").unwrap().args(["fsck", "--repo"]).arg(repo)).unwrap();
}

#[test]
fn a_signal_at_any_step_ends_with_its_code_and_a_disk_that_does_not_start() {
    const SEED: &str = "5eed5eed-5161-4eed-8eed-5eed5eed5eed";
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    fs::File::create(&disk).unwrap().set_len(8 << 30).unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for step in STEPS {
            let command = seeded(&scratch, disk.to_str().unwrap(), SEED);
            let status = interrupt(command, signal, &event(step, "started"));
            assert_eq!(status.code(), Some(code), "SIG{signal} in {step}");
            assert!(!is_startable(&disk), "after SIG{signal} in {step}");
            assert!(!is_attached(&disk), "loop devices are left");
        }
    }
    succeeds_again(&scratch, &disk, SEED);
}

#[test]
fn killed_between_any_two_steps_the_disk_does_not_start_and_the_next_run_succeeds() {
    const SEED: &str = "5eed5eed-4177-4eed-8eed-5eed5eed5eed";
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    fs::File::create(&disk).unwrap().set_len(8 << 30).unwrap();
    // After the last step everything is done.
    for step in &STEPS[..STEPS.len() - 1] {
        let command = seeded(&scratch, disk.to_str().unwrap(), SEED);
        let status = interrupt(command, "KILL", &event(step, "done"));
        assert_eq!(status.code(), None, "after {step}");
        assert!(!is_startable(&disk), "after {step}");
        assert!(!is_attached(&disk), "loop devices are left");
    }
    succeeds_again(&scratch, &disk, SEED);
}

/// Tests may run under `nohup`, and what is ignored is inherited; what is caught here is not, and not ignored either.
fn catch_hangups() {
    let caught = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, caught).unwrap();
}

/// An installation that is in a script or program which does not end by itself.
struct Hanging {
    child: Child,
    /// The file to which the program has written its process number.
    pid: String,
}

impl Hanging {
    /// Starts the command and waits until the program has written its number to the file `pid`.
    fn start(mut command: Command, pid: &Path) -> Self {
        catch_hangups();
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut hanging = Self {
            child: command.spawn().unwrap(),
            pid: String::new(),
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        while !hanging.pid.ends_with('\n') {
            assert!(Instant::now() < deadline, "the program does not start");
            std::thread::sleep(Duration::from_millis(50));
            hanging.pid = fs::read_to_string(pid).unwrap_or_default();
        }
        hanging
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        tool::run(tool("kill").unwrap().args(["-s", signal, &pid])).unwrap();
    }

    /// Signals the whole process group, as a terminal does; the command must have one of its own.
    fn signal_group(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        tool::run(tool("kill").unwrap().args(["-s", signal, "--", &group])).unwrap();
    }

    /// Whether the program that hangs still runs.
    fn hangs(&self) -> bool {
        hangs(&self.pid)
    }

    /// Waits for the first thing that is said about the end.
    fn wait_for_word(&mut self) {
        let said = BufReader::new(self.child.stderr.as_mut().unwrap());
        let mut lines = said.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("a second signal ends it at once")));
    }

    /// Waits for the end; the program that hung has ended, too.
    fn end(mut self) -> ExitStatus {
        let mut said = BufReader::new(self.child.stderr.take().unwrap()).lines();
        while said.next().is_some() {}
        let status = self.child.wait().unwrap();
        // What is killed, or ends with a killed Landfall, may take a moment.
        let deadline = Instant::now() + Duration::from_secs(10);
        while hangs(&self.pid) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(!hangs(&self.pid), "the program still runs");
        status
    }
}

/// Whether there is a process with this number; one that has only not been waited for is none.
fn hangs(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// A `%pre` that writes its number to a file and stays.
fn hanging_pre(scratch: &Scratch, before: &str) -> Hanging {
    let (disk, pid) = (scratch.path("disk.img"), scratch.path("pid"));
    let kickstart = format!(
        "{}\n%pre\n{before}\necho $$ > {}\nwhile :; do sleep 1; done\n%end\n",
        seed_kickstart(),
        pid.display()
    );
    let size = format!("{}:8G", disk.display());
    let mut command = install_from(scratch, &kickstart, &size, "oci:/no/such/image");
    command.arg("--allow-host-scripts");
    Hanging::start(command, &pid)
}

#[test]
fn the_first_signal_ends_a_script_that_hangs() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let scratch = Scratch::new();
        let hanging = hanging_pre(&scratch, "");
        hanging.signal(signal);
        assert_eq!(hanging.end().code(), Some(code));
    }
}

#[test]
fn a_script_that_does_not_want_to_end_is_killed_after_a_while() {
    let scratch = Scratch::new();
    let hanging = hanging_pre(&scratch, "trap '' TERM INT");
    hanging.signal("TERM");
    assert_eq!(hanging.end().code(), Some(143));
}

#[test]
fn the_second_signal_ends_everything_at_once() {
    let scratch = Scratch::new();
    let mut hanging = hanging_pre(&scratch, "trap '' TERM INT");
    hanging.signal("INT");
    hanging.wait_for_word();
    hanging.signal("TERM");
    assert_eq!(hanging.end().code(), Some(143));
}

#[test]
fn the_first_signal_ends_a_program_that_hangs() {
    let scratch = Scratch::new();
    let (disk, pid) = (scratch.path("disk.img"), scratch.path("pid"));
    let programs = scratch.path("bin");
    fs::create_dir(&programs).unwrap();
    let text = format!("#!/bin/sh\necho $$ > {}\nexec sleep 86396\n", pid.display());
    write_program(&programs.join("mkfs.xfs"), &text);
    let mut command = install(
        &scratch,
        &seed_kickstart(),
        &format!("{}:8G", disk.display()),
    );
    command.env("PATH", path_with(&programs));
    let hanging = Hanging::start(command, &pid);
    hanging.signal("INT");
    assert_eq!(hanging.end().code(), Some(130));
    assert!(!is_startable(&disk) && !is_attached(&disk));
}

/// An installation that shrinks a file system which stays, by a `resize2fs` that waits for the file `go`.
fn hanging_resize(scratch: &Scratch) -> (Hanging, PathBuf) {
    let disk = storage::disk(
        scratch,
        "disk.img",
        8192,
        "label: gpt\n\nsize=700MiB, name=kept\n",
    );
    let mkfs = ["mkfs.ext4", "-q", "-F"];
    storage::fill(scratch, &disk, &partition(&disk, "kept"), &mkfs);
    let (programs, pid) = (scratch.path("bin"), scratch.path("pid"));
    fs::create_dir(&programs).unwrap();
    let text = format!(
        "#!/bin/sh\nresize2fs={}\ncase $1 in -*) exec $resize2fs \"$@\" ;; esac\n\
         echo $$ > {}\nuntil test -e {}; do sleep 0.1; done\nexec $resize2fs \"$@\"\n",
        tool("resize2fs").unwrap().get_program().display(),
        pid.display(),
        scratch.path("go").display(),
    );
    write_program(&programs.join("resize2fs"), &text);
    let kickstart = format!(
        "reqpart\npart /var/lib/kept --onpart=disk.img1 --noformat --resize --size=300\n\
         part / --grow --size=2500\nostreecontainer --url={TARGET}\n"
    );
    let mut command = install(scratch, &kickstart, disk.to_str().unwrap());
    command.env("PATH", path_with(&programs)).process_group(0);
    (Hanging::start(command, &pid), disk)
}

#[test]
fn the_first_signal_waits_for_a_file_system_that_is_resized() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let scratch = Scratch::new();
        let (mut hanging, disk) = hanging_resize(&scratch);
        hanging.signal_group(signal);
        hanging.wait_for_word();
        if signal == "HUP" {
            // From the kernel, after the one of the shell.
            hanging.signal_group(signal);
        }
        std::thread::sleep(Duration::from_millis(300));
        assert!(hanging.hangs(), "SIG{signal} has ended it");
        fs::write(scratch.path("go"), "").unwrap();
        assert_eq!(hanging.end().code(), Some(code));
        let kept = partition(&disk, "kept");
        assert_eq!(kept.size, 700 * MIB, "the table is written");
        let node = Loop::of(&disk, &kept).unwrap();
        let mut check = tool("fsck.ext4").unwrap();
        tool::run(check.args(["-f", "-n"]).arg(&node.node)).unwrap();
        drop(node);
        storage::assert_filled(&disk, &kept);
        assert!(storage::file_system_bytes(&disk, &kept) < 300 * MIB);
        assert!(!is_attached(&disk), "loop devices are left");
    }
}

#[test]
fn the_second_signal_ends_even_a_program_that_resizes() {
    let scratch = Scratch::new();
    let (mut hanging, disk) = hanging_resize(&scratch);
    hanging.signal("TERM");
    hanging.wait_for_word();
    assert!(hanging.hangs());
    hanging.signal("INT");
    assert_eq!(hanging.end().code(), Some(130));
    assert!(!is_attached(&disk), "loop devices are left");
}

#[test]
fn a_hangup_that_is_to_be_ignored_is_ignored() {
    let scratch = Scratch::new();
    let go = scratch.path("go");
    let kickstart = |pid: &Path| {
        format!(
            "{}\n%pre\necho $$ > {}\nuntil test -e {}; do sleep 0.1; done\n%end\n",
            seed_kickstart(),
            pid.display(),
            go.display()
        )
    };
    let (disk, pid) = (scratch.path("disk.img"), scratch.path("pid"));
    let size = format!("{}:8G", disk.display());
    let wanted = install_from(&scratch, &kickstart(&pid), &size, "oci:/no/such/image");
    let hanging = Hanging::start(by_shell("trap '' HUP", &wanted), &pid);
    hanging.signal("HUP");
    fs::write(go, "").unwrap();
    assert_eq!(hanging.end().code(), Some(5), "there is no image");
}

#[test]
fn killed_it_leaves_no_script_behind() {
    let scratch = Scratch::new();
    let hanging = hanging_pre(&scratch, "");
    hanging.signal("KILL");
    assert_eq!(hanging.end().code(), None);
}

#[test]
fn killed_it_leaves_a_file_system_that_is_resized_to_its_end() {
    let scratch = Scratch::new();
    let (mut hanging, disk) = hanging_resize(&scratch);
    hanging.signal("KILL");
    assert_eq!(hanging.child.wait().unwrap().code(), None);
    assert!(hanging.hangs(), "it was ended, too");
    fs::write(scratch.path("go"), "").unwrap();
    hanging.end();
    assert!(!is_attached(&disk), "loop devices are left");
    storage::assert_filled(&disk, &partition(&disk, "kept"));
}

/// The command in the place of a shell that has done something before.
fn by_shell(before: &str, wanted: &Command) -> Command {
    let mut command = Command::new("sh");
    let envs = wanted.get_envs();
    command
        .args(["-c", &format!("{before}; exec \"$@\""), "sh"])
        .arg(wanted.get_program())
        .args(wanted.get_args())
        .arg("--allow-host-scripts")
        .envs(envs.filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn a_signal_leaves_alone_what_was_started_before() {
    let scratch = Scratch::new();
    let (disk, pid, before) = (
        scratch.path("disk.img"),
        scratch.path("pid"),
        scratch.path("before"),
    );
    let kickstart = format!(
        "{}\n%pre\necho $$ > {}\nwhile :; do sleep 1; done\n%end\n",
        seed_kickstart(),
        pid.display()
    );
    let size = format!("{}:8G", disk.display());
    let wanted = install_from(&scratch, &kickstart, &size, "oci:/no/such/image");
    let before_it = format!(
        "sleep 86395 > /dev/null 2>&1 & echo $! > {}",
        before.display()
    );
    let command = by_shell(&before_it, &wanted);
    let hanging = Hanging::start(command, &pid);
    hanging.signal("TERM");
    let before = fs::read_to_string(before).unwrap();
    let stays = Path::new("/proc").join(before.trim());
    assert_eq!(hanging.end().code(), Some(143));
    assert!(stays.exists(), "it was ended, too");
    tool::run(tool("kill").unwrap().arg(before.trim())).unwrap();
}
