// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the specification that applies to a path.
//!
//! Takes all specifications in their order; gives the context of the one that wins. Literal ones lie in a
//! map. The others lie at the deepest directory that all their paths are below, so that only those of the
//! directories above a path are looked at, and there by the byte after the directory. It deliberately does
//! not know how paths are normalised and substituted.

use std::collections::HashMap;

use super::expression::{Expression, Pattern};
use super::spec::{Assignment, FileKind, Specification};

/// All specifications of a policy.
#[derive(Debug, Default)]
pub(super) struct Index {
    literals: HashMap<Box<str>, Vec<Assignment>>,
    /// In the order of the files.
    patterns: Vec<(Pattern, Assignment)>,
    /// By path without a slash at the end: `""` is the root. Every directory above one is there as well.
    directories: HashMap<Box<str>, Directory>,
}

/// Places in [`Index::patterns`], ascending.
#[derive(Debug, Default)]
struct Directory {
    /// Patterns whose next byte is open.
    any: Vec<usize>,
    by_byte: HashMap<u8, Vec<usize>>,
}

impl Index {
    pub(super) fn new(specifications: Vec<Specification>) -> Self {
        let mut index = Self::default();
        index.directories.insert("".into(), Directory::default());
        for Specification {
            expression,
            assignment,
        } in specifications
        {
            match expression {
                Expression::Literal(path) => {
                    index.literals.entry(path).or_default().push(assignment);
                }
                Expression::Pattern(pattern) => index.insert(pattern, assignment),
            }
        }
        index
    }

    fn insert(&mut self, pattern: Pattern, assignment: Assignment) {
        let path = pattern.directory();
        for (end, _) in path.match_indices('/').skip(1) {
            self.directories.entry(path[..end].into()).or_default();
        }
        let directory = self.directories.entry(path.into()).or_default();
        let list = match pattern.byte_after_directory() {
            Some(byte) => directory.by_byte.entry(byte).or_default(),
            None => &mut directory.any,
        };
        list.push(self.patterns.len());
        self.patterns.push((pattern, assignment));
    }

    /// The context of `path`, which is clean. One that is not absolute has none.
    pub(super) fn find(&self, path: &str, kind: FileKind) -> Option<&str> {
        if !path.starts_with('/') {
            return None;
        }
        let literals = self.literals.get(path).map_or(&[][..], Vec::as_slice);
        if let Some(found) = literals.iter().rev().find(|one| one.is_for(kind)) {
            return found.context.as_deref();
        }
        let (_, found) = &self.patterns[self.last_match(path, kind)?];
        found.context.as_deref()
    }

    /// The last pattern that matches. Deep directories first: theirs mostly come last.
    fn last_match(&self, path: &str, kind: FileKind) -> Option<usize> {
        let slashes = path.match_indices('/').map(|(at, _)| at);
        let known: Vec<_> = slashes
            .map_while(|end| Some((end, self.directories.get(&path[..end])?)))
            .collect();
        let mut best = None;
        for (end, directory) in known.into_iter().rev() {
            let next = path.as_bytes().get(end + 1);
            let by_byte = next.and_then(|byte| directory.by_byte.get(byte));
            for list in by_byte.into_iter().chain([&directory.any]) {
                best = self.later_match(list, best, path, kind);
            }
        }
        best
    }

    /// The last of `list` that matches if it comes after `best`, else `best`.
    fn later_match(
        &self,
        list: &[usize],
        best: Option<usize>,
        path: &str,
        kind: FileKind,
    ) -> Option<usize> {
        let later = list.iter().rev().copied();
        later
            .take_while(|&place| Some(place) > best)
            .find(|&place| {
                let (pattern, assignment) = &self.patterns[place];
                assignment.is_for(kind) && pattern.matches(path)
            })
            .or(best)
    }
}
