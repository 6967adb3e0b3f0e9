// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `landfall` command as users run it.
//!
//! Takes the executable's path and a kickstart template, gives an installed disk image or an error with the end of
//! what the command said. Knows the command line and the exit code, nothing of Landfall's code.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use crate::guest::last_lines;
use crate::tool::log;

/// One installation on a disk image file.
#[derive(Debug, Clone)]
pub struct Install {
    /// The `landfall` executable.
    pub landfall: PathBuf,
    /// The kickstart, complete.
    pub kickstart: PathBuf,
    /// The disk images, which may be there, with their sizes as Landfall takes them (`8G`).
    pub disks: Vec<(PathBuf, String)>,
    /// What the disk shall boot with: `uefi`, `bios`.
    pub firmware: &'static str,
    /// What the system is to follow.
    pub target: String,
    /// How the system is to reach that, in the form of `registries.conf`.
    pub target_registries: PathBuf,
    /// File for what the command prints; this terminal if there is none.
    pub log: Option<PathBuf>,
}

impl Install {
    /// Runs `landfall install` from a registry over plain HTTP.
    pub fn run(&self) -> Result<()> {
        let mut command = std::process::Command::new(&self.landfall);
        command
            .arg("install")
            .arg("--kickstart")
            .arg(&self.kickstart)
            .args(["--firmware", self.firmware])
            .arg("--plain-http")
            .arg("--target-ref")
            .arg(&self.target)
            .arg("--target-registries-conf")
            .arg(&self.target_registries);
        for (path, size) in &self.disks {
            let mut disk = path.clone().into_os_string();
            disk.push(format!(":{size}"));
            command.arg("--disk").arg(disk);
        }
        log(&format!("{command:?}"));
        command.stdin(Stdio::null());
        if let Some(path) = &self.log {
            let output =
                File::create(path).with_context(|| format!("creating {}", path.display()))?;
            command.stdout(output.try_clone()?).stderr(output);
        }
        let status = command
            .status()
            .with_context(|| format!("starting {}", self.landfall.display()))?;
        let said = self.log.as_ref().map(|path| {
            let end = last_lines(path, 40);
            format!("; end of {}:\n{end}", path.display())
        });
        ensure!(
            status.success(),
            "`landfall install` ended with {status}{}",
            said.unwrap_or_default()
        );
        Ok(())
    }
}

/// Fills the placeholders of a kickstart: `@IMAGE@` and `@KEY@`.
pub fn kickstart(template: &Path, image: &str, key: &str, to: &Path) -> Result<()> {
    let text =
        fs::read_to_string(template).with_context(|| format!("reading {}", template.display()))?;
    fs::write(to, text.replace("@IMAGE@", image).replace("@KEY@", key))?;
    Ok(())
}
