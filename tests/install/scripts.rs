// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Scripts of every kind: when and where they run, what they see, what is kept of them, and what their failure does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use landfall_harness::disk::Mounted;

use super::{Scratch, install, install_from, is_startable, partition, run, seed_kickstart};

/// An installation by a kickstart with host scripts.
fn install_with(scratch: &Scratch, kickstart: &str, disk: &Path) -> Command {
    let size = format!("{}:8G", disk.display());
    let mut command = install(scratch, kickstart, &size);
    command.arg("--allow-host-scripts");
    command
}

/// One that ends with 5 before anything is written, for there is no image.
fn install_nothing(scratch: &Scratch, kickstart: &str, disk: &Path) -> Command {
    let size = format!("{}:8G", disk.display());
    let mut command = install_from(scratch, kickstart, &size, "oci:/no/such/image");
    command.arg("--allow-host-scripts");
    command
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

/// Whether a process of the machine has `text` in its command line.
fn is_running(text: &str) -> bool {
    let mut entries = fs::read_dir("/proc").unwrap().flatten();
    entries.any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(text)
    })
}

const ALL_KINDS: &str = r#"
%include @DIR@/part.ks
%pre --interpreter=/bin/bash --log=@DIR@/logs/pre.log
echo pre >> @DIR@/order
[[ -n $BASH_VERSION ]] && echo "part / --grow --fstype xfs" > @DIR@/part.ks
echo "home $HOME locale $LC_ALL at $(pwd)"
%end
%pre-install
echo pre-install >> @DIR@/order
findmnt --noheadings --output TARGET,FSTYPE --raw --submounts /mnt/sysimage > @DIR@/mounts
ls /mnt/sysroot /mnt/sysimage/ostree > @DIR@/before-payload
%end
%post --nochroot --interpreter=/bin/bash
echo nochroot >> @DIR@/order
test -d /mnt/sysimage/ostree/deploy/default/var && test -f /mnt/sysroot/usr/lib/os-release && echo seen >> @DIR@/order
echo by-nochroot > /mnt/sysroot/etc/by-nochroot
ls /tmp/ks-script-* >&2
sleep 86399 &
%end
%post --log=/var/log/deep/post.log
echo "in / there is $(ls -d /sysroot); password=hunter2; $0"
test "$(cat /etc/by-nochroot)" = by-nochroot && echo found
test "$HOME $LC_ALL$TMPDIR" = "/tmp C" && ls /tmp
setsid sh -c 'sleep 86398 &'
%end
%post
echo token=hunter3
exit 7
%end
%onerror
echo onerror >> @DIR@/order
%end
"#;

/// Mode and content of a file.
fn kept(path: PathBuf) -> (u32, String) {
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    (mode, read(path))
}

#[test]
fn every_kind_runs_in_its_place_and_what_is_left_behind_is_ended() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let scripts = ALL_KINDS.replace("@DIR@", scratch.path.to_str().unwrap());
    let kickstart = seed_kickstart().replace("part / --grow --fstype xfs", "part /srv --size=400");
    let ended = run(&mut install_with(
        &scratch,
        &format!("{kickstart}\n{scripts}"),
        &disk,
    ))
    .expect(0);
    judge_this_machine(&scratch);
    let said = |text: &str| assert!(ended.stderr.contains(text), "{text}:\n{}", ended.stderr);
    said("warning: a script left `sleep` (process ");
    said("warning: %post of line ");
    said(": exit status: 7: token=***");
    assert!(!ended.stderr.contains("hunter"), "{}", ended.stderr);
    judge_target(&disk);
}

