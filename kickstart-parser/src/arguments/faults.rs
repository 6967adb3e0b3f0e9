// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is said about arguments that do not fit: values of the wrong form, too many words, missing ones.
//!
//! Takes what the matcher understood; decides nothing about it.

use super::matcher::Takes;
use super::suggest::nearest;
use super::table::Arity;
use super::{Arguments, Kind, Opt, Word};
use crate::diagnostic::{Code, Findings, quote};
use crate::mask::harmless_part;

/// Why `text` is no value of `option`, and what would be one
pub(super) fn refusal(option: &Opt, text: &str) -> (String, String) {
    let name = option.name();
    match option.kind {
        Kind::Choice(words) | Kind::Keyword(words) => (
            format!("`{name}` cannot be {}", quote(text)),
            choices(words, text),
        ),
        Kind::Bool => (
            format!("`{name}` is yes or no, not {}", quote(text)),
            "write `on`, `yes`, `true`, `1`, `off`, `no`, `false` or `0`".to_owned(),
        ),
        _ => (
            format!("`{name}` is a whole number, not {}", quote(text)),
            "write digits only, without a unit".to_owned(),
        ),
    }
}

fn choices(words: &[&str], text: &str) -> String {
    if let Some(meant) = nearest(text, words.iter().copied()) {
        return format!("did you mean `{meant}`?");
    }
    let listed: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("write {}", listed.join(" or "))
}

/// Says that there are more words than the command takes, at the first one of them
pub(super) fn report_extra(arguments: &Arguments<'_>, takes: Takes, findings: &mut Findings) {
    let mut extras = arguments.operands.iter().skip(takes.most_operands());
    let Some(extra) = extras.next() else { return };
    let name = quote(arguments.word());
    // It can be a password without its option, or a part of one without quotes.
    let what = describe(extra, takes.can_hold_secrets());
    let more = extras.count();
    let message = match (takes.operand, more) {
        (None, _) => format!("{name} takes no argument, there is {what}"),
        (Some(_), 0) => format!("{name} takes one argument, {what} is one too many"),
        (Some(_), _) => format!("{name} takes one argument, {what} and {more} more are too many"),
    };
    let found = findings.error(Code::UnexpectedArgument, extra.location(), message);
    if takes.operand.is_some() && !is_line_end(extra) {
        found.help("put quotes around an argument with blanks");
    }
}

fn describe(extra: &Word<'_>, secret: bool) -> String {
    if is_line_end(extra) {
        "the line end after the backslash".to_owned()
    } else if secret {
        "this".to_owned()
    } else if extra.text.starts_with('-') {
        quote(harmless_part(&extra.text))
    } else {
        quote(&extra.text)
    }
}

fn is_line_end(word: &Word<'_>) -> bool {
    matches!(&*word.text, "\n" | "\r")
}

/// Says which required options and arguments are not given
pub(super) fn report_missing(arguments: &Arguments<'_>, takes: Takes, findings: &mut Findings) {
    let name = || quote(arguments.word());
    if let Some(operand) = takes
        .operand
        .filter(|operand| operand.arity == Arity::One && arguments.operands.is_empty())
    {
        let message = format!("{} needs `{}`", name(), operand.name);
        let found = findings.error(Code::MissingArgument, arguments.location(), message);
        found.help(format!("`{}`: {}", operand.name, operand.help));
    }
    let untried =
        |option: &&Opt| !arguments.has(option.name()) && !arguments.tried.contains(&option.name());
    let options = takes.options.iter().flat_map(|group| group.iter());
    let required = options
        .filter(|option| option.versions.has(takes.syntax) && option.required.has(takes.syntax));
    for option in required.filter(untried) {
        let message = format!("{} needs `{}`", name(), option.name());
        let found = findings.error(Code::MissingArgument, arguments.location(), message);
        found.help(format!("`{}`: {}", option.name(), option.help));
    }
}
