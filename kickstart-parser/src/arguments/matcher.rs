// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Matches the words of a line with a command's options: `--option value`, `--option=value`, unique abbreviations,
//! values of the right kind, arguments in any place.
//!
//! The rules are those of Python's argparse as pykickstart uses it, except that arguments between options are never
//! lost. All that is wrong with the line is recorded, and what can be understood is kept.

use std::borrow::Cow;

use super::faults::{refusal, report_extra, report_missing};
use super::suggest::nearest;
use super::values;
use super::{Arguments, Arity, Given, Kind, Operand, Opt, Value, Word, is_same};
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Place, Span};
use crate::mask::{harmless_part, names_secret};
use crate::syntax::Token;
use crate::version::Syntax;

/// After so many faults the rest of a line is not looked into: every further one would say the same
const MOST_FAULTS: usize = 50;

/// What a command or section takes in one version of the language
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    pub(crate) options: &'static [&'static [Opt]],
    pub(crate) operand: Option<Operand>,
    pub(crate) syntax: Syntax,
}

impl Takes {
    /// How many words that are not options there can be
    pub(crate) fn most_operands(&self) -> usize {
        match self.operand.map(|operand| operand.arity) {
            None => 0,
            Some(Arity::Optional | Arity::One) => 1,
            Some(Arity::Any) => usize::MAX,
        }
    }

    /// Whether some of the words may be secrets
    pub(crate) fn can_hold_secrets(&self) -> bool {
        let mut options = self.options.iter().copied().flatten();
        self.operand.is_some_and(|operand| operand.secret)
            || options.any(|option| option.kind == Kind::Secret)
    }
}

/// Matches `tokens`, the first one of which is the command or section, with what it takes
pub(crate) fn match_words<'a>(
    takes: Takes,
    tokens: &[Token<'a>],
    place: Place<'a>,
    findings: &mut Findings,
) -> Arguments<'a> {
    let (first, rest) = tokens
        .split_first()
        .map_or((None, tokens), |(first, rest)| (Some(first), rest));
    let start = first.map_or(0, |token| token.span.start);
    let end = tokens.last().map_or(start, |token| token.span.end);
    let line = Word {
        text: first.map_or(Cow::Borrowed(""), |token| token.text.clone()),
        place,
        span: Span { start, end },
    };
    let arguments = Arguments {
        syntax: takes.syntax,
        line,
        given: Vec::with_capacity(rest.len()),
        operands: Vec::new(),
        tried: Vec::new(),
    };
    let before = findings.count();
    let mut matcher = Matcher {
        takes,
        place,
        enough: before + MOST_FAULTS,
        findings,
        rest,
        arguments,
    };
    matcher.run();
    let mut arguments = matcher.arguments;
    report_extra(&arguments, takes, findings);
    // A quote that is left open swallows the words after it, which may be the missing ones.
    if !tokens.last().is_some_and(|token| token.open) {
        report_missing(&arguments, takes, findings);
    }
    let has_secret = arguments
        .given
        .iter()
        .any(|given| given.option.kind == Kind::Secret);
    if has_secret && arguments.operands.len() > takes.most_operands() {
        // Which of them are parts of a secret without quotes is not known.
        arguments.operands.clear();
    }
    arguments
}

/// The words of a command that reads the rest of its line as it is written: one argument, or none
pub(crate) fn raw_words<'a>(syntax: Syntax, first: &Token<'a>, place: Place<'a>) -> Arguments<'a> {
    let rest = &place.text[first.span.end..];
    let text = rest.trim();
    let start = first.span.end + (rest.len() - rest.trim_start().len());
    let span = Span {
        start,
        end: start + text.len(),
    };
    let argument = Word {
        text: Cow::Borrowed(text),
        place,
        span,
    };
    Arguments {
        syntax,
        line: Word {
            text: first.text.clone(),
            place,
            span: Span {
                start: first.span.start,
                end: span.end.max(first.span.end),
            },
        },
        given: Vec::new(),
        operands: if text.is_empty() {
            Vec::new()
        } else {
            vec![argument]
        },
        tried: Vec::new(),
    }
}

