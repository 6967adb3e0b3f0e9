// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From the syntax of PCRE2, which libselinux uses, to that of `regex`.
//!
//! Takes an expression of ASCII characters; gives one that matches the same paths as `^EXPRESSION$` does in
//! PCRE2 with `PCRE2_DOTALL`, byte by byte. What `regex` lacks, or would take for something else, is an
//! error. It deliberately does not look for everything that is wrong: `regex` parses the result.

use std::iter::Peekable;
use std::str::Chars;

/// Before the end, and before a line feed at the end: what `$` means in PCRE2.
const END: &str = r"(?:\n?\z)";

/// The classes that have a name, in PCRE2 and `regex`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// An expression for `regex`.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) source: String,
    /// It has a `|` outside groups, which parts the anchors, too.
    pub(super) has_alternatives: bool,
}

/// The expression between anchors, or what it has that is not supported.
pub(super) fn translate(text: &str) -> Result<Translation, String> {
    let mut reader = Reader {
        chars: text.chars().peekable(),
        source: String::with_capacity(text.len() + 16),
        depth: 0,
        has_alternatives: false,
    };
    reader.source.push('^');
    while let Some(char) = reader.chars.next() {
        reader.one(char)?;
    }
    reader.source.push_str(END);
    Ok(Translation {
        source: reader.source,
        has_alternatives: reader.has_alternatives,
    })
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    source: String,
    /// Groups that are open.
    depth: usize,
    has_alternatives: bool,
}

impl Reader<'_> {
    fn one(&mut self, char: char) -> Result<(), String> {
        match char {
            '\\' => self.escape(false).map(drop)?,
            '[' => self.class()?,
            '(' => self.group()?,
            ')' => {
                self.depth = self.depth.checked_sub(1).ok_or("a group is not open")?;
                self.source.push(')');
            }
            '|' => {
                self.has_alternatives |= self.depth == 0;
                self.source.push('|');
            }
            '$' => self.source.push_str(END),
            '^' | '.' => self.source.push(char),
            '*' | '+' | '?' => {
                self.source.push(char);
                self.after_quantifier()?;
            }
            '{' => self.brace()?,
            other => self.literal(other),
        }
        Ok(())
    }

    fn literal(&mut self, char: char) {
        if char.is_ascii_punctuation() && !matches!(char, '<' | '>') {
            self.source.push('\\');
        }
        self.source.push(char);
    }

    /// What follows a backslash, in brackets or not; gives the character if it stands for just one.
    fn escape(&mut self, in_class: bool) -> Result<Option<char>, String> {
        let char = self.chars.next().ok_or("it ends with a backslash")?;
        let next_is_brace = self.chars.peek() == Some(&'{');
        match char {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                self.source.extend(['\\', char]);
                return Ok(None);
            }
            'b' | 'B' | 'A' | 'z' if !in_class && !next_is_brace => {
                self.source.extend(['\\', char]);
            }
            'n' | 't' | 'r' | 'f' | 'a' => self.source.extend(['\\', char]),
            'x' => {
                let digits: String = self.chars.by_ref().take(2).collect();
                if digits.len() < 2 || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err("`\\x` without two digits".to_owned());
                }
                self.source.push_str("\\x");
                self.source.push_str(&digits);
            }
            _ if !char.is_ascii_alphanumeric() => self.literal(char),
            _ => return Err(format!("`\\{char}`")),
        }
        Ok(Some(char))
    }

    /// After a `(`. Groups that remember nothing are as good as those that do.
    fn group(&mut self) -> Result<(), String> {
        match self.chars.peek() {
            Some('*') => return Err("`(*`".to_owned()),
            Some('?') => drop(self.chars.next()),
            _ => {
                self.depth += 1;
                self.source.push_str("(?:");
                return Ok(());
            }
        }
        self.source.push_str("(?");
        for char in self.chars.by_ref() {
            match char {
                'i' | 's' | '-' => self.source.push(char),
                ':' => self.depth += 1,
                ')' => {}
                other => return Err(format!("a group that begins with `?` and has `{other}`")),
            }
            if matches!(char, ':' | ')') {
                self.source.push(char);
                return Ok(());
            }
        }
        Err("a group is not closed".to_owned())
    }

    /// After a `{`, which is a character unless it begins `{2}`, `{2,}` or `{2,3}`. Of `{,3}` the versions
    /// of PCRE2 think differently.
    fn brace(&mut self) -> Result<(), String> {
        let inner: String = self.chars.clone().take_while(|&char| char != '}').collect();
        let is_closed = self.chars.clone().any(|char| char == '}');
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (least, most) = inner.split_once(',').unwrap_or((&inner, ""));
        if !is_closed || inner.is_empty() || !digits(least) || !digits(most) {
            self.literal('{');
            return Ok(());
        }
        if least.is_empty() {
            return Err("`{,`".to_owned());
        }
        self.chars.nth(inner.len());
        self.source.push('{');
        self.source.push_str(&inner);
        self.source.push('}');
        self.after_quantifier()
    }

    /// After a quantifier: it may be lazy, which changes nothing here.
    fn after_quantifier(&mut self) -> Result<(), String> {
        if self.chars.next_if_eq(&'?').is_some() {
            self.source.push('?');
        } else if self.chars.peek() == Some(&'+') {
            return Err("a possessive quantifier".to_owned());
        }
        match self.chars.peek() {
            Some('*' | '+' | '?') => Err("a quantifier of a quantifier".to_owned()),
            _ => Ok(()),
        }
    }

    /// After a `[`. In the brackets of PCRE2 there are no brackets, and no `&&`, `--` and `~~`.
    fn class(&mut self) -> Result<(), String> {
        const OPEN: &str = "a `[` is not closed";
        self.source.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.source.push('^');
        }
        let mut is_first = true;
        loop {
            let char = self.chars.next().ok_or(OPEN)?;
            if char == ']' && !is_first {
                self.source.push(']');
                return Ok(());
            }
            is_first = false;
            if self.member(char)? && self.has_range() {
                self.chars.next();
                self.source.push('-');
                let end = self.chars.next().ok_or(OPEN)?;
                if !self.member(end)? {
                    return Err("a range that ends with a class".to_owned());
                }
            }
        }
    }

    /// One member of a class; tells whether it is a character, that a range may begin with.
    fn member(&mut self, char: char) -> Result<bool, String> {
        match (char, self.chars.peek()) {
            ('\\', _) => Ok(self.escape(true)?.is_some()),
            ('[', Some(':')) => self.named_class().map(|()| false),
            ('[', Some('.' | '=')) => Err("`[.` or `[=` in brackets".to_owned()),
            _ => {
                self.literal(char);
                Ok(true)
            }
        }
    }

    fn has_range(&self) -> bool {
        let mut ahead = self.chars.clone();
        ahead.next() == Some('-') && ahead.next().is_some_and(|char| char != ']')
    }

    /// After a `[` in brackets: `:alpha:]`.
    fn named_class(&mut self) -> Result<(), String> {
        let name: String = self.chars.clone().take_while(|&char| char != ']').collect();
        let Some(bare) = name
            .strip_prefix(':')
            .and_then(|rest| rest.strip_suffix(':'))
        else {
            return Err("`[:` in brackets".to_owned());
        };
        if !CLASSES.contains(&bare.strip_prefix('^').unwrap_or(bare)) {
            return Err(format!("`[{name}]`"));
        }
        self.chars.nth(name.len());
        self.source.push('[');
        self.source.push_str(&name);
        self.source.push(']');
        Ok(())
    }
}
