// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Images made in code, for tests: tar archives entry by entry, layers, OCI layouts, a registry.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::verify::digest_of;
use super::{Access, Compression, Image, ImageError, ImageRef, OpenOptions, Patience, Places};

/// A tar archive that can hold anything, valid or not.
#[derive(Default)]
pub(crate) struct Tar {
    bytes: Vec<u8>,
    pax: Vec<u8>,
    owner: (u64, u64),
}

impl Tar {
    /// Owner of the entries that follow.
    pub(crate) fn owner(mut self, uid: u64, gid: u64) -> Self {
        self.owner = (uid, gid);
        self
    }

    /// A pax record for the next entry.
    pub(crate) fn pax(mut self, key: &str, value: &[u8]) -> Self {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length += 1;
        }
        self.pax
            .extend_from_slice(format!("{length} {key}=").as_bytes());
        self.pax.extend_from_slice(value);
        self.pax.push(b'\n');
        self
    }

    pub(crate) fn xattr(self, name: &str, value: &[u8]) -> Self {
        self.pax(&format!("SCHILY.xattr.{name}"), value)
    }

    /// Attributes as they are given, or in descending order: the archive reader of libostree
    /// 2022.7 turns the order round and does not sort, and its own fsck then refuses the object.
    pub(crate) fn xattrs(mut self, given: &[(&str, &[u8])], descending: bool) -> Self {
        let mut list = given.to_vec();
        if descending {
            list.sort_unstable_by(|a, b| b.0.cmp(a.0));
        }
        for (name, value) in list {
            self = self.xattr(name, value);
        }
        self
    }

    pub(crate) fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(b'5', path, mode, b"")
    }

    pub(crate) fn file(self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.entry(b'0', path, mode, content)
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.linked(b'2', path, (0o777, target.as_bytes()), b"")
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.linked(b'1', path, (0o644, target.as_bytes()), b"")
    }

    pub(crate) fn entry(self, kind: u8, path: &str, mode: u32, content: &[u8]) -> Self {
        self.linked(kind, path, (mode, b""), content)
    }

    fn linked(mut self, kind: u8, path: &str, (mode, link): (u32, &[u8]), content: &[u8]) -> Self {
        if path.len() > 100 {
            self = self.pax("path", path.as_bytes());
        }
        if link.len() > 100 {
            self = self.pax("linkpath", link);
        }
        let pax = std::mem::take(&mut self.pax);
        if !pax.is_empty() {
            self = self.raw(b'x', b"pax", (0o644, b""), &pax);
        }
        self.raw(kind, path.as_bytes(), (mode, link), content)
    }

    /// One header, names cut to fit, and its content.
    pub(crate) fn raw(
        mut self,
        kind: u8,
        path: &[u8],
        (mode, link): (u32, &[u8]),
        content: &[u8],
    ) -> Self {
        let mut header = tar::Header::new_ustar();
        let old = header.as_old_mut();
        old.name[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
        old.linkname[..link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// The archive, ended as it should be.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes
            .resize((self.bytes.len() + 1024).next_multiple_of(10240), 0);
        self.bytes
    }

    /// The archive as it is, without an end.
    pub(crate) fn unended(self) -> Vec<u8> {
        self.bytes
    }
}

/// A layer ready to be stored.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) media_type: String,
    pub(crate) blob: Vec<u8>,
    pub(crate) diff_id: String,
}

