// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kickstart of this machine, wherever it is.
//!
//! Takes what the kernel's command line says; gives the text, and where it came from. As in Anaconda, what is asked for and
//! not found is an error: nothing else is taken in its place.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use kickstart_parser::{LARGEST_FILE, Secret};
use reqwest::blocking::Client;

use super::machine;
use super::volume::{Volume, read_bounded};
use super::{BootOptions, Device, KickstartOption, KickstartSource, Nfs};
use crate::engine::error::EngineError;
use crate::engine::mount::make_directory;
use crate::engine::tool::Tool;

/// How long devices that are asked for are waited for, and one answer of a server.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tries of each address, and the time between them.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(3);
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
        KickstartOption::At(sources) => first(sources, options).map(Some),
        KickstartOption::Absent => match of_volume(options)? {
            Some(found) => Ok(Some(found)),
            None => of_medium(medium),
        },
    }
}

/// The first that is there; if none is, why the last one is not.
fn first(sources: &[KickstartSource], options: &BootOptions) -> Result<Found, EngineError> {
    let mut failed = None;
    for source in sources {
        match fetch(source, options) {
            Ok(text) => {
                let by_network =
                    matches!(source, KickstartSource::Url(_) | KickstartSource::Nfs(_));
                return Ok(Found {
                    from: source.to_string(),
                    by_network,
                    text,
                });
            }
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| EngineError::Refused("no kickstart is named".to_owned())))
}

fn fetch(source: &KickstartSource, options: &BootOptions) -> Result<Vec<u8>, EngineError> {
    match source {
        KickstartSource::Url(url) if url.expose().starts_with("ftp://") => of_ftp(url),
        KickstartSource::Url(url) => download(url, options),
        KickstartSource::Device(device, path) => on_device(device, path),
        KickstartSource::Cdrom(device, path) => {
            let first = Device::Path("/dev/cdrom".to_owned());
            on_device(device.as_ref().unwrap_or(&first), path)
        }
        KickstartSource::File(path) => read_bounded(Path::new(path), LARGEST_FILE)
            .map_err(|e| EngineError::io(format!("reading the kickstart `{path}`"), e)),
        KickstartSource::Nfs(nfs) => of_nfs(nfs),
    }
}

fn on_device(device: &Device, path: &str) -> Result<Vec<u8>, EngineError> {
    match Volume::find(device, Path::new(AT), PATIENCE)? {
        Some(volume) => volume.read(path, LARGEST_FILE),
        None => Err(EngineError::Refused(format!(
            "there is no device `{device}` with the kickstart, {} s after the start",
            PATIENCE.as_secs()
        ))),
    }
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

/// Embedded in the medium. The area for it is there without one, too.
fn of_medium(medium: Option<&Volume>) -> Result<Option<Found>, EngineError> {
    let Some(medium) = medium.filter(|medium| medium.at.join("ks.cfg").exists()) else {
        return Ok(None);
    };
    let text = medium.read("/ks.cfg", LARGEST_FILE)?;
    let is_blank = text
        .iter()
        .all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    Ok((!is_blank).then(|| Found {
        from: "the medium".to_owned(),
        by_network: false,
        text,
    }))
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
    let mut options = "ro,nolock".to_owned();
    if !nfs.options.is_empty() {
        options = format!("{options},{}", nfs.options);
    }
    make_directory(Path::new(AT))?;
    Tool::Mount
        .with(["-t", "nfs", "-o", &options, &from, AT])
        .run()?;
    let text = read_bounded(&Path::new(AT).join(&name), LARGEST_FILE);
    Tool::Umount.with(["--lazy", AT]).run()?;
    text.map_err(|e| EngineError::io(format!("reading the kickstart `{name}` of `{from}`"), e))
}

/// By FTP, which is curl's. The address may have a password: it is no argument.
fn of_ftp(url: &Secret) -> Result<Vec<u8>, EngineError> {
    machine::await_network()?;
    Tool::require(&[Tool::Curl])?;
    let address: String = url
        .expose()
        .chars()
        .filter(|c| !c.is_control() && *c != '"')
        .collect();
    let seconds = PATIENCE.as_secs().to_string();
    let size = LARGEST_FILE.to_string();
    let fixed = [
        "--fail",
        "--silent",
        "--show-error",
        "--retry",
        "3",
        "--config",
        "-",
    ];
    let bounds = ["--max-time", &seconds, "--max-filesize", &size];
    let text = Tool::Curl
        .with(fixed.into_iter().chain(bounds))
        .feed(format!("url = \"{address}\"\n").as_bytes())?;
    Ok(text.into_bytes())
}

/// By http and https, with the headers that Anaconda sends.
fn download(url: &Secret, options: &BootOptions) -> Result<Vec<u8>, EngineError> {
    let shown = kickstart_parser::hidden(url.expose()).into_owned();
    let context = || format!("fetching the kickstart `{shown}`");
    machine::await_network()?;
    let client = client(options).map_err(|e| EngineError::io(context(), failure(e)))?;
    let mut failed = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        let mut request = client.get(url.expose());
        for (name, value) in machine::headers(options) {
            request = request.header(name, value);
        }
        match request
            .send()
            .and_then(reqwest::blocking::Response::error_for_status)
        {
            Ok(response) => {
                let mut body = Vec::new();
                let read = response
                    .take(LARGEST_FILE as u64 + 1)
                    .read_to_end(&mut body);
                read.map_err(|e| EngineError::io(context(), e))?;
                if body.len() <= LARGEST_FILE {
                    return Ok(body);
                }
                let message = format!("it has more than {} MiB", LARGEST_FILE >> 20);
                return Err(EngineError::io(context(), std::io::Error::other(message)));
            }
            Err(error) => failed = Some(failure(error)),
        }
    }
    let cause = failed.unwrap_or_else(|| std::io::Error::other("it was not tried"));
    Err(EngineError::io(context(), cause))
}

fn client(options: &BootOptions) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        .tls_danger_accept_invalid_certs(!options.verify_tls);
    if let Some(proxy) = &options.proxy {
        let proxy = proxy.expose();
        let full = if proxy.contains("://") {
            proxy.to_owned()
        } else {
            format!("http://{proxy}")
        };
        builder = builder.proxy(reqwest::Proxy::all(full)?);
    }
    builder.build()
}

/// The innermost cause, without the address, which may have a password.
fn failure(error: reqwest::Error) -> std::io::Error {
    if let Some(status) = error.status() {
        return std::io::Error::other(format!("the server answers {status}"));
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    std::io::Error::other(cause.to_string())
}
