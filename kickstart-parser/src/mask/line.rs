// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Secrets in a line of a kickstart, by what the language says of its command.
//!
//! Takes a line, gives it without its end and with stars in place of what is secret or could be, character for
//! character, so that columns stay; characters that steer a terminal are replaced as well.

use super::text;
use crate::arguments::suggest::nearest;
use crate::arguments::{Class, Command, Kind, Opt, Takes, classify, value_span};
use crate::commands::{all, find};
use crate::diagnostic::Findings;
use crate::location::{Place, Span};
use crate::syntax::{Hash, Token, without_end, words};
use crate::version::Syntax;

/// `line` without its end, its secrets replaced by stars
pub(crate) fn mask(line: &str) -> String {
    let line = without_end(line);
    let place = Place {
        file: &"".into(),
        line: 1,
        text: line,
    };
    let tokens = words(place, Hash::Comment, &mut Findings::default());
    let mut spans = secrets(&tokens);
    // A password that lacks quotes goes on after its `#`.
    let last = spans.iter_mut().max_by_key(|span| span.end);
    if let Some(last) = last.filter(|last| line[last.end..].starts_with('#')) {
        last.end = line.len();
    }
    spans.extend(secrets_by_themselves(line, &tokens));
    let spans = text::merged(spans);
    let mut spans = spans.into_iter().peekable();
    let mut hide = |at: usize| {
        while spans.next_if(|span| span.end <= at).is_some() {}
        spans.peek().is_some_and(|span| span.start <= at)
    };
    line.char_indices()
        .map(|(at, c)| if hide(at) { '*' } else { shown(c) })
        .collect()
}

/// The same where nothing is secret
pub(super) fn plain(line: &str) -> String {
    without_end(line).chars().map(shown).collect()
}

/// The control characters above ASCII steer a terminal as those below do, which the renderer replaces itself
fn shown(c: char) -> char {
    if ('\u{80}'..='\u{9f}').contains(&c) {
        char::REPLACEMENT_CHARACTER
    } else {
        c
    }
}

fn secrets(tokens: &[Token<'_>]) -> Vec<Span> {
    let Some((first, rest)) = tokens.split_first() else {
        return Vec::new();
    };
    let mut spans = secrets_after(first, rest);
    let shown = harmless_part(&first.text).len();
    if find(&first.text).is_none() && (1..first.text.len()).contains(&shown) {
        let start = if first.plain_until('=') {
            first.span.start + shown
        } else {
            first.span.start
        };
        spans.insert(
            0,
            Span {
                start: start.min(first.span.end),
                end: first.span.end,
            },
        );
    }
    spans
}

/// What of a word where a command or an option should be is shown: `rootpw=x` and `--password:x` are secrets that
/// somebody did not separate
pub(crate) fn harmless_part(word: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '%');
    let first = word.trim_start_matches(is_name);
    let name = &word[..word.len() - first.len()];
    // `user--password` is a command and an option without the blank between.
    name.get(1..)
        .and_then(|rest| rest.find("--"))
        .filter(|at| *at > 1)
        .map_or(name, |at| &name[..=at])
}

/// Secrets that need no knowledge of the command. Of a command with secrets each word is looked into alone, since what
/// follows an option is known; of any other, a name and its value may be two words.
fn secrets_by_themselves(line: &str, tokens: &[Token<'_>]) -> Vec<Span> {
    let mut pieces = Vec::new();
    let start = match tokens.split_first() {
        Some((first, rest)) if meant(first).is_some_and(can_hold_secrets) => {
            pieces.extend(rest.iter().map(|token| token.span));
            rest.last().unwrap_or(first).span.end
        }
        Some((first, _)) if find(&first.text).is_some() => first.span.end,
        _ => 0,
    };
    pieces.push(Span {
        start,
        end: line.len(),
    });
    let within = |piece: Span| {
        let found = text::secrets(&line[piece.start..piece.end]);
        found.into_iter().map(move |span| Span {
            start: piece.start + span.start,
            end: piece.start + span.end,
        })
    };
    pieces.into_iter().flat_map(within).collect()
}

/// The command that a word is, or was meant to be
fn meant(first: &Token<'_>) -> Option<&'static Command> {
    let word = harmless_part(&first.text);
    find(word).or_else(|| {
        let words = all().flat_map(|command| command.words.iter().copied());
        nearest(word, words).and_then(find)
    })
}

fn can_hold_secrets(command: &Command) -> bool {
    takes(command).can_hold_secrets()
}

fn takes(command: &Command) -> Takes {
    Takes {
        options: command.options,
        operand: command.operand,
        syntax: Syntax::NEWEST,
    }
}

/// What a word that is no option is
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The value of an option
    Value,
    /// The value of an option with a secret, or what may be one
    Secret,
    /// What may be the rest of the secret before it, if it lacks quotes
    Rest,
    Operand,
}

fn secrets_after(first: &Token<'_>, rest: &[Token<'_>]) -> Vec<Span> {
    let Some(command) = meant(first).filter(|command| can_hold_secrets(command)) else {
        return Vec::new();
    };
    let always = command.operand.is_some_and(|operand| operand.secret);
    let operand = if always { Role::Secret } else { Role::Operand };
    let mut search = Search {
        takes: takes(command),
        operand,
        next: operand,
        has_secret: false,
        secrets: Vec::new(),
        operands: Vec::new(),
    };
    for token in rest {
        match classify(&token.text, search.takes) {
            Class::Operand | Class::Stop => search.take_word(token),
            Class::Option(option) => search.take_option(Some(option), token),
            Class::Ambiguous(_) | Class::Unknown => search.take_option(None, token),
        }
    }
    search.finish()
}

