// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A tree of files that any boot server can serve.
//!
//! The same from an environment that was made for it, and from an ISO, which has the files that only networks need besides
//! its own. What is copied is compared with what was written down when it was made.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::boot_files;
use super::customize::MediumFile;
use super::environment::{Environment, INITRAMFS, KERNEL, copy};
use super::error::MediaError;
use super::gate;
use super::iso9660;
use super::output::NewTree;
use crate::engine::error::EngineError;
use crate::hex::hex;
use crate::image::{Image, ImageError};
use crate::inventory::probe;
use crate::medium::{self, Area};
use crate::netboot::{NetbootTree, Role, TreeFile, TreeImage};
use crate::template::{Template, render};

/// A file: where it is on a medium, where in the tree, and what it is for.
struct Place(&'static str, &'static str, Role);

const MENU: &str = "netboot/grub.cfg";
const SCRIPT: &str = "netboot/boot.ipxe";
const DESCRIPTION: &str = "netboot/landfall.json";
/// Where the description is in the tree.
const DESCRIBED_IN: &str = "landfall.json";
/// Of the environment.
const MADE: [Place; 6] = [
    Place(KERNEL, "vmlinuz", Role::Kernel),
    Place(INITRAMFS, "initrd.img", Role::Initrd),
    Place(boot_files::SHIM, "EFI/BOOT/BOOTX64.EFI", Role::Shim),
    Place(boot_files::NETWORK_GRUB, "EFI/BOOT/grubx64.efi", Role::Grub),
    Place(
        boot_files::MOK_MANAGER,
        "EFI/BOOT/mmx64.efi",
        Role::MokManager,
    ),
    Place(
        boot_files::NETWORK_CORE,
        "grub/i386-pc/core.0",
        Role::GrubPxe,
    ),
];
/// Written for each tree.
const WRITTEN: [Place; 2] = [
    Place(MENU, "grub/grub.cfg", Role::GrubConfig),
    Place(SCRIPT, "ipxe/boot.ipxe", Role::IpxeScript),
];
/// What the kernel needs besides the gate before its initramfs: the network, and both kinds of terminals.
const ARGUMENTS: [&str; 6] = [
    "rd.neednet=1",
    "ip=dhcp",
    "quiet",
    "console=tty0",
    "console=ttyS0,115200",
    "landfall.menu",
];

/// The largest description that is read, in bytes.
const MAX_DESCRIPTION: u64 = 1 << 20;
/// What is being done with a medium.
const TAKING: &str = "taking the tree for network boot out of the medium";
/// What an image may lack.
const OPTIONAL: [&str; 2] = [boot_files::NETWORK_GRUB, boot_files::NETWORK_CORE];

#[derive(Serialize)]
struct Boot {
    kernel_arguments: String,
}

/// The files of a tree that are not in the environment, by their paths on a medium.
pub(super) fn documents(
    environment: &Environment,
    image: &Image,
) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let gate = format!("rdinit={}", gate::PATH);
    let fixed = ARGUMENTS.map(str::to_owned);
    let arguments: Vec<String> = [gate].into_iter().chain(fixed).collect();
    let boot = Boot {
        kernel_arguments: arguments.join(" "),
    };
    let menu = render(Template::NetbootMenu, &boot).into_bytes();
    let script = render(Template::NetbootScript, &boot).into_bytes();
    let made = MADE.iter().filter_map(|Place(on_medium, path, role)| {
        let file = recorded(environment, on_medium)?;
        Some(TreeFile {
            path: (*path).to_owned(),
            size: file.size,
            sha256: file.sha256.clone(),
            role: *role,
        })
    });
    let written = WRITTEN.iter().zip([&menu, &script]);
    let written = written.map(|(Place(_, path, role), content)| TreeFile {
        path: (*path).to_owned(),
        size: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
        role: *role,
    });
    let source = environment.source();
    let files: Vec<_> = made.chain(written).collect();
    let has = |role: &Role| files.iter().any(|file| file.role == *role);
    let secureboot = [Role::Shim, Role::Grub].iter().all(has);
    let tree = NetbootTree {
        netboot: 1,
        arch: probe::arch().to_owned(),
        image: TreeImage {
            reference: image.reference.to_string(),
            digest: image.digest.clone(),
        },
        env: source.digest,
        kver: source.kernel,
        landfall: env!("CARGO_PKG_VERSION").to_owned(),
        secureboot,
        files,
        kargs: arguments,
    };
    let json = serde_json::to_string_pretty(&tree)? + "\n";
    Ok(vec![
        (MENU, menu),
        (SCRIPT, script),
        (DESCRIPTION, json.into_bytes()),
    ])
}

