// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images of this machine's Debian files, made once and kept.
//!
//! Which files is decided by a hash of their names, so that a part of them is like all of them, and the same on every
//! run. Owners and modes are theirs, times are not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The lists of files of Debian's packages.
const LISTS: &str = "/var/lib/dpkg/info";
/// Larger files are few, and would be most of the image.
const LARGEST: u64 = 16 << 20;

/// Which files an image has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Mixed,
    /// Up to 16 KiB.
    Small,
    /// Over 256 KiB.
    Large,
}

/// How many of its files.
#[derive(Debug, Clone, Copy)]
pub(super) enum Share {
    Half,
    All,
}

/// How its layers are packed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    ThreeGzip,
    /// As `Gzip`, with Debian's SELinux policy: every file gets its label.
    GzipLabelled,
}

impl Kind {
    fn takes(self, size: u64) -> bool {
        match self {
            Self::Mixed => size <= LARGEST,
            Self::Small => size <= 16 << 10,
            Self::Large => size > 256 << 10 && size <= LARGEST,
        }
    }

    /// How many of 1000 files, at the whole share.
    fn share(self) -> u64 {
        match self {
            Self::Mixed => 320,
            Self::Small => 500,
            Self::Large => 400,
        }
    }
}

/// An image in the cache.
pub(super) struct Made {
    /// The OCI layout.
    pub(super) layout: PathBuf,
    pub(super) layers: Vec<Layer>,
    /// Files and symbolic links.
    pub(super) files: u64,
    /// Bytes of the archives.
    pub(super) bytes: u64,
    /// The directory that its SELinux policy was taken from.
    pub(super) policy: Option<PathBuf>,
}

pub(super) struct Layer {
    pub(super) blob: PathBuf,
    /// The same, not packed.
    pub(super) archive: PathBuf,
    pub(super) descriptor: Value,
    pub(super) diff_id: String,
}

impl Made {
    pub(super) fn packed_bytes(&self) -> u64 {
        let size = |layer: &Layer| layer.descriptor["size"].as_u64().unwrap();
        self.layers.iter().map(size).sum()
    }
}

/// The image, from the cache if it is there.
pub(super) fn make(cache: &Path, kind: Kind, share: Share, packing: Packing) -> Made {
    let layout = cache.join(format!("{kind:?}-{share:?}-{packing:?}").to_lowercase());
    if !layout.join("index.json").exists() {
        let _ = fs::remove_dir_all(&layout);
        fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
        let names = chosen(kind, share);
        let parts = match packing {
            Packing::ThreeGzip => 3,
            Packing::Gzip | Packing::Zstd | Packing::GzipLabelled => 1,
        };
        let policy = matches!(packing, Packing::GzipLabelled).then(|| policy(cache));
        let archives = archives(cache, (kind, share), &names, (parts, policy.as_deref()));
        let layers: Vec<_> = archives
            .iter()
            .map(|archive| pack(archive, &layout, packing))
            .collect();
        let about = json!({ "files": names.len(), "archives": archives, "policy": policy });
        write_layout(&layout, &layers, &about);
    }
    open(layout)
}

fn open(layout: PathBuf) -> Made {
    let json = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let blob = |digest: &Value| {
        let digest = digest.as_str().unwrap();
        layout.join("blobs").join(digest.replace(':', "/"))
    };
    let about = json(layout.join("about.json"));
    let index = json(layout.join("index.json"));
    let manifest = json(blob(&index["manifests"][0]["digest"]));
    let config = json(blob(&manifest["config"]["digest"]));
    let descriptors = manifest["layers"].as_array().unwrap();
    let layers: Vec<_> = descriptors
        .iter()
        .enumerate()
        .map(|(at, descriptor)| Layer {
            blob: blob(&descriptor["digest"]),
            archive: about["archives"][at].as_str().unwrap().into(),
            descriptor: descriptor.clone(),
            diff_id: config["rootfs"]["diff_ids"][at]
                .as_str()
                .unwrap()
                .to_owned(),
        })
        .collect();
    let size = |layer: &Layer| fs::metadata(&layer.archive).unwrap().len();
    Made {
        files: about["files"].as_u64().unwrap(),
        bytes: layers.iter().map(size).sum(),
        policy: about["policy"].as_str().map(PathBuf::from),
        layers,
        layout,
    }
}

/// Files and links of Debian's packages, in order.
fn chosen(kind: Kind, share: Share) -> Vec<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(LISTS).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "list")
        {
            let text = fs::read_to_string(path).unwrap();
            names.extend(
                text.lines()
                    .filter(|name| name.starts_with("/usr/"))
                    .map(str::to_owned),
            );
        }
    }
    let part = match share {
        Share::Half => kind.share() / 2,
        Share::All => kind.share(),
    };
    let is_wanted = |name: &String| {
        let Ok(about) = fs::symlink_metadata(name) else {
            return false;
        };
        let fits = about.is_symlink() || about.is_file() && kind.takes(about.len());
        fits && spread(name) % 1000 < part
    };
    names.into_iter().filter(is_wanted).collect()
}

fn spread(name: &str) -> u64 {
    let sum = Sha256::digest(name);
    u64::from_le_bytes(sum[..8].try_into().unwrap())
}

/// A directory that has `etc/selinux`, with Debian's policy switched on.
pub(super) fn policy(cache: &Path) -> PathBuf {
    let root = cache.join("policy");
    let etc = root.join("etc/selinux");
    if !etc.join("config").exists() {
        fs::create_dir_all(&etc).unwrap();
        let policy = landfall_harness::policy::directory().unwrap();
        super::disk::run(Command::new("cp").arg("-r").args([&policy, &etc]));
        fs::write(
            etc.join("config"),
            "SELINUX=permissive\nSELINUXTYPE=default\n",
        )
        .unwrap();
    }
    root
}

