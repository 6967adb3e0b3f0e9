// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `registries.conf` and `registries.conf.d`, version 2: where the content of a name is asked for.
//!
//! Takes a reference; gives the places to ask, mirrors first, the name's own (perhaps remapped) place last,
//! as containers-registries.conf(5) says. What the file says about names without a registry is not used.

use std::path::{Path, PathBuf};

use oci_spec::distribution::Reference;
use serde::Deserialize;

use super::super::access::{Access, Places};
use super::super::file::{list, read_bounded, read_named};
use super::super::{ImageError, RegistryRef};

/// The longest file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// One place to ask for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The name there.
    pub(super) reference: Reference,
    /// Certificates are not verified, and http will do.
    pub(super) insecure: bool,
    /// It stands in for the registry of the name.
    pub(super) mirror: bool,
}

/// Where to ask for the image, in order: never empty.
pub(super) fn routes(name: &RegistryRef, access: &Access) -> Result<Vec<Route>, ImageError> {
    let reference = without_tag_beside_digest(name.parsed());
    let whole = reference.whole();
    let tables = load(&access.places)?;
    let matching = tables.iter().filter_map(|table| {
        let covered = matched(&whole, table.prefix())?;
        Some((covered, table))
    });
    let Some((covered, table)) = matching.max_by_key(|(_, table)| table.rank()) else {
        return Ok(vec![Route {
            reference,
            insecure: false,
            mirror: false,
        }]);
    };
    if table.blocked {
        return Err(ImageError::Forbidden {
            reference: format!("docker://{}", name.name()),
            file: table.file.display().to_string(),
            reason: format!("the registry `{}` is blocked", shown(table.prefix())),
        });
    }
    table.routes(&reference, &whole[covered..])
}

/// A digest says all; registries know no name with both.
fn without_tag_beside_digest(reference: &Reference) -> Reference {
    match reference.digest() {
        Some(digest) => reference.clone_with_digest(digest.to_owned()),
        None => reference.clone(),
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    registry: Vec<Table>,
    /// The deprecated version 1.
    registries: Option<toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    prefix: Option<String>,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<Mirror>,
    #[serde(skip)]
    file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(rename = "pull-from-mirror")]
    pull: Option<Pull>,
}

/// Which references a mirror is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pull {
    #[serde(alias = "")]
    All,
    DigestOnly,
    TagOnly,
}

impl Table {
    fn prefix(&self) -> &str {
        let given = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        given.unwrap_or(&self.location)
    }

    /// The longest prefix counts, whatever a wildcard covers; of two of one length, the one without.
    fn rank(&self) -> (usize, bool) {
        let prefix = self.prefix();
        (prefix.len(), !prefix.starts_with('*'))
    }

    /// Brings locations into one form; gives what is wrong with the table.
    fn settle(&mut self, file: &Path) -> Result<(), String> {
        file.clone_into(&mut self.file);
        if let Some(prefix) = &mut self.prefix {
            *prefix = location(prefix)?;
        }
        self.location = location(&self.location)?;
        let prefix = self.prefix();
        if prefix.is_empty() {
            return Err("a [[registry]] has neither a prefix nor a location".to_owned());
        }
        if let Some(domain) = prefix.strip_prefix("*.") {
            if domain.is_empty() || domain.contains(['/', ':', '*', '@']) {
                let prefix = shown(prefix);
                return Err(format!("the prefix `{prefix}` is not `*.` and a domain"));
            }
        } else if prefix.contains('*') {
            let prefix = shown(prefix);
            return Err(format!("`*` stands elsewhere than first in `{prefix}`"));
        } else if self.location.is_empty() {
            let prefix = shown(prefix);
            return Err(format!("the prefix `{prefix}` has no location"));
        }
        for mirror in &mut self.mirror {
            mirror.location = location(&mirror.location)?;
            if mirror.location.is_empty() {
                return Err("a [[registry.mirror]] has an empty location".to_owned());
            }
            if self.mirror_by_digest_only && mirror.pull.is_some() {
                let location = shown(&mirror.location);
                return Err(format!(
                    "`pull-from-mirror` of `{location}` contradicts `mirror-by-digest-only`"
                ));
            }
        }
        Ok(())
    }

    /// The places for a reference of which `rest` follows the prefix.
    fn routes(&self, reference: &Reference, rest: &str) -> Result<Vec<Route>, ImageError> {
        let rewritten = |location: &str| {
            if location.is_empty() {
                return Ok(reference.clone());
            }
            let text = format!("{location}{rest}");
            text.parse::<RegistryRef>()
                .map(|parsed| parsed.parsed().clone())
                .map_err(|_| {
                    let text = shown(&text);
                    let reason = format!("it leads to `{text}`, which is no name in a registry");
                    ImageError::configuration(&self.file, reason)
                })
        };
        let by_digest = reference.digest().is_some();
        let mut routes = Vec::new();
        for mirror in self.mirror.iter().filter(|m| self.may(m, by_digest)) {
            routes.push(Route {
                reference: rewritten(&mirror.location)?,
                insecure: mirror.insecure,
                mirror: true,
            });
        }
        routes.push(Route {
            reference: rewritten(&self.location)?,
            insecure: self.insecure,
            mirror: false,
        });
        Ok(routes)
    }

