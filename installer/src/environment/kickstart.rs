// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kickstart of this machine, wherever it is.
//!
//! Takes what the kernel's command line says; gives the text, and where it came from. As in Anaconda, what is asked for and
//! not found is an error: nothing else is taken in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kickstart_parser::LARGEST_FILE;

use super::volume::{Volume, read_bounded};
use super::{BootOptions, Device, KickstartOption, KickstartSource, Nfs};
use super::{download, machine};
use crate::engine::error::EngineError;
use crate::engine::mount::make_directory;
use crate::engine::tool::Tool;

/// How long devices that are asked for are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often discs are looked at: each look spins one up.
const TICK: Duration = Duration::from_secs(1);
/// Where a volume is mounted that has a kickstart.
const AT: &str = "/run/install/kickstart";

/// A kickstart, and where it was.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) from: String,
    /// It came by a network, which is up then.
    pub(super) by_network: bool,
    pub(super) text: Vec<u8>,
}

/// Looks for the kickstart. None if none is asked for, and there is none on a volume `OEMDRV` or the medium.
pub(super) fn find(
    options: &BootOptions,
    medium: Option<&Volume>,
) -> Result<Option<Found>, EngineError> {
    match &options.kickstart {
        KickstartOption::Wrong(why) => Err(EngineError::Refused(why.clone())),
        KickstartOption::At(sources) => first(sources, options, medium).map(Some),
        KickstartOption::Absent => match of_volume(options)? {
            Some(found) => Ok(Some(found)),
            None => of_medium(medium),
        },
    }
}

/// The first that is there; if none is, why the last one is not.
fn first(
    sources: &[KickstartSource],
    options: &BootOptions,
    medium: Option<&Volume>,
) -> Result<Found, EngineError> {
    let mut failed = None;
    for source in sources {
        match fetch(source, options, medium) {
            Ok(text) => {
                return Ok(Found {
                    from: source.to_string(),
                    by_network: source.needs_network(),
                    text,
                });
            }
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| EngineError::Refused("no kickstart is named".to_owned())))
}

fn fetch(
    source: &KickstartSource,
    options: &BootOptions,
    medium: Option<&Volume>,
) -> Result<Vec<u8>, EngineError> {
    match source {
        KickstartSource::Url(url) => download::fetch(url, options),
        KickstartSource::Device(device, path) => on_device(device, path, PATIENCE),
        KickstartSource::Cdrom(Some(device), path) => {
            let named = || vec![PathBuf::from(device.path())];
            on_disc(named, |drive| on_drive(drive, path), PATIENCE)
        }
        KickstartSource::Cdrom(None, path) => {
            let skipped = medium.map(|medium| medium.device.as_path());
            let drives = || drives(Path::new("/sys/block"), skipped);
            on_disc(drives, |drive| on_drive(drive, path), PATIENCE)
        }
        KickstartSource::File(path) => read_bounded(Path::new(path), LARGEST_FILE)
            .map_err(|e| EngineError::io(format!("reading the kickstart `{path}`"), e)),
        KickstartSource::Nfs(nfs) => of_nfs(nfs),
    }
}

fn on_device(device: &Device, path: &str, patience: Duration) -> Result<Vec<u8>, EngineError> {
    match Volume::find(device, Path::new(AT), patience)? {
        Some(volume) => volume.read(path, LARGEST_FILE),
        None => Err(EngineError::Refused(format!(
            "there is no device `{device}` with the kickstart, {} s after the start",
            PATIENCE.as_secs()
        ))),
    }
}

/// As a drive is now, with a disc or without.
fn on_drive(drive: &Path, path: &str) -> Result<Vec<u8>, EngineError> {
    let device = Device::Path(drive.to_string_lossy().into_owned());
    on_device(&device, path, Duration::ZERO)
}

/// The first disc that has it, in any of the drives that there are; it may be put in meanwhile.
fn on_disc(
    drives: impl Fn() -> Vec<PathBuf>,
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, EngineError>,
    patience: Duration,
) -> Result<Vec<u8>, EngineError> {
    let began = Instant::now();
    loop {
        let mut last = "there is no drive".to_owned();
        for drive in drives() {
            match read(&drive) {
                Ok(text) if !is_blank(&text) => return Ok(text),
                Ok(_) => last = format!("the kickstart in `{}` is empty", drive.display()),
                Err(error) => last = error.chain().join(": "),
            }
        }
        if began.elapsed() >= patience {
            let seconds = patience.as_secs();
            return Err(EngineError::Refused(format!(
                "no disc has the kickstart after {seconds} s: {last}"
            )));
        }
        sleep(TICK.min(patience));
    }
}

/// The optical drives, but the one whose disc is in use.
fn drives(block: &Path, skipped: Option<&Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(block).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut drives: Vec<_> = names
        .filter(|name| name.starts_with("sr"))
        .map(|name| Path::new("/dev").join(name))
        .filter(|drive| Some(drive.as_path()) != skipped)
        .collect();
    drives.sort();
    drives
}

