// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes a document again with the same meaning, words and comments, and its spacing in order.
//!
//! Takes the lossless document, gives text. Bodies of sections stay byte for byte, and so do lines that are not
//! understood: unknown commands, open quotes, line ends that a kickstart does not have. What a command asks for is not
//! looked into; of its options only this is known, whether a value follows.

use crate::arguments::{Form, Opt};
use crate::commands::find;
use crate::sections;
use crate::syntax::{Document, Line, LineKind, Section, Token, is_blank};

impl Document<'_> {
    /// The file in good order: single blanks between words, `--option=value`, no quotes that do nothing, at most one
    /// blank line at a time, a line end at the end. Formatting the result again changes nothing.
    pub fn format(&self) -> String {
        let mut formatter = Formatter::default();
        for line in &self.lines {
            formatter.take(line);
        }
        formatter.text
    }
}

#[derive(Debug, Default)]
struct Formatter {
    text: String,
    /// The line end of a blank line that comes before the next line
    blank: Option<&'static str>,
    /// A section is open
    inside: bool,
}

impl Formatter {
    fn take(&mut self, line: &Line<'_>) {
        if line.kind == LineKind::Blank {
            let end = line_end(line.text).unwrap_or("\n");
            self.blank = (!self.text.is_empty()).then_some(end);
            return;
        }
        if let Some(end) = self.blank.take() {
            // After a carriage return a line feed would belong to the line before.
            let follows_return = self.text.ends_with('\r');
            self.text.push_str(if follows_return { "\r" } else { end });
        }
        match self.rewritten(line) {
            Some(text) => {
                self.text.push_str(&text);
                self.text.push_str(line_end(line.text).unwrap_or("\n"));
            }
            None => self.text.push_str(line.text),
        }
    }

    /// The line in good order without its end; `None` if it stays as it is
    fn rewritten(&mut self, line: &Line<'_>) -> Option<String> {
        let was_inside = self.inside;
        self.inside = match line.kind {
            LineKind::Header => line
                .tokens
                .first()
                .is_some_and(|word| Section::named(&word.text).is_some()),
            LineKind::End => false,
            _ => was_inside,
        };
        line_end(line.text)?;
        let content = line.text.trim_end_matches(['\r', '\n']);
        match line.kind {
            LineKind::Comment => Some(trim_end(content).to_owned()),
            LineKind::End => Some(trim_end(content.trim_start_matches(is_blank)).to_owned()),
            LineKind::Include if !was_inside => words(line, Options::NONE),
            LineKind::Command => command(line),
            LineKind::Header if self.inside => header(line),
            _ => None,
        }
    }
}

/// The options of which it is known whether a value follows
#[derive(Debug, Clone, Copy)]
struct Options(&'static [&'static [Opt]]);

impl Options {
    const NONE: Options = Options(&[]);

    /// Whether a value follows `word` in every version that has it
    fn take_value(self, word: &str) -> bool {
        let options = self.0.iter().flat_map(|group| group.iter());
        let mut named = options
            .filter(|option| option.names.contains(&word))
            .peekable();
        named.peek().is_some() && named.all(Opt::takes_value)
    }
}

fn command(line: &Line<'_>) -> Option<String> {
    let first = line.tokens.first()?;
    let command = find(&first.text)?;
    match command.form {
        Form::Words => words(line, Options(command.options)),
        Form::Raw if has_faults(line) => None,
        Form::Raw => {
            let rest = line.text[first.span.end..].trim_matches([' ', '\t', '\r', '\n']);
            let gap = if rest.is_empty() { "" } else { " " };
            Some(format!("{}{gap}{rest}", written(first, line)))
        }
    }
}

fn header(line: &Line<'_>) -> Option<String> {
    let section = Section::named(&line.tokens.first()?.text)?;
    words(line, Options(sections::of(section).options))
}

