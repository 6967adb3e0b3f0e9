// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Says of each line what it is: it knows whether a section is open, and which names begin one.
//!
//! The machine goes on over file borders, as an included file may be a piece of a section's body. What is inside a
//! section is not looked into, apart from `%include` and the line that ends it.

use std::rc::Rc;

use super::document::LineKind;
use super::lexer::{Token, words};
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

    fn named(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, section)| *section)
    }
}

/// What one line is
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: LineKind,
    /// The section that the line begins
    pub(crate) begins: Option<Section>,
    /// Words of commands, section headers and includes
    pub(crate) tokens: Vec<Token>,
}

impl Step {
    fn plain(kind: LineKind) -> Self {
        Self {
            kind,
            begins: None,
            tokens: Vec::new(),
        }
    }
}

/// A section without its end
#[derive(Debug)]
struct Open {
    name: String,
    header: Location,
}

/// The state between two lines
#[derive(Debug, Default)]
pub(crate) struct Machine {
    open: Option<Open>,
}

impl Machine {
    /// Looks at the next line
    pub(crate) fn step(&mut self, place: &Rc<Place>, findings: &mut Findings) -> Step {
        let first = first_word(&place.text);
        if self.open.is_some() {
            return self.step_inside(first, place, findings);
        }
        if first.is_empty() {
            return Step::plain(LineKind::Blank);
        }
        if place.text.trim_start_matches(is_blank).starts_with('#') {
            return Step::plain(LineKind::Comment);
        }
        let tokens = words(place, findings);
        match tokens.first().map(|token| token.text.as_str()) {
            None => Step::plain(LineKind::Comment),
            Some("%include") => Step {
                kind: LineKind::Include,
                begins: None,
                tokens,
            },
            Some(word) if word.starts_with('%') => self.step_header(tokens, place, findings),
            Some(_) => Step {
                kind: LineKind::Command,
                begins: None,
                tokens,
            },
        }
    }

    /// Whether a section is open that began in `file`, the end of which was just reached at `last`
    pub(crate) fn finish_file(&self, file: &str, last: &Location, findings: &mut Findings) {
        if let Some(open) = self.open.as_ref().filter(|open| open.header.file == file) {
            report_unterminated(open, last.clone(), "the file ends", findings);
        }
    }

    fn step_inside(&mut self, first: &str, place: &Rc<Place>, findings: &mut Findings) -> Step {
        match first {
            "%end" => {
                self.open = None;
                report_ignored_words(place, findings);
                Step::plain(LineKind::End)
            }
            "%include" => Step {
                kind: LineKind::Include,
                begins: None,
                tokens: words(place, findings),
            },
            word if Section::named(word).is_some() => {
                if let Some(open) = self.open.take() {
                    report_unterminated(&open, place.whole(), "the next one begins", findings);
                }
                let tokens = words(place, findings);
                self.step_header(tokens, place, findings)
            }
            _ => Step::plain(LineKind::Body),
        }
    }

    fn step_header(
        &mut self,
        tokens: Vec<Token>,
        place: &Rc<Place>,
        findings: &mut Findings,
    ) -> Step {
        let word = tokens.first().map_or("", |token| token.text.as_str());
        let begins = Section::named(word);
        if begins.is_some() {
            self.open = Some(Open {
                name: word.to_owned(),
                header: place.whole(),
            });
        } else if let Some(first) = tokens.first() {
            report_unknown(first, place, findings);
        }
        Step {
            kind: LineKind::Header,
            begins,
            tokens,
        }
    }
}

fn report_unterminated(open: &Open, at: Location, before: &str, findings: &mut Findings) {
    let name = quote(&open.name);
    let message = format!(
        "section {name} from line {} is not ended before {before}",
        open.header.line
    );
    findings
        .error(Code::UnterminatedSection, at, message)
        .help("end the section with a line `%end`");
}

fn report_unknown(first: &Token, place: &Place, findings: &mut Findings) {
    let at = place.at(first.span);
    let word = first.text.as_str();
    if word == "%end" {
        findings.error(Code::StrayEnd, at, "`%end` without a section to end");
        return;
    }
    if word == "%ksappend" {
        findings.error(
            Code::SectionNotYet,
            at,
            "`%ksappend` is known but not supported by this version of Landfall yet",
        );
        return;
    }
    let names = Section::ALL
        .iter()
        .map(|(name, _)| *name)
        .chain(["%end", "%include"]);
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

fn report_ignored_words(place: &Rc<Place>, findings: &mut Findings) {
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
