// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments of one command: matched against its description, then asked for by name.
//!
//! [`Arguments`] is what a command's conversion sees. It holds values that already have the right kind; what the
//! values mean is the command's business. The rules for matching are those of Python's argparse, which defines the
//! language.

mod faults;
mod matcher;
pub(crate) mod suggest;
mod table;
pub(crate) mod values;

use std::borrow::Cow;

pub(crate) use matcher::{Class, Takes, classify, match_words, raw_words, value_span};
pub use table::{Arity, Command, Conflict, Effect, Form, Kind, Operand, Opt, Repeat};

use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Located, Location, Place, Span};
use crate::mask::harmless_part;
use crate::version::Syntax;

/// A word of the kickstart and where it stands
#[derive(Debug, Clone)]
pub(crate) struct Word<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) place: Place<'a>,
    pub(crate) span: Span,
}

impl Word<'_> {
    pub(crate) fn location(&self) -> Location {
        self.place.at(self.span)
    }
}

/// The value of an option, of the kind that its description names
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    None,
    /// The text that the word of the option holds
    Text,
    Int(i64),
    Bool(bool),
}

/// An option that was given
#[derive(Debug, Clone)]
pub(crate) struct Given<'a> {
    pub(crate) option: &'static Opt,
    pub(crate) value: Value,
    /// The words of option and value; their text is the value's
    pub(crate) at: Word<'a>,
}

