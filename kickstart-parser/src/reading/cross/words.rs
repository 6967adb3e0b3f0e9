// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the word of a line that something found over the whole kickstart is about.
//!
//! The typed kickstart knows the places of lines only. A line that there is something to say about is cut into words
//! a second time, which costs nothing where there is nothing to say.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::arguments::{Arguments, Takes, match_words, value_span};
use crate::commands::find;
use crate::diagnostic::Findings;
use crate::location::{Location, Place, Source, Span};
use crate::syntax::{Hash, Token, lines, words};
use crate::version::Syntax;

/// A word of a line
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim<'k> {
    /// The argument with this number, counted from 0
    Argument(usize),
    /// The last argument that says this
    Named(&'k str),
    /// The value of the last one of these options, or the option if it has none
    Option(&'static [&'static str]),
}

/// The lines of all files
pub(super) struct Words<'a> {
    syntax: Syntax,
    files: Vec<(&'a Source, OnceCell<Vec<&'a str>>)>,
}

impl<'a> Words<'a> {
    pub(super) fn new(syntax: Syntax, sources: &'a [Source]) -> Self {
        Self {
            syntax,
            files: sources
                .iter()
                .map(|source| (source, OnceCell::new()))
                .collect(),
        }
    }

    /// Where the word is in the line at `line`; the line's place if it is not there
    pub(super) fn find(&self, line: &Location, aim: Aim<'_>) -> Location {
        let found = self.place(line).and_then(|place| {
            let tokens = words(place, Hash::Comment, &mut Findings::default());
            self.span(&tokens, place, aim).map(|span| place.at(span))
        });
        found.unwrap_or_else(|| line.clone())
    }

    fn place<'p>(&'p self, line: &'p Location) -> Option<Place<'p>> {
        let mut files = self.files.iter();
        let (source, cut) = files.find(|(source, _)| Arc::ptr_eq(&source.name, &line.file))?;
        let cut = cut.get_or_init(|| lines(&source.text).collect());
        Some(Place {
            file: &source.name,
            line: line.line,
            text: cut.get((line.line as usize).checked_sub(1)?)?,
        })
    }

    fn span(&self, tokens: &[Token<'_>], place: Place<'_>, aim: Aim<'_>) -> Option<Span> {
        let command = find(&tokens.first()?.text)?;
        let takes = Takes {
            options: command.options,
            operand: command.operand,
            syntax: self.syntax,
        };
        let given = match_words(takes, tokens, place, &mut Findings::default());
        let operand = match aim {
            Aim::Argument(number) => given.operands.get(number),
            Aim::Named(text) => given.operands.iter().rfind(|word| word.text == text),
            Aim::Option(names) => return option(&given, tokens, names),
        };
        operand.map(|word| word.span)
    }
}

fn option(given: &Arguments<'_>, tokens: &[Token<'_>], names: &[&str]) -> Option<Span> {
    let mut latest = given.given.iter().rev();
    let at = latest.find(|given| names.contains(&given.option.name()))?;
    let at = at.at.span;
    let last = tokens.iter().find(|token| token.span.end == at.end)?;
    let is_attached = last.span.start == at.start && last.text.contains('=');
    Some(if is_attached {
        value_span(last)
    } else {
        last.span
    })
}