fn recorded<'e>(environment: &'e Environment, path: &str) -> Option<&'e medium::MediumFile> {
    let mut files = environment.files().iter();
    files.find(|file| file.path == path)
}

/// Whether a tree can be served without this file of the environment: a server may have a boot chain of its own.
fn may_lack(on_medium: &str) -> bool {
    OPTIONAL.contains(&on_medium) || boot_files::chain().contains(&on_medium)
}

/// The files of an environment that a medium has only for networks, as far as they are there.
pub(super) fn made_for_networks(environment: &Environment) -> impl Iterator<Item = &'static str> {
    OPTIONAL
        .into_iter()
        .filter(|path| recorded(environment, path).is_some())
}

/// Writes the tree of `environment`, for `image`, to the new directory `output`.
pub(super) fn write(
    environment: &Environment,
    image: &Image,
    output: &Path,
) -> Result<(), MediaError> {
    let tree = NewTree::at(output)?;
    for Place(from, to, _) in MADE {
        fill(environment, from, &tree.path().join(to))?;
    }
    let written = documents(environment, image).and_then(|documents| {
        let mut documents = documents.iter();
        documents.try_for_each(|(from, content)| put(&tree.path().join(in_tree(from)), content))
    });
    written.map_err(|e| EngineError::io(format!("writing `{}`", output.display()), e))?;
    tree.finish()
}

/// Copies a file of the environment, if it is still what it was.
fn fill(environment: &Environment, from: &str, to: &Path) -> Result<(), EngineError> {
    let path = environment.file(from);
    let refused = |reason| {
        let doing = format!(
            "using `{}`, which is kept from an earlier run (remove its environment)",
            path.display()
        );
        Err(ImageError::invalid(doing, reason).into())
    };
    let Some(file) = recorded(environment, from) else {
        if may_lack(from) {
            return Ok(());
        }
        return refused("the environment has no such file".to_owned());
    };
    let copied = File::open(&path).and_then(|mut file| copy(&mut file, to));
    let copied = copied.map_err(|e| EngineError::io(format!("copying `{}`", path.display()), e))?;
    difference(&copied, (file.size, &file.sha256)).map_or(Ok(()), refused)
}

/// What is wrong with a file that was copied.
fn difference((size, sha256): &(u64, String), told: (u64, &str)) -> Option<String> {
    if *size != told.0 {
        return Some(format!("it has {size} bytes and not {}", told.0));
    }
    (sha256 != told.1).then(|| format!("its content has the digest `sha256:{sha256}`"))
}

fn put(to: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::write(to, content)
}

fn in_tree(on_medium: &str) -> &'static str {
    let places = WRITTEN.iter().chain(&MADE);
    let found = places.into_iter().find(|place| place.0 == on_medium);
    found.map_or(DESCRIBED_IN, |place| place.1)
}

/// Writes the tree of an ISO to the new directory `output`.
pub(super) fn extract(medium: &MediumFile, output: &Path) -> Result<(), MediaError> {
    let tree = NewTree::at(output)?;
    take(medium.file(), tree.path())?;
    tree.finish()
}

