// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules of the language and of the whole kickstart, one line each: what is said of a text, and at which word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use kickstart_parser::{Includes, NoIncludes, Reading, Syntax, read};

/// Files by name
struct Files(&'static [(&'static str, &'static str)]);

impl Includes for Files {
    fn fetch(&self, path: &str, _: &str) -> std::io::Result<(String, String)> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        let (name, text) = found.ok_or(std::io::ErrorKind::NotFound)?;
        Ok(((*name).to_owned(), (*text).to_owned()))
    }
}

/// What stands at the places of what is said, each after its code; `-` for what has no place
fn said(reading: &Reading) -> Vec<String> {
    let word = |diagnostic: &kickstart_parser::Diagnostic| {
        let Some(at) = &diagnostic.location else {
            return "-".to_owned();
        };
        let source = reading.sources.iter().find(|s| s.name == at.file).unwrap();
        let line = source.text.lines().nth(at.line as usize - 1).unwrap();
        let length = (at.end_column - at.column) as usize;
        line.chars()
            .skip(at.column as usize - 1)
            .take(length)
            .collect()
    };
    let all = reading.diagnostics.iter();
    all.map(|diagnostic| format!("{} {}", diagnostic.code, word(diagnostic)))
        .collect()
}

/// The same of a text, without what Landfall says of commands and of a system without a place
fn found(text: &str) -> Vec<String> {
    found_in(Syntax::NEWEST, text)
}

fn found_in(syntax: Syntax, text: &str) -> Vec<String> {
    let mut said = said(&read("a.ks", text, Some(syntax), &NoIncludes));
    said.retain(|said| {
        !["LF0021", "LF0023", "LF0053"]
            .iter()
            .any(|code| said.starts_with(code))
    });
    said
}

fn messages(text: &str) -> Vec<String> {
    let reading = read("a.ks", text, Some(Syntax::Rhel9), &NoIncludes);
    let all = reading.diagnostics.into_iter();
    all.map(|diagnostic| diagnostic.message).collect()
}

#[test]
fn a_flag_with_a_value_is_not_said_to_lack_one_as_well() {
    assert_eq!(found("rootpw --iscrypted=x\n"), ["LF0033 x"]);
    assert_eq!(found("rootpw --plaintext=x\n"), ["LF0033 x"]);
    assert_eq!(found("rootpw\n"), ["LF0034 rootpw"]);
    assert_eq!(found("rootpw --allow-ssh\n"), ["LF0034 rootpw --allow-ssh"]);
}

/// Python's argparse drops the `--` of `--option=--`
#[test]
fn two_dashes_attached_to_an_option_are_no_value() {
    let reading = read(
        "a.ks",
        "part / --fstype=-- --size=-- --grow\nnetwork --device=a --onboot=--\nmount a /a --reformat=--\n",
        Some(Syntax::Rhel8),
        &NoIncludes,
    );
    let kickstart = &reading.kickstart;
    assert_eq!(
        (&kickstart.part[0].fstype, kickstart.part[0].size),
        (&None, None)
    );
    assert_eq!(kickstart.network[0].onboot, Some(false));
    assert!(kickstart.mount[0].reformat && kickstart.mount[0].format.is_none());
    assert_eq!(found("url --url=--\n"), ["LF0034 url --url=--"]);
    assert_eq!(found("autopart --type=--\n"), [""; 0]);
    let raid = "raid / --level=-- --device=a raid.1\npart raid.1 --size=1\n";
    assert_eq!(found(raid), ["LF0034 raid / --level=-- --device=a raid.1"]);
    assert_eq!(found("user --name=--\n"), ["LF0040 --name=--"]);
    assert_eq!(found("user --name --\n"), ["LF0032 --name", "LF0035 --"]);
}

#[test]
fn a_repeated_command_names_what_it_takes_back_unless_the_line_is_wrong() {
    let repeated = "lang a\nlang b\n";
    assert!(
        messages(repeated).contains(&"this `lang` takes back what line 1 says: `<lang>`".into())
    );
    for wrong in [
        "lang a\nlang b c\n",
        "lang a\nlang b 'c\n",
        "text\ncmdline --x\n",
    ] {
        assert!(
            found(wrong).iter().all(|said| !said.starts_with("LF0024")),
            "{wrong}"
        );
    }
    let files = Files(&[("b.ks", "lang a\n")]);
    let reading = read("a.ks", "%include b.ks\nlang b\n", None, &files);
    assert_eq!(
        reading.diagnostics[0].message,
        "this `lang` takes back what `b.ks` line 1 says: `<lang>`"
    );
}

#[test]
fn a_command_is_called_by_the_word_that_is_written() {
    let message = "`authconfig` is not carried out by this version of Landfall yet";
    assert!(messages("authconfig --x\n").contains(&message.into()));
}

