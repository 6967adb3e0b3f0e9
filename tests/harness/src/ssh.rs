// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A root shell in a guest, over ssh.
//!
//! Takes a key pair and a port of the loopback address; runs command lines and gives what they print. Does not know
//! how the guest came to be, and trusts any host key: the port is the guest's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::tool::{self, tool};

/// A key pair made for one guest.
#[derive(Debug, Clone)]
pub struct Key {
    private: PathBuf,
}

impl Key {
    /// Makes `id_ed25519` and `id_ed25519.pub` in `dir`, or takes those that are there.
    pub fn create(dir: &Path) -> Result<Self> {
        let private = dir.join("id_ed25519");
        if !private.exists() {
            tool::run(
                tool("ssh-keygen")?
                    .args(["-q", "-t", "ed25519", "-N", "", "-C", "landfall", "-f"])
                    .arg(&private),
            )?;
        }
        Ok(Self { private })
    }

    /// The file of the private half.
    pub fn private(&self) -> &Path {
        &self.private
    }

    /// The public half as one line of `authorized_keys`.
    pub fn public(&self) -> Result<String> {
        let file = self.private.with_extension("pub");
        let line = std::fs::read_to_string(&file)
            .with_context(|| format!("reading {}", file.display()))?;
        Ok(line.trim().to_owned())
    }
}

/// Where root logs in.
#[derive(Debug, Clone)]
pub struct Login {
    key: Key,
    port: u16,
}

impl Login {
    /// Root on the guest behind `port` of the loopback address.
    pub fn new(key: Key, port: u16) -> Self {
        Self { key, port }
    }

    /// Runs a command line in the guest's shell; gives its output, an error if it fails.
    pub fn run(&self, command_line: &str) -> Result<String> {
        tool::log(&format!("in the guest: {command_line}"));
        tool::quietly(self.command()?.arg(command_line))
    }

    /// As [`Login::run`], and quiet about it: for trying again and again.
    pub fn try_run(&self, command_line: &str) -> Result<Option<String>> {
        let output = self.command()?.arg(command_line).output()?;
        Ok(output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Copies what is in the directory `dir` to the directory `to` of the guest, which is made.
    pub fn send(&self, dir: &Path, to: &str) -> Result<()> {
        tool::log(&format!("to the guest's {to}: {}", dir.display()));
        let mut pack = tool("tar")?;
        pack.arg("-C").arg(dir).args(["-cf", "-", "."]);
        let mut pack = pack.stdout(Stdio::piped()).spawn()?;
        let packed = pack.stdout.take().context("a pipe that there is not")?;
        let unpack = format!("mkdir -p {to} && tar -C {to} -xf -");
        tool::finish(self.command()?.arg(unpack).stdin(packed))?;
        ensure!(pack.wait()?.success(), "packing {} failed", dir.display());
        Ok(())
    }

    /// What a person types to log in.
    pub fn command_line(&self) -> String {
        format!(
            "ssh -i {} -p {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1",
            self.key.private.display(),
            self.port
        )
    }

    fn command(&self) -> Result<Command> {
        let mut ssh = tool("ssh")?;
        ssh.arg("-i")
            .arg(&self.key.private)
            .arg("-p")
            .arg(self.port.to_string());
        for option in [
            "BatchMode=yes",
            "ConnectTimeout=5",
            "IdentitiesOnly=yes",
            "LogLevel=ERROR",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=12",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
        ] {
            ssh.args(["-o", option]);
        }
        ssh.arg("root@127.0.0.1");
        Ok(ssh)
    }
}