/// The words of the line and its comment, a blank between
fn words(line: &Line<'_>, options: Options) -> Option<String> {
    let (first, rest) = line.tokens.split_first()?;
    if has_faults(line) {
        return None;
    }
    let mut text = written(first, line).to_owned();
    let mut options = options;
    let mut takes_value = false;
    for token in rest {
        let is_value = takes_value && !token.text.is_empty() && !token.text.starts_with('-');
        text.push(if is_value { '=' } else { ' ' });
        text.push_str(unquoted(token, line));
        if token.text == "--" {
            options = Options::NONE;
        }
        takes_value = !is_value && options.take_value(&token.text);
    }
    let comment = comment(line);
    if !comment.is_empty() {
        text.push(' ');
        text.push_str(comment);
    }
    Some(text)
}

/// Whether the words are not all there is: an open quote, a backslash before the line end
fn has_faults(line: &Line<'_>) -> bool {
    let is_faulty = |token: &Token<'_>| token.open || token.text.contains(['\r', '\n']);
    let comment = comment(line);
    line.tokens.iter().any(is_faulty) || !(comment.is_empty() || comment.starts_with('#'))
}

/// What stands after the last word
fn comment<'a>(line: &Line<'a>) -> &'a str {
    let end = line.tokens.last().map_or(0, |token| token.span.end);
    line.text[end..].trim_matches([' ', '\t', '\r', '\n'])
}

fn written<'a>(token: &Token<'_>, line: &Line<'a>) -> &'a str {
    &line.text[token.span.start..token.span.end]
}

/// The word without its quotes where they do nothing, else as it is written
fn unquoted<'t>(token: &'t Token<'_>, line: &Line<'t>) -> &'t str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if token.text.is_empty() || !token.text.chars().all(is_plain) {
        return written(token, line);
    }
    &token.text
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches([' ', '\t'])
}

/// How a line ends once it is in order; `None` if it ends with a character that counts as a part of its last word
fn line_end(text: &str) -> Option<&'static str> {
    if text.ends_with("\r\n") {
        return Some("\r\n");
    }
    let last = text.chars().next_back()?;
    let ends_line = matches!(
        last,
        '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    );
    (!ends_line).then_some("\n")
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    fn format(text: &str) -> String {
        let formatted = parse("a.ks", text).format();
        assert_eq!(
            parse("a.ks", &formatted).format(),
            formatted,
            "once and twice"
        );
        formatted
    }

    #[test]
    fn spacing_is_put_in_order_and_comments_stay() {
        for (text, formatted) in [
            ("  lang\ten_US.UTF-8   # c  \n", "lang en_US.UTF-8 # c\n"),
            ("part / --size 100 --grow", "part / --size=100 --grow\n"),
            ("part / --siz 100\n", "part / --siz 100\n"),
            (
                "user --name=\"a\" --gecos 'A B'\n",
                "user --name=a --gecos='A B'\n",
            ),
            (
                "user --name -a --uid -1 --shell \"\"\n",
                "user --name -a --uid -1 --shell \"\"\n",
            ),
            ("rootpw a#b\n", "rootpw a #b\n"),
            ("rootpw -- --plaintext  x\n", "rootpw -- --plaintext x\n"),
            ("  # c \n #version=F40 \n", "  # c\n #version=F40\n"),
            (" %include  \"a.ks\"\n", "%include a.ks\n"),
            ("text\r\n\r\n\r\ntext", "text\r\n\r\ntext\n"),
            ("\n\ntext\n \n\t\n\ntext\n\n\n", "text\n\ntext\n"),
        ] {
            assert_eq!(format(text), formatted);
        }
    }

    #[test]
    fn bodies_stay_byte_for_byte() {
        let text = "  %post --log  /x --nochroot\n  a  'b \n\n\n\t%include  c\n %ksappend  d\r\n  %end  # e \n";
        let body = "  a  'b \n\n\n\t%include  c\n %ksappend  d\r\n";
        assert_eq!(
            format(text),
            format!("%post --log=/x --nochroot\n{body}%end  # e\n")
        );
        assert_eq!(format("%pre\n  x"), "%pre\n  x");
        assert_eq!(format("%addon a  --b  c\n%end\n"), "%addon a --b c\n%end\n");
    }

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        for text in [
            "frobnicate  a   b\n",
            "  lang  'en\n",
            "part  / \\\n  --grow  x\\",
            "%foo  a\n",
            "%ksappend  a b\n",
            "text\u{b}",
            "lang 'a\r\rtext\n",
        ] {
            assert_eq!(format(text), text);
        }
    }
}
