// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The expressions of `file_contexts`: a literal path or a pattern.
//!
//! Takes the first word of a line; gives the path that it stands for, or a pattern and the directory that
//! all its paths are below. A pattern is compiled when it is first tried, since most never are; that it can
//! be is made sure of at once. It deliberately does not know contexts.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Fault;
use super::translate::{Translation, translate};

/// Bytes of an expression. Policies have some of 200.
const LONGEST: usize = 4096;
/// The most that one pattern may cost.
const MOST_COST: usize = 20_000;
/// Groups in groups.
const DEEPEST: u32 = 50;

/// What may stand after a backslash in a literal path (`regex_has_meta_chars` of libselinux 3.8).
const ESCAPED: &str = r".^$?*+|[({])}-_,";
/// What makes an expression a pattern, with the backslash before anything else (the same place).
const META: &str = r".^$?*+|[({])}";

/// The first word of a line.
#[derive(Debug)]
pub(super) enum Expression {
    /// One path.
    Literal(Box<str>),
    /// Many.
    Pattern(Pattern),
}

/// An expression with more than one path.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What every path begins with.
    prefix: Box<str>,
    /// Bytes of `prefix` that are the directory, without the slash after it.
    directory: usize,
    tail: Tail,
    /// In the syntax of `regex`.
    source: Box<str>,
    cost: usize,
    compiled: OnceLock<Regex>,
}

/// What may follow the prefix. Two forms are most of a policy, and match most files.
#[derive(Debug, Clone, Copy)]
enum Tail {
    /// `.*`: anything.
    Anything,
    /// `(/.*)?`: nothing, or whatever is below.
    Below,
    /// What the regular expression says.
    Expression,
}

impl Expression {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::TooLong { limit: LONGEST });
        }
        let head = Head::of(text);
        if head.rest.is_empty() {
            return Ok(Self::Literal(head.literal.into()));
        }
        let failed = |reason| Fault::Expression {
            expression: text.to_owned(),
            reason,
        };
        Pattern::new(text, &head).map(Self::Pattern).map_err(failed)
    }

    /// How much memory it may take when it is compiled: about the states of its automaton.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::Pattern(pattern) => pattern.cost,
        }
    }
}

impl Pattern {
    fn new(text: &str, head: &Head<'_>) -> Result<Self, String> {
        let Translation {
            source,
            has_alternatives,
        } = translate(text)?;
        let hir = ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .nest_limit(DEEPEST)
            .build()
            .parse(&source)
            .map_err(|error| summary(&error))?;
        let cost = cost(&hir);
        if cost > MOST_COST {
            return Err("it is too large".to_owned());
        }
        let stem = head.stem();
        let (prefix, tail) = if has_alternatives {
            (&head.literal[..stem], Tail::Expression)
        } else {
            (head.required(), head.tail())
        };
        Ok(Self {
            tail,
            directory: prefix.rfind('/').unwrap_or(0).max(stem),
            prefix: prefix.into(),
            source: source.into(),
            cost,
            compiled: OnceLock::new(),
        })
    }

    /// The directory that all its paths are below: without a slash at the end, so `""` for the root.
    pub(super) fn directory(&self) -> &str {
        &self.prefix[..self.directory]
    }

    /// The byte that all its paths have after the directory and a slash.
    pub(super) fn byte_after_directory(&self) -> Option<u8> {
        match self.prefix.as_bytes().get(self.directory..) {
            Some([b'/', byte, ..]) => Some(*byte),
            _ => None,
        }
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        path.strip_prefix(&*self.prefix)
            .is_some_and(|rest| match self.tail {
                Tail::Anything => true,
                Tail::Below => rest.is_empty() || rest.starts_with('/'),
                Tail::Expression => self.compiled().is_match(path.as_bytes()),
            })
    }

    #[expect(
        clippy::expect_used,
        reason = "the same parser with the same settings took the source, and its cost is bounded; a test \
                  compiles the largest"
    )]
    fn compiled(&self) -> &Regex {
        let compile = || {
            RegexBuilder::new(&self.source)
                .unicode(false)
                .dot_matches_new_line(true)
                .nest_limit(DEEPEST)
                .size_limit(usize::MAX)
                .build()
                .expect("a pattern that was checked")
        };
        self.compiled.get_or_init(compile)
    }
}

/// What comes before the first thing in an expression that is not a character of a path.
struct Head<'t> {
    /// These characters.
    literal: String,
    /// What follows them in the text.
    rest: &'t str,
}

impl<'t> Head<'t> {
    fn of(text: &'t str) -> Self {
        let mut literal = String::with_capacity(text.len());
        let mut chars = text.chars();
        let rest = loop {
            let rest = chars.as_str();
            match chars.next() {
                Some('\\') => match chars.next() {
                    Some(escaped) if ESCAPED.contains(escaped) => literal.push(escaped),
                    _ => break rest,
                },
                Some(meta) if META.contains(meta) => break rest,
                Some(char) => literal.push(char),
                None => break rest,
            }
        };
        Self { literal, rest }
    }

    fn tail(&self) -> Tail {
        match self.rest {
            ".*" => Tail::Anything,
            "(/.*)?" => Tail::Below,
            _ => Tail::Expression,
        }
    }

    /// What every path has.
    fn required(&self) -> &str {
        // The last character may be missing or repeated.
        let last_is_open = self.rest.starts_with(['?', '*', '{']);
        let dropped = usize::from(last_is_open && !self.literal.is_empty());
        &self.literal[..self.literal.len() - dropped]
    }

    /// Bytes of the first directory: libselinux looks at the expression only for paths below it, even if
    /// the slash after it may be missing.
    fn stem(&self) -> usize {
        let mut slashes = self.literal.match_indices('/').map(|(at, _)| at);
        slashes.find(|&at| at > 0).unwrap_or(0)
    }
}

fn cost(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len().max(1),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().max(1),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1));
            let times = usize::try_from(times.max(1)).unwrap_or(usize::MAX);
            cost(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => cost(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(cost).fold(1, usize::saturating_add)
        }
    }
}

/// The last line of a message of several, which says what is wrong: the others show the pattern.
fn summary(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