/// Writes the tree of an ISO to the directory `to`.
fn take(iso: &File, to: &Path) -> Result<(), EngineError> {
    let failed = |e| EngineError::io(TAKING, e);
    let text = description(iso).map_err(failed)?;
    let text = text.ok_or_else(|| wrong(DESCRIPTION, "it is not on the medium"))?;
    let tree: NetbootTree =
        serde_json::from_slice(&text).map_err(|e| wrong(DESCRIPTION, &e.to_string()))?;
    let places = || MADE.iter().chain(&WRITTEN);
    let strange = |file: &&TreeFile| places().all(|place| place.1 != file.path);
    if let Some(file) = tree.files.iter().find(strange) {
        return Err(wrong(&file.path, "this version does not know what it is"));
    }
    for place in places() {
        match tree.files.iter().find(|file| file.path == place.1) {
            Some(file) => take_file(iso, (place.0, file), to)?,
            None if may_lack(place.0) => {}
            None => return Err(wrong(place.0, "the tree does not have it")),
        }
    }
    put(&to.join(DESCRIBED_IN), &text).map_err(failed)
}

/// The description of the tree of an ISO, if it has one.
fn description(iso: &File) -> io::Result<Option<Vec<u8>>> {
    let Some(at) = iso9660::find(iso, DESCRIPTION)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    part(iso, at)?
        .take(MAX_DESCRIPTION)
        .read_to_end(&mut text)?;
    Ok(Some(text))
}

fn take_file(iso: &File, (from, file): (&str, &TreeFile), to: &Path) -> Result<(), EngineError> {
    let failed = |e| EngineError::io(TAKING, e);
    let at = iso9660::find(iso, from).map_err(failed)?;
    let at = at.ok_or_else(|| wrong(from, "it is not on the medium"))?;
    let copied = part(iso, at).and_then(|mut part| copy(&mut part, &to.join(&file.path)));
    let difference = difference(&copied.map_err(failed)?, (file.size, &file.sha256));
    difference.map_or(Ok(()), |difference| Err(wrong(from, &difference)))
}

fn part(iso: &File, at: Area) -> io::Result<io::Take<File>> {
    let mut file = iso.try_clone()?;
    file.seek(SeekFrom::Start(at.offset))?;
    Ok(file.take(at.size))
}

