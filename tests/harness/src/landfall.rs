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
    /// The disk image to create.
    pub disk: PathBuf,
    /// Its size as Landfall takes it (`8G`).
    pub size: String,
    /// File for what the command prints.
    pub log: PathBuf,
}

impl Install {
    /// Runs `landfall install` from a registry over plain HTTP.
    pub fn run(&self) -> Result<()> {
        let mut disk = self.disk.clone().into_os_string();
        disk.push(format!(":{}", self.size));
        let mut command = std::process::Command::new(&self.landfall);
        command
            .arg("install")
            .arg("--kickstart")
            .arg(&self.kickstart)
            .arg("--disk")
            .arg(disk)
            .arg("--plain-http");
        log(&format!("{command:?}"));
        let output =
            File::create(&self.log).with_context(|| format!("creating {}", self.log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let status = command
            .status()
            .with_context(|| format!("starting {}", self.landfall.display()))?;
        ensure!(
            status.success(),
            "`landfall install` ended with {status}; end of {}:\n{}",
            self.log.display(),
            last_lines(&self.log, 40)
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
