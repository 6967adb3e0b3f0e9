// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Volumes of the machine, to read from: the medium, and what a kickstart is on.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Device;
use crate::engine::error::EngineError;
use crate::engine::mount::Mounts;
use crate::engine::tool::Tool;

/// How often is looked.
const TICK: Duration = Duration::from_millis(250);

/// A mounted volume; it stays mounted while this is kept.
#[derive(Debug)]
pub(super) struct Volume {
    /// What it is, for messages.
    pub(super) device: PathBuf,
    pub(super) at: PathBuf,
    // Unmounts at the end.
    _mounts: Mounts,
}

impl Volume {
    /// Mounts `device` at `at`, with nothing written to it, when it is there, within `patience`. None if it does not come.
    pub(super) fn find(
        device: &Device,
        at: &Path,
        patience: Duration,
    ) -> Result<Option<Self>, EngineError> {
        let Some(device) = appears(Path::new(&device.path()), patience) else {
            return Ok(None);
        };
        let kind = Tool::Blkid
            .with(
                ["-p", "-s", "TYPE", "-o", "value"]
                    .map(AsRef::as_ref)
                    .into_iter()
                    .chain([device.as_os_str()]),
            )
            .output()?;
        let mut mounts = Mounts::default();
        mounts.device_untouched(&device, at, kind.trim())?;
        Ok(Some(Self {
            device,
            at: at.to_owned(),
            _mounts: mounts,
        }))
    }

    /// Reads a file of it; no more than `most` bytes.
    pub(super) fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, EngineError> {
        let file = self.at.join(path.trim_start_matches('/'));
        read_bounded(&file, most).map_err(|e| {
            EngineError::io(
                format!("reading `{path}` of `{}`", self.device.display()),
                e,
            )
        })
    }
}

/// The device behind a path, when it is there.
fn appears(path: &Path, patience: Duration) -> Option<PathBuf> {
    let began = Instant::now();
    loop {
        if let Ok(device) = fs::canonicalize(path) {
            return Some(device);
        }
        if began.elapsed() >= patience {
            return None;
        }
        sleep(TICK);
    }
}

/// A whole file, if it is not larger than `most` bytes.
pub(super) fn read_bounded(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let message = format!("it has more than {most} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(bytes)
}