fn wrong(file: &str, reason: &str) -> EngineError {
    ImageError::invalid(format!("{TAKING}: `{file}`"), reason).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::tool::Tool;

    const MADE_HERE: [&str; 2] = [KERNEL, INITRAMFS];

    /// Files of a medium that has no boot chain, each with its own path for content.
    fn files(top: &Path) {
        for path in MADE_HERE.into_iter().chain([MENU, SCRIPT]) {
            put(&top.join(path), path.as_bytes()).unwrap();
        }
        put(&top.join(DESCRIPTION), &tree(|_| true)).unwrap();
    }

    /// A description of those files that are wanted.
    fn tree(wanted: impl Fn(&str) -> bool) -> Vec<u8> {
        let places = MADE.iter().chain(&WRITTEN);
        let places = places.filter(|place| [KERNEL, INITRAMFS, MENU, SCRIPT].contains(&place.0));
        let files = places
            .filter(|place| wanted(place.0))
            .map(|place| TreeFile {
                path: place.1.to_owned(),
                size: place.0.len() as u64,
                sha256: hex(&Sha256::digest(place.0)),
                role: place.2,
            });
        let tree = NetbootTree {
            netboot: 1,
            arch: "amd64".to_owned(),
            image: TreeImage {
                reference: "a".to_owned(),
                digest: "sha256:1".to_owned(),
            },
            env: "sha256:1".to_owned(),
            kver: "6.1".to_owned(),
            landfall: "0".to_owned(),
            files: files.collect(),
            kargs: Vec::new(),
            secureboot: false,
        };
        serde_json::to_vec(&tree).unwrap()
    }

    /// Takes the tree out of an ISO of these files after `damage` was done to them.
    fn taken(damage: impl Fn(&Path)) -> (tempfile::TempDir, Result<(), EngineError>) {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        files(&at("files"));
        damage(&at("files"));
        let (iso, from) = (at("iso"), at("files"));
        let args = ["-as", "mkisofs", "-quiet", "-rock", "-o"].map(AsRef::as_ref);
        let args = args.into_iter().chain([iso.as_os_str(), from.as_os_str()]);
        Tool::Xorriso.with(args).run().unwrap();
        let taken = take(&File::open(&iso).unwrap(), &at("tree"));
        (dir, taken)
    }

    #[test]
    fn a_tree_without_a_boot_chain_is_taken_out_of_a_medium() {
        let (dir, taken) = taken(|_| {});
        taken.unwrap();
        for place in MADE.iter().chain(&WRITTEN) {
            let found = fs::read_to_string(dir.path().join("tree").join(place.1)).ok();
            let there = !may_lack(place.0);
            assert_eq!(found.as_deref(), there.then_some(place.0));
        }
        let description = fs::read(dir.path().join("tree").join(DESCRIBED_IN));
        assert_eq!(description.unwrap(), tree(|_| true));
    }

    #[test]
    fn a_damaged_medium_gives_no_tree() {
        type Damage = fn(&Path);
        let cases: [(Damage, &str); 7] = [
            (
                |top| fs::write(top.join(KERNEL), KERNEL.to_uppercase()).unwrap(),
                "`images/pxeboot/vmlinuz`: its content has the digest `sha256:",
            ),
            (
                |top| fs::write(top.join(MENU), "short").unwrap(),
                "`netboot/grub.cfg`: it has 5 bytes and not 16",
            ),
            (
                |top| fs::remove_file(top.join(INITRAMFS)).unwrap(),
                "`images/pxeboot/initrd.img`: it is not on the medium",
            ),
            (
                |top| fs::write(top.join(DESCRIPTION), tree(|path| path != KERNEL)).unwrap(),
                "`images/pxeboot/vmlinuz`: the tree does not have it",
            ),
            (
                |top| {
                    let text = String::from_utf8(tree(|_| true)).unwrap();
                    let text = text.replace("\"vmlinuz\"", "\"../vmlinuz\"");
                    fs::write(top.join(DESCRIPTION), text).unwrap();
                },
                "`../vmlinuz`: this version does not know what it is",
            ),
            (
                |top| fs::write(top.join(DESCRIPTION), "{").unwrap(),
                "`netboot/landfall.json`: EOF while parsing",
            ),
            (
                |top| fs::remove_file(top.join(DESCRIPTION)).unwrap(),
                "`netboot/landfall.json`: it is not on the medium",
            ),
        ];
        for (damage, wanted) in cases {
            let (_dir, taken) = taken(damage);
            let error = taken.unwrap_err().chain().join("; ");
            assert!(error.contains(wanted), "{error}");
        }
    }

    /// Copies of an environment what a tree has, after its kernel got this content; only `known` was written down.
    fn filled(kernel: &str, known: &[&str]) -> Result<(), EngineError> {
        let dir = tempfile::tempdir().unwrap();
        files(dir.path());
        let recorded = known.iter().map(|path| {
            let digest = hex(&Sha256::digest(path));
            json!({"path": path, "size": path.len(), "sha256": digest})
        });
        let recorded: Vec<_> = recorded.collect();
        let about = json!({"digest": "sha256:1", "kernel": "6.1", "files": recorded, "lacks": [], "programs": []});
        put(
            &dir.path().join("environment.json"),
            about.to_string().as_bytes(),
        )
        .unwrap();
        let environment = Environment::load(dir.path(), "a").unwrap();
        fs::write(dir.path().join(KERNEL), kernel).unwrap();
        let to = dir.path().join("tree");
        MADE.iter()
            .try_for_each(|place| fill(&environment, place.0, &to.join(place.1)))
    }

    #[test]
    fn a_damaged_environment_gives_no_tree() {
        filled(KERNEL, &MADE_HERE).unwrap();
        for (kernel, known, wanted) in [
            (
                KERNEL.to_uppercase(),
                &MADE_HERE[..],
                "its content has the digest",
            ),
            ("short".to_owned(), &MADE_HERE, "it has 5 bytes and not 22"),
            (
                KERNEL.to_owned(),
                &MADE_HERE[1..],
                "the environment has no such file",
            ),
        ] {
            let error = filled(&kernel, known).unwrap_err().chain().join("; ");
            assert!(
                error.contains("images/pxeboot/vmlinuz`, which is kept"),
                "{error}"
            );
            assert!(error.contains(wanted), "{error}");
        }
    }
}
