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
        let length = matched(&whole, table.prefix())?;
        Some((length, table))
    });
    let Some((length, table)) = matching.max_by_key(|(length, _)| *length) else {
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
            reason: format!("the registry `{}` is blocked", table.prefix()),
        });
    }
    table.routes(&reference, &whole[length..])
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
    pull_from_mirror: Option<Pull>,
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
                return Err(format!("the prefix `{prefix}` is not `*.` and a domain"));
            }
        } else if prefix.contains('*') {
            return Err(format!("`*` stands elsewhere than first in `{prefix}`"));
        } else if self.location.is_empty() {
            return Err(format!("the prefix `{prefix}` has no location"));
        }
        for mirror in &mut self.mirror {
            mirror.location = location(&mirror.location)?;
            if mirror.location.is_empty() {
                return Err("a [[registry.mirror]] has an empty location".to_owned());
            }
            if self.mirror_by_digest_only && mirror.pull_from_mirror.is_some() {
                let location = &mirror.location;
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
        match mirror.pull_from_mirror {
            Some(Pull::DigestOnly) => by_digest,
            Some(Pull::TagOnly) => !by_digest,
            Some(Pull::All) | None => by_digest || !self.mirror_by_digest_only,
        }
    }
}

/// A location without a slash at its end.
fn location(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err(format!("`{text}` must be without `http://` or `https://`"));
    }
    Ok(text.trim_end_matches('/').to_owned())
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
    let document: Document =
        toml::from_str(text).map_err(|e| refused(e.to_string().trim().replace('\n', " ")))?;
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
mod tests {
    use std::fs;

    use super::*;

