// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where an image is: a registry or an OCI layout directory.
//!
//! Takes the text of a reference; gives it parsed, and prints it in the transport form that bootc
//! uses in refs and origins (`docker://host/repo:tag`, `oci:DIR:TAG`). It deliberately does not
//! know search registries: a name without a host means something else on every machine.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use oci_client::Reference;

use super::ImageError;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        if let Some(rest) = text.strip_prefix("oci:") {
            return layout(text, rest);
        }
        let name = text.strip_prefix("docker://").unwrap_or(text);
        match name.parse() {
            Ok(registry) => Ok(Self::Registry(registry)),
            Err(ImageError::Reference { reason, .. }) => Err(ImageError::Reference {
                text: text.to_owned(),
                reason,
            }),
            Err(other) => Err(other),
        }
    }
}

/// `DIR[:TAG]`; the tag may itself hold colons, the directory may not.
fn layout(text: &str, rest: &str) -> Result<ImageRef, ImageError> {
    let (dir, tag) = match rest.split_once(':') {
        Some((dir, tag)) => (dir, Some(tag)),
        None => (rest, None),
    };
    if dir.is_empty() || tag.is_some_and(str::is_empty) {
        let reason = "an OCI layout is written `oci:DIR` or `oci:DIR:TAG`".to_owned();
        return Err(ImageError::Reference {
            text: text.to_owned(),
            reason,
        });
    }
    Ok(ImageRef::Layout {
        dir: PathBuf::from(dir),
        tag: tag.map(str::to_owned),
    })
}

impl fmt::Display for ImageRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(registry) => write!(out, "docker://{}", registry.name),
            Self::Layout { dir, tag: None } => write!(out, "oci:{}", dir.display()),
            Self::Layout {
                dir,
                tag: Some(tag),
            } => write!(out, "oci:{}:{tag}", dir.display()),
        }
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
        assert!(reason("oci:").contains("oci:DIR"));
        assert!(reason("oci:/a:").contains("oci:DIR"));
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
