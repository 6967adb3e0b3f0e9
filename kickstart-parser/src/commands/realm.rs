// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `realm`: membership of the installed system in a domain.
//!
//! Takes the rest of the line as it is written, gives [`Realm`]. Its options follow the rules of getopt, not those of
//! the other commands: they stand before the realm, their values may begin with a dash, and `#` begins no comment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{Arguments, Command, Form, Operand, Opt, Repeat};
use crate::diagnostic::{Code, Findings, quote};
use crate::kickstart::Kickstart;
use crate::location::{Place, Span};
use crate::mask::harmless_part;
use crate::secret::Secret;
use crate::syntax::{Hash, Token, words};
use crate::writer::Writer;

pub(super) const COMMAND: Command = Command {
    words: &["realm"],
    summary: "Joins a domain, as `realm join`",
    repeat: Repeat::Once,
    form: Form::Raw,
    options: &[OPTIONS],
    operand: Some(Operand::any(
        "join <realm>",
        "The word `join`, and the realm after the options",
    )),
    convert,
    write,
    ..Command::BASE
};

const OPTIONS: &[Opt] = &[
    Opt::text(&["--client-software"], "Software that joins, like `sssd`"),
    Opt::text(
        &["--server-software"],
        "Software of the domain, like `active-directory`",
    ),
    Opt::text(
        &["--membership-software"],
        "Software that keeps up the membership, like `adcli`",
    ),
    Opt::secret(&["--one-time-password"], "Password for this one join").not_yet(),
    Opt::flag(&["--no-password"], "Join without a password"),
    Opt::text(
        &["--computer-ou"],
        "Organisational unit for the computer's account",
    ),
];

/// A domain to join
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Realm {
    /// Name of the realm
    pub name: String,
    /// Software that joins
    pub client_software: Option<String>,
    /// Software of the domain
    pub server_software: Option<String>,
    /// Software that keeps up the membership
    pub membership_software: Option<String>,
    /// Password for this one join
    pub one_time_password: Option<Secret>,
    /// There is no password
    pub no_password: bool,
    /// Organisational unit for the computer's account
    pub computer_ou: Option<String>,
    /// The words after `join` as they are written, quoted for a shell
    pub arguments: Secret,
}

fn convert(given: &Arguments<'_>, findings: &mut Findings, kickstart: &mut Kickstart) {
    let earlier = kickstart.realm.as_ref();
    if let Some(earlier) = earlier.filter(|earlier| !earlier.name.is_empty()) {
        let line = earlier.location.line;
        let message = format!("a realm is joined in line {line} already");
        findings
            .error(Code::CommandConflict, given.location(), message)
            .help("a system is in one realm only");
        return;
    }
    let tokens = words(given.line.place, Hash::Plain, findings);
    match tokens.get(1) {
        None => given.lacks("`join` and a realm", &[], findings),
        Some(verb) if verb.text == "join" => {
            let realm = join(&tokens[2..], given, findings);
            kickstart.realm = realm.map(|realm| given.locate(realm));
        }
        Some(verb) => {
            let at = given.line.place.at(verb.span);
            let message = format!("`realm` cannot {}", shown(verb));
            findings
                .error(Code::InvalidValue, at, message)
                .help("write `realm join`, options, and the realm");
        }
    }
}

