// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How diagnostics are shown: to people with the source line and the span underlined, to machines as JSON lines or as
//! a SARIF log.
//!
//! Takes finished diagnostics; adds and judges nothing.

mod dump;
mod human;
mod json;
mod sarif;

pub use dump::{dump, dump_json};
pub use human::human;
pub use json::{json_line, json_verdict};
pub use sarif::sarif;

use std::collections::HashMap;

use crate::location::{Location, Source};

/// The files that were read, by their names
type Sources<'a> = HashMap<&'a str, &'a Source>;

fn by_name(sources: &[Source]) -> Sources<'_> {
    sources
        .iter()
        .map(|source| (&*source.name, source))
        .collect()
}

/// The places of the includes that lead to `at`, the innermost first
fn included_from<'a>(at: &Location, sources: &Sources<'a>) -> Vec<&'a Location> {
    let mut chain = Vec::new();
    let mut file = &at.file;
    while let Some(from) = sources.get(&**file) {
        // Files that are included from several places could lead back to each other.
        let Some(from) = from
            .included_from
            .as_ref()
            .filter(|_| chain.len() < sources.len())
        else {
            break;
        };
        chain.push(from);
        file = &from.file;
    }
    chain
}
