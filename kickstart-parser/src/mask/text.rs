// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Secrets that a text gives away by itself: users and passwords in addresses, values of names that say what they are,
//! hashes of passwords.
//!
//! Takes any text, gives the places of its secrets in order. Which text it is does not matter here.

use crate::location::Span;

/// Parts of names that say that the value is a secret; the last is authconfig's, for `USER%PASSWORD`
const SECRET_PARTS: [&str; 7] = [
    "passw",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "winbindjoin",
];

/// Ends of words in names that say the same
const SECRET_ENDS: [&str; 4] = ["pass", "pw", "pwd", "psk"];

/// A key is a secret, and its file or address is none
const KEY: &str = "key";

/// The places of all secrets, in order, none over another
pub(super) fn secrets(text: &str) -> Vec<Span> {
    let mut all = addresses(text);
    all.extend(Scanner::new(text).values());
    all.extend(hashes(text));
    merged(all)
}

/// The same places in order, those that touch made one
pub(super) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut().filter(|last| span.start <= last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => merged.push(span),
        }
    }
    merged
}

/// What stands before the `@` of addresses
fn addresses(text: &str) -> Vec<Span> {
    let is_border = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let mut start = 0;
    let mut spans = Vec::new();
    for word in text.split_inclusive(is_border) {
        spans.extend(user_part(word).map(|span| Span {
            start: start + span.start,
            end: start + span.end,
        }));
        start += word.len();
    }
    spans
}

/// `user:password` in `--url=https://user:password@host/` or `user:password@host`
fn user_part(word: &str) -> Option<Span> {
    let last = last_at(word);
    let (start, end) = if let Some(scheme) = word.find("://") {
        let start = scheme + "://".len();
        let authority = &word[start..];
        let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
        // A password with a `/` in it looks like a host with a strange port.
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let is_host = port.chars().all(|c| c.is_ascii_digit()) || authority.ends_with(']');
        if is_host && !authority.contains('@') {
            return None;
        }
        let end = last.filter(|end| start <= *end);
        (start, end.unwrap_or(start + authority.len()))
    } else {
        let end = last?;
        let named = word[..end].find(|c| !is_name(c));
        let start = named.filter(|at| word[*at..].starts_with('='));
        let start = start.map_or(0, |at| at + 1);
        let start = word[start..end]
            .rfind('/')
            .map_or(start, |at| start + at + 1);
        if !word[start..end].contains(':') {
            return None;
        }
        (start, end)
    };
    (start < end).then_some(Span { start, end })
}

