// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The targets that read documents.

use std::fs;

use super::access::{Access, Places};
use super::manifest::Document;
use super::{ImageError, ImageRef, manifest as documents, policy, registry};
use crate::targets::scratch;

/// A manifest or index and, behind a NUL, a configuration.
pub fn manifest(input: &[u8]) {
    let mut parts = input.split(|&byte| byte == 0);
    let (Some(document), config) = (parts.next(), parts.next().unwrap_or_default()) else {
        return;
    };
    let layers = match documents::parse(document, "reading") {
        Ok(Document::Index(index)) => {
            for arch in ["amd64", "arm64"] {
                let _ = documents::choose(index.manifests(), arch);
            }
            return;
        }
        Ok(Document::Image(parsed)) => {
            let _ = (documents::created(&parsed), documents::is_docker(&parsed));
            documents::layers(&parsed, "reading")
        }
        Err(error) => return shown(&error),
    };
    let count = match layers {
        Ok(layers) => {
            assert!((1..=documents::MAX_LAYERS).contains(&layers.len()));
            layers.len()
        }
        Err(error) => {
            shown(&error);
            1
        }
    };
    match documents::config(config, count, "reading") {
        Ok(facts) => assert_eq!(facts.diff_ids.len(), count),
        Err(error) => shown(&error),
    }
}

/// registries.conf, policy.json and a reference, with NULs between.
pub fn configuration(input: &[u8]) {
    let parts: Vec<_> = input.splitn(3, |&byte| byte == 0).collect();
    let [registries, policy, reference] = parts[..] else {
        return;
    };
    let dir = scratch();
    let containers = dir.path().join("etc/containers");
    fs::create_dir_all(&containers).unwrap();
    fs::write(containers.join("registries.conf"), registries).unwrap();
    fs::write(containers.join("policy.json"), policy).unwrap();
    let access = Access {
        policy: None,
        places: Places {
            root: dir.path().to_owned(),
        },
    };
    let reference = String::from_utf8_lossy(reference);
    let reference: ImageRef = match reference.parse() {
        Ok(reference) => reference,
        Err(error) => return shown(&error),
    };
    // What is printed is read as the same.
    assert_eq!(
        reference.to_string().parse::<ImageRef>().ok().as_ref(),
        Some(&reference)
    );
    if let Err(error) = policy::check(&reference, &access) {
        shown(&error);
    }
    if let ImageRef::Registry(name) = &reference
        && let Err(error) = registry::check_routes(name, &access)
    {
        shown(&error);
    }
}

/// A message is one that can be made.
pub(crate) fn shown(error: &ImageError) {
    assert!(!error.to_string().is_empty());
}
