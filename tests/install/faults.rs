// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Installations that fail, each at a place of its own: the exit status, what is said, and what is left.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use landfall_harness::tool::{self, tool};
use landfall_harness::variant;

use super::block_device::Device;
use super::foresight::image_with;
use super::{Ended, Scratch, install, install_from, is_startable, layout, run, seed_kickstart};

/// Runs the command, and does something at the first event that has `text`.
fn run_and(mut command: Command, text: &str, act: impl FnOnce(u32)) -> Ended {
    let mut talk = tempfile::tempfile().unwrap();
    let mut child = command
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(talk.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut act = Some(act);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(text)
            && let Some(act) = act.take()
        {
            act(child.id());
        }
        stdout += &(line + "\n");
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    talk.rewind().unwrap();
    talk.read_to_string(&mut stderr).unwrap();
    assert!(act.is_none(), "no event has `{text}`:\n{stderr}");
    Ended {
        code,
        stdout,
        stderr,
    }
}

/// What every failure says: the step, the cause, the log, what to do. The log is private and has the cause, too.
#[track_caller]
pub(super) fn judge(ended: &Ended, steps: &[&str], code: i32, cause: &str) {
    let talk = &ended.stderr;
    assert_eq!(ended.code, code, "{talk}");
    let names_step = |step: &str| talk.contains(&format!("{step}: failed\nerror: "));
    assert!(
        steps.iter().any(|step| names_step(step)),
        "none of {steps:?} in:\n{talk}"
    );
    assert!(talk.contains(cause), "no `{cause}` in:\n{talk}");
    assert!(
        talk.lines().any(|line| line.starts_with("hint: ")),
        "no hint in:\n{talk}"
    );
    let log = talk.lines().find_map(|line| line.strip_prefix("log: "));
    let log = Path::new(log.unwrap_or_else(|| panic!("no log in:\n{talk}")));
    assert_eq!(
        fs::metadata(log).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(log).unwrap();
    assert!(
        text.contains(cause) && text.contains(": failed, exit code "),
        "{text}"
    );
}

/// An installation that ends before it begins, or on a disk image file.
struct Fault {
    step: &'static str,
    code: i32,
    cause: &'static str,
    command: fn(&Scratch) -> Command,
}

fn size(scratch: &Scratch) -> String {
    format!("{}:8G", scratch.path("disk.img").display())
}

fn with(scratch: &Scratch, lines: &str) -> Command {
    let kickstart = format!("{}\n{lines}\n", seed_kickstart());
    install(scratch, &kickstart, &size(scratch))
}

const FAULTS: [Fault; 10] = [
    Fault {
        step: "pre",
        code: 3,
        cause: "failed: exit status: 9",
        command: |scratch| {
            let mut command = with(scratch, "%pre --erroronfail\nexit 9\n%end");
            command.arg("--allow-host-scripts");
            command
        },
    },
    Fault {
        step: "inventory",
        code: 3,
        cause: "no-such-disk",
        command: |scratch| {
            let disk = scratch.path("no-such-disk");
            install(scratch, &seed_kickstart(), disk.to_str().unwrap())
        },
    },
    Fault {
        step: "plan",
        code: 3,
        cause: "does not fit",
        command: |scratch| {
            let small = format!("{}:2600M", scratch.path("disk.img").display());
            install(scratch, &seed_kickstart(), &small)
        },
    },
    Fault {
        step: "plan",
        code: 3,
        cause: "missing on this machine: mkfs.xfs",
        command: |scratch| {
            let wanted = with(scratch, "");
            let hide = "mount --bind /dev/null \"$(command -v mkfs.xfs)\" && exec \"$@\"";
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "sh", "-c", hide, "sh"])
                .arg(wanted.get_program())
                .args(wanted.get_args())
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command
        },
    },
    Fault {
        step: "plan",
        code: 5,
        cause: "/no/such/layout",
        command: |scratch| {
            install_from(
                scratch,
                &seed_kickstart(),
                &size(scratch),
                "oci:/no/such/layout",
            )
        },
    },
    Fault {
        step: "plan",
        code: 5,
        cause: "sha256:",
        command: |scratch| {
            let damaged = variant::with_config(layout(), &scratch.path("damaged"), |_| {}).unwrap();
            variant::damage_layer(&damaged).unwrap();
            let image = format!("oci:{}", damaged.display());
            install_from(scratch, &seed_kickstart(), &size(scratch), &image)
        },
    },
    Fault {
        step: "import",
        code: 4,
        cause: "SELinux policy",
        command: |scratch| {
            let config = "SELINUX=enforcing\nSELINUXTYPE=broken\n";
            let contexts = "etc/selinux/broken/contexts/files/file_contexts";
            let policy = [
                ("etc/selinux/config", config),
                (contexts, "/a(b system_u:object_r:usr_t:s0\n"),
            ];
            let image = image_with(scratch, "policy", &policy);
            install_from(scratch, &seed_kickstart(), &size(scratch), &image)
        },
    },
    Fault {
        step: "configure",
        code: 4,
        cause: "useradd",
        command: |scratch| with(scratch, "user --name=second --uid=0"),
    },
    Fault {
        step: "post",
        code: 4,
        cause: "failed: exit status: 9",
        command: |scratch| with(scratch, "%post --erroronfail\nexit 9\n%end"),
    },
    Fault {
        step: "post",
        code: 4,
        cause: "/no/such/shell",
        command: |scratch| {
            with(
                scratch,
                "%post --erroronfail --interpreter=/no/such/shell\ntrue\n%end",
            )
        },
    },
];

