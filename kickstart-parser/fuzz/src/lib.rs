// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What must hold of every input: the bodies of the fuzz targets.
//!
//! Each takes any bytes, reads them as UTF-8 with what is not replaced, and panics when a promise of the parser is
//! broken. `tests/fuzz_findings.rs` runs the same functions over the findings and the test data, without libFuzzer;
//! time and memory are bounded by who runs them.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;

use kickstart_parser::commands::{Command, Kind, find};
use kickstart_parser::{
    Diagnostic, Document, Includes, Line, LineKind, Location, NoIncludes, Reading, Severity,
    Syntax, json_line, parse, read, render,
};
use serde_json::Value;

/// A target's name and body
pub type Target = (&'static str, fn(&[u8]));

/// Every target
pub const TARGETS: [Target; 4] = [
    ("lexer", lexer),
    ("parser", parser),
    ("includes", includes),
    ("formatter", formatter),
];

/// The name that the main file goes by
const NAME: &str = "a.ks";

/// How many includes a reader may follow before it must give up
const MOST_INCLUDES: usize = 4096;

/// The lossless document: nothing lost, words where they say they are
pub fn lexer(input: &[u8]) {
    let text = &*String::from_utf8_lossy(input);
    let document = parse(NAME, text);
    assert_eq!(document.to_string(), text, "the document is not the text");
    for (line, number) in document.lines.iter().zip(1..) {
        assert_eq!(line.number, number);
        check_words(line);
        check_location(&document.location(line), &document);
        if line.kind == LineKind::Command {
            check_quoted(line);
        }
    }
    for diagnostic in &document.diagnostics {
        check_location(
            diagnostic
                .location
                .as_ref()
                .expect("the document's faults have places"),
            &document,
        );
    }
}

/// Reading under every version, and showing what is said
pub fn parser(input: &[u8]) {
    let (text, syntax) = text_and_syntax(input);
    let reading = read(NAME, &text, syntax, &NoIncludes);
    check_reading(&reading);
    let again = read(NAME, &text, syntax, &NoIncludes);
    assert!(reading == again, "reading twice gives two results");
    let other = with_other_secrets(&text);
    let other = read(NAME, &other, syntax, &NoIncludes);
    assert_eq!(shown(&reading), shown(&other), "secrets show");
}

/// Files that include each other, themselves, and ever new ones
pub fn includes(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let files = Files::carved(&text);
    let reading = read(NAME, files.texts[0], None, &files);
    assert!(
        files.fetched.get() <= MOST_INCLUDES,
        "{} includes are followed",
        files.fetched.get()
    );
    check_reading(&reading);
}

/// Formatting twice is formatting once, and formatting changes no meaning; what is written reads as it was meant
pub fn formatter(input: &[u8]) {
    let (text, syntax) = text_and_syntax(input);
    let formatted = parse(NAME, &text).format();
    assert_eq!(
        parse(NAME, &formatted).format(),
        formatted,
        "formatting {text:?} twice changes it twice"
    );
    let (before, after) = (
        read(NAME, &text, syntax, &NoIncludes),
        read(NAME, &formatted, syntax, &NoIncludes),
    );
    assert_eq!(
        meaning(&before),
        meaning(&after),
        "formatting changes what {text:?} means"
    );
    if parse(NAME, &text).lines.iter().all(has_plain_words) {
        check_canonical(&before);
    }
}

/// The text, and the version to read it by. The version is what the last byte says, so that a kickstart is an input
/// as it stands; after a line end it is what the text declares.
fn text_and_syntax(input: &[u8]) -> (Cow<'_, str>, Option<Syntax>) {
    let text = String::from_utf8_lossy(input);
    let syntax = match input.last() {
        None | Some(b'\n') => None,
        Some(last) => Some(Syntax::ALL[usize::from(*last) % Syntax::ALL.len()]),
    };
    (text, syntax)
}

/// The files of an input, between NUL characters; the first includes the others by number
struct Files<'a> {
    texts: Vec<&'a str>,
    fetched: Cell<usize>,
    given: Cell<usize>,
}

/// How many bytes all fetches together give; a long file that includes itself is a lot of work, which says nothing
const MOST_TEXT: usize = 1 << 14;