/// What the words after `join` say
fn join(words: &[Token<'_>], given: &Arguments<'_>, findings: &mut Findings) -> Option<Realm> {
    let place = given.line.place;
    let read = Options::read(words, place, findings)?;
    match read.rest {
        [] => given.lacks("a realm to join", &[], findings),
        [name] => return Some(read.realm(name, words)),
        [_, extra, ..] => {
            // It can be a part of a password that lacks quotes.
            let message = "`realm` joins one realm, this is one too many";
            findings.error(Code::UnexpectedArgument, place.at(extra.span), message);
        }
    }
    None
}

/// Options of the line with their values, and the words after them
struct Options<'t, 'a> {
    given: Vec<(&'static Opt, String)>,
    rest: &'t [Token<'a>],
}

impl<'t, 'a> Options<'t, 'a> {
    /// Reads options up to the first other word; the first fault ends it
    fn read(tokens: &'t [Token<'a>], place: Place<'_>, findings: &mut Findings) -> Option<Self> {
        let mut given = Vec::new();
        let mut rest = tokens;
        while let Some((token, after)) = rest.split_first() {
            if token.text == "--" {
                rest = after;
                break;
            }
            if !token.text.starts_with('-') || token.text == "-" {
                break;
            }
            let (option, attached) = find(token, place, findings)?;
            let next = after
                .first()
                .filter(|_| option.takes_value() && attached.is_none());
            rest = if next.is_some() { &after[1..] } else { after };
            let value = attached.or(next.map(|next| &*next.text));
            if option.takes_value() != value.is_some() {
                report_value(option, place, token.span, findings);
                return None;
            }
            given.push((option, value.unwrap_or_default().to_owned()));
        }
        Some(Self { given, rest })
    }

    fn realm(&self, name: &Token<'_>, words: &[Token<'_>]) -> Realm {
        let last = |name: &str| {
            self.given
                .iter()
                .rev()
                .find(|(option, _)| option.name() == name)
        };
        let text = |name: &str| last(name).map(|(_, value)| value.clone());
        let words: Vec<_> = words.iter().map(|word| shell_word(&word.text)).collect();
        Realm {
            name: name.text.clone().into_owned(),
            client_software: text("--client-software"),
            server_software: text("--server-software"),
            membership_software: text("--membership-software"),
            one_time_password: text("--one-time-password").map(Secret::new),
            no_password: last("--no-password").is_some(),
            computer_ou: text("--computer-ou"),
            arguments: Secret::new(words.join(" ")),
        }
    }
}

/// The option that a word names, in full or by a beginning that no other option has, and the value attached to it
fn find<'t>(
    token: &'t Token<'_>,
    place: Place<'_>,
    findings: &mut Findings,
) -> Option<(&'static Opt, Option<&'t str>)> {
    let (written, value) = match token.text.split_once('=') {
        Some((written, value)) if token.text.starts_with("--") => (written, Some(value)),
        _ => (&*token.text, None),
    };
    let meant = |option: &&Opt| written.starts_with("--") && option.name().starts_with(written);
    let candidates: Vec<_> = OPTIONS.iter().filter(meant).collect();
    let exact = candidates.iter().find(|option| option.name() == written);
    if let (Some(option), _) | (None, [option]) = (exact, &candidates[..]) {
        return Some((option, value));
    }
    let at = place.at(token.span);
    if candidates.is_empty() {
        let message = format!("`realm join` has no option {}", shown(token));
        findings.error(Code::UnknownOption, at, message);
    } else {
        let names: Vec<_> = candidates
            .iter()
            .map(|option| quote(option.name()))
            .collect();
        let message = format!("{} could be {}", quote(written), names.join(", "));
        findings.error(Code::AmbiguousOption, at, message);
    }
    None
}

/// A word without the value attached to it, which may be a password
fn shown(token: &Token<'_>) -> String {
    quote(harmless_part(&token.text))
}

fn report_value(option: &Opt, place: Place<'_>, span: Span, findings: &mut Findings) {
    if option.takes_value() {
        let message = format!("`{}` needs a value", option.name());
        findings.error(Code::MissingValue, place.at(span), message);
    } else {
        let message = format!("`{}` takes no value", option.name());
        findings.error(Code::UnexpectedValue, place.at(span), message);
    }
}

/// A word in single quotes, unless no shell finds anything special in it
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

fn write(kickstart: &Kickstart, writer: &mut Writer) {
    if let Some(realm) = &kickstart.realm {
        writer.put("# Realm or domain membership\n");
        writer.put(format_args!("realm join {}\n", realm.arguments.expose()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_where_they_need_it() {
        for (word, quoted) in [
            ("--computer-ou=OU=a,DC=b", "--computer-ou=OU=a,DC=b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\"'\"'s'"),
            ("\u{e9}", "'\u{e9}'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
