// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Facts of small images, foreseen and read from the tree.

use std::ops::ControlFlow;

use super::super::import;
use super::super::repository::{self, Repository};
use super::*;
use crate::image::Compression;
use crate::image::fixture::{LayoutDir, Tar, packed};
use crate::plan::{BlsCommand, ChainFile};

#[test]
fn arguments_are_matched_by_the_names_of_both_worlds() {
    assert!(is_arch("x86_64", "amd64") && is_arch("arm64", "arm64"));
    assert!(!is_arch("aarch64", "amd64"));
}

/// What an installation looks for, and some ways in which it may be there.
pub(in super::super) fn system() -> Tar {
    let grub = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
    Tar::default()
        .file("usr/lib/modules/6.1/vmlinuz", 0o644, b"kernel")
        .file("usr/lib/modules/6.1/initramfs.img", 0o644, b"initramfs")
        .dir("usr/lib/modules/5.0", 0o755)
        .file("usr/lib/shim/shimx64.efi.signed", 0o644, b"shim")
        .file(grub, 0o644, b"MZ\0(,gpt1)/EFI/debian\0\0")
        .file("usr/bin/ostree", 0o755, b"x")
        .hard_link("usr/bin/again", "usr/bin/ostree")
        .symlink("usr/sbin", "bin")
        .file("usr/lib/systemd/system/a.service", 0o644, b"")
        .file("etc/systemd/system/b.service", 0o644, b"")
        .file("usr/lib/passwd", 0o644, b"root:x:0:0::/root:/bin/sh\n")
        .symlink("etc/passwd", "../lib/passwd")
        .file("etc/group", 0o644, b"wheel:x:10:\n")
        .file("usr/share/zoneinfo/Europe/Berlin", 0o644, b"tz")
        .symlink("usr/share/zoneinfo/UTC", "Europe/Berlin")
        .symlink("usr/share/zoneinfo/dangling", "nowhere")
        .file("usr/share/args", 0o644, b"kargs = [\"linked\"]")
        .hard_link("usr/lib/bootc/kargs.d/1.toml", "usr/share/args")
        .file(
            "usr/lib/bootc/kargs.d/2.toml",
            0o644,
            b"kargs = [\"quiet\"]",
        )
        .file("usr/lib/bootc/kargs.d/README", 0o644, b"not one")
        .symlink("usr/lib/bootc/bound-images.d/x.image", "/usr/nowhere")
        .symlink("home", "var/home")
        .file("var/lib/x", 0o644, b"hidden")
        .dir("sysroot", 0o755)
}

fn both(layers: Vec<Tar>) -> [Result<ImageFacts, EngineError>; 2] {
    let layers: Vec<_> = layers
        .into_iter()
        .map(|tar| packed(&tar.end(), Compression::Gzip))
        .collect();
    let layout = LayoutDir::of(&layers);
    let image = layout.open().unwrap();
    let mut go_on = |_| ControlFlow::Continue(());
    let foreseen = foresee(&image, "amd64", &mut go_on);
    let dir = tempfile::tempdir().unwrap();
    let repo = Repository::create(&dir.path().join("repo"), "").unwrap();
    let commit = import::import(&repo, &image, "docker://host/a:1", &mut go_on).unwrap();
    let tree = dir.path().join("tree");
    repository::checkout(&repo, commit.checksum, &tree).unwrap();
    std::fs::remove_dir_all(tree.join("var")).unwrap();
    [foreseen, of_tree(&Root::open(&tree).unwrap(), "amd64")]
}

#[test]
fn facts_are_foreseen_as_they_are_read_from_the_tree() {
    let upper = Tar::default()
        .file("usr/lib/modules/6.1/.wh.vmlinuz", 0o644, b"")
        .file("usr/lib/modules/6.2/vmlinuz", 0o644, b"kernel")
        .hard_link(
            "usr/lib/modules/6.2/initramfs.img",
            "usr/lib/modules/6.1/initramfs.img",
        )
        .file(
            "etc/selinux/config",
            0o644,
            b"SELINUX=enforcing\nSELINUXTYPE=default\n",
        );
    let [foreseen, read] = both(vec![system(), upper]).map(Result::unwrap);
    assert_eq!(foreseen.kernel, "6.2");
    assert_eq!(foreseen.kargs, ["linked", "quiet"]);
    assert_eq!(foreseen.boot.as_ref().unwrap().vendor, "debian");
    assert_eq!(foreseen.users["root"], "/root");
    assert_eq!(foreseen.bound_images, ["x.image"]);
    assert!(foreseen.programs.contains("again") && foreseen.selinux);
    assert_eq!(
        foreseen.zones.iter().collect::<Vec<_>>(),
        ["Europe/Berlin", "UTC", "dangling"]
    );
    assert_eq!(foreseen.top["home"].as_deref(), Some("var/home"));
    // The tree that is looked at has no `/var`, the stage has an empty one.
    let mut read = read;
    read.top.insert("var".to_owned(), None);
    assert_eq!(foreseen, read);
}

/// Files of bootupd, with GRUB of this content.
fn bootupd(grub: &[u8]) -> Tar {
    let lib = |path: &str| format!("usr/lib/bootupd/{path}");
    Tar::default()
        .file(&lib("updates/EFI.json"), 0o644, b"{}")
        .file(&lib("updates/EFI/BOOT/old.efi"), 0o644, b"x")
        .file(&lib("grub2-static/grub-static-pre.cfg"), 0o644, b"pre")
        .file(&lib("grub2-static/grub-static-efi.cfg"), 0o644, b"stub")
        .file(&lib("grub2-static/configs.d/9.cfg"), 0o644, b"nine")
        .file(&lib("grub2-static/configs.d/10.cfg"), 0o644, b"ten")
        .file(&lib("grub2-static/configs.d/README"), 0o644, b"not one")
        .file("usr/lib/efi/grub2/1/EFI/a/grubx64.efi", 0o644, grub)
        .file("usr/lib/efi/shim/1/EFI/a/shimx64.efi", 0o644, b"shim")
}

