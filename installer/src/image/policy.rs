// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `policy.json`, containers-policy.json(5): may this image be installed?
//!
//! Takes the reference as the user gave it, before mirrors; gives an error that names the file and
//! the rule if the image is rejected, or if a signature is demanded: Landfall verifies none. A
//! machine without the file accepts every image.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::access::Access;
use super::file::{read_bounded, read_named};
use super::{ImageError, ImageRef};

/// The longest policy, in bytes.
const MAX_POLICY: u64 = 1024 * 1024;

/// Refuses the image if the policy does.
pub(super) fn check(reference: &ImageRef, access: &Access) -> Result<(), ImageError> {
    let Some((file, text)) = find(access)? else {
        return Ok(());
    };
    let policy: Policy = serde_json::from_slice(&text)
        .map_err(|e| ImageError::configuration(&file, e.to_string()))?;
    policy
        .validate()
        .map_err(|reason| ImageError::configuration(&file, reason))?;
    match policy.judge(reference) {
        None => Ok(()),
        Some(reason) => Err(ImageError::Forbidden {
            reference: reference.to_string(),
            file: file.display().to_string(),
            reason,
        }),
    }
}

/// The policy that counts: the one that was named, which must be there, or the first that is.
fn find(access: &Access) -> Result<Option<(PathBuf, Vec<u8>)>, ImageError> {
    let places = &access.places;
    let variable = places.variable("CONTAINERS_POLICY_JSON");
    if let Some(file) = access.policy.as_deref().or(variable) {
        return Ok(Some((file.to_owned(), read_named(file, MAX_POLICY)?)));
    }
    let machine = [
        places.config("containers/policy.json"),
        Some(places.system("etc/containers/policy.json")),
        Some(places.system("usr/share/containers/policy.json")),
    ];
    for file in machine.into_iter().flatten() {
        if let Some(text) = read_bounded(&file, MAX_POLICY)? {
            return Ok(Some((file, text)));
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    default: Requirements,
    #[serde(default)]
    transports: Unique<Unique<Requirements>>,
}

type Requirements = Vec<Unique<Value>>;

impl Policy {
    /// Whether every requirement is one that the manual page knows, applied or not.
    fn validate(&self) -> Result<(), String> {
        let scopes = self.transports.0.values().flat_map(|t| t.0.values());
        for requirements in scopes.chain([&self.default]) {
            if requirements.is_empty() {
                return Err("a scope has no requirement".to_owned());
            }
            requirements.iter().try_for_each(known)?;
        }
        Ok(())
    }

    /// Why the image is kept out, if it is.
    fn judge(&self, reference: &ImageRef) -> Option<String> {
        let (rule, requirements) = self.rule(reference);
        requirements.iter().map(kind).find_map(|kind| match kind {
            "insecureAcceptAnything" => None,
            "reject" => Some(format!("{rule} rejects it")),
            other => Some(format!(
                "{rule} demands a signature (`{other}`), and Landfall cannot verify signatures"
            )),
        })
    }

    /// The most specific rule for the image, and what it is called.
    fn rule(&self, reference: &ImageRef) -> (String, &Requirements) {
        let (transport, scopes) = scopes(reference);
        let rules = self.transports.0.get(transport);
        for scope in scopes {
            if let Some(found) = rules.and_then(|rules| rules.0.get(&scope)) {
                return (
                    format!("the scope `{scope}` of the transport `{transport}`"),
                    found,
                );
            }
        }
        match rules.and_then(|rules| rules.0.get("")) {
            Some(found) => (format!("the default of the transport `{transport}`"), found),
            None => ("the default".to_owned(), &self.default),
        }
    }
}

fn kind(requirement: &Unique<Value>) -> &str {
    let kind = requirement.0.get("type").and_then(Value::as_str);
    kind.unwrap_or_default()
}

fn known(requirement: &Unique<Value>) -> Result<(), String> {
    match kind(requirement) {
        "insecureAcceptAnything" | "reject" if requirement.0.len() > 1 => Err(format!(
            "the requirement `{}` has further fields",
            kind(requirement)
        )),
        "insecureAcceptAnything" | "reject" | "signedBy" | "sigstoreSigned" => Ok(()),
        other => Err(format!("the requirement `{other}` is unknown")),
    }
}

/// The transport of a reference and its scopes, the most specific first.
fn scopes(reference: &ImageRef) -> (&'static str, Vec<String>) {
    match reference {
        ImageRef::Registry(name) => {
            let parsed = name.parsed();
            let repository = format!("{}/{}", parsed.registry(), parsed.repository());
            let mut scopes = vec![match parsed.digest() {
                Some(digest) => format!("{repository}@{digest}"),
                None => format!("{repository}:{}", parsed.tag().unwrap_or("latest")),
            }];
            scopes.extend(ancestors(&repository));
            scopes.extend(wildcards(parsed.registry()));
            ("docker", scopes)
        }
        ImageRef::Layout { dir, tag } => ("oci", path_scopes(dir, tag.as_deref())),
        ImageRef::OciArchive { file, tag } => ("oci-archive", path_scopes(file, tag.as_deref())),
        // Without scopes, as skopeo has it.
        ImageRef::DockerArchive { .. } => ("docker-archive", Vec::new()),
    }
}

/// `a/b/c`, `a/b`, `a`.
fn ancestors(name: &str) -> Vec<String> {
    let cuts = name.match_indices('/').map(|(at, _)| at);
    let mut ends: Vec<usize> = cuts.filter(|at| *at > 0).chain([name.len()]).collect();
    ends.reverse();
    ends.into_iter().map(|end| name[..end].to_owned()).collect()
}

/// `*.b.c`, `*.c` for `a.b.c:5000`.
fn wildcards(registry: &str) -> Vec<String> {
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    let dots = host.match_indices('.');
    dots.map(|(at, _)| format!("*{}", &host[at..])).collect()
}

/// The path without symbolic links with its name, the path, and what is above it, but not `/`.
fn path_scopes(path: &Path, tag: Option<&str>) -> Vec<String> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let real = real.display().to_string();
    let mut scopes = vec![format!("{real}:{}", tag.unwrap_or_default())];
    scopes.extend(ancestors(&real));
    scopes
}

/// A JSON object in which no key stands twice.
struct Unique<V>(BTreeMap<String, V>);

impl<V> Default for Unique<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Unique<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, V>()? {
                    if entries.contains_key(&key) {
                        return Err(A::Error::custom(format!("`{key}` stands twice")));
                    }
                    entries.insert(key, value);
                }
                Ok(Unique(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}