impl<'a> Files<'a> {
    fn carved(text: &'a str) -> Self {
        Self {
            texts: text.split('\0').collect(),
            fetched: Cell::new(0),
            given: Cell::new(0),
        }
    }
}

impl Includes for Files<'_> {
    /// `2` is the third file under its own name, `+2` the same text under a name that is new every time, `-` a file
    /// that is not followed; all others are not there.
    fn fetch(&self, path: &str, from: &str) -> io::Result<(String, String)> {
        self.fetched.set(self.fetched.get() + 1);
        if path == "-" {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let number: Result<usize, _> = path.trim_start_matches('+').parse();
        let text = number
            .ok()
            .and_then(|number| self.texts.get(number))
            .ok_or(io::ErrorKind::NotFound)?;
        self.given.set(self.given.get() + text.len());
        if self.given.get() > MOST_TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let name = match path {
            "0" => NAME.to_owned(),
            _ if path.starts_with('+') => format!("{} from {from}", self.fetched.get()),
            _ => path.to_owned(),
        };
        Ok((name, (*text).to_owned()))
    }
}

/// Words stand in order, apart from each other, and are never longer than they are written
fn check_words(line: &Line) {
    let mut end = 0;
    for token in &line.tokens {
        let written = line
            .text
            .get(token.span.start..token.span.end)
            .expect("a word's span is in its line");
        assert!(
            token.span.start >= end && !written.is_empty(),
            "{token:?} in {line:?}"
        );
        assert!(
            token.text.len() <= written.len(),
            "{token:?} is written {written:?}"
        );
        end = token.span.end;
    }
}

/// The words of a command, each in quotes, are the same words
fn check_quoted(line: &Line) {
    let words: Vec<&str> = line.tokens.iter().map(|token| &*token.text).collect();
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\"'\"'")))
        .collect();
    let quoted = quoted.join(" ");
    let document = parse(NAME, &quoted);
    // A word may hold the line's end, when a backslash stands before it.
    if let [line] = &document.lines[..] {
        let again: Vec<&str> = line.tokens.iter().map(|token| &*token.text).collect();
        assert_eq!(again, words, "quoted: {quoted}");
    }
}

/// Everything said has a place in a file that was read, can be shown, and cannot steer a terminal
fn check_reading(reading: &Reading) {
    let sources = reading
        .sources
        .iter()
        .map(|source| (&*source.name, parse(&source.name, &source.text)));
    let sources: HashMap<&str, Document> = sources.collect();
    for at in reading
        .diagnostics
        .iter()
        .filter_map(|diagnostic| diagnostic.location.as_ref())
    {
        let source = sources.get(&*at.file);
        check_location(
            at,
            source.unwrap_or_else(|| panic!("{at:?} is in a file that was not read")),
        );
    }
    let human = render::human(&reading.diagnostics, &reading.sources, false);
    let control = human.chars().find(|c| c.is_control() && *c != '\n');
    assert!(control.is_none(), "{control:?} in {human:?}");
    render::human(&reading.diagnostics, &reading.sources, true);
    let json = json_line(NAME, reading);
    assert!(!json.contains('\n'));
    let verdict: Value = serde_json::from_str(&json).expect("a verdict is JSON");
    assert_eq!(
        verdict["diagnostics"].as_array().map(Vec::len),
        Some(reading.diagnostics.len())
    );
    assert_eq!(verdict["ok"], !reading.has_errors());
}

/// The place is inside the text: lines there are, columns up to one past the line's last character
fn check_location(at: &Location, source: &Document) {
    let width = |number: u32| {
        let line = (number as usize)
            .checked_sub(1)
            .and_then(|index| source.lines.get(index));
        line.unwrap_or_else(|| panic!("{at:?}: no such line"))
            .text
            .chars()
            .count()
    };
    assert!(
        (at.line, at.column) <= (at.end_line, at.end_column),
        "{at:?} ends before it begins"
    );
    for (line, column) in [(at.line, at.column), (at.end_line, at.end_column)] {
        assert!(
            column >= 1 && column as usize <= width(line) + 1,
            "{at:?} is outside its line"
        );
    }
}

/// Everything that is shown of a kickstart
fn shown(reading: &Reading) -> [String; 4] {
    let kickstart = serde_json::to_string(&reading.kickstart);
    [
        render::human(&reading.diagnostics, &reading.sources, false),
        json_line(NAME, reading),
        render::dump(&reading.kickstart),
        kickstart.expect("a kickstart is JSON"),
    ]
}

