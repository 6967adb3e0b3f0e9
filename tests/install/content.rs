// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is on a disk that was installed by the manual's kickstart.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use landfall_harness::disk::{self, Loop, Mounted};
use landfall_harness::tool::{self, tool};
use serde_json::Value;

use super::{
    ESP, KEY, Scratch, TARGET, deployment, install, is_startable, partition, run, seed_kickstart,
};

/// The disk that these tests look at, installed once, with the report and the events.
struct Installed {
    disk: PathBuf,
    report: Value,
    events: Vec<Value>,
    scratch: Scratch,
}

fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // A static is never dropped: the disk stays below `target` until the next run makes it again.
        let scratch = Scratch::staying("content");
        let (disk, report) = (scratch.path("disk.img"), scratch.path("report.json"));
        let mut command = install(
            &scratch,
            &seed_kickstart(),
            &format!("{}:8G", disk.display()),
        );
        let ended = run(command.arg("--json").arg("--report").arg(&report)).expect(0);
        let report = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        let events = ended
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        Installed {
            disk,
            report,
            events,
            scratch,
        }
    })
}

/// The mounted root file system; one test at a time looks, for the deployment's mount is shared.
fn with_root<T>(look: impl FnOnce(&Path) -> T) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let disk = &installed().disk;
    let mounted = Mounted::of(disk, &partition(disk, "root")).unwrap();
    let result = look(mounted.path());
    drop(turn);
    result
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

#[test]
fn ostree_fsck_is_clean() {
    with_root(|root| {
        let repo = root.join("ostree/repo");
        let output =
            tool::run(tool("ostree").unwrap().args(["fsck", "--repo"]).arg(&repo)).unwrap();
        assert!(
            output.contains("object fsck of") || output.contains("fsck objects"),
            "{output}"
        );
    });
}

#[test]
fn file_systems_are_clean() {
    let disk = &installed().disk;
    for (name, checker) in [
        ("root", "xfs_repair"),
        ("boot", "xfs_repair"),
        (ESP, "fsck.vfat"),
    ] {
        let device = Loop::of(disk, &partition(disk, name)).unwrap();
        tool::run(tool(checker).unwrap().arg("-n").arg(&device.node)).unwrap();
    }
}

#[test]
fn the_repository_is_configured_for_a_static_menu() {
    with_root(|root| {
        let config = read(root.join("ostree/repo/config"));
        for line in [
            "mode=bare",
            "bootloader=none",
            "bootprefix=true",
            "readonly=true",
        ] {
            assert!(
                config.lines().any(|found| found == line),
                "{line}:\n{config}"
            );
        }
    });
}

#[test]
fn the_system_follows_the_kickstarts_reference() {
    with_root(|root| {
        let origin = read(format!("{}.origin", deployment(root).display()));
        assert!(
            origin.contains(&format!(
                "container-image-reference=ostree-unverified-registry:{TARGET}"
            )),
            "{origin}"
        );
        let refs = tool::run(
            tool("ostree")
                .unwrap()
                .args(["refs", "--repo"])
                .arg(root.join("ostree/repo")),
        )
        .unwrap();
        let expected =
            "ostree/container/image/docker_3A__2F__2F_registry_2E_example_2E_com/lab/plain_3A_v1";
        assert!(refs.lines().any(|name| name == expected), "{refs}");
        let layers = refs
            .lines()
            .filter(|name| name.starts_with("ostree/container/blob/sha256_3A_"));
        assert!(layers.count() >= 2, "{refs}");
    });
}

#[test]
fn the_commit_carries_the_manifest() {
    with_root(|root| {
        let commit = installed().report["commit"].as_str().unwrap();
        let mut show = tool("ostree").unwrap();
        show.args([
            "show",
            "--print-metadata-key=ostree.manifest-digest",
            "--repo",
        ]);
        let digest = tool::run(show.arg(root.join("ostree/repo")).arg(commit)).unwrap();
        assert_eq!(
            digest.trim().trim_matches('\''),
            installed().report["digest"]
        );
        let name = deployment(root)
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert_eq!(name, format!("{commit}.0"));
    });
}

#[test]
fn the_boot_entry_has_the_arguments_and_its_files_exist() {
    let disk = &installed().disk;
    let mounted = Mounted::of(disk, &partition(disk, "boot")).unwrap();
    let boot = mounted.path();
    let entry = read(boot.join("loader/entries/ostree-1.conf"));
    let options = entry
        .lines()
        .find(|line| line.starts_with("options "))
        .unwrap();
    for (name, argument) in [("root", "root"), ("boot", "boot")] {
        let uuid = disk::content(disk, &partition(disk, name), "UUID").unwrap();
        assert!(
            options.contains(&format!("{argument}=UUID={uuid} ")),
            "{options}"
        );
    }
    assert!(
        options.contains(" rw ") && options.contains("console=tty0 console=ttyS0,115200"),
        "{options}"
    );
    assert!(options.contains("ostree=/ostree/boot."), "{options}");
    for key in ["linux ", "initrd "] {
        let path = entry
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap();
        assert!(boot.join(path.trim_start_matches('/')).is_file(), "{path}");
    }
    let menu = read(boot.join("grub/grub.cfg"));
    let uuid = disk::content(disk, &partition(disk, "boot"), "UUID").unwrap();
    assert!(menu.contains(&format!("--set=bootfs {uuid}")), "{menu}");
}