/// Archives of the names in `parts` parts, each with the directories above; the first begins with `etc` of `policy`.
fn archives(
    cache: &Path,
    (kind, share): (Kind, Share),
    names: &[String],
    (parts, policy): (usize, Option<&Path>),
) -> Vec<PathBuf> {
    let paths = names
        .chunks(names.len().div_ceil(parts))
        .enumerate()
        .map(|(at, names)| {
            let labelled = policy.map_or("", |_| "-labelled");
            let name = format!("{kind:?}-{share:?}-{at}of{parts}{labelled}").to_lowercase();
            let (list, archive) = (
                cache.join(&name).with_extension("list"),
                cache.join(&name).with_extension("tar"),
            );
            let mut all = BTreeSet::new();
            for name in names {
                all.extend(
                    Path::new(name)
                        .ancestors()
                        .filter(|path| path.parent().is_some()),
                );
            }
            let mut text = Vec::new();
            for path in all {
                text.extend_from_slice(path.as_os_str().as_encoded_bytes());
                text.push(0);
            }
            fs::write(&list, text).unwrap();
            let mut tar = Command::new("tar");
            tar.args([
                "--create",
                "--format=pax",
                "--pax-option=delete=atime,delete=ctime",
                "--numeric-owner",
            ]);
            tar.args(["--mtime=@1700000000", "--hard-dereference"]);
            if let Some(policy) = policy.filter(|_| at == 0) {
                tar.arg("--directory").arg(policy).arg("etc");
            }
            tar.args(["--no-recursion", "--null", "--verbatim-files-from"]);
            tar.arg("--files-from")
                .arg(&list)
                .arg("--file")
                .arg(&archive);
            super::disk::run(&mut tar);
            archive
        });
    paths.collect()
}

/// Packs an archive into the layout.
fn pack(archive: &Path, layout: &Path, packing: Packing) -> (Value, String) {
    let unfinished = layout.join("unfinished");
    let (kind, mut packer) = match packing {
        Packing::Gzip | Packing::ThreeGzip | Packing::GzipLabelled => {
            let mut gzip = Command::new("gzip");
            gzip.args(["--no-name", "-6", "--stdout"]);
            ("gzip", gzip)
        }
        Packing::Zstd => {
            let mut zstd = Command::new("zstd");
            zstd.args(["-3", "--quiet", "--stdout"]);
            ("zstd", zstd)
        }
    };
    packer.stdin(File::open(archive).unwrap());
    let status = packer
        .stdout(File::create(&unfinished).unwrap())
        .stderr(Stdio::inherit())
        .status();
    assert!(status.unwrap().success());
    let (digest, size) = digest(&unfinished);
    fs::rename(unfinished, layout.join("blobs/sha256").join(&digest)).unwrap();
    let descriptor = json!({
        "mediaType": format!("application/vnd.oci.image.layer.v1.tar+{kind}"),
        "digest": format!("sha256:{digest}"),
        "size": size,
    });
    (descriptor, format!("sha256:{}", self::digest(archive).0))
}

/// SHA-256 of a file in hexadecimal digits, and its length.
fn digest(path: &Path) -> (String, u64) {
    let mut hash = Sha256::new();
    let mut file = File::open(path).unwrap();
    let (mut buffer, mut size) = (vec![0; 1 << 20], 0);
    loop {
        let count = file.read(&mut buffer).unwrap();
        if count == 0 {
            return (hex(&hash.finalize()), size);
        }
        hash.update(&buffer[..count]);
        size += count as u64;
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn write_layout(layout: &Path, layers: &[(Value, String)], about: &Value) {
    let config = json!({
        "architecture": std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64"),
        "os": "linux",
        "created": "2026-11-01T00:00:00Z",
        "config": { "Labels": { "containers.bootc": "1" } },
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| &layer.1).collect::<Vec<_>>() },
    });
    let descriptors: Vec<_> = layers.iter().map(|layer| layer.0.clone()).collect();
    fs::write(layout.join("about.json"), about.to_string()).unwrap();
    write_index(layout, &config, &descriptors);
}

/// Writes configuration, manifest and index of an image whose layers are there.
fn write_index(layout: &Path, config: &Value, layers: &[Value]) {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": document(layout, config, "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    });
    let index = json!({
        "schemaVersion": 2,
        "manifests": [document(layout, &manifest, "application/vnd.oci.image.manifest.v1+json")],
    });
    fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
}

/// Stores a document; its descriptor.
fn document(layout: &Path, document: &Value, kind: &str) -> Value {
    let text = document.to_string();
    let digest = hex(&Sha256::digest(&text));
    fs::write(layout.join("blobs/sha256").join(&digest), &text).unwrap();
    json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": text.len() })
}

/// The image with its layers on top of those of `base`, the layout of an encapsulated commit: the reference importer
/// refuses others.
pub(super) fn on_base(image: &Made, base: &Path) {
    let json = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let blob = |digest: &Value| {
        base.join("blobs")
            .join(digest.as_str().unwrap().replace(':', "/"))
    };
    let index = json(base.join("index.json"));
    let manifest = json(blob(&index["manifests"][0]["digest"]));
    let mut config = json(blob(&manifest["config"]["digest"]));
    let mut layers = manifest["layers"].as_array().unwrap().clone();
    for layer in &image.layers {
        layers.push(layer.descriptor.clone());
        let diff_ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
        diff_ids.push(layer.diff_id.clone().into());
        match symlink(
            &layer.blob,
            base.join("blobs/sha256")
                .join(layer.blob.file_name().unwrap()),
        ) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
    }
    write_index(base, &config, &layers);
}