#[test]
fn unused_members_are_said_in_the_order_of_the_files() {
    let files = Files(&[("b.ks", "text\ntext\npart pv.2 --size=1\n")]);
    let text = "%include b.ks\npart pv.1 --size=1\npart pv.1 --size=1\npart pv.0 --size=1\n";
    let mut said = said(&read("a.ks", text, None, &files));
    said.retain(|said| said.starts_with("LF0057"));
    assert_eq!(said, ["LF0057 pv.1", "LF0057 pv.0", "LF0057 pv.2"]);
}

/// A text, and what is found in it: code and word
type Case = (&'static str, &'static [&'static str]);

fn check(cases: &[Case]) {
    for (text, expected) in cases {
        assert_eq!(found(text), *expected, "{text}");
    }
}

#[test]
fn mount_points_are_compared_over_commands() {
    check(&[
        (
            "part /a --size=1\nmount b /a\n",
            &["LF0025 mount", "LF0055 /a"],
        ),
        ("part /a --size=1\npart /a --size=1\n", &["LF0054 /a"]),
        (
            "btrfs /a b\nbtrfs /a c\n",
            &["LF0056 b", "LF0054 /a", "LF0056 c"],
        ),
        ("part /a --size=1\nbtrfs /a LABEL=b\n", &["LF0055 /a"]),
        (
            "btrfs /a LABEL=b\nraid /a --level=1 --device=c --useexisting\n",
            &["LF0055 /a"],
        ),
        (
            "logvol /a --name=b --vgname=c --useexisting\nlogvol /a --name=d --vgname=c --useexisting\n",
            &["LF0055 /a"],
        ),
        (
            "part swap --size=1\npart swap --size=1\nlogvol swap --name=b --vgname=c --useexisting\n",
            &[],
        ),
    ]);
}

#[test]
fn something_has_to_be_mounted_at_the_root() {
    let root = |text: &str| {
        let mut said = said(&read("a.ks", text, None, &NoIncludes));
        said.retain(|said| said.starts_with("LF0052") || said.starts_with("LF0053"));
        said
    };
    assert_eq!(root("reqpart\n"), ["LF0052 reqpart"]);
    assert_eq!(root("reqpart\npart /home --size=1\n"), ["LF0053 -"]);
    assert_eq!(root("reqpart\nvolgroup a pv.1\n"), ["LF0053 -"]);
    assert_eq!(root("autopart\n"), [""; 0]);
    for text in [
        "part / --size=1\n",
        "raid / --level=1 --device=a raid.1\n",
        "logvol / --name=a --vgname=b --size=1\n",
        "btrfs / LABEL=a\n",
        "mount a /\n",
        "stratisfs / --name=a --poolname=b\n",
        "frobnicate\n",
        "%include b.ks\n",
    ] {
        assert_eq!(root(text), [""; 0], "{text}");
    }
}

#[test]
fn encryption_needs_a_passphrase() {
    check(&[
        ("part / --size=1 --encrypted\n", &["LF0059 --encrypted"]),
        ("part / --size=1 --encrypted --passphrase=a\n", &[]),
        ("autopart --encrypted\n", &["LF0059 --encrypted"]),
        (
            "raid / --level=1 --device=a --useexisting --encrypted\n",
            &["LF0059 --encrypted"],
        ),
        (
            "logvol / --name=a --vgname=b --useexisting --encrypted\n",
            &["LF0059 --encrypted"],
        ),
        ("stratispool a sda --encrypted\n", &["LF0059 --encrypted"]),
        ("stratispool a sda --encrypted --passphrase=b\n", &[]),
        ("stratispool a sda\n", &[]),
    ]);
}

#[test]
fn members_are_defined_and_used() {
    check(&[
        ("volgroup a pv.1\n", &["LF0056 pv.1"]),
        ("volgroup a LABEL=b\n", &[]),
        ("part pv.1 --size=1\nvolgroup a pv.1\n", &[]),
        ("part pv.1 --size=1\n", &["LF0057 pv.1"]),
        ("part raid.1 --size=1\n", &["LF0057 raid.1"]),
        ("part btrfs.1 --size=1\n", &["LF0057 btrfs.1"]),
        (
            "raid pv.1 --level=1 --device=a --useexisting\nvolgroup a pv.1\n",
            &[],
        ),
        (
            "raid pv.1 --level=1 --device=a --useexisting\n",
            &["LF0057 pv.1"],
        ),
        ("raid / --level=1 --device=a raid.1\n", &["LF0056 raid.1"]),
        ("btrfs / btrfs.1\n", &["LF0056 btrfs.1"]),
        ("btrfs /a --subvol --name=a btrfs.1\n", &[]),
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --size=1 --cachesize=1 --cachepvs=pv.1\n",
            &["LF0056 pv.1"],
        ),
    ]);
}

#[test]
fn groups_and_pools_are_defined() {
    let volumes: &[Case] = &[
        ("logvol / --name=a --vgname=b --size=1\n", &["LF0058 b"]),
        ("logvol / --name=a --vgname=b --useexisting\n", &[]),
        ("logvol / --name=a --vgname=b --noformat\n", &[]),
        (
            "volgroup b LABEL=c\nlogvol / --vgname b --name=a --size=1\n",
            &[],
        ),
    ];
    let pools: &[Case] = &[
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --size=1 --thin --poolname d\n",
            &["LF0058 d"],
        ),
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --size=1 --poolname=d\n",
            &[],
        ),
        (
            "logvol / --name=a --vgname=b --useexisting --thin --poolname=d\n",
            &[],
        ),
        (
            "volgroup b LABEL=c\nlogvol none --name=d --vgname=b --size=1 --thinpool\n\
             logvol / --name=a --vgname=b --size=1 --thin --poolname=d\n",
            &[],
        ),
        (
            "volgroup b LABEL=c\nvolgroup e LABEL=f\nlogvol none --name=d --vgname=e --size=1 --thinpool\n\
             logvol / --name=a --vgname=b --size=1 --thin --poolname=d\n",
            &["LF0058 d"],
        ),
        ("stratisfs / --name=a --poolname=b\n", &["LF0058 b"]),
        ("stratisfs / --name=a --poolname=b --useexisting\n", &[]),
        (
            "stratispool b sda\nstratisfs / --name=a --poolname=b\n",
            &[],
        ),
    ];
    check(volumes);
    check(pools);
}

