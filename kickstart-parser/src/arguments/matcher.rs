// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Matches the words of a line with a command's options: `--option value`, `--option=value`, unique abbreviations,
//! values of the right kind, arguments in any place.
//!
//! The rules are those of Python's argparse as pykickstart uses it, except that arguments between options are never
//! lost. All that is wrong with the line is recorded, and what can be understood is kept.

use std::rc::Rc;

use super::faults::{refusal, report_extra, report_missing};
use super::suggest::nearest;
use super::values;
use super::{Arguments, Given, Kind, Operand, Opt, Value, Word};
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Place, Span};
use crate::syntax::Token;

/// Matches `tokens`, the first one of which is the command or section, with what it takes
pub(crate) fn match_words(
    options: &'static [Opt],
    operand: Option<Operand>,
    line: (&[Token], &Rc<Place>),
    findings: &mut Findings,
) -> Arguments {
    let (tokens, place) = line;
    let (first, rest) = tokens
        .split_first()
        .map_or((None, tokens), |(first, rest)| (Some(first), rest));
    let name = first.map_or("", |token| token.text.as_str());
    let start = first.map_or(0, |token| token.span.start);
    let end = tokens.last().map_or(start, |token| token.span.end);
    let line = Word {
        text: name.to_owned(),
        place: Rc::clone(place),
        span: Span { start, end },
    };
    let arguments = Arguments {
        line,
        given: Vec::new(),
        operands: Vec::new(),
        tried: Vec::new(),
    };
    let mut matcher = Matcher {
        options,
        takes_operand: operand.is_some(),
        place,
        findings,
        rest,
        arguments,
    };
    matcher.run();
    let arguments = matcher.arguments;
    report_extra(&arguments, operand, findings);
    // A quote that is left open swallows the words after it, which may be the missing ones.
    if !tokens.last().is_some_and(|token| token.open) {
        report_missing(&arguments, (options, operand), findings);
    }
    arguments
}

/// One way to write an option
pub(crate) type Spelling = (&'static str, &'static Opt);

fn spellings(options: &'static [Opt]) -> impl Iterator<Item = Spelling> {
    options
        .iter()
        .flat_map(|option| option.names.iter().map(move |name| (*name, option)))
}

/// What a word of a line is
pub(crate) enum Class {
    Operand,
    Stop,
    Option(&'static Opt),
    Ambiguous(Vec<Spelling>),
    Unknown,
}

struct Matcher<'a> {
    options: &'static [Opt],
    takes_operand: bool,
    place: &'a Rc<Place>,
    findings: &'a mut Findings,
    /// The words that come next
    rest: &'a [Token],
    arguments: Arguments,
}

