// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A real registry for the length of a test: Debian's `docker-registry` on a loopback port of its own.
//!
//! Takes an OCI layout and pushes it with `skopeo`, digests kept; gives the reference. Plain HTTP, or HTTPS with a
//! certificate authority made for the occasion. Knows nothing of what is in the images.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::guest::HOST;
use crate::tool::{self, Daemon, tool};

/// How long the registry may take to listen.
const START: Duration = Duration::from_secs(30);
/// What the registry prints, access log included.
const LOG: &str = "registry.log";
/// Who may use a guarded registry.
pub const USER: &str = "lab";
/// The password of [`USER`]; it has what is awkward in one.
pub const PASSWORD: &str = "hunter:2";
/// [`PASSWORD`] as bcrypt of the lowest cost, the only hash that the registry takes.
const HASH: &str = "$2b$04$gyeFfJdlLmCgmokj92mJ1O52EgSnseQs4eAjlknf2Ftjfr9sXEW.y";

/// A running registry; it and what was pushed to it end with this value.
#[derive(Debug)]
pub struct Registry {
    _daemon: Daemon,
    dir: tempfile::TempDir,
    port: u16,
    kind: Kind,
}

/// What clients need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Tls,
    /// TLS and a login.
    Guarded,
}

impl Registry {
    /// Starts a registry that speaks plain HTTP.
    pub fn http() -> Result<Self> {
        Self::start(Kind::Plain)
    }

    /// Starts a registry that speaks HTTPS with a certificate for `localhost` and 127.0.0.1, see [`Registry::ca`].
    pub fn https() -> Result<Self> {
        Self::start(Kind::Tls)
    }

    /// Starts a registry like [`Registry::https`] that wants the login of [`USER`].
    pub fn guarded() -> Result<Self> {
        Self::start(Kind::Guarded)
    }

    /// A file with the login for this registry, as `podman login` writes it.
    pub fn authfile(&self) -> Result<PathBuf> {
        let file = self.dir.path().join("auth.json");
        let mut login = tool("skopeo")?;
        login.args([
            "login",
            "--tls-verify=false",
            "--username",
            USER,
            "--password",
            PASSWORD,
        ]);
        tool::run(login.arg("--authfile").arg(&file).arg(self.address()))?;
        Ok(file)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Host and port, for a guest.
    pub fn address_in_guest(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// The digests of all blobs that clients have got so far, in that order.
    pub fn served(&self) -> Result<Vec<String>> {
        let log = self.dir.path().join(LOG);
        let log = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
        Ok(log.lines().filter_map(served_blob).collect())
    }

    /// The certificate of the authority that signed the registry's.
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.crt")
    }

    /// Pushes the one image of an OCI layout as `name` (repository and tag); gives the full reference.
    pub fn push(&self, layout: &Path, name: &str) -> Result<String> {
        let reference = format!("{}/{name}", self.address());
        let mut copy = tool("skopeo")?;
        copy.args([
            "copy",
            "--quiet",
            "--insecure-policy",
            "--preserve-digests",
            "--dest-tls-verify=false",
        ]);
        if self.kind == Kind::Guarded {
            copy.arg(format!("--dest-creds={USER}:{PASSWORD}"));
        }
        copy.arg(format!("oci:{}", layout.display()))
            .arg(format!("docker://{reference}"));
        tool::run(&mut copy)?;
        Ok(reference)
    }

    fn start(kind: Kind) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("landfall-registry-")
            .tempdir_in("/var/tmp")?;
        if kind != Kind::Plain {
            certificates(dir.path())?;
        }
        fs::write(dir.path().join("htpasswd"), format!("{USER}:{HASH}\n"))?;
        let port = free_port()?;
        let file = dir.path().join("config.yml");
        fs::write(&file, configuration(dir.path(), port, kind))?;
        let log = dir.path().join(LOG);
        let mut daemon = Daemon::start(tool("docker-registry")?.arg("serve").arg(&file), &log)?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = daemon.ended()? {
                bail!(
                    "the registry ended with {status}: {}",
                    fs::read_to_string(&log).unwrap_or_default().trim()
                );
            }
            ensure!(
                Instant::now() < deadline,
                "the registry did not listen within {START:?}"
            );
            sleep(Duration::from_millis(50));
        }
        Ok(Self {
            _daemon: daemon,
            dir,
            port,
            kind,
        })
    }

    /// Whether clients need TLS.
    pub fn tls(&self) -> bool {
        self.kind != Kind::Plain
    }
}

/// The blob that a line of the access log, in the form of many web servers, says was sent.
fn served_blob(line: &str) -> Option<String> {
    let (request, rest) = line.split_once("\"GET ")?.1.split_once('"')?;
    let (_, digest) = request.split_whitespace().next()?.split_once("/blobs/")?;
    let status = rest.split_whitespace().next()?;
    ["200", "206"].contains(&status).then(|| digest.to_owned())
}

/// A TCP port of the loopback address that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

fn configuration(dir: &Path, port: u16, kind: Kind) -> String {
    let dir = dir.display();
    let tls = if kind == Kind::Plain {
        String::new()
    } else {
        format!("  tls:\n    certificate: {dir}/server.crt\n    key: {dir}/server.key\n")
    };
    let auth = if kind == Kind::Guarded {
        format!("auth:\n  htpasswd:\n    realm: tests\n    path: {dir}/htpasswd\n")
    } else {
        String::new()
    };
    format!(
        "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {dir}/data\nhttp:\n  \
         addr: 127.0.0.1:{port}\n{tls}{auth}"
    )
}

/// Makes `ca.crt`, and `server.crt` and `server.key` signed by it.
fn certificates(dir: &Path) -> Result<()> {
    let path = |name: &str| dir.join(name).display().to_string();
    let new_key = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let (ca_key, ca, key, request, extensions) = (
        path("ca.key"),
        path("ca.crt"),
        path("server.key"),
        path("server.csr"),
        path("extensions"),
    );
    tool::run(
        tool("openssl")?
            .args(new_key)
            .args(["-x509", "-days", "2", "-subj", "/CN=Landfall tests"])
            .args(["-keyout", &ca_key, "-out", &ca]),
    )?;
    tool::run(tool("openssl")?.args(new_key).args([
        "-subj",
        "/CN=localhost",
        "-keyout",
        &key,
        "-out",
        &request,
    ]))?;
    fs::write(&extensions, "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
    let sign = [
        "x509",
        "-req",
        "-days",
        "2",
        "-set_serial",
        "2",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
    ];
    tool::run(tool("openssl")?.args(sign).args([
        "-extfile",
        &extensions,
        "-out",
        &path("server.crt"),
    ]))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_blob_that_was_sent_counts() {
        let line = |method: &str, status: u16| {
            format!(
                "127.0.0.1 - - [23/Nov/2026:06:00:00 +0000] \"{method} /v2/lab/web/blobs/sha256:ab HTTP/1.1\" \
                 {status} 12 \"\" \"skopeo/1.9.3\""
            )
        };
        assert_eq!(served_blob(&line("GET", 200)).unwrap(), "sha256:ab");
        assert_eq!(served_blob(&line("GET", 206)).unwrap(), "sha256:ab");
        for other in [line("HEAD", 200), line("GET", 404), String::new()] {
            assert_eq!(served_blob(&other), None, "{other}");
        }
    }
}
