// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What bootc and rpm-ostree expect of a disk, item by item, and what the reference importer finds on it; the same
//! for every kind of image. A kind is a recipe's name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use landfall_harness::disk::{self, Mounted};
use landfall_harness::tool::{self, tool};
use landfall_harness::{image, oracle};
use serde_json::Value;

use super::{Scratch, TARGET, deployment, install_from, partition, run, seed_kickstart};

mod tree;
mod variants;

/// Hands every item to a macro, after what else it is to be given.
macro_rules! with_items {
    ($with:ident $($given:tt)*) => { $with! { $($given)*
        the_repository_is_bare_and_configured
        the_objects_are_whole
        the_references_are_the_layers_the_image_and_the_deployment
        the_commit_has_the_manifest_as_served_and_the_configuration
        the_origin_is_canonical_and_names_the_images_reference
        the_deployment_is_sealed_and_of_the_referenced_commit
        the_state_has_what_the_image_has_in_var
        the_arguments_are_those_of_the_image
        there_is_one_kernel_and_a_name
        the_aleph_record_is_complete
        the_mount_table_is_in_the_deployments_etc
        the_reference_importer_finds_image_layers_and_origin
        the_metadata_of_composefs_is_there_if_the_image_wants_it
    } };
}

/// Makes every item a test of a kind.
macro_rules! contract {
    ($kind:ident $($item:ident)*) => {
        mod $kind {
            $(
                #[test]
                fn $item() {
                    super::look(stringify!($kind), super::$item);
                }
            )*

            #[test]
            fn the_tree_is_that_of_the_reference_importer() {
                super::look(stringify!($kind), super::tree::is_that_of_the_reference_importer);
            }
        }
    };
}

with_items!(contract plain);
with_items!(contract encapsulated);
with_items!(contract selinux);
with_items!(contract composefs);
with_items!(contract nasty);

/// One function that goes through every item.
macro_rules! sequence {
    ($($item:ident)*) => {
        fn every_item_holds(system: &System<'_>) {
            $( $item(system); )*
        }
    };
}

with_items!(sequence);

/// A disk with an image on it, mounted.
struct System<'a> {
    /// The image's recipe.
    kind: &'a str,
    /// The physical root, with `/boot` in its place.
    root: &'a Path,
    /// Whether `/boot` is a file system of its own.
    has_boot: bool,
    deployment: PathBuf,
    /// The OCI layout that was installed.
    layout: &'a Path,
    /// The manifest's digest.
    digest: String,
    manifest: Value,
    config: Value,
}

struct Installed {
    /// The image's recipe.
    kind: String,
    disk: PathBuf,
    layout: PathBuf,
}

/// The disk with this kind of image, installed once. It stays below `target` until the next run makes it again.
fn installed(kind: &'static str) -> Arc<OnceLock<Installed>> {
    static ALL: Mutex<BTreeMap<&str, Arc<OnceLock<Installed>>>> = Mutex::new(BTreeMap::new());
    let cell = Arc::clone(ALL.lock().unwrap().entry(kind).or_default());
    cell.get_or_init(|| Installed::on(&Scratch::staying(&format!("contract-{kind}")), kind));
    cell
}

impl Installed {
    /// The image of this kind, installed on a disk in `scratch`.
    fn on(scratch: &Scratch, kind: &str) -> Self {
        Self::by(scratch, kind, &seed_kickstart(), |command| command)
    }

    /// The same, by a kickstart and what becomes of the command.
    fn by(
        scratch: &Scratch,
        kind: &str,
        kickstart: &str,
        change: impl FnOnce(Command) -> Command,
    ) -> Self {
        let (disk, layout) = (scratch.path("disk.img"), image::layout(kind).unwrap());
        run(&mut change(command(scratch, kickstart, &layout, &disk))).expect(0);
        let kind = kind.to_owned();
        Self { kind, disk, layout }
    }
}

/// The command that installs the image of an OCI layout on a new disk image file.
fn command(scratch: &Scratch, kickstart: &str, layout: &Path, disk: &Path) -> Command {
    let size = format!("{}:8G", disk.display());
    let image = format!("oci:{}", layout.display());
    install_from(scratch, kickstart, &size, &image)
}

/// Looks at the disk with this kind of image.
fn look(kind: &'static str, item: impl FnOnce(&System<'_>)) {
    let installed = installed(kind);
    look_at(installed.get().unwrap(), item);
}

