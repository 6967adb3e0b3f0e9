// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `landfall` command as users run it.
//!
//! Takes the executable's path and a kickstart template, gives an installed disk image or an error with the end of
//! what the command said. Knows the command line and the exit code, nothing of Landfall's code.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::guest::last_lines;
use crate::tool::{log, run};

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
    /// `landfall install` from a registry over plain HTTP.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.landfall);
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
        command
    }

    /// Runs the command until half of the image is on the disk, and kills it there.
    pub fn run_and_kill(&self) -> Result<()> {
        let mut command = self.command();
        let starting = || format!("starting {}", self.landfall.display());
        command
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().with_context(starting)?;
        let events = child.stdout.take().context("no events")?;
        let mut reached = false;
        for event in BufReader::new(events).lines() {
            let event: Value = serde_json::from_str(&event?)?;
            let (done, total) = (event["done"].as_u64(), event["total"].as_u64());
            if !reached
                && done
                    .zip(total)
                    .is_some_and(|(done, total)| 2 * done > total)
            {
                child.kill().context("killing `landfall install`")?;
                reached = true;
            }
        }
        let status = child.wait()?;
        ensure!(
            reached && status.code().is_none(),
            "`landfall install` ended with {status} before it could be killed"
        );
        Ok(())
    }

    /// Runs the command to its end.
    pub fn run(&self) -> Result<()> {
        let mut command = self.command();
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

/// One medium.
#[derive(Debug, Clone, Copy)]
pub struct Iso<'i> {
    /// The `landfall` executable.
    pub landfall: &'i Path,
    /// The kickstart to embed, complete.
    pub kickstart: Option<&'i Path>,
    /// The layout of the image.
    pub image: &'i Path,
    /// What the system is to follow.
    pub target: &'i str,
    /// More arguments.
    pub arguments: &'i [String],
    /// The file.
    pub output: &'i Path,
}

impl Iso<'_> {
    /// Makes it.
    pub fn make(&self) -> Result<()> {
        let mut command = Command::new(self.landfall);
        command
            .arg("iso")
            .arg("--image")
            .arg(format!("oci:{}", self.image.display()));
        command.arg("--target-ref").arg(self.target);
        if let Some(kickstart) = self.kickstart {
            command.arg("--kickstart").arg(kickstart);
        }
        command
            .args(self.arguments)
            .arg("--output")
            .arg(self.output);
        log(&format!("{command:?}"));
        run(&mut command).map(drop)
    }
}

/// What kickstarts have placeholders for.
#[derive(Debug)]
pub struct Filling<'f> {
    /// `@IMAGE@`: its reference.
    pub image: &'f str,
    /// `@KEY@`: root's.
    pub key: &'f str,
    /// `@REGISTRIES@`: how its registry is reached, in the form of `registries.conf`.
    pub registries: &'f str,
}

impl Filling<'_> {
    /// Fills a template.
    pub fn fill(&self, template: &Path, to: &Path) -> Result<()> {
        let text = fs::read_to_string(template)
            .with_context(|| format!("reading {}", template.display()))?;
        let text = text
            .replace("@IMAGE@", self.image)
            .replace("@KEY@", self.key);
        fs::write(to, text.replace("@REGISTRIES@", self.registries.trim_end()))?;
        Ok(())
    }
}