/// Of a volume that needs no option: the drivers' disk, `OEMDRV`.
fn of_volume(options: &BootOptions) -> Result<Option<Found>, EngineError> {
    let device = Device::Label("OEMDRV".to_owned());
    let Some(volume) = Volume::find(&device, Path::new(AT), options.wait_for_disks)? else {
        return Ok(None);
    };
    if !volume.at.join("ks.cfg").exists() {
        return Ok(None);
    }
    Ok(Some(Found {
        from: "hd:LABEL=OEMDRV:/ks.cfg".to_owned(),
        by_network: false,
        text: volume.read("/ks.cfg", LARGEST_FILE)?,
    }))
}

/// Embedded in the medium.
fn of_medium(medium: Option<&Volume>) -> Result<Option<Found>, EngineError> {
    let Some(medium) = medium.filter(|medium| medium.at.join("ks.cfg").exists()) else {
        return Ok(None);
    };
    let text = medium.read("/ks.cfg", LARGEST_FILE)?;
    Ok((!is_blank(&text)).then(|| Found {
        from: "the medium".to_owned(),
        by_network: false,
        text,
    }))
}

/// Whether it is the area for a kickstart of a medium that has none.
fn is_blank(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// From an NFS server, which is mounted for it. Of a directory the file is meant that has this machine's address in its name.
fn of_nfs(nfs: &Nfs) -> Result<Vec<u8>, EngineError> {
    machine::await_network()?;
    let (directory, name) = nfs.path.rsplit_once('/').unwrap_or(("", &nfs.path));
    let name = match (name, machine::address()) {
        ("", Some(address)) => format!("{address}-kickstart"),
        ("", None) => {
            let message =
                "this machine has no IPv4 address, which the kickstart's name begins with";
            return Err(EngineError::Refused(message.to_owned()));
        }
        _ => name.to_owned(),
    };
    let from = format!("{}:{directory}/", nfs.server);
    make_directory(Path::new(AT))?;
    Tool::Mount
        .with(["-t", "nfs", "-o", &nfs_options(nfs), &from, AT])
        .run()?;
    let text = read_bounded(&Path::new(AT).join(&name), LARGEST_FILE);
    Tool::Umount.with(["--lazy", AT]).run()?;
    text.map_err(|e| EngineError::io(format!("reading the kickstart `{name}` of `{from}`"), e))
}

/// A server that goes away is an error after a while, and not a machine that hangs (nfs(5)). Of an option the last one
/// counts: the user's.
fn nfs_options(nfs: &Nfs) -> String {
    let ours = "ro,nolock,soft,timeo=100,retrans=3,retry=1";
    if nfs.options.is_empty() {
        return ours.to_owned();
    }
    format!("{ours},{}", nfs.options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_may_be_put_in_while_it_is_waited_for() {
        let mut looks = Vec::new();
        let text = on_disc(
            || vec!["/dev/sr0".into(), "/dev/sr1".into()],
            |drive| {
                looks.push(drive.to_owned());
                match looks.len() {
                    1 => Ok(b" \n\0".to_vec()),
                    2 | 3 => Err(EngineError::Refused("no disc".to_owned())),
                    _ => Ok(b"text\n".to_vec()),
                }
            },
            PATIENCE,
        );
        assert_eq!(text.unwrap(), b"text\n");
        assert_eq!(looks.len(), 4);
    }

    #[test]
    fn a_disc_that_does_not_come_is_an_error() {
        let fails = |_: &Path| Err(EngineError::Refused("no disc in it".to_owned()));
        for (drives, blank, why) in [
            (vec![], false, "there is no drive"),
            (vec!["/dev/sr1".into()], false, "no disc in it"),
            (
                vec!["/dev/sr1".into()],
                true,
                "the kickstart in `/dev/sr1` is empty",
            ),
        ] {
            let read = |drive: &Path| {
                if blank {
                    Ok(vec![b' '; 9])
                } else {
                    fails(drive)
                }
            };
            let error = on_disc(|| drives.clone(), read, Duration::ZERO).unwrap_err();
            let told = format!("no disc has the kickstart after 0 s: {why}");
            assert_eq!(error.to_string(), told);
        }
    }

    #[test]
    fn the_drive_of_the_medium_is_passed_over() {
        let block = tempfile::tempdir().unwrap();
        for name in ["sda", "sr1", "sr0", "vdb"] {
            fs::create_dir(block.path().join(name)).unwrap();
        }
        let all = [Path::new("/dev/sr0"), Path::new("/dev/sr1")];
        assert_eq!(drives(block.path(), None), all);
        assert_eq!(drives(block.path(), Some(all[0])), all[1..]);
        assert_eq!(drives(block.path(), Some(Path::new("/dev/sda1"))), all);
        assert!(drives(&block.path().join("none"), None).is_empty());
    }

    #[test]
    fn a_server_of_nfs_that_goes_away_is_given_up_and_the_users_options_count() {
        for (value, expected) in [
            ("nfs:host:/a", "ro,nolock,soft,timeo=100,retrans=3,retry=1"),
            (
                "nfs4:hard,timeo=600:host:/a",
                "ro,nolock,soft,timeo=100,retrans=3,retry=1,vers=4,hard,timeo=600",
            ),
        ] {
            let KickstartSource::Nfs(nfs) = KickstartSource::parse(value).unwrap() else {
                panic!("not NFS");
            };
            assert_eq!(nfs_options(&nfs), expected);
        }
    }
}