    fn may(&self, mirror: &Mirror, by_digest: bool) -> bool {
        match mirror.pull {
            Some(Pull::DigestOnly) => by_digest,
            Some(Pull::TagOnly) => !by_digest,
            Some(Pull::All) | None => by_digest || !self.mirror_by_digest_only,
        }
    }
}

/// A location without a slash at its end.
fn location(text: &str) -> Result<String, String> {
    if let Some((_, address)) = text.split_once("://") {
        let host = shown(address);
        return Err(format!("`{host}` must be without `http://` or `https://`"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// What of a location may be told: a login may stand before the host, and have a slash in it. A digest may stand at the
/// end.
fn shown(location: &str) -> &str {
    let mut ats = location
        .rmatch_indices('@')
        .map(|(at, _)| &location[at + 1..]);
    ats.find(|rest| !rest.starts_with("sha256:"))
        .unwrap_or(location)
}

/// How much of the name the prefix covers, if it does.
fn matched(name: &str, prefix: &str) -> Option<usize> {
    let end = match prefix.strip_prefix('*') {
        None => name.starts_with(prefix).then_some(prefix.len())?,
        Some(domain) => {
            let host = name.split('/').next().unwrap_or_default();
            let host = host.split(':').next().unwrap_or_default();
            (host.len() > domain.len() && host.ends_with(domain)).then_some(host.len())?
        }
    };
    let next = name[end..].chars().next();
    next.is_none_or(|next| matches!(next, ':' | '/' | '@'))
        .then_some(end)
}

/// The text of a file that can be used, for one that is copied into the target.
pub(in super::super) fn check(file: &Path) -> Result<Vec<u8>, ImageError> {
    let text = read_named(file, MAX_FILE)?;
    parse(file, &text)?;
    Ok(text)
}

/// All tables; a later one of the same prefix replaces the earlier.
fn load(places: &Places) -> Result<Vec<Table>, ImageError> {
    let mut tables: Vec<Table> = Vec::new();
    for (file, text) in files(places)? {
        for table in parse(&file, &text)? {
            tables.retain(|earlier| earlier.prefix() != table.prefix());
            tables.push(table);
        }
    }
    Ok(tables)
}

fn parse(file: &Path, text: &[u8]) -> Result<Vec<Table>, ImageError> {
    let refused = |reason: String| ImageError::configuration(file, reason);
    let text = std::str::from_utf8(text).map_err(|_| refused("it is not UTF-8".to_owned()))?;
    let document: Document = toml::from_str(text).map_err(|e| refused(unquoted(&e, text)))?;
    if document.registries.is_some() {
        return Err(refused(
            "it is of version 1 ([registries]), which is not supported; write [[registry]] tables"
                .to_owned(),
        ));
    }
    let mut tables = document.registry;
    for table in &mut tables {
        table.settle(file).map_err(refused)?;
    }
    Ok(tables)
}

/// What the parser says without the line and the values it quotes: a file given by mistake may hold a login.
fn unquoted(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let message = error.message();
    let of_value = ["invalid type", "invalid value", "unknown variant"];
    let message = match message.rfind(", expected ") {
        Some(at) if of_value.iter().any(|kind| message.starts_with(kind)) => {
            &message[at + ", ".len()..]
        }
        _ => message,
    };
    format!("line {line}, column {column}: {message}")
}

/// The main file and the drop-ins, in the order in which they are read.
fn files(places: &Places) -> Result<Vec<(PathBuf, Vec<u8>)>, ImageError> {
    const MAIN: &str = "containers/registries.conf";
    const MORE: &str = "containers/registries.conf.d";
    let system = |path: &str| places.system("etc").join(path);
    let mut files = Vec::new();
    let mut directories = vec![system(MORE)];
    directories.extend(places.config(MORE));
    let user = places.config(MAIN);
    let of_user = user.map_or(Ok(None), |file| {
        read_bounded(&file, MAX_FILE).map(|text| text.map(|text| (file, text)))
    })?;
    if let Some(file) = places.variable("CONTAINERS_REGISTRIES_CONF") {
        files.push((file.to_owned(), read_named(file, MAX_FILE)?));
    } else if let Some(found) = of_user {
        files.push(found);
        directories.remove(0);
    } else if let Some(text) = read_bounded(&system(MAIN), MAX_FILE)? {
        files.push((system(MAIN), text));
    }
    for directory in directories {
        for file in list(&directory, "conf")? {
            if let Some(text) = read_bounded(&file, MAX_FILE)? {
                files.push((file, text));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
