// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a server says it wants before it answers: the header `WWW-Authenticate` (RFC 9110, 11.6.1).
//!
//! Takes the values of the header; gives the challenge to meet: bearer before basic. Others are left out.

use std::collections::BTreeMap;

/// A challenge that can be met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token from the token server `realm`, for `service` if it is named.
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

/// The best of the challenges in all values of the header.
pub(super) fn choose<'a>(values: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for (scheme, mut parameters) in values.flat_map(parse) {
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => {
                if let Some(realm) = parameters.remove("realm") {
                    let service = parameters.remove("service");
                    return Some(Challenge::Bearer { realm, service });
                }
            }
            "basic" => basic = Some(Challenge::Basic),
            _ => {}
        }
    }
    basic
}

type Parameters = BTreeMap<String, String>;

/// Schemes with their parameters; what cannot be understood is skipped.
fn parse(value: &str) -> Vec<(String, Parameters)> {
    let mut challenges: Vec<(String, Parameters)> = Vec::new();
    for part in split(value) {
        let part = part.trim();
        // `Scheme key=value` begins a challenge, `key=value` goes on with it.
        let (scheme, rest) = match part.split_once(' ') {
            Some((scheme, rest)) if !scheme.contains('=') => (Some(scheme), rest.trim()),
            _ if part.contains('=') => (None, part),
            _ => (Some(part), ""),
        };
        if let Some(scheme) = scheme.filter(|scheme| !scheme.is_empty()) {
            challenges.push((scheme.to_owned(), Parameters::new()));
        }
        if let (Some((_, parameters)), Some((key, value))) =
            (challenges.last_mut(), rest.split_once('='))
        {
            parameters.insert(key.trim().to_ascii_lowercase(), unquote(value.trim()));
        }
    }
    challenges
}

/// Cuts at the commas that are not in quotes.
fn split(value: &str) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, each) in value.char_indices() {
        match each {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&value[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[from..]);
    parts
}

fn unquote(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        text.extend(if letter == '\\' {
            letters.next()
        } else {
            Some(letter)
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Option<Challenge> {
        choose([value].into_iter())
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        }
    }

    #[test]
    fn as_registries_write_it() {
        assert_eq!(
            one(
                r#"Bearer realm="https://a.test/token",service="r.test",scope="repository:x:pull,push""#
            ),
            Some(bearer("https://a.test/token", Some("r.test")))
        );
        assert_eq!(one(r#"Basic realm="a, b""#), Some(Challenge::Basic));
        assert_eq!(one("basic"), Some(Challenge::Basic));
        assert_eq!(
            one(r#"bearer service=r.test , realm="h\"x""#),
            Some(bearer("h\"x", Some("r.test")))
        );
    }

    #[test]
    fn bearer_comes_before_basic_in_one_header_or_two() {
        let expected = Some(bearer("https://t", None));
        assert_eq!(
            one(r#"Basic realm="x", Bearer realm="https://t""#),
            expected
        );
        let two = [r#"Basic realm="x""#, r#"Bearer realm="https://t""#];
        assert_eq!(choose(two.into_iter()), expected);
    }

    #[test]
    fn what_is_not_understood_is_skipped() {
        for value in [
            "",
            ",,,",
            "Negotiate",
            "Bearer",
            "=",
            "\"",
            "Digest a=\"b",
            "Bearer service=x",
        ] {
            assert_eq!(one(value), None, "{value}");
        }
    }
}
