// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The contract for images that are near relatives of those that have a test for each item: later versions, one layer
//! for all, other compressions, what is awkward in a layer.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use landfall_harness::disk::Mounted;
use landfall_harness::oci::Compression;
use landfall_harness::tool::{self, tool};
use landfall_harness::variant;

use super::super::{Scratch, TARGET, layout, partition, run, seed_kickstart};
use super::*;

/// Looks at all of it once.
fn every_item_and_the_tree_hold(system: &System<'_>) {
    every_item_holds(system);
    tree::is_that_of_the_reference_importer(system);
}

fn holds(kind: &str) {
    let scratch = Scratch::new();
    look_at(&Installed::on(&scratch, kind), every_item_and_the_tree_hold);
}

#[test]
fn one_layer_with_a_commit_and_all_of_its_objects() {
    holds("encapsulated-single");
}

#[test]
fn version_2_of_plain_layers() {
    holds("plain-v2");
}

#[test]
fn version_2_with_composefs() {
    holds("composefs-v2");
}

/// Objects and layers are many more than files may be open.
#[test]
fn version_2_of_an_encapsulated_image_with_sixty_four_open_files() {
    let scratch = Scratch::new();
    let limited = |command: Command| {
        let mut limited = tool("prlimit").unwrap();
        limited.args(["--nofile=64:64", "--"]);
        limited.arg(command.get_program()).args(command.get_args());
        limited.env("TMPDIR", &scratch.path);
        limited
    };
    let installed = Installed::by(&scratch, "encapsulated-v2", &seed_kickstart(), limited);
    look_at(&installed, every_item_and_the_tree_hold);
}

/// But for the tree, on which the reference importer has no word.
#[test]
fn version_2_of_what_is_awkward() {
    look("nasty-v2", every_item_holds);
}

#[test]
fn layers_of_every_compression_give_the_same_tree() {
    let scratch = Scratch::new();
    let kinds = [
        Compression::Gzip,
        Compression::None,
        Compression::ZstdChunked,
    ];
    let (packed, disk) = (scratch.path("image"), scratch.path("disk.img"));
    variant::repacked(layout(), &packed, &kinds).unwrap();
    run(&mut command(&scratch, &seed_kickstart(), &packed, &disk)).expect(0);
    let tree = |root: &Path| {
        let repo = root.join("ostree/repo");
        let mut list = tool("ostree").unwrap();
        list.args(["ls", "-d", "-C", "--repo"]).arg(repo);
        tool::run(list.arg(image_reference())).unwrap()
    };
    let mounted = Mounted::of(&disk, &partition(&disk, "root")).unwrap();
    let found = tree(mounted.path());
    look("plain", |system| assert_eq!(found, tree(system.root)));
}

/// The reference importer has no word on these: it fails, and leaves an upper layer's mode of a directory out.
#[test]
fn names_change_their_type_between_layers() {
    look("nasty-v2", |system| {
        let nasty = system.deployment.join("usr/lib/nasty");
        let kind = |name: &str| nasty.join(name).symlink_metadata().unwrap().file_type();
        assert!(kind("file-then-dir").is_dir() && kind("file-then-dir/below").is_file());
        assert!(kind("link-then-dir").is_dir() && kind("link-then-dir/below").is_file());
        assert!(kind("dir-then-file").is_file() && kind("dir-then-link").is_symlink());
        let marked = nasty.join("marked-dir").metadata().unwrap();
        assert_eq!(marked.mode() & 0o7777, 0o755);
        let read = |name: &str| fs::read_to_string(nasty.join(name)).unwrap();
        assert_eq!(read("new-name"), "shared across layers\n");
        assert_eq!(read("gone"), "it is back\n");
        for name in ["original", "far", "gone-dir", "opaque/old"] {
            assert!(!nasty.join(name).exists(), "{name}");
        }
        let etc: Vec<_> = fs::read_dir(system.deployment.join("usr/etc/nasty"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(etc, ["only"]);
    });
}

#[test]
fn a_hole_stays_a_hole() {
    look("nasty-sparse", |system| {
        let file = system.deployment.join("usr/lib/nasty/sparse");
        let facts = fs::metadata(&file).unwrap();
        assert_eq!(facts.len(), 1 << 30);
        assert!(facts.blocks() < 1 << 11, "{} blocks", facts.blocks());
    });
}

/// What the image's policy has for a file of this kind at a path.
fn policys_label(system: &System<'_>, kind: &str, path: &str) -> String {
    let policy = system.deployment.join("etc/selinux/default");
    let mut ask = tool("matchpathcon").unwrap();
    ask.arg("-P").arg(policy).args(["-n", "-m", kind, path]);
    tool::run(&mut ask).unwrap().trim().to_owned()
}

/// Label, number of names, kind and path of all that is at and below `/boot`, but for [`UNLABELLED`].
fn boot_files(system: &System<'_>) -> Vec<[String; 4]> {
    let mut list = tool("find").unwrap();
    list.current_dir(system.root);
    let name = &UNLABELLED["/boot/".len()..];
    list.args(["boot", "-xdev", "!", "-name", name, "-exec", "stat"]);
    list.args(["-c", "%C|%h|%F|/%n", "{}", "+"]);
    let listed = tool::run(&mut list).unwrap();
    let fields = listed.lines().map(|line| {
        let fields: Vec<String> = line.splitn(4, '|').map(str::to_owned).collect();
        fields.try_into().unwrap()
    });
    fields.collect()
}

/// A file for which the policy has `<<none>>`.
const UNLABELLED: &str = "/boot/.journal";

/// With it every item is looked at for the image with a policy in its second version.
#[test]
fn on_one_file_system_boot_has_the_labels_of_the_policy() {
    let scratch = Scratch::new();
    let kickstart = format!(
        "clearpart --all\nreqpart\npart / --fstype=xfs --grow --size=3000\nostreecontainer --url={TARGET}\n\
         %post\ntouch {UNLABELLED} /boot/other\n%end\n"
    );
    let installed = Installed::by(&scratch, "selinux-v2", &kickstart, |command| command);
    look_at(&installed, |system| {
        assert!(!system.has_boot);
        every_item_and_the_tree_hold(system);
        boot_has_the_labels_of_the_policy(system);
    });
}

fn boot_has_the_labels_of_the_policy(system: &System<'_>) {
    let files = boot_files(system);
    let of_commit = policys_label(system, "file", "/usr/lib/modules/6.1/vmlinuz");
    let mut shared = 0;
    for [label, names, kind, path] in &files {
        let kind = match kind.as_str() {
            "directory" => "dir",
            "symbolic link" => "symlink",
            _ => "file",
        };
        // Another label than the commit's would make its object a damaged one.
        let expected = if kind == "file" && names != "1" {
            shared += 1;
            of_commit.clone()
        } else {
            policys_label(system, kind, path)
        };
        assert_eq!(*label, expected, "{path}");
    }
    // Kernel and initramfs; the menu and its entry are files of their own.
    assert_eq!(shared, 2, "{files:?}");
    assert!(files.iter().any(|file| file[3] == "/boot/other"));
    assert_eq!(policys_label(system, "file", UNLABELLED), "<<none>>");
    let mut ask = tool("stat").unwrap();
    ask.args(["-c", "%C"])
        .arg(system.root.join(&UNLABELLED[1..]));
    let reason = tool::run(&mut ask).unwrap_err().to_string();
    assert!(reason.contains("No data available"), "{reason}");
}
