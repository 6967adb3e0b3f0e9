// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a kickstart is, as `inst.ks=` says it. Pure.
//!
//! The forms are Anaconda's (`dracut/parse-anaconda-kickstart.sh`, `kickstart-genrules.sh`).

use std::fmt;

use kickstart_parser::Secret;

/// The kickstart of a device that names none.
const DEFAULT_PATH: &str = "/ks.cfg";

/// A place of a kickstart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KickstartSource {
    /// An address, `http`, `https` or `ftp`; it may have a password in it.
    Url(Secret),
    /// A file on a file system.
    Device(Device, String),
    /// A file on a disc: of this device, or of any drive.
    Cdrom(Option<Device>, String),
    /// A file of the installer environment.
    File(String),
    /// A file of an NFS server.
    Nfs(Nfs),
}

/// How a block device is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// By its path.
    Path(String),
    /// By its file system's label, with `\x20` for a space as udev writes it.
    Label(String),
    /// By its file system's UUID.
    Uuid(String),
}

/// A file of an NFS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nfs {
    /// Mount options, separated by commas.
    pub options: String,
    /// Name or address; an IPv6 address is in brackets.
    pub server: String,
    /// Absolute path; one that ends in `/` is a directory of kickstarts by address.
    pub path: String,
}

impl KickstartSource {
    /// What the value of `inst.ks=` means.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(value: &str) -> Result<Self, String> {
        let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
        match kind {
            "http" | "https" | "ftp" if rest.starts_with("//") => Ok(Self::Url(Secret::new(value))),
            "hd" => match rest.split_once(':').unwrap_or((rest, "")) {
                ("", _) => Err("it names no device".to_owned()),
                (device, path) => Ok(Self::Device(Device::parse(device), path_or_default(path))),
            },
            "cdrom" => Ok(match rest.split_once(':') {
                Some((device, path)) => {
                    Self::Cdrom(Some(Device::parse(device)), path_or_default(path))
                }
                None => Self::Cdrom(None, path_or_default(rest)),
            }),
            "file" | "path" if rest.starts_with('/') => Ok(Self::File(rest.to_owned())),
            "file" | "path" => Err("its path does not begin with `/`".to_owned()),
            "nfs" | "nfs4" => Nfs::parse(kind, rest).map(Self::Nfs),
            _ => Err(
                "it is no place that is known: http, https, ftp, nfs, hd, cdrom, file".to_owned(),
            ),
        }
    }

    /// Whether it is reached through the network.
    pub fn needs_network(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Nfs(_))
    }

    /// The address, if it is one: of these several are tried with `inst.ks.all`.
    pub fn url(&self) -> Option<&Secret> {
        match self {
            Self::Url(url) => Some(url),
            _ => None,
        }
    }
}

fn path_or_default(path: &str) -> String {
    match path {
        "" => DEFAULT_PATH.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        _ => format!("/{path}"),
    }
}

impl Device {
    /// `LABEL=`, `CDLABEL=`, `UUID=`, a path, or a name below `/dev`.
    pub fn parse(text: &str) -> Self {
        let label = text
            .strip_prefix("LABEL=")
            .or(text.strip_prefix("CDLABEL="));
        match (label, text.strip_prefix("UUID=")) {
            (Some(label), _) => Self::Label(label.to_owned()),
            (None, Some(uuid)) => Self::Uuid(uuid.to_owned()),
            (None, None) if text.starts_with("/dev/") => Self::Path(text.to_owned()),
            (None, None) => Self::Path(format!("/dev/{text}")),
        }
    }

    /// Where udev has it.
    pub fn path(&self) -> String {
        match self {
            Self::Path(path) => path.clone(),
            Self::Label(label) => format!("/dev/disk/by-label/{label}"),
            Self::Uuid(uuid) => format!("/dev/disk/by-uuid/{uuid}"),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Label(label) => write!(f, "LABEL={label}"),
            Self::Uuid(uuid) => write!(f, "UUID={uuid}"),
        }
    }
}