/// What a line gives to a command or section
#[derive(Debug, Clone)]
pub(crate) struct Arguments<'a> {
    /// The version of the language that the line is read by
    pub(crate) syntax: Syntax,
    /// The command as it was written and its place, from the command to the last word
    pub(crate) line: Word<'a>,
    pub(crate) given: Vec<Given<'a>>,
    pub(crate) operands: Vec<Word<'a>>,
    /// Options that were meant and have a fault, which was recorded
    pub(crate) tried: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    /// The command as it was written
    pub(crate) fn word(&self) -> &str {
        &self.line.text
    }

    /// Where the line is
    pub(crate) fn location(&self) -> Location {
        self.line.location()
    }

    /// `value` with the place of the line
    pub(crate) fn locate<T>(&self, value: T) -> Located<T> {
        Located {
            value,
            location: self.location(),
        }
    }

    /// Where an option stands; the place of the line if it is not given
    pub(crate) fn location_of(&self, name: &str) -> Location {
        self.location_of_last(&[name])
    }

    /// Where the last one of several options stands; the place of the line if none is given
    pub(crate) fn location_of_last(&self, names: &[&str]) -> Location {
        let mut latest = self.given.iter().rev();
        latest
            .find(|given| names.contains(&given.option.name()))
            .map_or_else(|| self.location(), |given| given.at.location())
    }

    /// Records that two options exclude each other
    pub(crate) fn exclude(&self, name: &str, other: &str, findings: &mut Findings) {
        let at = self.location_of_last(&[name, other]);
        let message = format!("`{name}` and `{other}` exclude each other");
        findings.error(Code::OptionConflict, at, message);
    }

    /// Whether an option is given
    pub(crate) fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    /// Whether a flag is given
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.has(name)
    }

    /// The last one of several options that overrule each other
    pub(crate) fn last_of(&self, names: &[&'static str]) -> Option<&'static str> {
        self.given
            .iter()
            .rev()
            .map(|given| given.option.name())
            .find(|name| names.contains(name))
    }

    /// The value of an option; an empty one counts as not given
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.raw(name)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    /// The value of an option as it stands, even if empty
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        let given = self.last(name)?;
        matches!(given.value, Value::Text).then_some(&*given.at.text)
    }

    /// The value of an option with a whole number
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.last(name)?.value {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }

    /// The value of an option with yes or no
    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        match self.last(name)?.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of an option with a list; none if it is not given
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.raw(name).map_or_else(Vec::new, values::list)
    }

    /// The items of every occurrence of an option with a list
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.each(name).flat_map(values::list).collect()
    }

    /// The value of every occurrence of an option
    pub(crate) fn each(&self, name: &str) -> impl Iterator<Item = &str> {
        let given = self
            .given
            .iter()
            .filter(move |given| given.option.name() == name);
        given.map(|given| &*given.at.text)
    }

    /// The value of a required option; that it is missing is known already, that it is empty is said here
    pub(crate) fn required_text(&self, name: &str, findings: &mut Findings) -> Option<String> {
        let value = self.text(name);
        if value.is_none() && self.has(name) {
            self.ignored_for(name, self.location_of(name), findings);
        }
        value
    }

    /// The first argument as it stands, even if empty
    pub(crate) fn first_operand(&self) -> Option<&str> {
        self.operands.first().map(|word| &*word.text)
    }

    /// The first argument; an empty one counts as not given
    pub(crate) fn operand(&self) -> Option<String> {
        self.first_operand()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    /// The first argument if the line itself gives it, not an earlier line of the same command
    pub(crate) fn operand_here(&self) -> Option<&str> {
        let word = self.operands.first().filter(|word| self.is_here(word));
        word.map(|word| &*word.text)
    }

    /// The value of an option if the line itself gives it, not an earlier line of the same command; an empty one
    /// counts as not given
    pub(crate) fn text_here(&self, name: &str) -> Option<&str> {
        let given = self.last(name).filter(|given| self.is_here(&given.at))?;
        Some(&*given.at.text).filter(|text| !text.is_empty())
    }

    fn is_here(&self, word: &Word<'_>) -> bool {
        std::ptr::eq(word.place.text, self.line.place.text)
    }

    /// The required argument; that it is missing is known already, that it is empty is said here
    pub(crate) fn required_operand(&self, findings: &mut Findings) -> Option<String> {
        let value = self.operand();
        if let (None, Some(word)) = (&value, self.operands.first()) {
            self.ignored_for("argument", word.location(), findings);
        }
        value
    }

    /// Records the arguments that begin like options: `--` at the end, numbers below zero, words with a blank
    pub(crate) fn refuse_dashes(&self, findings: &mut Findings) {
        for word in self
            .operands
            .iter()
            .filter(|word| word.text.starts_with('-'))
        {
            let message = format!(
                "{} is neither an option nor an argument",
                quote(harmless_part(&word.text))
            );
            findings.error(Code::UnexpectedArgument, word.location(), message);
        }
    }

    /// Records that one option needs another, unless a fault in the other was recorded
    pub(crate) fn needs(&self, name: &str, other: &str, findings: &mut Findings) {
        if !self.tried.contains(&other) {
            let message = format!("`{name}` needs `{other}`");
            findings.error(Code::OptionNeeds, self.location_of(name), message);
        }
    }

    /// Records that the line needs `what`, unless a fault in one of the `options` was recorded
    pub(crate) fn lacks(&self, what: &str, options: &[&str], findings: &mut Findings) {
        if !options.iter().any(|name| self.tried.contains(name)) {
            let message = format!("{} needs {what}", quote(self.word()));
            findings.error(Code::MissingArgument, self.location(), message);
        }
    }

    /// What two lines of a command for one setting amount to: the later line over what the earlier one leaves
    pub(crate) fn over(mut self, earlier: &Arguments<'a>) -> Arguments<'a> {
        let stays = |given: &&Given<'a>| given.option.keeps && !self.has(given.option.name());
        let mut given: Vec<_> = earlier.given.iter().filter(stays).cloned().collect();
        given.append(&mut self.given);
        self.given = given;
        if self.operands.is_empty() {
            self.operands.clone_from(&earlier.operands);
        }
        self
    }

    fn ignored_for(&self, name: &str, at: Location, findings: &mut Findings) {
        let message = format!("the `{name}` of {} is empty", quote(self.word()));
        findings.warning(Code::EmptyValue, at, message);
    }

    fn last(&self, name: &str) -> Option<&Given<'a>> {
        self.given
            .iter()
            .rev()
            .find(|given| is_same(given.option.name(), name))
    }
}

/// Whether two names of options are the same. They mostly differ in length or in the last letter, which is seen without
/// a call; this is where most of the time of reading goes.
#[inline]
pub(crate) fn is_same(name: &str, other: &str) -> bool {
    name.len() == other.len() && name.as_bytes().last() == other.as_bytes().last() && name == other
}