/// Looks at the mounted disk; one test at a time, for a file system is mounted once.
fn look_at(installed: &Installed, item: impl FnOnce(&System<'_>)) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let root = Mounted::of(&installed.disk, &partition(&installed.disk, "root")).unwrap();
    let table = disk::table(&installed.disk).unwrap();
    let mut partitions = table.partitions.iter();
    let boot = partitions.find(|partition| partition.name == "boot");
    let at = root.path().join("boot");
    let boot = boot.map(|boot| Mounted::at(&installed.disk, boot, &at).unwrap());
    let index = json(&installed.layout.join("index.json"));
    let manifest = json(&blob(&installed.layout, &index["manifests"][0]));
    item(&System {
        kind: &installed.kind,
        root: root.path(),
        has_boot: boot.is_some(),
        deployment: deployment(root.path()),
        layout: &installed.layout,
        digest: text(&index["manifests"][0]["digest"]),
        config: json(&blob(&installed.layout, &manifest["config"])),
        manifest,
    });
    drop(boot);
    drop(root);
    drop(turn);
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    let digest = text(&descriptor["digest"]);
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl System<'_> {
    fn ostree(&self, command: &str, arguments: &[&str]) -> String {
        let mut ostree = tool("ostree").unwrap();
        let repo = self.root.join("ostree/repo");
        ostree.arg(command).arg("--repo").arg(repo).args(arguments);
        tool::run(&mut ostree).unwrap().trim().to_owned()
    }

    /// The commit that is deployed, by the name of its directory.
    fn commit(&self) -> String {
        let name = self.deployment.file_name().unwrap().to_string_lossy();
        name.trim_end_matches(".0").to_owned()
    }

    fn metadata(&self, key: &str) -> String {
        let key = format!("--print-metadata-key={key}");
        // GVariant's text form; the documents have no character that it escapes but these.
        let printed = self.ostree("show", &[&key, &self.commit()]);
        printed
            .trim_matches(['\'', '"'])
            .replace("\\n", "\n")
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
    }

    fn layers(&self) -> Vec<String> {
        let layers = self.manifest["layers"].as_array().unwrap();
        layers.iter().map(|layer| text(&layer["digest"])).collect()
    }

    fn label(&self, name: &str) -> Option<String> {
        self.config["config"]["Labels"].get(name).map(text)
    }
}

/// The reference `docker://NAME` of an image, as ostree can store it: all but letters, digits and a `/` after one.
fn image_reference() -> String {
    let name = TARGET
        .replace('_', "__")
        .replace('.', "_2E_")
        .replace(':', "_3A_");
    format!("ostree/container/image/docker_3A__2F__2F_{name}")
}

fn layer_reference(digest: &str) -> String {
    format!("ostree/container/blob/{}", digest.replace(':', "_3A_"))
}

fn the_repository_is_bare_and_configured(system: &System<'_>) {
    let config = fs::read_to_string(system.root.join("ostree/repo/config")).unwrap();
    let lines = [
        "mode=bare",
        "repo_version=1",
        "bootloader=none",
        "bootprefix=true",
        "readonly=true",
    ];
    for line in lines {
        assert!(
            config.lines().any(|found| found == line),
            "{line}\n{config}"
        );
    }
}

fn the_objects_are_whole(system: &System<'_>) {
    system.ostree("fsck", &["--quiet"]);
}

fn the_references_are_the_layers_the_image_and_the_deployment(system: &System<'_>) {
    let mut expected: BTreeSet<String> =
        system.layers().iter().map(|d| layer_reference(d)).collect();
    expected.extend([image_reference(), "ostree/1/1/0".to_owned()]);
    let found = system.ostree("refs", &[]);
    let found: BTreeSet<String> = found.lines().map(str::to_owned).collect();
    assert_eq!(found, expected);
    for reference in [image_reference(), "ostree/1/1/0".to_owned()] {
        assert_eq!(system.ostree("rev-parse", &[&reference]), system.commit());
    }
}

fn the_commit_has_the_manifest_as_served_and_the_configuration(system: &System<'_>) {
    assert_eq!(system.metadata("ostree.manifest-digest"), system.digest);
    let stored = |key| serde_json::from_str::<Value>(&system.metadata(key)).unwrap();
    assert_eq!(stored("ostree.manifest"), system.manifest);
    assert_eq!(stored("ostree.container.image-config"), system.config);
}

fn the_origin_is_canonical_and_names_the_images_reference(system: &System<'_>) {
    let file = system
        .deployment
        .with_file_name(format!("{}.0.origin", system.commit()));
    let origin = fs::read_to_string(file).unwrap();
    let line = format!("container-image-reference=ostree-unverified-registry:{TARGET}");
    let lines: Vec<&str> = origin.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["[origin]", &line]);
}

fn the_deployment_is_sealed_and_of_the_referenced_commit(system: &System<'_>) {
    let mut list = tool("lsattr").unwrap();
    let attributes = tool::run(list.arg("-d").arg(&system.deployment)).unwrap();
    let flags = attributes.split_whitespace().next().unwrap_or_default();
    assert!(flags.contains('i'), "{attributes}");
    let link = system.root.join("ostree/boot.1/default");
    let kernels: Vec<_> = fs::read_dir(link).unwrap().map(Result::unwrap).collect();
    assert_eq!(kernels.len(), 1, "{kernels:?}");
    let target = fs::read_link(kernels[0].path().join("0")).unwrap();
    assert_eq!(target.file_name(), system.deployment.file_name());
}