fn chained(path: &str, bytes: u64, bls: Option<BlsCommand>) -> ChainFile {
    ChainFile {
        path: path.to_owned(),
        bytes: Some(bytes),
        bls,
    }
}

#[test]
fn what_bootupd_installs_is_foreseen() {
    let facts = |upper: Tar| {
        let [foreseen, read] = both(vec![system(), upper]).map(Result::unwrap);
        assert_eq!(foreseen.bootupd, read.bootupd);
        foreseen.bootupd
    };
    assert_eq!(facts(Tar::default()), None);
    let found = facts(bootupd(b"x\0blscfg\0")).unwrap();
    assert_eq!(found.efi.as_deref(), Some("{}"));
    assert_eq!(found.bios, None);
    assert_eq!(found.directory, "usr/lib/efi");
    assert_eq!(
        found.files,
        [
            chained("grub2/1/EFI/a/grubx64.efi", 9, Some(BlsCommand::Patched)),
            chained("shim/1/EFI/a/shimx64.efi", 4, None)
        ]
    );
    let configuration = found.configuration.unwrap();
    let names: Vec<_> = configuration.parts.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["10.cfg", "9.cfg"]);
    assert_eq!(
        [configuration.before, configuration.stub],
        ["pre", "stub"].map(str::to_owned)
    );

    // The boot chain of older images; and a GRUB that has the command beside one that has not.
    let older = bootupd(b"x")
        .file(
            "usr/lib/bootupd/updates/EFI/a/grubx64.efi",
            0o644,
            b"x\0blsuki\0",
        )
        .file("usr/lib/bootupd/updates/EFI/b/grubx64.efi", 0o644, b"x");
    let [older, _] = both(vec![
        system(),
        older,
        Tar::default().file("usr/lib/.wh.efi", 0o644, b""),
    ]);
    let older = older.unwrap().bootupd.unwrap();
    assert_eq!(older.directory, "usr/lib/bootupd/updates/EFI");
    assert_eq!(
        older.files,
        [
            chained("BOOT/old.efi", 1, None),
            chained("a/grubx64.efi", 9, Some(BlsCommand::Upstream)),
            chained("b/grubx64.efi", 1, None)
        ]
    );
    let bare = Tar::default().file("usr/lib/bootupd/updates/BIOS.json", 0o644, b"{}");
    let bare = facts(bare).unwrap();
    assert_eq!(
        (bare.bios.as_deref(), bare.configuration),
        (Some("{}"), None)
    );
}

/// Neither the survey nor the installation follows a link in the boot chain.
#[test]
fn links_in_the_boot_chain_are_no_files() {
    let linked = bootupd(b"x")
        .symlink("usr/lib/efi/grub2/1/EFI/b/grubx64.efi", "../a/grubx64.efi")
        .symlink("usr/lib/efi/shim/1/EFI/c", "a");
    let [foreseen, read] = both(vec![system(), linked]).map(Result::unwrap);
    assert_eq!(foreseen.bootupd, read.bootupd);
    let files = foreseen.bootupd.unwrap().files;
    let others = files.iter().filter(|file| file.bytes.is_none());
    assert_eq!(
        others.map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["grub2/1/EFI/b/grubx64.efi", "shim/1/EFI/c"]
    );
}

#[test]
fn a_boot_chain_that_is_too_deep_or_too_large_is_no_chain() {
    let deep = bootupd(b"x").file("usr/lib/efi/1/2/3/4/5/6/7/8/9/10/x", 0o644, b"");
    let large = bootupd(&vec![0; (32 << 20) + 1]);
    for (upper, why) in [
        (deep, ["is deeper than 8"; 2]),
        (large, ["too large", "has more than"]),
    ] {
        for (result, why) in both(vec![system(), upper]).into_iter().zip(why) {
            let text = result.unwrap_err().chain().join(": ");
            assert!(text.contains(why), "{text}");
        }
    }
}

#[test]
fn the_command_for_entries_is_found_in_a_signed_grub() {
    let grub = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
    let upper = Tar::default().file(grub, 0o644, b"MZ\0/EFI/lab\0normal\0blscfg\0");
    let [foreseen, read] = both(vec![system(), upper]).map(Result::unwrap);
    assert_eq!(foreseen.boot, read.boot);
    assert_eq!(foreseen.boot.unwrap().bls, Some(BlsCommand::Patched));
    let [plain, _] = both(vec![system()]).map(Result::unwrap);
    assert_eq!(plain.boot.unwrap().bls, None);
}

#[test]
fn what_makes_an_image_unusable_is_foreseen() {
    let broken =
        |path: &str, text: &[u8]| both(vec![system(), Tar::default().file(path, 0o644, text)]);
    for (errors, message) in [
        (
            broken("usr/lib/modules/.wh.6.1", b""),
            "no kernel in `/usr/lib/modules`",
        ),
        (
            broken("usr/lib/modules/6.1/.wh.initramfs.img", b""),
            "has no `initramfs.img`",
        ),
        (broken("usr/lib/modules/7/vmlinuz", b""), "has 2 kernels"),
        (
            broken("usr/lib/bootc/kargs.d/3.toml", b"kargs = 1"),
            "kargs.d/3.toml` of the image",
        ),
    ] {
        for error in errors.map(Result::unwrap_err) {
            assert!(error.to_string().contains(message), "{error}");
            assert_eq!(error.exit_before_writes(), crate::exit::Exit::Source);
        }
    }
}