#[test]
fn the_esp_has_the_images_signed_chain_and_nothing_unfinished() {
    let disk = &installed().disk;
    let esp = partition(disk, ESP);
    let mut files = disk::fat_files(disk, &esp).unwrap();
    files.sort_by_key(|file| file.to_ascii_lowercase());
    let expected = [
        "EFI/BOOT/bootx64.efi",
        "EFI/BOOT/grubx64.efi",
        "EFI/BOOT/mmx64.efi",
        "EFI/debian/grub.cfg",
        "EFI/debian/grubx64.efi",
        "EFI/debian/mmx64.efi",
        "EFI/debian/shimx64.efi",
    ];
    assert_eq!(files, expected);
    assert!(is_startable(disk));
    let stub = disk::fat_text(disk, &esp, "EFI/debian/grub.cfg").unwrap();
    let uuid = disk::content(disk, &partition(disk, "boot"), "UUID").unwrap();
    assert!(stub.contains(&uuid), "{stub}");
}

#[test]
fn the_kickstarts_configuration_is_in_the_deployment() {
    with_root(|root| {
        let etc = deployment(root).join("etc");
        let unit = etc.join("systemd/system/multi-user.target.wants/sshd.service");
        assert_eq!(
            fs::read_link(unit).unwrap(),
            Path::new("/usr/lib/systemd/system/sshd.service")
        );
        let shadow = read(etc.join("shadow"));
        assert!(
            shadow.lines().any(|line| line.starts_with("root:*:")),
            "{shadow}"
        );
        let fstab = read(etc.join("fstab"));
        for (name, at) in [
            ("boot", " /boot xfs defaults,ro 0 2"),
            (ESP, " /boot/efi vfat umask=0077,"),
        ] {
            let disk = &installed().disk;
            let uuid = disk::content(disk, &partition(disk, name), "UUID").unwrap();
            assert!(fstab.contains(&format!("UUID={uuid}{at}")), "{fstab}");
        }
        assert!(read(etc.join("systemd/network/10-ethernet0.network")).contains("DHCP=yes"));
    });
}

#[test]
fn roots_key_is_where_sshd_looks() {
    with_root(|root| {
        let ssh = root.join("ostree/deploy/default/var/roothome/.ssh");
        assert_eq!(read(ssh.join("authorized_keys")), format!("{KEY}\n"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(
            (mode(&ssh), mode(&ssh.join("authorized_keys"))),
            (0o700, 0o600)
        );
        assert_eq!(fs::metadata(&ssh).unwrap().uid(), 0);
    });
}

#[test]
fn the_stage_is_gone_and_bootc_finds_its_record() {
    with_root(|root| {
        assert!(!root.join("ostree/.landfall-stage").exists());
        for part in [
            "overlay",
            "overlay-images",
            "overlay-layers",
            "overlay-containers",
        ] {
            let part = root.join("ostree/bootc/storage").join(part);
            assert_eq!(
                std::fs::metadata(part).unwrap().permissions().mode() & 0o7777,
                0o700
            );
        }
        let aleph: Value = serde_json::from_str(&read(root.join(".bootc-aleph.json"))).unwrap();
        assert_eq!(aleph["digest"], installed().report["digest"]);
        assert_eq!(aleph["target-image"], TARGET);
        assert_eq!(aleph["labels"]["containers.bootc"], "1");
    });
}

#[test]
fn events_number_every_step_and_end_with_finished() {
    let events = &installed().events;
    let seqs: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (0..events.len() as u64).collect::<Vec<_>>());
    assert!(
        events
            .iter()
            .all(|event| event["v"] == 1 && event["install"] == events[0]["install"])
    );
    let done = |event: &&Value| event["kind"] == "step" && event["state"] == "done";
    let steps: Vec<&str> = events
        .iter()
        .filter(done)
        .map(|e| e["step"].as_str().unwrap())
        .collect();
    let expected = [
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
    assert_eq!(steps, expected);
    assert_eq!(events.last().unwrap()["kind"], "finished");
    let last = events
        .iter()
        .rfind(|event| event["kind"] == "progress")
        .unwrap();
    assert!(
        last["done"] == last["total"] && last["unit"] == "bytes",
        "{last}"
    );
}

#[test]
fn the_report_has_steps_digests_and_the_final_action() {
    let report = &installed().report;
    assert_eq!(report["report"], 1);
    assert_eq!(report["target"], format!("docker://{TARGET}"));
    assert_eq!(report["final_action"], "reboot");
    assert_eq!(report["install"], installed().events[0]["install"]);
    let import = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["step"] == "import");
    assert!(
        import.unwrap()["bytes"].as_u64().unwrap() > 10 << 20,
        "{report}"
    );
    assert!(installed().scratch.path("disk.img").is_file());
}