/// One way to write an option
pub(crate) type Spelling = (&'static str, &'static Opt);

fn spellings(takes: Takes) -> impl Iterator<Item = Spelling> {
    let options = takes.options.iter().flat_map(|group| group.iter());
    options
        .filter(move |option| option.versions.has(takes.syntax))
        .flat_map(|option| option.names.iter().map(move |name| (*name, option)))
}

/// The option that is spelt exactly like this
fn named(takes: Takes, written: &str) -> Option<&'static Opt> {
    for option in takes.options.iter().copied().flatten() {
        let spelt = option.names.iter().any(|name| is_same(name, written));
        if spelt && option.versions.has(takes.syntax) {
            return Some(option);
        }
    }
    None
}

/// What a word of a line is
pub(crate) enum Class {
    Operand,
    Stop,
    Option(&'static Opt),
    Ambiguous(Vec<Spelling>),
    Unknown,
}

struct Matcher<'t, 'a> {
    takes: Takes,
    place: Place<'a>,
    /// How many findings there are when the line has faults enough
    enough: usize,
    findings: &'t mut Findings,
    /// The words that come next
    rest: &'t [Token<'a>],
    arguments: Arguments<'a>,
}

impl<'a> Matcher<'_, 'a> {
    fn run(&mut self) {
        while let Some((token, rest)) = self.rest.split_first() {
            self.rest = rest;
            if self.findings.count() > self.enough {
                break;
            }
            match classify(&token.text, self.takes) {
                Class::Operand => self.add_operand(token),
                // Python's argparse leaves the `--` of a command without arguments as a word too many.
                Class::Stop if self.takes.operand.is_none() => self.add_operand(token),
                Class::Stop if self.is_stray(token) => self.add_operand(token),
                Class::Stop => {
                    for token in rest {
                        self.add_operand(token);
                    }
                    break;
                }
                Class::Option(option) => self.take(option, token),
                Class::Ambiguous(candidates) => self.report_ambiguous(token, &candidates),
                Class::Unknown => self.report_unknown(token),
            }
        }
    }

    /// Whether `--` ends a line in which options stand between the arguments, or before it: to Python's argparse a
    /// word too many
    fn is_stray(&self, token: &Token<'a>) -> bool {
        let operands = &self.arguments.operands;
        let starts = operands.iter().skip(1).map(|word| word.span.start);
        let gaps = operands
            .iter()
            .map(|word| word.span.end)
            .zip(starts.chain([token.span.start]));
        let mut between = gaps.map(|(end, start)| self.place.text[end..start].trim());
        self.rest.is_empty() && between.any(|text| !text.is_empty())
    }

    fn add_operand(&mut self, token: &Token<'a>) {
        self.arguments.operands.push(word(token, self.place));
    }

    fn take(&mut self, option: &'static Opt, token: &Token<'a>) {
        if option.deprecated.has(self.takes.syntax) {
            let message = format!("`{}` is deprecated", option.name());
            self.findings.deprecation(
                Code::OptionDeprecated,
                self.place.at(option_span(token)),
                message,
            );
        }
        let at = word(token, self.place);
        match (option.takes_value(), attached(&token.text)) {
            (false, None) => self.arguments.given.push(Given {
                option,
                value: Value::None,
                at,
            }),
            (false, Some(_)) => {
                let message = format!("`{}` takes no value", option.name());
                self.findings.error(
                    Code::UnexpectedValue,
                    self.place.at(value_span(token)),
                    message,
                );
                self.tried([option.name()]);
            }
            (true, Some(value)) if value == "--" => self.take_nothing(option, at),
            (true, Some(value)) => {
                self.read(option, Word { text: value, ..at }, || value_span(token));
            }
            (true, None) => self.take_next(option, at),
        }
    }

    /// Takes `--option=--`, of which Python's argparse drops the `--`: the option is there, and its value is none
    fn take_nothing(&mut self, option: &'static Opt, mut at: Word<'a>) {
        at.text = Cow::Borrowed("");
        let value = match option.kind {
            Kind::Int | Kind::OptionalText | Kind::Choice(_) | Kind::Keyword(_) => Value::None,
            Kind::Bool => Value::Bool(false),
            _ => Value::Text,
        };
        self.arguments.given.push(Given { option, value, at });
    }

    /// Reads the value of `option` from the next word
    fn take_next(&mut self, option: &'static Opt, mut at: Word<'a>) {
        if let Some(next) = self.next_operand() {
            at.text = next.text;
            at.span.end = next.span.end;
            self.read(option, at, || next.span);
        } else if option.kind == Kind::OptionalText {
            self.arguments.given.push(Given {
                option,
                value: Value::None,
                at,
            });
        } else {
            let message = format!("`{}` needs a value", option.name());
            self.findings
                .error(Code::MissingValue, at.location(), message);
            self.tried([option.name()]);
        }
    }

    /// Gives the text of `at` the option's kind; `span` finds the place of the value alone
    fn read(&mut self, option: &'static Opt, at: Word<'a>, span: impl Fn() -> Span) {
        let text = &*at.text;
        let value = match option.kind {
            Kind::Flag | Kind::Text | Kind::OptionalText | Kind::Secret | Kind::List => {
                Some(Value::Text)
            }
            Kind::Int => self.number(option, text, &span).map(Value::Int),
            Kind::Bool => values::bool(text).map(Value::Bool),
            Kind::Choice(words) => words.contains(&text).then_some(Value::Text),
            Kind::Keyword(words) => {
                let known = words.iter().any(|word| word.eq_ignore_ascii_case(text));
                known.then_some(Value::Text)
            }
        };
        if let Some(value) = value {
            self.arguments.given.push(Given { option, value, at });
        } else {
            let place = self.place.at(span());
            let (message, help) = refusal(option, text);
            self.findings
                .error(Code::InvalidValue, place, message)
                .help(help);
            self.tried([option.name()]);
        }
    }

    /// A whole number; one that is beyond all measure becomes the largest there is
    fn number(&mut self, option: &Opt, text: &str, span: impl Fn() -> Span) -> Option<i64> {
        let read = values::int(text)?;
        if read.is_err() {
            let message = format!("{} is too large for `{}`", quote(text), option.name());
            self.findings
                .warning(Code::NumberTooLarge, self.place.at(span()), message)
                .help(format!("numbers are read up to {}", i64::MAX));
        }
        Some(read.unwrap_or_else(|nearest| nearest))
    }

    fn report_ambiguous(&mut self, token: &Token<'a>, candidates: &[Spelling]) {
        self.tried(candidates.iter().map(|(_, option)| option.name()));
        let names: Vec<_> = candidates
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let message = format!(
            "{} could be {}",
            quote(option_text(token)),
            names.join(", ")
        );
        let at = self.place.at(option_span(token));
        self.findings.error(Code::AmbiguousOption, at, message);
    }

    fn report_unknown(&mut self, token: &Token<'a>) {
        let written = option_text(token);
        let message = format!(
            "{} has no option {}",
            quote(self.arguments.word()),
            quote(harmless_part(written))
        );
        let at = self.place.at(option_span(token));
        let found = self.findings.error(Code::UnknownOption, at, message);
        if let Some(help) = other_versions(written, self.takes) {
            found.help(help);
            if !token.text.contains('=') {
                self.skip_value(written);
            }
            return;
        }
        let meant = nearest(written, spellings(self.takes).map(|(name, _)| name));
        let Some((name, option)) = spellings(self.takes).find(|(name, _)| Some(*name) == meant)
        else {
            if names_secret(written) && !token.text.contains('=') {
                // Whatever the option is, what follows it is to be taken for nothing else.
                let _ = self.next_operand();
            }
            return;
        };
        found.help(format!("did you mean `{name}`?"));
        self.tried([option.name()]);
        // A value after the misspelt option belongs to it: blaming that word as well would help nobody.
        if option.takes_value() && !token.text.contains('=') {
            let _ = self.next_operand();
        }
    }

    /// Passes over the value of an option that another version has
    fn skip_value(&mut self, written: &str) {
        let takes_value = |option: &Opt| option.takes_value() && option.names.contains(&written);
        let options = self.takes.options.iter().flat_map(|group| group.iter());
        if options.clone().any(takes_value) {
            let _ = self.next_operand();
        }
    }

    /// The next word, if it is no option
    fn next_operand(&mut self) -> Option<Token<'a>> {
        let (next, rest) = self.rest.split_first()?;
        matches!(classify(&next.text, self.takes), Class::Operand).then(|| {
            self.rest = rest;
            next.clone()
        })
    }

    fn tried(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.arguments.tried.extend(names);
    }
}