#[test]
fn every_failure_names_its_step_its_cause_its_log_and_what_to_do() {
    for fault in FAULTS {
        let scratch = Scratch::new();
        let ended = run(&mut (fault.command)(&scratch));
        judge(&ended, &[fault.step], fault.code, fault.cause);
        let disk = scratch.path("disk.img");
        assert_eq!(disk.exists(), fault.code == 4, "{}", fault.cause);
        assert!(!disk.exists() || !is_startable(&disk), "{}", fault.cause);
    }
}

#[test]
fn a_signal_is_told_like_any_failure() {
    let scratch = Scratch::new();
    let command = install(&scratch, &seed_kickstart(), &size(&scratch));
    let ended = run_and(command, r#""step":"format","state":"started""#, |pid| {
        tool::run(tool("kill").unwrap().args(["-s", "TERM", &pid.to_string()])).unwrap();
    });
    judge(&ended, &["format", "import"], 143, "stopped by a signal");
}

#[test]
fn without_permission_nothing_is_written() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    // Where everybody gets at it, which the build's directory need not be.
    let program = scratch.path("landfall");
    fs::copy(env!("CARGO_BIN_EXE_landfall"), &program).unwrap();
    fs::set_permissions(&scratch.path, Permissions::from_mode(0o777)).unwrap();
    let wanted = install(&scratch, &seed_kickstart(), &size(&scratch));
    let mut command = tool("setpriv").unwrap();
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(wanted.get_args())
        .env("TMPDIR", &scratch.path);
    judge(
        &run(&mut command),
        &["plan"],
        3,
        "an installation needs root",
    );
    assert!(!disk.exists());
}

/// A small file system in memory with the file that a disk is made of: when it is full, the disk has I/O errors.
struct Faulty {
    at: PathBuf,
    _scratch: Scratch,
}

impl Faulty {
    fn new(bytes: u64) -> Self {
        let scratch = Scratch::new();
        let at = scratch.path("memory");
        fs::create_dir(&at).unwrap();
        let size = format!("size={bytes}");
        tool::run(
            tool("mount")
                .unwrap()
                .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
                .arg(&at),
        )
        .unwrap();
        let faulty = Self {
            at,
            _scratch: scratch,
        };
        File::create(faulty.file())
            .unwrap()
            .set_len(8 << 30)
            .unwrap();
        faulty
    }

    fn file(&self) -> PathBuf {
        self.at.join("disk")
    }

