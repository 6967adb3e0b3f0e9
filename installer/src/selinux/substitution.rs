// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `file_contexts.subs` and `.subs_dist`: directories that are labelled like others.
//!
//! Takes the text of such a file (`/bin /usr/bin`, one a line); gives the path that stands for another. It
//! deliberately does not know that there are two such files.

use super::spec::{lines, words};
use super::{ContextsError, ContextsFile, Fault};

/// Looked through for every path.
const MOST: usize = 1000;
/// Bytes of a line; libselinux cuts longer ones in two.
const LONGEST: usize = 1022;

/// The entries of one file.
#[derive(Debug, Default)]
pub(super) struct Substitutions(Vec<(Box<str>, Box<str>)>);

impl Substitutions {
    /// Lines without a second word mean nothing, and the third word and all after it neither.
    pub(super) fn read(file: ContextsFile, text: &[u8]) -> Result<Self, ContextsError> {
        let mut entries = Vec::new();
        for (line, text) in lines(file, text)? {
            let failed = |fault| ContextsError::Line { file, line, fault };
            if text.len() > LONGEST {
                return Err(failed(Fault::TooLong { limit: LONGEST }));
            }
            let mut words = words(text);
            let (Some(from), Some(to)) = (words.next(), words.next()) else {
                continue;
            };
            if from.starts_with(b"#") {
                continue;
            }
            if entries.len() == MOST {
                return Err(failed(Fault::TooMany { limit: MOST }));
            }
            let ascii = |word: &[u8]| match str::from_utf8(word) {
                Ok(word) if word.is_ascii() && !word.contains('\0') => Ok(word.into()),
                _ => Err(failed(Fault::NotAscii)),
            };
            entries.push((ascii(from)?, ascii(to)?));
        }
        Ok(Self(entries))
    }

    /// The path that stands for `path`, by the first entry that is it or a directory above it.
    pub(super) fn apply(&self, path: &str) -> Option<String> {
        self.0.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(&**from)?;
            match rest.strip_prefix('/') {
                Some(below) if &**to == "/" => Some(format!("/{below}")),
                Some(_) => Some(format!("{to}{rest}")),
                None => rest.is_empty().then(|| to.to_string()),
            }
        })
    }
}