/// Which versions have the option that this one lacks
fn other_versions(written: &str, takes: Takes) -> Option<String> {
    let options = takes.options.iter().flat_map(|group| group.iter());
    let versions = options
        .filter(|option| option.names.contains(&written))
        .map(|option| option.versions)
        .reduce(crate::version::Versions::or)?;
    Some(format!(
        "{} it, {} does not",
        versions.having(),
        takes.syntax
    ))
}

/// Tells options from arguments as argparse does
pub(crate) fn classify(text: &str, takes: Takes) -> Class {
    if text == "--" {
        return Class::Stop;
    }
    if !text.starts_with('-') || text == "-" {
        return Class::Operand;
    }
    let written = name_part(text);
    if let Some(option) = named(takes, written) {
        return Class::Option(option);
    }
    let candidates: Vec<_> = spellings(takes)
        .filter(|(name, _)| written.starts_with("--") && name.starts_with(written))
        .collect();
    match candidates.as_slice() {
        [(_, option)] => Class::Option(option),
        [] if values::is_negative_number(text) || text.contains(' ') => Class::Operand,
        [] => Class::Unknown,
        _ => Class::Ambiguous(candidates),
    }
}

fn word<'a>(token: &Token<'a>, place: Place<'a>) -> Word<'a> {
    Word {
        text: token.text.clone(),
        place,
        span: token.span,
    }
}