/// The search for secrets in the words after a command
struct Search {
    takes: Takes,
    /// What a word is if no option before it says otherwise
    operand: Role,
    /// What the next word is, if it is no option
    next: Role,
    /// Whether an option with a secret was met, or what may be one
    has_secret: bool,
    secrets: Vec<Span>,
    /// Words that are no options and no values
    operands: Vec<Span>,
}

impl Search {
    fn take_word(&mut self, token: &Token<'_>) {
        // An option and its value in the same quotes are no option.
        let is_odd = token.open || token.text.starts_with("--") && token.text.contains(' ');
        let is_rest = self.next == Role::Rest && self.takes.most_operands() == usize::MAX;
        if is_odd || is_rest || self.next == Role::Secret {
            self.secrets.push(token.span);
        }
        if matches!(self.next, Role::Operand | Role::Rest) {
            self.operands.push(token.span);
        }
        self.next = match self.next {
            Role::Secret | Role::Rest => self.rest(),
            Role::Value | Role::Operand => self.operand,
        };
    }

    /// What follows a secret
    fn rest(&self) -> Role {
        match self.operand {
            Role::Operand => Role::Rest,
            operand => operand,
        }
    }

    /// Takes an option; `None` for one that the command does not have
    fn take_option(&mut self, option: Option<&Opt>, token: &Token<'_>) {
        let is_secret = option.is_none_or(|option| {
            // `rootpw --iscrypted=HASH` is wrong, and is meant well.
            let is_meant = self.operand == Role::Secret && option.kind == Kind::Flag;
            is_meant || option.kind == Kind::Secret || token.open
        });
        let is_attached = token.text.contains('=');
        if is_secret && is_attached {
            self.secrets.push(value_span(token));
        } else if option.is_none() {
            self.secrets.extend(unseparated(token));
        }
        self.has_secret |= is_secret;
        self.next = match option {
            _ if is_secret && is_attached => self.rest(),
            _ if is_secret => Role::Secret,
            Some(option) if option.takes_value() && !is_attached => Role::Value,
            _ => self.operand,
        };
    }

    fn finish(mut self) -> Vec<Span> {
        let most = self.takes.most_operands();
        // Of words too many any may be the rest of a secret.
        if self.operands.len() > most {
            let shown = if self.has_secret { 0 } else { most };
            self.secrets.extend(&self.operands[shown..]);
        }
        self.secrets
    }
}

/// The part of a word that is no option and seems to hold a value: what follows the name in `--password:x`
fn unseparated(token: &Token<'_>) -> Option<Span> {
    let shown = harmless_part(&token.text).len();
    (shown < token.text.len() && token.plain_until('=')).then_some(Span {
        start: token.span.start + shown,
        end: token.span.end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_stars_and_columns_stay() {
        for (line, shown) in [
            (
                "rootpw --iscrypted hünter2 # c",
                "rootpw --iscrypted ******* # c",
            ),
            ("rotpw 'a b' c", "rotpw ***** *"),
            (
                "user --name=a --password=x --gecos=\"A B\"",
                "user --name=a --password=* --gecos=\"A B\"",
            ),
            ("user --password x --name a", "user --password * --name a"),
            ("user --passwort=x --nam=a", "user --passwort=* --nam=a"),
            (
                "user --name=a --password \"x y",
                "user --name=a --password ****",
            ),
            ("vnc --password=x --host=h", "vnc --password=* --host=h"),
            ("autopart --passphrase x y", "autopart --passphrase * *"),
            ("part --passphrase x / y", "part --passphrase * * *"),
            ("part / swap --size=1", "part / **** --size=1"),
            ("user --name a x", "user --name a *"),
            ("raid \"--passphrase x\" -5", "raid **************** -5"),
            ("rootpw a#b # c", "rootpw *******"),
            (
                "rootpw --lock --iscrypted=x y",
                "rootpw --lock --iscrypted=* *",
            ),
            (
                "part / --size=1 --passphrase=x",
                "part / --size=1 --passphrase=*",
            ),
            ("rootpw=hunter2", "rootpw********"),
            ("rootpw:hunter2 x", "rootpw******** *"),
            ("rootpw\u{a0}hunter2", "rootpw********"),
            ("user--password=x", "user************"),
            ("rootpw --password:hunter2", "rootpw --password********"),
            (
                "sshkey --username=root 'ssh-rsa AAAA'",
                "sshkey --username=root 'ssh-rsa AAAA'",
            ),
        ] {
            assert_eq!(mask(line), shown);
        }
    }
}