#[test]
fn keys_belong_to_users() {
    check(&[
        ("sshkey --username=root \"a b\"\n", &[]),
        ("sshkey --username=a \"a b\"\n", &["LF0051 a"]),
        ("user --name=a\nsshkey --username=a \"a b\"\n", &[]),
    ]);
}

#[test]
fn there_is_one_source_of_the_system() {
    let source = "ostreecontainer --url=a\n";
    check(&[
        (source, &[]),
        (
            "ostreecontainer --url=a\nliveimg --url=b\n",
            &["LF0060 liveimg"],
        ),
        (
            "liveimg --url=b\nostreesetup --osname=a --ref=b --url=http://c\n",
            &["LF0060 ostreesetup"],
        ),
        // The language has a rule of its own for these.
        (
            "ostreecontainer --url=a\nbootc --source-imgref=b\n",
            &["LF0025 bootc"],
        ),
    ]);
}

#[test]
fn things_are_the_same_by_their_own_names() {
    check(&[
        ("user --name=a\nuser --uid=1 --name=a\n", &["LF0050 a"]),
        ("user --name=a\ngroup --name=a\n", &[]),
        ("group --name a\ngroup --name a\n", &["LF0050 a"]),
        ("repo --name=a\nrepo --name=a\n", &["LF0050 a"]),
        ("network --device=a\nnetwork --device=a\n", &["LF0050 a"]),
        ("network\nnetwork\n", &["LF0050 network"]),
        ("fcoe --nic=a\nfcoe --nic=a\n", &["LF0050 a"]),
        (
            "zfcp --devnum=a --wwpn=b --fcplun=c\nzfcp --devnum=a --wwpn=b --fcplun=d\n",
            &[],
        ),
        ("zfcp --devnum=a\nzfcp --devnum=a\n", &["LF0050 a"]),
        ("volgroup a LABEL=b\nvolgroup a LABEL=c\n", &["LF0050 a"]),
        ("stratispool a b\nstratispool a c\n", &["LF0050 a"]),
        ("stratispool a b\nstratispool c d\n", &[]),
        (
            "stratisfs /a --name=a --poolname=b --useexisting\nstratisfs /b --name=a --poolname=c --useexisting\n",
            &[],
        ),
        (
            "stratisfs /a --name=a --poolname=b --useexisting\nstratisfs /b --name=a --poolname=b --useexisting\n",
            &["LF0050 a"],
        ),
        (
            "logvol /a --name=a --vgname=b --useexisting\nlogvol /b --name=a --vgname=c --useexisting\n",
            &[],
        ),
        (
            "raid /a --device=b --level=1 --useexisting\nraid /c --device=b --level=1 --useexisting\n",
            &["LF0050 b"],
        ),
        (
            "sshpw --username=a b\nsshpw --username=a c\n",
            &["LF0050 a"],
        ),
        (
            "sshkey --username=root b\nsshkey --username=root c\n",
            &["LF0050 root"],
        ),
    ]);
}