/// The value in `--option=value`
fn attached<'a>(text: &Cow<'a, str>) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => Some(Cow::Borrowed(&text[equals(text)? + 1..])),
        Cow::Owned(text) => Some(Cow::Owned(text[equals(text)? + 1..].to_owned())),
    }
}

/// The option in `--option=value`
pub(super) fn name_part(text: &str) -> &str {
    equals(text).map_or(text, |at| &text[..at])
}

/// Where the first `=` is; options are short, so a plain loop is faster than a search made ready for long texts
fn equals(text: &str) -> Option<usize> {
    text.bytes().position(|byte| byte == b'=')
}

fn option_text<'t>(token: &'t Token<'_>) -> &'t str {
    name_part(&token.text)
}

/// The place of the option in `--option=value`; of the whole word if it is quoted in a way that hides it
fn option_span(token: &Token<'_>) -> Span {
    let length = option_text(token).len();
    if token.plain_until('=') {
        Span {
            end: token.span.start + length,
            ..token.span
        }
    } else {
        token.span
    }
}

/// The place of the value in `--option=value`
pub(crate) fn value_span(token: &Token<'_>) -> Span {
    match (token.plain_until('='), token.text.find('=')) {
        (true, Some(at)) if token.span.start + at + 1 < token.span.end => Span {
            start: token.span.start + at + 1,
            end: token.span.end,
        },
        _ => token.span,
    }
}
