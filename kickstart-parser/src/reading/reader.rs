// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Walks over the lines of a kickstart and of what it includes, and gives each to whoever understands it.
//!
//! An include counts as its text in place of the line. What a command or section means is not known here.

use std::io;
use std::rc::Rc;

use super::include::Includes;
use super::section::Pending;
use super::statement::Statements;
use super::{Reading, cross};
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Place, Source};
use crate::syntax::{LineKind, Machine, Section, Step, Token, lines};

/// How deep includes may nest; a file that fetches ever new files must end somewhere
const DEEPEST: usize = 32;

/// How many includes are followed altogether; two in every file would be billions at that depth
const MOST: usize = 4096;

pub(super) struct Reader<'a> {
    includes: &'a dyn Includes,
    machine: Machine,
    findings: Findings,
    statements: Statements,
    section: Option<Pending>,
    sources: Vec<Source>,
    /// Names of the files that are being read, the outermost first
    chain: Vec<String>,
    /// How many includes were met
    met: usize,
    /// Something that could hold commands was not read
    incomplete: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(includes: &'a dyn Includes) -> Self {
        Self {
            includes,
            machine: Machine::default(),
            findings: Findings::default(),
            statements: Statements::default(),
            section: None,
            sources: Vec::new(),
            chain: Vec::new(),
            met: 0,
            incomplete: false,
        }
    }

    pub(super) fn read(mut self, file: &str, text: &str) -> Reading {
        self.read_file(file, text.to_owned());
        self.end_section();
        let Self {
            mut findings,
            statements,
            sources,
            incomplete,
            ..
        } = self;
        cross::check(&statements, incomplete, &mut findings);
        let files: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
        let diagnostics = findings.into_sorted(&files);
        Reading {
            kickstart: statements.into_kickstart(),
            diagnostics,
            sources,
        }
    }

    fn read_file(&mut self, file: &str, text: String) {
        let name: Rc<str> = file.into();
        let known = self.sources.iter().position(|source| source.name == file);
        let at = known.unwrap_or_else(|| {
            self.sources.push(Source {
                name: file.to_owned(),
                text: String::new(),
            });
            self.sources.len() - 1
        });
        self.chain.push(file.to_owned());
        let mut last = None;
        for (line, number) in lines(&text).zip(1..) {
            let place = Rc::new(Place {
                file: Rc::clone(&name),
                line: number,
                text: line.to_owned(),
            });
            let step = self.machine.step(&place, &mut self.findings);
            self.take(&step, &place);
            last = Some(place);
        }
        if let Some(last) = last {
            self.machine
                .finish_file(file, &last.whole(), &mut self.findings);
        }
        self.chain.pop();
        self.sources[at].text = text;
    }

    fn take(&mut self, step: &Step, place: &Rc<Place>) {
        match step.kind {
            LineKind::Blank | LineKind::Comment => {}
            LineKind::Command => self.statements.add(&step.tokens, place, &mut self.findings),
            LineKind::Header => self.begin_section(step.begins, &step.tokens, place),
            LineKind::Body => {
                if let Some(section) = &mut self.section {
                    section.body.push_str(&place.text);
                }
            }
            LineKind::End => self.end_section(),
            LineKind::Include => self.follow(&step.tokens, place),
        }
    }

    fn begin_section(&mut self, section: Option<Section>, tokens: &[Token], place: &Rc<Place>) {
        if let Some(section) = section {
            self.end_section();
            self.section = Some(Pending::begin(section, tokens, place, &mut self.findings));
        }
    }

    fn end_section(&mut self) {
        if let Some(script) = self.section.take().and_then(Pending::end) {
            self.statements.add_script(script);
        }
    }

    fn follow(&mut self, tokens: &[Token], place: &Rc<Place>) {
        let Some(path) = tokens.get(1).filter(|token| !token.text.is_empty()) else {
            self.findings.error(
                Code::IncludeWithoutPath,
                place.whole(),
                "`%include` does not say what to include",
            );
            return;
        };
        if let Some(extra) = tokens.get(2) {
            let message = "words after the path of `%include` are ignored";
            self.findings
                .warning(Code::IgnoredWords, place.at(extra.span), message);
        }
        self.met += 1;
        if self.met > MOST {
            self.report_too_many(path, place);
            return;
        }
        match self.includes.fetch(&path.text, &place.file) {
            Ok((name, text)) => self.enter(&name, text, path, place),
            Err(error) => self.report_unread(&error, path, place),
        }
    }

    fn report_unread(&mut self, error: &io::Error, path: &Token, place: &Rc<Place>) {
        self.incomplete = true;
        let (name, at) = (quote(&path.text), place.at(path.span));
        if error.kind() == io::ErrorKind::Unsupported {
            let message = format!("{name} is left out, includes are not followed");
            self.findings.warning(Code::IncludeSkipped, at, message);
        } else {
            let message = format!("including {name}: {error}");
            self.findings.error(Code::IncludeUnreadable, at, message);
        }
    }

    /// Says once that there are too many includes
    fn report_too_many(&mut self, path: &Token, place: &Rc<Place>) {
        self.incomplete = true;
        if self.met == MOST + 1 {
            let message =
                format!("more than {MOST} includes; this one and those after it are left out");
            self.findings
                .error(Code::IncludeLoop, place.at(path.span), message);
        }
    }

    fn enter(&mut self, name: &str, text: String, path: &Token, place: &Rc<Place>) {
        let looping = self.chain.iter().any(|file| file == name);
        if !looping && self.chain.len() < DEEPEST {
            self.read_file(name, text);
            return;
        }
        let links = self.chain.iter().map(String::as_str).chain([name]);
        let chain = links.map(quote).collect::<Vec<_>>().join(" includes ");
        let message = if looping {
            format!("{} includes itself", quote(name))
        } else {
            format!("includes are nested deeper than {DEEPEST} files")
        };
        self.findings
            .error(Code::IncludeLoop, place.at(path.span), message)
            .help(chain);
    }
}
