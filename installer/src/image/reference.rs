// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where an image is: a registry, an OCI layout, or an archive.
//!
//! Takes the text of a reference; gives it parsed, and prints it in the transport form that bootc
//! uses in refs and origins (`docker://host/repo:tag`, `oci:DIR:TAG`). It deliberately does not
//! know search registries: a name without a host means something else on every machine.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use oci_spec::distribution::Reference;

use super::ImageError;

/// Transports of containers-transports(5) that are not read.
const OTHER_TRANSPORTS: [&str; 6] = [
    "containers-storage:",
    "dir:",
    "docker-daemon:",
    "ostree:",
    "sif:",
    "tarball:",
];

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageRef {
    /// In a registry: `docker://host[:port]/repository[:tag][@digest]`.
    Registry(RegistryRef),
    /// In an OCI layout directory: `oci:DIR[:TAG]`.
    Layout {
        /// The directory that holds `index.json`.
        dir: PathBuf,
        /// The value of `org.opencontainers.image.ref.name` to look for.
        tag: Option<String>,
    },
    /// In a tar archive of an OCI layout: `oci-archive:FILE[:TAG]`.
    OciArchive {
        /// The archive.
        file: PathBuf,
        /// The value of `org.opencontainers.image.ref.name` to look for.
        tag: Option<String>,
    },
    /// In an archive of `docker save` or `podman save`: `docker-archive:FILE[:NAME|:@N]`.
    DockerArchive {
        /// The archive.
        file: PathBuf,
        /// One of its names, or `@` and the place in its list from 0.
        image: Option<String>,
    },
}

/// A fully qualified name in a registry: `host[:port]/repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryRef {
    name: String,
    parsed: Reference,
}

impl RegistryRef {
    /// The name as it was given, without a transport.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn parsed(&self) -> &Reference {
        &self.parsed
    }
}

impl FromStr for RegistryRef {
    type Err = ImageError;

    fn from_str(name: &str) -> Result<Self, ImageError> {
        let refused = |reason: String| ImageError::Reference {
            text: name.to_owned(),
            reason,
        };
        if !has_host(name) {
            return Err(refused(
                "the name has no registry host, write `host/repository:tag`".to_owned(),
            ));
        }
        let parsed = name
            .parse::<Reference>()
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            parsed,
        })
    }
}

/// Docker's rule: the first component is a host if it looks like one.
fn has_host(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']))
}

impl FromStr for ImageRef {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let refused = |reason: String| ImageError::Reference {
            text: text.to_owned(),
            reason,
        };
        if let Some(other) = OTHER_TRANSPORTS.iter().find(|t| text.starts_with(**t)) {
            return Err(refused(format!(
                "`{other}` is not read; `skopeo copy` makes an `oci:` layout of it"
            )));
        }
        if let Some(rest) = text.strip_prefix("oci:") {
            let (dir, tag) = path("oci:DIR", rest).map_err(refused)?;
            return Ok(Self::Layout { dir, tag });
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            let (file, tag) = path("oci-archive:FILE", rest).map_err(refused)?;
            return Ok(Self::OciArchive { file, tag });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            let (file, image) = path("docker-archive:FILE", rest).map_err(refused)?;
            return Ok(Self::DockerArchive { file, image });
        }
        let name = text.strip_prefix("docker://").unwrap_or(text);
        match name.parse() {
            Err(ImageError::Reference { reason, .. }) => Err(refused(reason)),
            other => other.map(Self::Registry),
        }
    }
}

/// `PATH[:NAME]`; the name may itself hold colons, the path may not.
fn path(form: &str, rest: &str) -> Result<(PathBuf, Option<String>), String> {
    let (path, name) = match rest.split_once(':') {
        Some((path, name)) => (path, Some(name)),
        None => (rest, None),
    };
    if path.is_empty() || name.is_some_and(str::is_empty) {
        return Err(format!("it is written `{form}` or `{form}:NAME`"));
    }
    Ok((PathBuf::from(path), name.map(str::to_owned)))
}

impl fmt::Display for ImageRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, path, name) = match self {
            Self::Registry(registry) => return write!(out, "docker://{}", registry.name),
            Self::Layout { dir, tag } => ("oci", dir, tag),
            Self::OciArchive { file, tag } => ("oci-archive", file, tag),
            Self::DockerArchive { file, image } => ("docker-archive", file, image),
        };
        write!(out, "{transport}:{}", path.display())?;
        name.iter().try_for_each(|name| write!(out, ":{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        text.parse::<ImageRef>().unwrap_err().to_string()
    }

    #[test]
    fn registry_forms_print_as_docker_transport() {
        for (text, printed) in [
            (
                "docker://quay.io/fedora/fedora-bootc:42",
                "docker://quay.io/fedora/fedora-bootc:42",
            ),
            (
                "quay.io/fedora/fedora-bootc:42",
                "docker://quay.io/fedora/fedora-bootc:42",
            ),
            ("localhost/os", "docker://localhost/os"),
            ("127.0.0.1:5000/os:1", "docker://127.0.0.1:5000/os:1"),
            ("[::1]:5000/os", ""),
        ] {
            match text.parse::<ImageRef>() {
                Ok(parsed) => assert_eq!(parsed.to_string(), printed),
                Err(_) => assert_eq!(printed, "", "{text}"),
            }
        }
    }

    #[test]
    fn digest_reference_is_kept() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!("docker://example.org/os@{digest}");
        let ImageRef::Registry(registry) = text.parse().unwrap() else {
            panic!("{text}")
        };
        assert_eq!(registry.parsed().digest(), Some(digest.as_str()));
        assert_eq!(registry.parsed().tag(), None);
    }

    #[test]
    fn short_names_are_refused_with_the_remedy() {
        for text in ["fedora", "docker://fedora:42", "library/fedora", ""] {
            let reason = reason(text);
            assert!(reason.contains("no registry host"), "{reason}");
            assert!(reason.contains(&format!("`{text}`")), "{reason}");
        }
    }

    #[test]
    fn layouts() {
        let layout = |dir: &str, tag: Option<&str>| ImageRef::Layout {
            dir: dir.into(),
            tag: tag.map(str::to_owned),
        };
        assert_eq!(
            "oci:/a/b".parse::<ImageRef>().unwrap(),
            layout("/a/b", None)
        );
        let full = "oci:/a:example.org:5000/os:1";
        assert_eq!(
            full.parse::<ImageRef>().unwrap(),
            layout("/a", Some("example.org:5000/os:1"))
        );
        assert_eq!(full.parse::<ImageRef>().unwrap().to_string(), full);
        for text in [
            "oci-archive:/a.tar",
            "docker-archive:/a.tar:@1",
            "oci-archive:a:b:c",
        ] {
            assert_eq!(text.parse::<ImageRef>().unwrap().to_string(), text);
        }
        assert!(reason("docker-archive:").contains("docker-archive:FILE"));
        assert!(reason("oci:").contains("oci:DIR"));
        assert!(reason("oci:/a:").contains("oci:DIR"));
    }

    #[test]
    fn transports_that_are_not_read_are_named_with_the_remedy() {
        for text in [
            "containers-storage:localhost/os:1",
            "dir:/a",
            "docker-daemon:a:b",
        ] {
            let reason = reason(text);
            assert!(reason.contains("`skopeo copy`"), "{reason}");
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in [
            "example.org/UPPER",
            "example.org/a:b:c",
            "example.org/",
            "example.org/a@sha256:12",
        ] {
            assert!(text.parse::<ImageRef>().is_err(), "{text}");
        }
    }
}
