// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Says of each line what it is: it knows whether a section is open, and which names begin one.
//!
//! The machine goes on over file borders, as an included file may be a piece of a section's body. What is inside a
//! section is not looked into, apart from `%include`, `%ksappend` and the line that ends it.

use super::document::LineKind;
use super::lexer::{Hash, Token, words};
use super::lines::{first_word, is_blank};
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Location, Place};

/// The sections of a kickstart
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Pre,
    PreInstall,
    Post,
    OnError,
    Traceback,
    Packages,
    Addon,
    Anaconda,
    Certificate,
}

impl Section {
    pub(crate) const ALL: [(&'static str, Section); 9] = [
        ("%pre", Section::Pre),
        ("%pre-install", Section::PreInstall),
        ("%post", Section::Post),
        ("%onerror", Section::OnError),
        ("%traceback", Section::Traceback),
        ("%packages", Section::Packages),
        ("%addon", Section::Addon),
        ("%anaconda", Section::Anaconda),
        ("%certificate", Section::Certificate),
    ];

    /// The word that begins it
    pub(crate) fn word(self) -> &'static str {
        let mut named = Self::ALL.iter().filter(|(_, section)| *section == self);
        named.next().map_or("", |(name, _)| name)
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        let mut sections = Self::ALL.iter().filter(|(name, _)| *name == word);
        sections.next().map(|(_, section)| *section)
    }
}

/// What one line is
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) kind: LineKind,
    /// The section that the line begins
    pub(crate) begins: Option<Section>,
    /// How `#` outside quotes is read in the line
    pub(crate) hash: Hash,
}

impl Step {
    fn new(kind: LineKind) -> Self {
        Self {
            kind,
            begins: None,
            hash: Hash::Comment,
        }
    }

    /// A directive in a section, where `#` begins no comment
    fn inside(kind: LineKind) -> Self {
        Self {
            hash: Hash::Plain,
            ..Self::new(kind)
        }
    }
}

/// A section without its end
#[derive(Debug)]
struct Open {
    name: &'static str,
    header: Location,
}

/// The state between two lines
#[derive(Debug, Default)]
pub(crate) struct Machine {
    open: Option<Open>,
}

impl Machine {
    /// Looks at the next line
    pub(crate) fn step(&mut self, place: Place<'_>, findings: &mut Findings) -> Step {
        let text = place.text.trim_start_matches(is_blank);
        if self.open.is_some() {
            return if text.starts_with('%') {
                self.step_inside(place, findings)
            } else {
                Step::new(LineKind::Body)
            };
        }
        match text.bytes().next() {
            None => Step::new(LineKind::Blank),
            Some(b'#') => Step::new(LineKind::Comment),
            // Only these can be the beginning of a word that reads `%…`.
            Some(b'%' | b'"' | b'\'' | b'\\') => self.step_quoted(place, findings),
            Some(_) => Step::new(LineKind::Command),
        }
    }

    /// Whether a section is open that began in `file`, the end of which was just reached at `last`
    pub(crate) fn finish_file(&self, file: &str, last: &Location, findings: &mut Findings) {
        if let Some(open) = self.open.as_ref().filter(|open| &*open.header.file == file) {
            report_unterminated(open, last.clone(), "the file ends", findings);
        }
    }

    /// Looks at a line the first word of which may begin with `%`
    fn step_quoted(&mut self, place: Place<'_>, findings: &mut Findings) -> Step {
        // Faults in the words are found when the line is read for what it says.
        let tokens = words(place, Hash::Comment, &mut Findings::default());
        match tokens.first().map(|token| &*token.text) {
            Some("%include") => Step::new(LineKind::Include),
            Some("%ksappend") => Step::new(LineKind::Append),
            Some(word) if word.starts_with('%') => self.step_header(&tokens[0], place, findings),
            _ => Step::new(LineKind::Command),
        }
    }

    fn step_inside(&mut self, place: Place<'_>, findings: &mut Findings) -> Step {
        let seen = first_word(place.text);
        if !matches!(seen, "%end" | "%include" | "%ksappend") && Section::named(seen).is_none() {
            return Step::new(LineKind::Body);
        }
        // The words of the lexer count in the end: to it, white space apart from blanks and tabs belongs to the word.
        let tokens = words(place, Hash::Plain, &mut Findings::default());
        match tokens.first().map_or("", |token| &*token.text) {
            "%end" => {
                self.open = None;
                let _ = words(place, Hash::Plain, findings);
                report_ignored_words(place, findings);
                Step::new(LineKind::End)
            }
            "%include" => Step::inside(LineKind::Include),
            "%ksappend" => Step::inside(LineKind::Append),
            word if Section::named(word).is_some() => {
                if let Some(open) = self.open.take() {
                    report_unterminated(&open, place.whole(), "the next one begins", findings);
                }
                self.step_quoted(place, findings)
            }
            _ => Step::new(LineKind::Body),
        }
    }

    fn step_header(
        &mut self,
        first: &Token<'_>,
        place: Place<'_>,
        findings: &mut Findings,
    ) -> Step {
        let begins = Section::named(&first.text);
        if let Some(section) = begins {
            self.open = Some(Open {
                name: section.word(),
                header: place.whole(),
            });
        } else {
            report_unknown(first, place, findings);
        }
        Step {
            begins,
            ..Step::new(LineKind::Header)
        }
    }
}

fn report_unterminated(open: &Open, at: Location, before: &str, findings: &mut Findings) {
    let message = format!(
        "section `{}` from line {} is not ended before {before}",
        open.name, open.header.line
    );
    findings
        .error(Code::UnterminatedSection, at, message)
        .help("end the section with a line `%end`");
}

fn report_unknown(first: &Token<'_>, place: Place<'_>, findings: &mut Findings) {
    let at = place.at(first.span);
    let word = &*first.text;
    if word == "%end" {
        findings.error(Code::StrayEnd, at, "`%end` without a section to end");
        return;
    }
    let names = Section::ALL
        .iter()
        .map(|(name, _)| *name)
        .chain(["%end", "%include", "%ksappend"]);
    let meant = crate::arguments::suggest::nearest(word, names);
    let found = findings.error(
        Code::UnknownSection,
        at,
        format!("unknown section {}", quote(word)),
    );
    if let Some(meant) = meant {
        found.help(format!("did you mean `{meant}`?"));
    }
}

fn report_ignored_words(place: Place<'_>, findings: &mut Findings) {
    let after = place
        .text
        .trim_start_matches(is_blank)
        .trim_start_matches("%end")
        .trim_matches(is_blank);
    if !after.is_empty() && !after.starts_with('#') {
        findings.warning(
            Code::IgnoredWords,
            place.whole(),
            "words after `%end` are ignored",
        );
    }
}