#[test]
fn a_memory_device_is_the_same_by_its_action_too() {
    let use_blocks = "nvdimm use --blockdevs=a\n";
    let use_name = "nvdimm use --namespace=a\n";
    let reconfigure = "nvdimm reconfigure --namespace=a --mode=sector --sectorsize=1\n";
    for (first, second, expected) in [
        (use_blocks, use_blocks, &["LF0050 a"][..]),
        (use_name, use_name, &["LF0050 a"]),
        (use_name, reconfigure, &[]),
        (use_name, use_blocks, &[]),
    ] {
        let text = format!("{first}{second}");
        assert_eq!(found_in(Syntax::Rhel9, &text), expected, "{text}");
    }
}

#[test]
fn options_need_and_limit_each_other() {
    check(&[
        (
            "part / --size=1 --hw-passphrase=a --luks-version=luks2-hw-opal\n",
            &["LF0039 --hw-passphrase=a"],
        ),
        (
            "part / --size=1 --hw-passphrase=a --luks-version=luks2 --encrypted --passphrase=b\n",
            &["LF0039 --hw-passphrase=a"],
        ),
        (
            "part / --size=1 --hw-passphrase=a --luks-version=luks2-hw-opal --encrypted --passphrase=b\n",
            &[],
        ),
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --hibernation\n",
            &[],
        ),
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --size=1 --percent=0\n",
            &[],
        ),
        (
            "volgroup b LABEL=c\nlogvol / --name=a --vgname=b --percent=101\n",
            &["LF0036 --percent=101"],
        ),
        (
            "stratispool b c\nstratisfs / --name=a --poolname=b --maxsize=0\n",
            &[],
        ),
        (
            "stratispool b c\nstratisfs / --name=a --poolname=b --maxsize=1\n",
            &["LF0039 --maxsize=1"],
        ),
        (
            "volgroup a LABEL=b --reserved-percent=0\n",
            &["LF0036 --reserved-percent=0"],
        ),
        ("volgroup a LABEL=b --reserved-percent=1\n", &[]),
        ("volgroup a LABEL=b --reserved-percent=99\n", &[]),
        (
            "volgroup a LABEL=b --reserved-percent=100\n",
            &["LF0036 --reserved-percent=100"],
        ),
    ]);
}

/// Commands that exclude each other, in both orders; of each pair the second one is wrong
#[test]
fn commands_exclude_each_other() {
    let lines = [
        "autopart",
        "part / --size=1",
        "raid / --level=1 --device=a --useexisting",
        "volgroup a LABEL=b",
        "logvol / --name=a --vgname=b --useexisting",
        "reqpart",
        "mount a /b",
        "stratispool a b",
        "stratisfs / --name=a --poolname=b --useexisting",
    ];
    let word = |line: &str| line.split(' ').next().unwrap().to_owned();
    for first in lines {
        for second in lines.into_iter().filter(|second| *second != first) {
            let alone = |line: &str| matches!(&*word(line), "autopart" | "mount");
            let text = format!("{first}\n{second}\n");
            let conflict = format!("LF0025 {}", word(second));
            // pykickstart has no rule for an `autopart` after a `mount`.
            let is_accepted = (first, second) == ("mount a /b", "autopart");
            let is_wrong = (alone(first) || alone(second)) && !is_accepted;
            assert_eq!(found(&text).contains(&conflict), is_wrong, "{text}");
        }
    }
    let ostreesetup = "ostreesetup --osname=a --ref=b --url=http://c";
    let images = [
        ostreesetup,
        "ostreecontainer --url=a",
        "bootc --source-imgref=a",
    ];
    for (syntax, also_bootc) in [
        (Syntax::F45, true),
        (Syntax::Rhel10, true),
        (Syntax::F41, false),
    ] {
        let images = &images[..if also_bootc { 3 } else { 2 }];
        for first in images {
            for second in images.iter().filter(|second| *second != first) {
                let said = found_in(syntax, &format!("{first}\n{second}\n"));
                assert_eq!(said, [format!("LF0025 {}", word(second))], "{syntax}");
            }
        }
    }
    let said = found_in(
        Syntax::Rhel9,
        &format!("ostreecontainer --url=a\n{ostreesetup}\n"),
    );
    assert_eq!(
        said,
        ["LF0060 ostreesetup"],
        "RHEL 9 has the rule in one order only"
    );
}

#[test]
fn a_realm_is_joined_once() {
    let joined = "realm join a\n";
    assert_eq!(found(&joined.repeat(2)), ["LF0025 realm join a"]);
    let text = kickstart_parser::explain::explain("realm", None).unwrap();
    assert!(text.contains("a second line is an error"), "{text}");
}