fn the_state_has_what_the_image_has_in_var(system: &System<'_>) {
    let state = system.root.join("ostree/deploy/default/var");
    let listed = system.ostree(
        "ls",
        &["-R", "--nul-filenames-only", &system.commit(), "/var"],
    );
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    for path in paths.map(|path| path.trim_start_matches("/var")) {
        let path = path.trim_start_matches('/');
        let (there, image) = (state.join(path), system.deployment.join("var").join(path));
        let (there, image) = (fs::symlink_metadata(there), fs::symlink_metadata(image));
        let facts = |file: &fs::Metadata| (file.mode(), file.uid(), file.gid());
        let there = there.unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(facts(&there), facts(&image.unwrap()), "{path}");
    }
    for name in ["home", "roothome", "lib"] {
        assert!(state.join(name).is_dir(), "{name}");
    }
    assert!(!state.join("lost+found").exists());
}

fn the_arguments_are_those_of_the_image(system: &System<'_>) {
    let directory = system.deployment.join("usr/lib/bootc/kargs.d");
    let files: BTreeSet<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let mut expected = Vec::new();
    for file in files {
        let content = fs::read_to_string(&file).unwrap();
        let line = content.lines().find(|line| line.starts_with("kargs = ["));
        // Quoted words are every other part.
        let parts = line.unwrap().split('"').skip(1).step_by(2);
        expected.extend(parts.map(str::to_owned));
    }
    assert!(!expected.is_empty());
    let entry = system.root.join("boot/loader/entries/ostree-1.conf");
    let entry = fs::read_to_string(entry).unwrap();
    let options = entry.lines().find_map(|line| line.strip_prefix("options "));
    let options = options.unwrap().split_whitespace();
    let own = ["root=", "rw", "boot=", "ostree="];
    let others = options.filter(|one| !own.iter().any(|known| one.starts_with(known)));
    assert_eq!(others.collect::<Vec<_>>(), expected);
}

fn there_is_one_kernel_and_a_name(system: &System<'_>) {
    let modules = fs::read_dir(system.deployment.join("usr/lib/modules")).unwrap();
    let kernels = modules.filter(|entry| entry.as_ref().unwrap().path().join("vmlinuz").exists());
    assert_eq!(kernels.count(), 1);
    let release = fs::read_to_string(system.deployment.join("usr/lib/os-release")).unwrap();
    for key in ["PRETTY_NAME=", "ID="] {
        assert!(
            release.lines().any(|line| line.starts_with(key)),
            "{release}"
        );
    }
}

fn the_aleph_record_is_complete(system: &System<'_>) {
    let aleph = json(&system.root.join(".bootc-aleph.json"));
    assert_eq!(aleph["digest"], system.digest.as_str());
    assert_eq!(aleph["target-image"], TARGET);
    assert_eq!(
        aleph["image"], TARGET,
        "a path of this machine says nothing"
    );
    assert_eq!(aleph["labels"], system.config["config"]["Labels"]);
    assert_eq!(aleph["timestamp"], system.config["created"]);
    let version = system.label("org.opencontainers.image.version");
    assert_eq!(aleph["version"].as_str(), version.as_deref());
    assert!(
        aleph["kernel"].is_string() && aleph["selinux"].is_string(),
        "{aleph}"
    );
}

fn the_mount_table_is_in_the_deployments_etc(system: &System<'_>) {
    let table = fs::read_to_string(system.deployment.join("etc/fstab")).unwrap();
    assert!(table.contains(" /boot/efi "), "{table}");
    assert_eq!(table.contains(" /boot "), system.has_boot, "{table}");
    assert!(!system.deployment.join("usr/etc/fstab").exists());
}

fn the_metadata_of_composefs_is_there_if_the_image_wants_it(system: &System<'_>) {
    let conf = system.deployment.join("usr/lib/ostree/prepare-root.conf");
    let wanted = fs::read_to_string(conf).unwrap().contains("[composefs]");
    assert_eq!(system.deployment.join(".ostree.cfs").is_file(), wanted);
}

fn the_reference_importer_finds_image_layers_and_origin(system: &System<'_>) {
    let found = oracle::query_system(system.root).unwrap();
    let image = &found["images"][format!("docker://{TARGET}")];
    assert_eq!(found["images"].as_object().unwrap().len(), 1, "{found}");
    assert_eq!(image["manifest_digest"], system.digest.as_str());
    assert_eq!(image["manifest"], system.manifest);
    assert_eq!(image["config"], system.config);
    assert_eq!(image["commit"], system.commit());
    let layers: Vec<String> = image["layers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["commit"].is_string())
        .map(|layer| text(&layer["digest"]))
        .collect();
    assert_eq!(layers, system.layers(), "a layer would be fetched again");
    let deployments = found["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 1, "{found}");
    assert_eq!(deployments[0]["image"], *image);
    assert_eq!(deployments[0]["stateroot"], "default");
    let origin = &deployments[0]["origin"];
    assert_eq!(origin, &deployments[0]["canonical_origin"]);
    assert_eq!(*origin, format!("ostree-unverified-registry:{TARGET}"));
}