    /// A machine with these files below `etc/containers`.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Access) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("etc/containers").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let access = Access {
            places: Places::below(root.path()),
            ..Access::default()
        };
        (root, access)
    }

    /// The places in short: `+` mirror, `!` insecure.
    fn asked(name: &str, access: &Access) -> Result<Vec<String>, String> {
        let routes = routes(&name.parse().unwrap(), access).map_err(|e| e.to_string())?;
        let short = |route: Route| {
            let mirror = if route.mirror { "+" } else { "" };
            let insecure = if route.insecure { "!" } else { "" };
            format!("{mirror}{insecure}{}", route.reference)
        };
        Ok(routes.into_iter().map(short).collect())
    }

    fn with(text: &str, name: &str) -> Result<Vec<String>, String> {
        let (_root, access) = machine(&[("registries.conf", text)]);
        asked(name, &access)
    }

    #[test]
    fn the_example_of_the_manual_page() {
        let text = r#"
            unqualified-search-registries = ["example.com"]
            [[registry]]
            prefix = "example.com/foo"
            insecure = false
            blocked = false
            location = "internal.example.net/bar"
            [[registry.mirror]]
            location = "mirror-0.local/mirror-for-foo"
            [[registry.mirror]]
            location = "mirror-1.local/mirrors/foo/"
            insecure = true
            [[registry]]
            location = "registry.com"
            [[registry.mirror]]
            location = "mirror.registry.com"
        "#;
        assert_eq!(
            with(text, "example.com/foo/image:1").unwrap(),
            [
                "+mirror-0.local/mirror-for-foo/image:1",
                "+!mirror-1.local/mirrors/foo/image:1",
                "internal.example.net/bar/image:1"
            ]
        );
        assert_eq!(
            with(text, "registry.com/image").unwrap(),
            [
                "+mirror.registry.com/image:latest",
                "registry.com/image:latest"
            ]
        );
        assert_eq!(
            with(text, "example.com/food:1").unwrap(),
            ["example.com/food:1"]
        );
    }

    #[test]
    fn the_longest_prefix_wins_and_wildcards_match_domains() {
        let text = r#"
            [[registry]]
            prefix = "*.example.com"
            insecure = true
            [[registry]]
            prefix = "a.example.com/lab"
            location = "b.example.org:5000/copy"
        "#;
        let all = |name| with(text, name).unwrap();
        assert_eq!(
            all("a.example.com/lab/os:1"),
            ["b.example.org:5000/copy/os:1"]
        );
        assert_eq!(all("a.example.com/other:1"), ["!a.example.com/other:1"]);
        assert_eq!(all("x.y.example.com:99/os:1"), ["!x.y.example.com:99/os:1"]);
        for other in [
            "example.com/os:1",
            "badexample.com/os:1",
            "a.example.com.evil.org/os:1",
        ] {
            assert_eq!(all(other), [other]);
        }
    }

    #[test]
    fn mirrors_for_digests_or_tags_alone() {
        let digest = format!("r.test/os@sha256:{}", "0".repeat(64));
        let only = |pull: &str| {
            format!(
                "[[registry]]\nlocation = \"r.test\"\n[[registry.mirror]]\nlocation = \"m.test\"\n{pull}"
            )
        };
        let count = |text: &str, name: &str| with(text, name).unwrap().len();
        let all = only("pull-from-mirror = \"all\"");
        let by_digest = only("pull-from-mirror = \"digest-only\"");
        let by_tag = only("pull-from-mirror = \"tag-only\"");
        let global = all.replace("pull-from-mirror = \"all\"", "").replacen(
            "[[registry.m",
            "mirror-by-digest-only = true\n[[registry.m",
            1,
        );
        for (text, tags, digests) in [
            (all, 2, 2),
            (by_digest, 1, 2),
            (by_tag, 2, 1),
            (global, 1, 2),
        ] {
            assert_eq!(count(&text, "r.test/os:1"), tags, "{text}");
            assert_eq!(count(&text, &digest), digests, "{text}");
        }
        let both = format!("r.test/os:1@sha256:{}", "0".repeat(64));
        assert_eq!(with("", &both).unwrap(), [digest]);
    }

    #[test]
    fn drop_ins_replace_tables_of_the_same_prefix() {
        let (_root, access) = machine(&[
            (
                "registries.conf",
                "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
            ),
            (
                "registries.conf.d/10-a.conf",
                "[[registry]]\nlocation = \"r.test\"\ninsecure = true\n",
            ),
            ("registries.conf.d/20-b.txt", "not read"),
        ]);
        assert_eq!(asked("r.test/os:1", &access).unwrap(), ["!r.test/os:1"]);
    }

    #[test]
    fn the_users_file_stands_in_for_the_systems() {
        let (root, mut access) = machine(&[
            (
                "registries.conf",
                "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
            ),
            (
                "registries.conf.d/10-a.conf",
                "[[registry]]\nlocation = \"r.test\"\nblocked = true\n",
            ),
        ]);
        let home = root.path().join("home");
        fs::create_dir_all(home.join(".config/containers")).unwrap();
        fs::write(home.join(".config/containers/registries.conf"), "").unwrap();
        assert!(asked("r.test/os:1", &access).is_err());
        access.places = access.places.with("HOME", &home);
        assert_eq!(asked("r.test/os:1", &access).unwrap(), ["r.test/os:1"]);
        let missing = root.path().join("missing.conf");
        access.places = access.places.with("CONTAINERS_REGISTRIES_CONF", &missing);
        let error = asked("r.test/os:1", &access).unwrap_err();
        assert!(
            error.contains("missing.conf`: there is no such file"),
            "{error}"
        );
    }

    #[test]
    fn a_blocked_registry_is_named_with_its_file() {
        let text =
            "[[registry]]\nprefix = \"r.test/lab\"\nlocation = \"r.test/lab\"\nblocked = true\n";
        let error = with(text, "r.test/lab/os:1").unwrap_err();
        assert!(
            error.starts_with("checking `docker://r.test/lab/os:1` against"),
            "{error}"
        );
        assert!(
            error.ends_with("registries.conf`: the registry `r.test/lab` is blocked"),
            "{error}"
        );
        assert!(with(text, "r.test/other:1").is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, reason) in [
            (
                "[[registry]]\nlocation = \"https://r.test\"",
                "without `http://`",
            ),
            (
                "[[registry]]\ninsecure = true",
                "neither a prefix nor a location",
            ),
            (
                "[[registry]]\nprefix = \"r.test\"",
                "`r.test` has no location",
            ),
            (
                "[[registry]]\nprefix = \"r.*.test\"\nlocation = \"a\"",
                "elsewhere than first",
            ),
            (
                "[[registry]]\nprefix = \"*.r.test/os\"",
                "is not `*.` and a domain",
            ),
            (
                "[registries.search]\nregistries = [\"r.test\"]",
                "version 1",
            ),
            ("[[registry]\n", "TOML parse error"),
            (
                "[[registry]]\nlocation = \"r.test\"\nmirror-by-digest-only = true\n\
                 [[registry.mirror]]\nlocation = \"m\"\npull-from-mirror = \"all\"",
                "contradicts",
            ),
            (
                "[[registry]]\nprefix = \"r.test\"\nlocation = \"UP:x:y\"",
                "no name in a registry",
            ),
        ] {
            let error = with(text, "r.test/os:1").unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
