// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What surrounds an installation: certificates before the pull, what is kept afterwards, and what the machine does then.

use std::fs;
use std::path::Path;
use std::process::Command;

use landfall_harness::disk::Mounted;
use landfall_harness::registry::Registry;
use landfall_harness::tool::tool;

use super::{
    Ended, Scratch, deployment, install, install_from, is_startable, layout, partition, path_with,
    run, seed_kickstart, write_program,
};

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

/// Runs the command as on a machine that is there for the installation only, with programs that write down how they
/// were called in place of those that would end this machine.
fn run_in_environment(scratch: &Scratch, wanted: &Command) -> Ended {
    let programs = scratch.path("bin");
    fs::create_dir_all(&programs).unwrap();
    let calls = scratch.path("calls");
    let text = format!(
        "#!/bin/sh\nfor word; do case $word in --initrd=*) test -s ${{word#*=}} && word=initrd ;; \
         /proc/*) test -s $word && word=kernel ;; esac; set -- \"$@\" \"$word\"; shift; done\n\
         echo ${{0##*/}} \"$@\" >> {}\n",
        calls.display()
    );
    for program in ["systemctl", "kexec"] {
        write_program(&programs.join(program), &text);
    }
    let enter = "mkdir -p /run/landfall && mount -t tmpfs tmpfs /run/landfall && \
        touch /run/landfall/environment && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", enter, "sh"])
        .arg(wanted.get_program())
        .args(wanted.get_args())
        .envs(
            wanted
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", path_with(&programs));
    run(&mut command)
}

#[test]
fn a_certificate_of_the_kickstart_is_trusted_for_the_pull_and_afterwards() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let registry = Registry::https().unwrap();
    let image = registry.push(layout(), "lab/plain:v1").unwrap();
    let certificate = read(registry.ca());
    let kickstart = format!(
        "{}\n%certificate --filename=lab.pem --type=anchor\n{certificate}%end\n\
         %pre\ntrue\n%end\nreboot --kexec --eject\n",
        seed_kickstart()
    );
    run(&mut install_from(
        &scratch,
        &seed_kickstart(),
        &size,
        &image,
    ))
    .expect(5);
    let mut wanted = install_from(&scratch, &kickstart, &size, &image);
    wanted.arg("--nosave=logs");
    let ended = run_in_environment(&scratch, &wanted).expect(0);
    assert!(
        ended.stdout.contains("The kickstart's `reboot` follows"),
        "{}",
        ended.stdout
    );
    let calls = read(scratch.path("calls"));
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    let root = partition(&disk, "root");
    let uuid = landfall_harness::disk::content(&disk, &root, "UUID").unwrap();
    let start = format!("kexec --load kernel initrd --command-line=root=UUID={uuid} rw ");
    assert!(
        calls[0].starts_with(&start) && calls[0].contains(" ostree=/ostree/boot."),
        "{calls:?}"
    );
    assert_eq!(calls[1], "systemctl --no-wall kexec");

    let mounted = Mounted::of(&disk, &root).unwrap();
    let etc = deployment(mounted.path()).join("etc");
    let anchors = etc.join("pki/ca-trust/source/anchors");
    assert_eq!(
        read(anchors.join("lab.pem")).trim_end(),
        certificate.trim_end()
    );
    let bundle = read(etc.join("ssl/certs/ca-certificates.crt"));
    assert!(
        bundle.contains(certificate.trim_end()),
        "the image does not trust it"
    );
    let logs = mounted
        .path()
        .join("ostree/deploy/default/var/log/anaconda");
    assert!(!logs.exists(), "the logs are kept");
    assert!(is_startable(&disk));
}

#[test]
fn the_machine_that_installs_goes_on_outside_the_installer_environment() {
    let scratch = Scratch::new();
    let kickstart = seed_kickstart().replace("reboot", "poweroff");
    let (_, size) = scratch.new_disk();
    let programs = scratch.path("bin");
    fs::create_dir(&programs).unwrap();
    let called = scratch.path("called");
    write_program(
        &programs.join("systemctl"),
        &format!("#!/bin/sh\ntouch {}\n", called.display()),
    );
    let mut command = install(&scratch, &kickstart, &size);
    let ended = run(command.env("PATH", path_with(&programs))).expect(0);
    let told = "The kickstart's `poweroff` is left to you outside the installer environment";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(!called.exists(), "the machine was switched off");
}

#[test]
fn what_the_end_needs_is_there_before_anything_is_written() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = seed_kickstart().replace("reboot", "reboot --kexec");
    let wanted = install(&scratch, &kickstart, &size);
    let enter = "mkdir -p /run/landfall && mount -t tmpfs tmpfs /run/landfall && \
        touch /run/landfall/environment && for p in kexec systemctl; do f=$(command -v $p) && \
        mount --bind /dev/null $f; done; exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", enter, "sh"])
        .arg(wanted.get_program())
        .args(wanted.get_args())
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let ended = run(&mut command).expect(3);
    assert!(
        ended
            .stderr
            .contains("missing on this machine: kexec, systemctl")
            && ended.stderr.contains("kexec-tools"),
        "{}",
        ended.stderr
    );
    assert!(!disk.exists());
}

/// A `mren` that does something when it gives what firmware looks for its name.
fn mren_that(scratch: &Scratch, does: &str) {
    let programs = scratch.path("bin");
    fs::create_dir(&programs).unwrap();
    let mren = tool("mren").unwrap();
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *BOOTX64.EFI*) {does} ;; esac\nexec {} \"$@\"\n",
        mren.get_program().display()
    );
    write_program(&programs.join("mren"), &text);
}

#[test]
fn a_signal_while_the_disk_is_made_reachable_is_too_late() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    mren_that(&scratch, "kill -s TERM $PPID; sleep 1");
    let wanted = install(&scratch, &seed_kickstart(), &size);
    let ended = run_in_environment(&scratch, &wanted).expect(0);
    assert!(is_startable(&disk));
    let told = "warning: a signal came when the installation was being completed";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("The kickstart's `reboot` is left to you\n"),
        "{}",
        ended.stdout
    );
    assert!(!scratch.path("calls").exists(), "the machine restarts");
}

#[test]
fn a_failure_in_the_last_moment_leaves_no_kernel_loaded() {
    let scratch = Scratch::new();
    let (_, size) = scratch.new_disk();
    mren_that(&scratch, "exit 1");
    let kickstart = seed_kickstart().replace("reboot", "reboot --kexec");
    let wanted = install(&scratch, &kickstart, &size);
    run_in_environment(&scratch, &wanted).expect(4);
    assert!(!scratch.path("calls").exists(), "something was called");
}

#[test]
fn a_report_that_cannot_be_written_after_all_is_a_warning() {
    let scratch = Scratch::new();
    let (_, size) = scratch.new_disk();
    let report = scratch.path("report.json");
    let kickstart = format!(
        "{}\n%post --nochroot\nrm {r} && mkdir {r}\n%end\n",
        seed_kickstart(),
        r = report.display()
    );
    let mut wanted = install(&scratch, &kickstart, &size);
    wanted.arg("--report").arg(&report);
    let ended = run_in_environment(&scratch, &wanted).expect(0);
    let told = format!("warning: writing the report `{}`: ", report.display());
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    assert_eq!(read(scratch.path("calls")), "systemctl --no-wall reboot\n");
}
