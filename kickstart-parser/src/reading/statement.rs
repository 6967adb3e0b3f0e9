// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Commands as they come: looked up, matched with their options, merged with an earlier line of the same command,
//! converted.
//!
//! What a command's options mean stands in the command's file; here is only what all commands have in common.

use crate::arguments::suggest::nearest;
use crate::arguments::{Arguments, Command, Form, Given, Repeat, Takes, match_words, raw_words};
use crate::commands::{COMMANDS, all, position};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Location, Place};
use crate::mask::harmless_part;
use crate::syntax::Token;
use crate::version::Syntax;

/// The commands of a kickstart so far
#[derive(Debug)]
pub(super) struct Statements<'a> {
    pub(super) syntax: Syntax,
    pub(super) kickstart: Kickstart,
    /// What is known of each command, in the order of the table
    met: Vec<Met<'a>>,
    /// Positions of the commands in the table, in the order in which they were met first
    order: Vec<usize>,
}

/// What came before of one command
#[derive(Debug, Clone, Default)]
struct Met<'a> {
    /// Where it was met first, and the word that it was written with
    first: Option<(Location, &'static str)>,
    /// What its lines amount to, if they are for one setting
    merged: Option<Arguments<'a>>,
}

impl<'a> Statements<'a> {
    pub(super) fn new(syntax: Syntax) -> Self {
        Self {
            syntax,
            kickstart: Kickstart::default(),
            met: vec![Met::default(); COMMANDS.len()],
            order: Vec::new(),
        }
    }