    /// From now on hardly anything new can be written.
    fn fill(&self) {
        for attempt in 0..50 {
            // What is used grows meanwhile, and less than that is refused.
            let more = if attempt < 5 { 0 } else { 8 << 20 };
            let size = format!("remount,size={}", self.used() + more);
            let mut mount = tool("mount").unwrap();
            if tool::run(mount.args(["-o", &size]).arg(&self.at)).is_ok() {
                return;
            }
        }
        panic!("the file system in memory cannot be made smaller");
    }

    fn used(&self) -> u64 {
        let mut df = tool("df").unwrap();
        df.args(["--block-size=1", "--output=used"]).arg(&self.at);
        let said = tool::run(&mut df).unwrap();
        said.lines().last().unwrap().trim().parse().unwrap()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        let _ = tool("umount").and_then(|mut umount| tool::run(umount.arg("--lazy").arg(&self.at)));
    }
}

const STEPS: [&str; 8] = [
    "partition",
    "format",
    "import",
    "deploy",
    "configure",
    "bootloader",
    "post",
    "finalize",
];

/// Installs on a disk that has I/O errors from the first event with `text` on.
fn install_on_failing_disk(text: &str) -> (Ended, bool) {
    let faulty = Faulty::new(2 << 30);
    let scratch = Scratch::new();
    let device = Device::of(&faulty.file());
    let write = "%post\nhead --bytes=64M /dev/urandom > /var/lib/much; sync\n%end";
    let kickstart = format!("{}\n{write}\n", seed_kickstart());
    let mut command = install(&scratch, &kickstart, device.0.to_str().unwrap());
    command.args(["--firmware", "uefi", "--yes"]);
    let ended = run_and(command, text, |_| faulty.fill());
    (ended, is_startable(&faulty.file()))
}

/// What the system says of a disk with I/O errors. The kernel hands the error of the file system in memory on.
#[track_caller]
fn cause(ended: &Ended) -> &'static str {
    // mtools may only say that what it has just written is not there.
    let causes = [
        "Input/output error",
        "No space left on device",
        "no match for target",
    ];
    let found = causes
        .into_iter()
        .find(|cause| ended.stderr.contains(cause));
    found.unwrap_or_else(|| panic!("none of {causes:?} in:\n{}", ended.stderr))
}

#[test]
fn errors_of_the_disk_end_the_installation_wherever_they_begin() {
    for (index, step) in STEPS.iter().enumerate().skip(1) {
        let (ended, startable) =
            install_on_failing_disk(&format!(r#""step":"{step}","state":"started""#));
        // The kernel may take what is written and fail later.
        assert_ne!(ended.code, 0, "errors since {step}:\n{}", ended.stderr);
        judge(&ended, &STEPS[index..], 4, cause(&ended));
        // Only the very last write can fail when firmware finds the rest already, and that is said.
        let last = ended.stderr.contains("the disk may start all the same");
        assert!(
            !startable || (*step == "finalize" && last),
            "errors since {step}:\n{}",
            ended.stderr
        );
    }
}

#[test]
fn errors_of_the_disk_at_its_first_byte_are_told() {
    let faulty = Faulty::new(256 << 10);
    let scratch = Scratch::new();
    let device = Device::of(&faulty.file());
    let mut command = install(&scratch, &seed_kickstart(), device.0.to_str().unwrap());
    let ended = run(command.args(["--firmware", "uefi", "--yes"]));
    judge(&ended, &["partition"], 4, "Input/output error");
    assert!(!is_startable(&faulty.file()));
}

#[test]
fn a_full_disk_is_told_and_a_larger_root_is_all_it_takes() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    // More than the image packed, less than the image.
    let root = |mib: u32| {
        let line = format!("part / --size={mib} --fstype=ext4");
        seed_kickstart().replace("part / --grow --fstype xfs", &line)
    };
    let mut command = install(&scratch, &root(260), &size(&scratch));
    let ended = run(&mut command);
    judge(&ended, &["import"], 4, "No space left on device");
    assert!(!is_startable(&disk));
    let (_, seed) = ended.stderr.split_once("`--seed ").unwrap();
    let (seed, _) = seed.split_once('`').unwrap();
    let mut command = install(&scratch, &root(3000), disk.to_str().unwrap());
    run(command.args(["--seed", seed])).expect(0);
    assert!(is_startable(&disk));
}
