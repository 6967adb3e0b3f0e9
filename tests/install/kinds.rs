// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Other file systems, more partitions, and the commands that the manual's kickstart does not have.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use landfall_harness::disk::{self, Loop, Mounted};
use landfall_harness::tool::{self, tool};

use super::{KEY, Scratch, TARGET, deployment, install, is_startable, partition, run};

const RICH: &str = r#"
clearpart --all --initlabel
reqpart
part /boot --fstype=ext4 --size=1024
part / --fstype=ext4 --size=2500
part /var --fstype=ext4 --size=1000 --label=state
part /home --fstype=btrfs --size=500 --grow --fsoptions=compress=zstd:1
part swap --size=256
ostreecontainer --url=@TARGET@
lang C.UTF-8
keyboard --vckeymap=de-nodeadkeys
timezone Europe/Berlin --utc
network --bootproto=static --device=eth0 --ip=192.0.2.7 --netmask=255.255.255.0 --gateway=192.0.2.1 --nameserver=192.0.2.2 --hostname=web7.example.com
group --name=lab --gid=1500
user --name=anna --groups=lab,wheel --uid=1600 --gecos="Anna A." --shell=/bin/bash --password=secret --plaintext
sshkey --username=anna "@KEY@"
rootpw --lock
services --disabled=fstrim.timer --enabled=sshd
bootloader --append="quiet lab.rack=7" --timeout=1
poweroff
%post --log=/var/log/post.log
echo "post runs in $(. /etc/os-release; echo "$ID") as $(id -un)"
touch /usr/must-fail 2>/dev/null && echo "usr is writable"
echo made > /etc/made-by-post
%end
"#;

fn rich() -> String {
    RICH.replace("@TARGET@", TARGET).replace("@KEY@", KEY)
}

/// A disk with the kickstart above, looked at below.
struct Rich {
    disk: PathBuf,
    root: Mounted,
    var: Mounted,
    home: Mounted,
}

impl Rich {
    fn etc(&self, path: &str) -> String {
        let path = deployment(self.root.path()).join("etc").join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn uuid(&self, name: &str) -> String {
        disk::content(&self.disk, &partition(&self.disk, name), "UUID").unwrap()
    }
}

#[test]
fn every_supported_command_takes_effect() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    run(&mut install(
        &scratch,
        &rich(),
        &format!("{}:8G", disk.display()),
    ))
    .expect(0);
    let mount = |name| Mounted::of(&disk, &partition(&disk, name)).unwrap();
    let rich = Rich {
        root: mount("root"),
        var: mount("var"),
        home: mount("home"),
        disk,
    };
    assert!(is_startable(&rich.disk));
    file_systems(&rich);
    settings(&rich);
    accounts(&rich);
    scripts(&rich);
}

fn file_systems(rich: &Rich) {
    let fstab = rich.etc("fstab");
    let lines = [
        ("boot", "/boot ext4 defaults,ro 0 2"),
        ("var", "/var ext4 defaults 0 2"),
        ("home", "/var/home btrfs compress=zstd:1 0 2"),
        ("swap", "none swap defaults 0 0"),
    ];
    for (name, line) in lines {
        let line = format!("UUID={} {line}", rich.uuid(name));
        assert!(fstab.lines().any(|found| found == line), "{line}\n{fstab}");
    }
    for name in ["root", "var"] {
        let device = Loop::of(&rich.disk, &partition(&rich.disk, name)).unwrap();
        tool::run(
            tool("fsck.ext4")
                .unwrap()
                .args(["-f", "-n"])
                .arg(&device.node),
        )
        .unwrap();
    }
    let home = Loop::of(&rich.disk, &partition(&rich.disk, "home")).unwrap();
    tool::run(
        tool("btrfs")
            .unwrap()
            .args(["check", "--readonly", "--force"])
            .arg(&home.node),
    )
    .unwrap();
    assert_eq!(
        disk::content(&rich.disk, &partition(&rich.disk, "var"), "LABEL").unwrap(),
        "state"
    );
    // systemd would mount these by their types, and at other places.
    for (name, attributes) in [("home", "GUID:63"), ("var", "GUID:63"), ("root", "")] {
        assert_eq!(partition(&rich.disk, name).attributes, attributes, "{name}");
    }
    let repo = rich.root.path().join("ostree/repo");
    tool::run(
        tool("ostree")
            .unwrap()
            .args(["fsck", "--quiet", "--repo"])
            .arg(repo),
    )
    .unwrap();
}