/// What scripts have seen and left on this machine.
fn judge_this_machine(scratch: &Scratch) {
    assert_eq!(
        read(scratch.path("order")),
        "pre\npre-install\nnochroot\nseen\n"
    );
    let (mode, log) = kept(scratch.path("logs/pre.log"));
    assert_eq!((mode, log.as_str()), (0o600, "home /tmp locale C at /\n"));
    let mounts = read(scratch.path("mounts"));
    for mount in [
        "/mnt/sysimage xfs",
        "/mnt/sysimage/boot xfs",
        "/mnt/sysimage/srv xfs",
    ] {
        assert!(
            mounts.lines().any(|line| line == mount),
            "{mount}: {mounts}"
        );
    }
    let before = read(scratch.path("before-payload"));
    assert!(
        before.contains("boot") && !before.contains("repo"),
        "{before}"
    );

    for number in [86399, 86398] {
        assert!(!is_running(&format!("sleep {number}")), "still running");
    }
}

/// What scripts have left in the installed system, and what is kept of them there.
fn judge_target(disk: &Path) {
    let mounted = Mounted::of(disk, &partition(disk, "root")).unwrap();
    let root = mounted.path();
    assert!(
        !root.join("srv").exists(),
        "a mount point of `%pre-install` is left"
    );
    let var = root.join("ostree/deploy/default/var");
    let (mode, log) = kept(var.join("log/deep/post.log"));
    assert_eq!(mode, 0o600);
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        lines[0].starts_with("in / there is /sysroot; password=hunter2; /tmp/ks-script-"),
        "{log}"
    );
    assert_eq!(lines[0].rsplit('-').next().unwrap().len(), 8, "{log}");
    assert_eq!(lines[1], "found");
    assert!(lines[2].starts_with("ks-script-"), "{log}");

    judge_logs(&var.join("log/anaconda"));
}

fn judge_logs(logs: &Path) {
    let mut outputs = String::new();
    for entry in fs::read_dir(logs).unwrap() {
        let path = entry.unwrap().path();
        let (mode, text) = kept(path.clone());
        assert_eq!(mode, 0o600, "{}", path.display());
        assert!(!text.contains("hunter"), "{}: {text}", path.display());
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("ks-script-")
        {
            outputs += &text;
        }
    }
    assert!(
        outputs.contains("token=***\n") && outputs.contains("/tmp/ks-script-"),
        "{outputs}"
    );
    let log = read(logs.join("anaconda.log"));
    assert!(
        log.contains(" step import: done\n") && log.contains("%pre-install of line"),
        "{log}"
    );
    let events = read(logs.join("events.json"));
    assert!(events.starts_with("{\"v\":1,"), "{events}");
}

#[test]
fn when_it_fails_the_scripts_for_that_run_in_order_and_see_the_target() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let order = scratch.path("order");
    let kickstart = format!(
        "{}\n%traceback\necho traceback >> {o}; exit 1\n%end\n\
         %onerror --erroronfail\ntest -f /mnt/sysroot/etc/fstab -a -d /mnt/sysimage/ostree/repo && echo one >> {o}; exit 5\n%end\n\
         %onerror\necho two >> {o}\n%end\n\
         %post --erroronfail\nsetsid sleep 86397 &\necho reason; exit 3\n%end\n\
         %post\ntouch /root/never\n%end\n",
        seed_kickstart(),
        o = order.display()
    );
    let ended = run(&mut install_with(&scratch, &kickstart, &disk)).expect(4);
    assert_eq!(read(&order), "one\ntwo\ntraceback\n");
    for text in [
        "warning: the installation failed, %onerror runs: %post of line",
        "post: failed\nerror: %post of line",
        "failed: exit status: 3\n    reason",
        "warning: %onerror of line",
        "exit status: 5",
        "warning: %traceback of line",
    ] {
        assert!(
            ended.stderr.contains(text),
            "no `{text}` in:\n{}",
            ended.stderr
        );
    }
    assert!(!is_startable(&disk));
    assert!(!is_running("sleep 86397"), "still running");
}

#[test]
fn a_failure_before_anything_is_written_is_told_to_scripts_too() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let said = scratch.path("said");
    let kickstart = format!(
        "{}\n%onerror\necho ran > {}\n%end\n",
        seed_kickstart(),
        said.display()
    );
    run(&mut install_nothing(&scratch, &kickstart, &disk)).expect(5);
    assert_eq!(read(said), "ran\n");
    assert!(!disk.exists());
}