/// The text with other passwords and the like of the same shape: each letter and digit of them is the next one
fn with_other_secrets(text: &str) -> String {
    let mut other = String::with_capacity(text.len());
    for line in &parse(NAME, text).lines {
        let mut at = 0;
        for secret in secrets(line) {
            other.push_str(&line.text[at..secret.start]);
            other.extend(line.text[secret.clone()].chars().map(next));
            at = secret.end;
        }
        other.push_str(&line.text[at..]);
    }
    other
}

fn next(c: char) -> char {
    match c {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from(c as u8 + 1),
        _ => c,
    }
}

/// The bytes of a line that hold secrets, in order; only where there is no doubt
fn secrets(line: &Line) -> Vec<Range<usize>> {
    let (LineKind::Command, Some((first, rest))) = (line.kind, line.tokens.split_first()) else {
        return Vec::new();
    };
    let Some(command) = find(&first.text) else {
        return Vec::new();
    };
    let operand = command.operand.is_some_and(|operand| operand.secret);
    let mut secrets: Vec<Range<usize>> = Vec::new();
    let mut is_secret = operand;
    for token in rest {
        let written = &line.text[token.span.start..token.span.end];
        let mut value = token.span.start;
        if token.text == "--" {
            break;
        }
        if let Some(name) = written
            .split('=')
            .next()
            .filter(|name| name.starts_with("--"))
        {
            let kind = kind(command, name);
            is_secret = kind == Some(Kind::Secret) || operand && kind == Some(Kind::Flag);
            value += name.len() + 1;
            if value > token.span.end {
                continue;
            }
        } else if token.text.starts_with('-') {
            continue;
        }
        if is_secret {
            secrets.push(value..token.span.end);
        }
        // What follows a password is a part of it that lacks quotes, where the command takes no words.
        is_secret = operand || is_secret && command.operand.is_none();
    }
    // So is what follows a `#` in it.
    let last = secrets.last_mut();
    if let Some(last) = last.filter(|last| line.text[last.end..].starts_with('#')) {
        last.end = line.text.len();
    }
    secrets
}

/// The kind of an option that is spelt out
fn kind(command: &Command, name: &str) -> Option<Kind> {
    let mut options = command.all_options();
    let option = options.find(|option| option.names.contains(&name))?;
    Some(option.kind)
}

/// What is written without errors is written again when it is read, although comments and blank lines are not
fn check_canonical(reading: &Reading) {
    let text = reading.kickstart.to_text(reading.syntax);
    let again = read(NAME, &text, Some(reading.syntax), &NoIncludes);
    if !again.has_errors() {
        let rewritten = again.kickstart.to_text(reading.syntax);
        assert_eq!(solid(&rewritten), solid(&text), "written twice");
    }
}

/// Whether the words of a line need no quotes; pykickstart, which the canonical form is equal to, quotes a few values
/// and escapes none
fn has_plain_words(line: &Line) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    let mut words = line.tokens.iter().map(|token| &token.text);
    !matches!(line.kind, LineKind::Command | LineKind::Header)
        || words.all(|word| !word.is_empty() && word.chars().all(is_plain))
}

/// The lines that say something. pykickstart adds blank ones to an `%addon` each time, and tells the old keyboard in
/// a comment beside the new one.
fn solid(text: &str) -> Vec<&str> {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    text.lines().filter(says).collect()
}

/// What a text asks for and what is wrong with it, without the places
fn meaning(reading: &Reading) -> (Value, Vec<&'static str>, Option<String>) {
    let mut kickstart = serde_json::to_value(&reading.kickstart).expect("a kickstart is JSON");
    forget_places(&mut kickstart);
    let errors = reading
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    // The canonical text has the passwords, which JSON has not.
    let text = (!reading.has_errors()).then(|| reading.kickstart.to_text(reading.syntax));
    (kickstart, errors.map(code).collect(), text)
}

fn code(diagnostic: &Diagnostic) -> &'static str {
    diagnostic.code.as_str()
}

fn forget_places(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_places),
        Value::Object(fields) => {
            fields.remove("location");
            fields.values_mut().for_each(forget_places);
        }
        _ => {}
    }
}