/// Packs an archive as OCI images do.
pub(crate) fn packed(archive: &[u8], compression: Compression) -> Packed {
    let (suffix, blob) = match compression {
        Compression::None => ("", archive.to_vec()),
        Compression::Gzip => ("+gzip", gzip(archive)),
        Compression::Zstd => ("+zstd", zstd::encode_all(archive, 3).unwrap()),
    };
    let media_type = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
    Packed {
        media_type,
        blob,
        diff_id: digest_of(archive),
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// An OCI layout directory.
pub(crate) struct LayoutDir {
    dir: tempfile::TempDir,
}

impl LayoutDir {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
        fs::write(
            dir.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        Self { dir }
    }

    /// A layout with one image for amd64 in it, labelled as bootable.
    pub(crate) fn of(layers: &[Packed]) -> Self {
        let layout = Self::new();
        let manifest = layout.image(layers, &config(layers, "amd64"));
        layout.index(&[manifest]);
        layout
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn blob_path(&self, digest: &str) -> PathBuf {
        self.path()
            .join("blobs/sha256")
            .join(&digest["sha256:".len()..])
    }

    /// Stores a blob; gives its descriptor.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest_of(bytes);
        fs::write(self.blob_path(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Stores an image; gives the descriptor of its manifest.
    pub(crate) fn image(&self, layers: &[Packed], config: &Value) -> Value {
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| self.blob(&layer.media_type, &layer.blob))
            .collect();
        let config = self.blob(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        self.manifest(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": layers,
        }))
    }

    pub(crate) fn manifest(&self, manifest: &Value) -> Value {
        let kind = manifest["mediaType"].as_str().unwrap();
        self.blob(kind, manifest.to_string().as_bytes())
    }

    /// Writes `index.json`.
    pub(crate) fn index(&self, entries: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": entries});
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    pub(crate) fn reference(&self) -> ImageRef {
        ImageRef::Layout {
            dir: self.path().to_owned(),
            tag: None,
        }
    }

    pub(crate) fn open(&self) -> Result<Image, ImageError> {
        Image::open(&self.reference(), &options())
    }
}

pub(crate) fn options() -> OpenOptions {
    OpenOptions {
        arch: "amd64".to_owned(),
        access: Access {
            plain_http: true,
            ..access(Path::new("/nonexistent"))
        },
    }
}

/// Access as on a machine whose files are below `root`, with little patience.
pub(crate) fn access(root: &Path) -> Access {
    Access {
        places: Places::below(root),
        patience: Patience {
            rounds: 3,
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            total: Duration::from_secs(5),
            stall: Duration::from_millis(500),
            connect: Duration::from_secs(5),
            ..Patience::default()
        },
        ..Access::default()
    }
}

pub(crate) fn config(layers: &[Packed], arch: &str) -> Value {
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    json!({
        "architecture": arch,
        "os": "linux",
        "created": "2024-05-06T07:08:09Z",
        "config": {"Labels": {"containers.bootc": "1"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
}

/// Runs a program to its end; a missing one fails with the package that has it.
pub(crate) fn run(command: &mut Command, package: &str) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; install the package {package}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Debian's docker-registry on a port of its own.
pub(crate) struct TestRegistry {
    child: Child,
    pub(crate) host: String,
    _dir: tempfile::TempDir,
}

impl TestRegistry {
    pub(crate) fn start() -> Self {
        Self::serve("")
    }

    /// With https by `server.crt` and `server.key` there; clients are to be signed by `ca.crt` if `client` is true.
    pub(crate) fn start_tls(certificates: &Path, client: bool) -> Self {
        let dir = certificates.display();
        let mut tls =
            format!("  tls:\n    certificate: {dir}/server.crt\n    key: {dir}/server.key\n");
        if client {
            tls = format!("{tls}    clientcas:\n      - {dir}/ca.crt\n");
        }
        Self::serve(&tls)
    }

    /// `http` is what more stands in that section of the configuration.
    fn serve(http: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let config = dir.path().join("config.yml");
        let store = dir.path().join("store");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n{http}",
            store.display()
        );
        fs::write(&config, text).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install the package docker-registry");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&host).is_err() {
            assert!(
                Instant::now() < deadline,
                "docker-registry does not listen on {host}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            child,
            host,
            _dir: dir,
        }
    }

    /// Copies a layout into the registry as `name`, with further arguments of skopeo.
    pub(crate) fn push(&self, layout: &LayoutDir, name: &str, arguments: &[&str]) -> ImageRef {
        let target = format!("docker://{}/{name}", self.host);
        let mut skopeo = Command::new("skopeo");
        skopeo
            .args(["--insecure-policy", "copy", "--dest-tls-verify=false"])
            .args(arguments);
        skopeo.arg(layout.reference().to_string()).arg(&target);
        run(&mut skopeo, "skopeo");
        target.parse().unwrap()
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