#[test]
fn scripts_of_this_machine_need_a_word_from_the_user() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let written = scratch.path("written");
    for section in [
        "%pre",
        "%pre-install",
        "%post --nochroot",
        "%onerror",
        "%traceback",
    ] {
        let kickstart = format!(
            "{}\n{section}\ntouch {}\n%end\n",
            seed_kickstart(),
            written.display()
        );
        let ended = run(&mut install(&scratch, &kickstart, &size)).expect(3);
        let told = format!("the kickstart's `{section}` scripts would run on this machine");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains("hint: `--allow-host-scripts` allows it"),
            "{}",
            ended.stderr
        );
        assert!(!written.exists() && !disk.exists(), "{section}");
    }
}

#[test]
fn pre_may_fail_unless_it_must_not() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let said = scratch.path("said");
    let with = |options: &str| {
        let (ks, said) = (seed_kickstart(), said.display());
        format!("{ks}\n%pre {options}\necho reason; exit 3\n%end\n%pre\necho next > {said}\n%end\n")
    };
    let ended = run(&mut install_nothing(
        &scratch,
        &with("--erroronfail"),
        &disk,
    ))
    .expect(3);
    assert!(
        ended.stderr.contains("pre: failed\nerror: %pre of line"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("exit status: 3\n    reason"),
        "{}",
        ended.stderr
    );
    assert!(!said.exists(), "the next script ran");
    let ended = run(&mut install_nothing(&scratch, &with(""), &disk)).expect(5);
    assert!(
        ended.stderr.contains("exit status: 3: reason"),
        "{}",
        ended.stderr
    );
    assert_eq!(read(said), "next\n");
    assert!(!disk.exists());
}

#[test]
fn an_interpreter_that_is_not_there_is_named() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let kickstart = format!(
        "{}\n%pre --interpreter=/no/such/shell\ntrue\n%end\n",
        seed_kickstart()
    );
    let ended = run(&mut install_nothing(&scratch, &kickstart, &disk)).expect(3);
    let told = "by `/no/such/shell`\n  because: No such file";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

/// `%pre` in an included file runs; files that are not there yet are left out until it has; sections include, too.
#[test]
fn pre_in_included_files_and_includes_that_it_writes() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let dir = scratch.path.display();
    let inner = r"%pre
echo inner >> @DIR@/order
echo 'echo outer >> @DIR@/order' > @DIR@/body
printf '%s\necho late >> @DIR@/order\n%s\npart / --grow --fstype=nonsense\n' %pre %end > @DIR@/part.ks
%end
";
    let inner = scratch.write("inner.ks", &inner.replace("@DIR@", &dir.to_string()));
    let outer = seed_kickstart().replace(
        "part / --grow --fstype xfs",
        &format!("%include {}\n%include {dir}/part.ks", inner.display()),
    );
    let kickstart =
        format!("{outer}\n%pre\ntest -e {dir}/body || exit 9\n%include {dir}/body\n%end\n");
    let ended = run(&mut install_nothing(&scratch, &kickstart, &disk)).expect(1);
    // In Anaconda, too, the second script is read before the first has run.
    assert_eq!(read(scratch.path("order")), "inner\n");
    assert!(
        ended.stderr.contains("nonsense") && ended.stderr.contains("part.ks:4"),
        "{}",
        ended.stderr
    );
    let told = "warning: a `%pre` in a file that was not there before is not run";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    // What the first run has written is there in the second.
    fs::write(scratch.path("part.ks"), "part / --grow --fstype=xfs\n").unwrap();
    run(&mut install_nothing(&scratch, &kickstart, &disk)).expect(1);
    assert_eq!(read(scratch.path("order")), "inner\ninner\nouter\n");
}