    /// Takes the next command line
    pub(super) fn add(&mut self, tokens: &[Token<'a>], place: Place<'a>, findings: &mut Findings) {
        let Some(first) = tokens.first() else { return };
        let Some(index) = position(&first.text) else {
            report_unknown(first, self.syntax, place, findings);
            return;
        };
        let command = &COMMANDS[index];
        if self.is_gone(command, first, place, findings) {
            return;
        }
        let is_open = tokens.last().is_some_and(|token| token.open);
        let errors = (!is_open).then(|| findings.errors());
        self.check_conflicts(command, first, place, findings);
        if self.met[index].first.is_none() {
            let mut words = command.words.iter();
            let word = words.find(|word| **word == first.text);
            let word = word.map_or(command.word(), |word| word);
            self.met[index].first = Some((place.at(first.span), word));
            self.order.push(index);
        }
        if command.deprecated.has(self.syntax) {
            report_deprecated(command, first, place, findings);
            return;
        }
        let arguments = match command.form {
            Form::Raw => raw_words(self.syntax, first, place),
            Form::Words => {
                let takes = Takes {
                    options: command.options,
                    operand: command.operand,
                    syntax: self.syntax,
                };
                match_words(takes, tokens, place, findings)
            }
        };
        self.convert((index, errors), arguments, findings);
    }

    /// The commands that were met, in this order, each with the place where it was met first and its word there
    pub(super) fn each_met(&self) -> impl Iterator<Item = (&'static Command, &Location, &str)> {
        let met = self.order.iter();
        met.filter_map(|index| {
            let (at, word) = self.met[*index].first.as_ref()?;
            Some((&COMMANDS[*index], at, *word))
        })
    }

    /// Where a command was met first
    fn first(&self, word: &str) -> Option<&Location> {
        let first = self.met[position(word)?].first.as_ref();
        first.map(|(at, _)| at)
    }

    /// Says so if the command is not in this version of the language
    fn is_gone(
        &self,
        command: &Command,
        first: &Token<'_>,
        place: Place<'_>,
        findings: &mut Findings,
    ) -> bool {
        let lacks = !command.versions.has(self.syntax);
        if !lacks && !command.removed.has(self.syntax) {
            return false;
        }
        let word = quote(&first.text);
        let (code, message, help) = if lacks {
            let message = format!("{} has no command {word}", self.syntax);
            (Code::UnknownCommand, message, living(command))
        } else {
            let message = format!(
                "{word} was removed from the language in {} or earlier",
                self.syntax
            );
            (Code::CommandRemoved, message, instead(command))
        };
        let found = findings.error(code, place.at(first.span), message);
        found.help(help);
        true
    }

    /// Converts the line of a command, before which there were so many errors, if it is not wrong already
    fn convert(
        &mut self,
        (index, errors): (usize, Option<usize>),
        mut arguments: Arguments<'a>,
        findings: &mut Findings,
    ) {
        let command = &COMMANDS[index];
        if command.repeat != Repeat::Changes {
            (command.convert)(&arguments, findings, &mut self.kickstart);
            return;
        }
        let mut overruled = None;
        if let Some(earlier) = self.met[index].merged.take() {
            let written = arguments;
            arguments = written.clone().over(&earlier);
            overruled = overruled_by(&earlier, (&written, &arguments), command);
        }
        (command.convert)(&arguments, findings, &mut self.kickstart);
        // What a wrong line takes back is known when it is mended.
        if let Some(message) = overruled.filter(|_| errors == Some(findings.errors())) {
            findings
                .warning(Code::CommandRepeated, arguments.location(), message)
                .help("say it all on one line");
        }
        self.met[index].merged = Some(arguments);
    }

    fn check_conflicts(
        &self,
        command: &Command,
        first: &Token<'_>,
        place: Place<'_>,
        findings: &mut Findings,
    ) {
        let rules = command.conflicts.iter();
        let others = rules
            .filter(|rule| rule.versions.has(self.syntax))
            .flat_map(|rule| rule.with);
        for other in others {
            if let Some(earlier) = self.first(other) {
                let message = format!("{} and `{other}` exclude each other", quote(&first.text));
                let help = format!(
                    "`{other}` is in {} line {}",
                    quote(&earlier.file),
                    earlier.line
                );
                findings
                    .error(Code::CommandConflict, place.at(first.span), message)
                    .help(help);
            }
        }
    }
}

/// The versions that have the command; what to do instead if there are none
fn living(command: &Command) -> String {
    let gone = command.deprecated.or(command.removed);
    let living = command.versions.except(gone);
    if living.is_empty() {
        return command.instead.to_owned();
    }
    let having = living.having();
    format!("{having} it; `--syntax` or a line `#version=` chooses the version")
}

fn instead(command: &Command) -> String {
    if command.instead.is_empty() {
        "leave it out".to_owned()
    } else {
        command.instead.to_owned()
    }
}

fn report_deprecated(
    command: &Command,
    first: &Token<'_>,
    place: Place<'_>,
    findings: &mut Findings,
) {
    let message = format!("{} is deprecated and does nothing", quote(&first.text));
    findings
        .deprecation(Code::CommandDeprecated, place.at(first.span), message)
        .help(instead(command));
}

fn report_unknown(first: &Token<'_>, syntax: Syntax, place: Place<'_>, findings: &mut Findings) {
    let at = place.at(first.span);
    if first.text.is_empty() {
        findings.error(
            Code::EmptyCommand,
            at,
            "an empty word stands where a command should be",
        );
        return;
    }
    let living =
        all().filter(|command| command.versions.has(syntax) && !command.removed.has(syntax));
    let words = living.flat_map(|command| command.words.iter().copied());
    let sections = ["pre", "post", "packages", "end", "include"];
    let shown = harmless_part(&first.text);
    let message = match shown {
        "" => format!("unknown command {}", quote(&first.text)),
        shown => format!("unknown command {}", quote(shown)),
    };
    let help = if first.text.starts_with('\u{feff}') {
        Some("the file begins with a byte order mark; save it as UTF-8 without one".to_owned())
    } else if shown.len() < first.text.len() && position(shown).is_some() {
        Some(format!("write a blank after `{shown}`"))
    } else if first.text.starts_with("--") {
        Some("options stand on the line of their command".to_owned())
    } else if sections.contains(&&*first.text) {
        Some(format!("did you mean `%{}`?", first.text))
    } else {
        nearest(&first.text, words).map(|word| format!("did you mean `{word}`?"))
    };
    findings.error(Code::UnknownCommand, at, message).help = help;
}

/// What a later line of a command takes back of what an earlier one says: the later line as it is `written`, and what
/// both amount to
fn overruled_by(
    earlier: &Arguments<'_>,
    (written, merged): (&Arguments<'_>, &Arguments<'_>),
    command: &Command,
) -> Option<String> {
    let stays = |lost: &Given<'_>| {
        let mut now = merged.given.iter();
        now.any(|now| now.at.span == lost.at.span && now.at.place.line == lost.at.place.line)
    };
    let lost = earlier.given.iter().filter(|given| !stays(given));
    let mut lost: Vec<_> = lost
        .map(|given| format!("`{}`", given.option.name()))
        .collect();
    lost.dedup();
    let both = !earlier.operands.is_empty() && !written.operands.is_empty();
    if let Some(operand) = command.operand.filter(|_| both) {
        lost.insert(0, format!("`{}`", operand.name));
    }
    let (here, there) = (written.location(), earlier.location());
    let line = if there.file == here.file {
        format!("line {}", there.line)
    } else {
        format!("{} line {}", quote(&there.file), there.line)
    };
    if earlier.word() != written.word() {
        let (word, other) = (quote(written.word()), quote(earlier.word()));
        return Some(format!("{word} overrules {other} in {line}"));
    }
    let word = quote(written.word());
    let lost = (!lost.is_empty()).then(|| lost.join(", "))?;
    Some(format!("this {word} takes back what {line} says: {lost}"))
}