impl Matcher<'_> {
    fn run(&mut self) {
        while let Some((token, rest)) = self.rest.split_first() {
            self.rest = rest;
            match classify(&token.text, self.options) {
                Class::Operand => self.add_operand(token),
                // Python's argparse leaves the `--` of a command without arguments as a word too many.
                Class::Stop if !self.takes_operand => self.add_operand(token),
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

    fn add_operand(&mut self, token: &Token) {
        self.arguments
            .operands
            .push(word(token, self.place, token.span));
    }

    fn take(&mut self, option: &'static Opt, token: &Token) {
        if option.deprecated {
            let message = format!("`{}` is deprecated", option.name());
            self.findings.deprecation(
                Code::OptionDeprecated,
                self.place.at(option_span(token)),
                message,
            );
        }
        let attached = token.text.split_once('=').map(|(_, value)| value);
        let at = word(token, self.place, token.span);
        match (option.takes_value(), attached) {
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
            }
            (true, Some(value)) => self.read(
                option,
                Word {
                    text: value.to_owned(),
                    ..at
                },
                value_span(token),
            ),
            (true, None) => self.take_next(option, at),
        }
    }

    /// Reads the value of `option` from the next word
    fn take_next(&mut self, option: &'static Opt, mut at: Word) {
        if let Some(next) = self.next_operand() {
            at.text = next.text;
            at.span.end = next.span.end;
            self.read(option, at, next.span);
        } else {
            let message = format!("`{}` needs a value", option.name());
            self.findings
                .error(Code::MissingValue, at.location(), message);
            self.tried([option.name()]);
        }
    }

    /// Gives the text of `at` the option's kind; `span` is the place of the value alone
    fn read(&mut self, option: &'static Opt, at: Word, span: Span) {
        let text = at.text.as_str();
        let value = match option.kind {
            Kind::Flag | Kind::Text | Kind::Secret => Some(Value::Text(text.to_owned())),
            Kind::Int => values::int(text).map(Value::Int),
            Kind::Bool => values::bool(text).map(Value::Bool),
            Kind::List => Some(Value::List(values::list(text))),
            Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        };
        if let Some(value) = value {
            self.arguments.given.push(Given { option, value, at });
        } else {
            let place = self.place.at(span);
            let (message, help) = refusal(option, text);
            self.findings
                .error(Code::InvalidValue, place, message)
                .help(help);
            self.tried([option.name()]);
        }
    }

    fn report_ambiguous(&mut self, token: &Token, candidates: &[Spelling]) {
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

    fn report_unknown(&mut self, token: &Token) {
        let written = option_text(token);
        let message = format!(
            "{} has no option {}",
            quote(self.arguments.word()),
            quote(written)
        );
        let at = self.place.at(option_span(token));
        let found = self.findings.error(Code::UnknownOption, at, message);
        let meant = nearest(written, spellings(self.options).map(|(name, _)| name));
        let Some((name, option)) = spellings(self.options).find(|(name, _)| Some(*name) == meant)
        else {
            return;
        };
        found.help(format!("did you mean `{name}`?"));
        self.tried([option.name()]);
        // A value after the misspelt option belongs to it: blaming that word as well would help nobody.
        if option.takes_value() && !token.text.contains('=') {
            let _ = self.next_operand();
        }
    }

    /// The next word, if it is no option
    fn next_operand(&mut self) -> Option<Token> {
        let (next, rest) = self.rest.split_first()?;
        matches!(classify(&next.text, self.options), Class::Operand).then(|| {
            self.rest = rest;
            next.clone()
        })
    }

    fn tried(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.arguments.tried.extend(names);
    }
}

/// Tells options from arguments as argparse does
pub(crate) fn classify(text: &str, options: &'static [Opt]) -> Class {
    if text == "--" {
        return Class::Stop;
    }
    if !text.starts_with('-') || text == "-" {
        return Class::Operand;
    }
    let written = text.split_once('=').map_or(text, |(name, _)| name);
    if let Some((_, option)) = spellings(options).find(|(name, _)| *name == written) {
        return Class::Option(option);
    }
    let candidates: Vec<_> = spellings(options)
        .filter(|(name, _)| name.starts_with(written))
        .collect();
    match candidates.as_slice() {
        [(_, option)] => Class::Option(option),
        [] if values::is_negative_number(text) || text.contains(' ') => Class::Operand,
        [] => Class::Unknown,
        _ => Class::Ambiguous(candidates),
    }
}

fn word(token: &Token, place: &Rc<Place>, span: Span) -> Word {
    Word {
        text: token.text.clone(),
        place: Rc::clone(place),
        span,
    }
}

fn option_text(token: &Token) -> &str {
    token
        .text
        .split_once('=')
        .map_or(token.text.as_str(), |(name, _)| name)
}

/// The place of the option in `--option=value`; of the whole word if it is quoted in a way that hides it
fn option_span(token: &Token) -> Span {
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
pub(crate) fn value_span(token: &Token) -> Span {
    match (token.plain_until('='), token.text.find('=')) {
        (true, Some(at)) if token.span.start + at + 1 < token.span.end => Span {
            start: token.span.start + at + 1,
            end: token.span.end,
        },
        _ => token.span,
    }
}