impl Nfs {
    /// `[OPTIONS:]SERVER:/PATH`, or `//SERVER/PATH`.
    fn parse(kind: &str, rest: &str) -> Result<Self, String> {
        let version = if kind == "nfs4" { "vers=4" } else { "" };
        if let Some(rest) = rest.strip_prefix("//") {
            let (server, path) = rest
                .split_once('/')
                .ok_or_else(|| "it has no path".to_owned())?;
            return Ok(Self {
                options: version.to_owned(),
                server: server.trim_end_matches(':').to_owned(),
                path: format!("/{path}"),
            });
        }
        let (before, path) = rest
            .split_once(":/")
            .ok_or_else(|| "it has no path: `nfs:SERVER:/PATH`".to_owned())?;
        let (options, server) = match before.rsplit_once(':') {
            // An IPv6 address has colons of its own, and brackets.
            Some(_) if before.starts_with('[') => ("", before),
            Some(_) if before.ends_with(']') => before
                .split_once(":[")
                .map_or(("", before), |(options, _)| {
                    (options, &before[options.len() + 1..])
                }),
            Some((options, server)) => (options, server),
            None => ("", before),
        };
        if server.is_empty() {
            return Err("it names no server".to_owned());
        }
        let parts = [version, options];
        let options = parts.into_iter().filter(|part| !part.is_empty());
        Ok(Self {
            options: options.collect::<Vec<_>>().join(","),
            server: server.to_owned(),
            path: format!("/{path}"),
        })
    }
}

impl fmt::Display for KickstartSource {
    /// As it was written; of an address no more than where it leads to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(&kickstart_parser::hidden(url.expose())),
            Self::Device(device, path) => write!(f, "hd:{device}:{path}"),
            Self::Cdrom(Some(device), path) => write!(f, "cdrom:{device}:{path}"),
            Self::Cdrom(None, path) => write!(f, "cdrom:{path}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Nfs(nfs) => write!(f, "nfs:{}:{}", nfs.server, nfs.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        match KickstartSource::parse(value) {
            Ok(source) => source.to_string(),
            Err(why) => format!("error: {why}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        for (value, expected) in [
            ("http://host/a.ks", "http://host/a.ks"),
            ("ftp://host/a.ks", "ftp://host/a.ks"),
            ("hd:LABEL=KS", "hd:LABEL=KS:/ks.cfg"),
            ("hd:sda1:a/b.ks", "hd:/dev/sda1:/a/b.ks"),
            ("hd:/dev/vdb:/b.ks", "hd:/dev/vdb:/b.ks"),
            ("hd:UUID=1-2:/b.ks", "hd:UUID=1-2:/b.ks"),
            ("hd:CDLABEL=A\\x20B:/b.ks", "hd:LABEL=A\\x20B:/b.ks"),
            ("cdrom", "cdrom:/ks.cfg"),
            ("cdrom:/b.ks", "cdrom:/b.ks"),
            ("cdrom:sr1:/b.ks", "cdrom:/dev/sr1:/b.ks"),
            ("file:/b.ks", "file:/b.ks"),
            ("path:/b.ks", "file:/b.ks"),
            ("nfs:host:/a/b.ks", "nfs:host:/a/b.ks"),
            ("nfs://host/a/b.ks", "nfs:host:/a/b.ks"),
            (
                "nfs:nolock,vers=4.2:[fe80::1]:/a/b.ks",
                "nfs:[fe80::1]:/a/b.ks",
            ),
        ] {
            assert_eq!(shown(value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_place_is_said() {
        for (value, why) in [
            (
                "host/a.ks",
                "it is no place that is known: http, https, ftp, nfs, hd, cdrom, file",
            ),
            (
                "http:/host/a.ks",
                "it is no place that is known: http, https, ftp, nfs, hd, cdrom, file",
            ),
            ("hd:", "it names no device"),
            ("hd::/ks.cfg", "it names no device"),
            ("file:ks.cfg", "its path does not begin with `/`"),
            ("nfs:host", "it has no path: `nfs:SERVER:/PATH`"),
            ("nfs::/a", "it names no server"),
        ] {
            assert_eq!(shown(value), format!("error: {why}"), "{value}");
        }
    }

    #[test]
    fn nfs_has_options_and_a_version() {
        let KickstartSource::Nfs(nfs) = KickstartSource::parse("nfs4:ro,nolock:host:/a").unwrap()
        else {
            panic!("not NFS");
        };
        assert_eq!((&*nfs.options, &*nfs.server), ("vers=4,ro,nolock", "host"));
    }

    #[test]
    fn a_password_in_an_address_is_never_shown() {
        let source = KickstartSource::parse("https://user:hunter2@host/a.ks").unwrap();
        assert!(!format!("{source} {source:?}").contains("hunter2"));
    }
}
