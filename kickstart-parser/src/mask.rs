// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hides secrets in a line of a kickstart before it is shown: passwords, hashes, passphrases, keys of networks.
//!
//! Takes a line, gives it without its end and with stars in place of what is secret or could be, character for
//! character, so that columns stay; characters that steer a terminal are replaced as well. It would rather hide too much: what follows a misspelt option of a command with secrets is hidden.

use crate::arguments::suggest::nearest;
use crate::arguments::{Class, Command, Kind, Takes, classify, value_span};
use crate::commands::{all, find};
use crate::diagnostic::Findings;
use crate::location::{Place, Span};
use crate::syntax::{Hash, Token, without_end, words};
use crate::version::Syntax;

/// Parts of option names that say that the value is a secret
const SECRET_NAMES: [&str; 5] = ["pass", "pw", "key", "token", "secret"];

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
    let last = spans.last_mut();
    if let Some(last) = last.filter(|last| line[last.end..].starts_with('#')) {
        last.end = line.len();
    }
    let mut spans = spans.into_iter().peekable();
    let mut hide = |at: usize| {
        while spans.next_if(|span| span.end <= at).is_some() {}
        spans.peek().is_some_and(|span| span.start <= at)
    };
    line.char_indices()
        .map(|(at, c)| if hide(at) { '*' } else { shown(c) })
        .collect()
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

fn secrets_after(first: &Token<'_>, rest: &[Token<'_>]) -> Vec<Span> {
    let word = harmless_part(&first.text);
    let command = find(word).or_else(|| {
        let words = all().flat_map(|command| command.words.iter().copied());
        nearest(word, words).and_then(find)
    });
    let Some(command) = command.filter(|command| has_secrets(command)) else {
        return by_name(rest);
    };
    let takes = Takes {
        options: command.options,
        operand: command.operand,
        syntax: Syntax::NEWEST,
    };
    let mut spans = Vec::new();
    let mut follows = command.operand.is_some_and(|operand| operand.secret);
    let always = follows;
    // Words that the command does not take are the rest of a secret before them that lacks quotes.
    let mut rest_follows = false;
    let mut takes_more = command.operand.is_some();
    for token in rest {
        let secret_option = match classify(&token.text, takes) {
            Class::Operand | Class::Stop => {
                let is_rest = rest_follows && !takes_more;
                spans.extend((follows || is_rest || token.open).then_some(token.span));
                takes_more &= follows;
                follows = always;
                continue;
            }
            // `rootpw --iscrypted=HASH` is wrong, and is meant well.
            Class::Option(option) if always && option.kind == Kind::Flag => true,
            Class::Option(option) => option.kind == Kind::Secret || token.open,
            Class::Ambiguous(_) | Class::Unknown => true,
        };
        spans.extend((secret_option && token.text.contains('=')).then(|| value_span(token)));
        spans.extend(unseparated(token, takes));
        follows = always || secret_option;
        rest_follows = secret_option;
    }
    spans
}

/// The part of a word that is no option and seems to hold a value: what follows the name in `--password:x`
fn unseparated(token: &Token<'_>, takes: Takes) -> Option<Span> {
    let unknown =
        matches!(classify(&token.text, takes), Class::Unknown) && !token.text.contains('=');
    let shown = harmless_part(&token.text).len();
    (unknown && shown < token.text.len() && token.plain_until('=')).then_some(Span {
        start: token.span.start + shown,
        end: token.span.end,
    })
}

fn has_secrets(command: &Command) -> bool {
    command
        .all_options()
        .any(|option| option.kind == Kind::Secret)
        || command.operand.is_some_and(|operand| operand.secret)
}

/// The values of options that are called like secrets, for commands whose options are not known
fn by_name(tokens: &[Token<'_>]) -> Vec<Span> {
    let named = |token: &Token<'_>| {
        let name = token.text.split('=').next().unwrap_or("");
        name.starts_with('-') && SECRET_NAMES.iter().any(|part| name.contains(part))
    };
    let mut spans = Vec::new();
    let mut follows = false;
    for token in tokens {
        let attached = named(token) && token.text.contains('=');
        spans.extend(follows.then_some(token.span));
        spans.extend((attached && !follows).then(|| value_span(token)));
        follows = named(token) && !attached;
    }
    spans
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
            ("part --passphrase x / y", "part --passphrase * / *"),
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