fn settings(rich: &Rich) {
    assert_eq!(rich.etc("locale.conf"), "LANG=\"C.UTF-8\"\n");
    assert_eq!(rich.etc("vconsole.conf"), "KEYMAP=\"de-nodeadkeys\"\n");
    assert_eq!(rich.etc("hostname"), "web7.example.com\n");
    assert!(rich.etc("adjtime").ends_with("UTC\n"));
    let etc = deployment(rich.root.path()).join("etc");
    let zone = fs::read_link(etc.join("localtime")).unwrap();
    assert_eq!(zone, Path::new("../usr/share/zoneinfo/Europe/Berlin"));
    let network = rich.etc("systemd/network/10-eth0.network");
    for line in [
        "Name=eth0",
        "Address=192.0.2.7/24",
        "Gateway=192.0.2.1",
        "DNS=192.0.2.2",
    ] {
        assert!(
            network.lines().any(|found| found == line),
            "{line}\n{network}"
        );
    }
    let boot = Mounted::of(&rich.disk, &partition(&rich.disk, "boot")).unwrap();
    let entry = fs::read_to_string(boot.path().join("loader/entries/ostree-1.conf")).unwrap();
    for argument in [" quiet ", " lab.rack=7 ", " vconsole.keymap=de-nodeadkeys "] {
        assert!(entry.contains(argument), "{argument}\n{entry}");
    }
    let menu = fs::read_to_string(boot.path().join("grub/grub.cfg")).unwrap();
    assert!(menu.contains("set timeout=1\n"), "{menu}");
}

fn accounts(rich: &Rich) {
    let line = |file: &str, name: &str| {
        let text = rich.etc(file);
        let found = text
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")));
        found
            .unwrap_or_else(|| panic!("no {name} in {file}:\n{text}"))
            .to_owned()
    };
    assert_eq!(line("group", "lab"), "lab:x:1500:anna");
    assert!(line("group", "wheel").ends_with(":anna"));
    let anna = line("passwd", "anna");
    assert!(
        anna.starts_with("anna:x:1600:") && anna.ends_with(":Anna A.:/home/anna:/bin/bash"),
        "{anna}"
    );
    assert!(
        line("shadow", "anna").starts_with("anna:$6$"),
        "the password is not hashed"
    );
    assert!(
        line("shadow", "root").starts_with("root:!"),
        "root is not locked"
    );
    let ssh = rich.home.path().join("anna/.ssh");
    assert_eq!(
        fs::read_to_string(ssh.join("authorized_keys")).unwrap(),
        format!("{KEY}\n")
    );
    let key = fs::metadata(ssh.join("authorized_keys")).unwrap();
    assert_eq!((key.uid(), key.mode() & 0o777), (1600, 0o600));
}

fn scripts(rich: &Rich) {
    assert_eq!(rich.etc("made-by-post"), "made\n");
    let log = fs::read_to_string(rich.var.path().join("log/post.log")).unwrap();
    assert_eq!(log, "post runs in debian as root\n");
}

#[test]
fn a_later_install_on_the_same_file_starts_over() {
    let scratch = Scratch::new();
    let (disk, size) = scratch.new_disk();
    let kickstart = super::seed_kickstart();
    run(&mut install(&scratch, &kickstart, &size)).expect(0);
    let first = disk::table(&disk).unwrap().id;
    let again = run(&mut install(&scratch, &kickstart, disk.to_str().unwrap())).expect(0);
    assert!(
        again.stdout.contains("DELETE"),
        "the plan says what is lost:\n{}",
        again.stdout
    );
    assert_ne!(disk::table(&disk).unwrap().id, first);
    assert!(is_startable(&disk));
}

#[test]
fn pre_runs_before_what_it_writes_is_included() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk.img");
    let part = scratch.path("part.ks");
    let kickstart = format!(
        "%pre\necho 'part / --grow --fstype=xfs --size=2000' > {0}\n%end\n%include {0}\nclearpart --all\nreqpart\n\
         ostreecontainer --url={TARGET}\n",
        part.display()
    );
    let size = format!("{}:6G", disk.display());
    let refused = run(&mut install(&scratch, &kickstart, &size)).expect(3);
    assert!(
        refused.stderr.contains("--allow-host-scripts"),
        "{}",
        refused.stderr
    );
    assert!(!part.exists() && !disk.exists());
    run(install(&scratch, &kickstart, &size).arg("--allow-host-scripts")).expect(0);
    assert_eq!(disk::table(&disk).unwrap().partitions.len(), 2);
    let root = Mounted::of(&disk, &partition(&disk, "root")).unwrap();
    assert!(
        root.path().join("boot/grub/grub.cfg").is_file(),
        "/boot is on the root file system"
    );
}