/// The last `@` that is not the one before an image's digest
fn last_at(word: &str) -> Option<usize> {
    let is_digest = |text: &str| {
        let hex = text
            .strip_prefix("sha256:")
            .or_else(|| text.strip_prefix("sha512:"));
        hex.is_some_and(|hex| hex.len() >= 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let last = word.rfind('@')?;
    if is_digest(word[last + 1..].trim_end_matches(|c: char| !c.is_ascii_hexdigit())) {
        word[..last].rfind('@')
    } else {
        Some(last)
    }
}

/// Hashes as `crypt(5)` has them, `$6$SALT$HASH`, with the `$` escaped or not, and those of GRUB
fn hashes(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['$', 'g']) {
        let start = at + found;
        let length = hash_length(&text[start..]);
        spans.extend(length.map(|length| Span {
            start,
            end: start + length,
        }));
        at = start + length.unwrap_or(1);
    }
    spans
}

/// How long the hash is that `text` begins with
fn hash_length(text: &str) -> Option<usize> {
    const GRUB: &str = "grub.pbkdf2.";
    /// The shortest there is, MD5
    const LEAST: usize = 22;
    /// No hash is as long; it is a bound for texts that are none
    const MOST: usize = 512;
    if let Some(rest) = text.strip_prefix(GRUB) {
        let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '.';
        let length = rest.chars().take(MOST).take_while(is_part).count();
        return (length > LEAST).then_some(GRUB.len() + length);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "./,=+_-".contains(c);
    let is_end = |(at, c): &(usize, char)| match c {
        '$' => false,
        '\\' => !text[at + 1..].starts_with('$'),
        c => !is_part(*c),
    };
    let end = text.char_indices().find(|c| c.0 >= MOST || is_end(c));
    let end = end.map_or(text.len(), |(at, _)| at);
    let mut parts = text[..end].split('$').skip(1);
    let method = parts.next()?.trim_end_matches('\\');
    (is_method(method) && parts.any(|part| part.len() >= LEAST)).then_some(end)
}

/// Whether `crypt(3)`, or what else has its format, knows a method by this name
fn is_method(name: &str) -> bool {
    let (name, _) = name.split_once(',').unwrap_or((name, ""));
    matches!(
        name,
        "1" | "2" | "2a" | "2b" | "2x" | "2y" | "3" | "5" | "6" | "7" | "y" | "gy" | "md5" | "sha1"
    ) || ["argon2", "pbkdf2", "scrypt"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Goes through a text and looks for names with values
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The quote that is open here
    quote: Option<char>,
    /// Whether nothing but blanks stood before on the line
    is_first: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            quote: None,
            is_first: true,
        }
    }

    fn values(mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        while let Some(c) = self.text[self.at..].chars().next() {
            if !is_name(c) {
                self.pass(c);
                continue;
            }
            let rest = &self.text[self.at..];
            let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
            let end = self.at + name.len();
            let value = says_secret(name).and_then(|kind| self.value(kind, name, end));
            self.is_first = false;
            self.at = value.map_or(end, |span| span.end);
            spans.extend(value);
        }
        spans
    }

    /// Goes on by one character that is in no name
    fn pass(&mut self, c: char) {
        self.at += c.len_utf8();
        match c {
            '\n' | '\r' => (self.quote, self.is_first) = (None, true),
            c if is_quote(c) => {
                self.quote = match self.quote {
                    None => Some(c),
                    Some(open) => Some(open).filter(|open| *open != c),
                }
            }
            _ => self.is_first &= c.is_whitespace(),
        }
    }

    /// The value of a name that ends at `end`: after `=` or `:`, after the blank that follows an option, or what the
    /// line has after its first word
    fn value(&self, kind: SecretName, name: &str, end: usize) -> Option<Span> {
        const BLANKS: [char; 2] = [' ', '\t'];
        let after = &self.text[end..];
        let closed = after.trim_start_matches(['"', '\'', '\\']);
        let outer = self.quote.filter(|_| closed.len() == after.len());
        let sign = closed.trim_start_matches(BLANKS);
        let (value, whole_line) = if sign.starts_with(['=', ':']) {
            (sign.trim_start_matches(['=', ':', '>']), false)
        } else if after.starts_with(BLANKS) && name.starts_with('-') {
            (after, false)
        } else if after.starts_with(BLANKS) && self.is_first && kind == SecretName::Password {
            (after, true)
        } else {
            return None;
        };
        let value = value.trim_start_matches(BLANKS);
        let is_place = names_a_place(value) || self.text[..end - name.len()].ends_with('/');
        if kind == SecretName::Key && is_place {
            return None;
        }
        let start = self.text.len() - value.len();
        let length = if whole_line {
            value.find(['\n', '\r']).unwrap_or(value.len())
        } else {
            value_length(value, outer)
        };
        (length > 0).then_some(Span {
            start,
            end: start + length,
        })
    }
}

/// How long the word is that `text` begins with: to a blank or to the quote that was open before it, over quotes and
/// escapes of its own
fn value_length(text: &str, outer: Option<char>) -> usize {
    // The quote that is open, and whether a backslash stood before it
    let mut inner: Option<(char, bool)> = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let next = chars.clone().next().map(|(_, next)| next);
        match (c, next) {
            ('\n' | '\r', _) => return at,
            ('\\', None | Some('\n' | '\r')) => {}
            ('\\', Some(next)) => {
                chars.next();
                inner = match inner {
                    None if is_quote(next) => Some((next, true)),
                    Some((open, true)) if open == next => None,
                    inner => inner,
                };
            }
            _ if inner == Some((c, false)) => inner = None,
            _ if outer == Some(c) => return at,
            _ if inner.is_some() => {}
            _ if is_quote(c) => inner = Some((c, false)),
            _ if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// Whether a path or an address follows, in quotes or not
fn names_a_place(value: &str) -> bool {
    let word = value.trim_start_matches(['"', '\'', '\\']);
    let word = word.split(char::is_whitespace).next().unwrap_or("");
    word.starts_with('/') || word.contains("://")
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretName {
    Password,
    Key,
}

/// Whether a name says that what it names is a secret
pub(super) fn says_secret(name: &str) -> Option<SecretName> {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(['-', '_', '.']);
    if SECRET_PARTS.iter().any(|part| name.contains(part))
        || words
            .clone()
            .any(|word| SECRET_ENDS.iter().any(|end| word.ends_with(end)))
    {
        return Some(SecretName::Password);
    }
    words
        .any(|word| word.ends_with(KEY))
        .then_some(SecretName::Key)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}
