// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Puts a kickstart and the files that it includes together, line by line, before any line is looked into.
//!
//! An include counts as its text in place of the line. What is found is which line is what and where it stands; what
//! a command or section means is not known here.

use std::io;
use std::sync::Arc;

use super::decode::{LARGEST_FILE, start, too_large_message};
use super::include::Includes;
use crate::diagnostic::{Code, Findings, quote};
use crate::location::{Place, Source};
use crate::mask::{hidden, shown_name};
use crate::syntax::{LineKind, Machine, Section, Step, Token, line_words, lines};

/// How deep includes may nest; a file that fetches ever new files must end somewhere
const DEEPEST: usize = 32;

/// How many includes are followed altogether; two in every file would be billions at that depth
const MOST: usize = 4096;

/// The longest command line that is read, in bytes; lines of scripts may be longer
const LONGEST_LINE: usize = 1 << 20;

/// A kickstart with everything that it includes
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The files, in the order in which they were opened
    pub(super) sources: Vec<Source>,
    /// The lines, in the order in which they count
    pub(super) lines: Vec<AssembledLine>,
    /// Something that could hold commands was not read
    pub(super) incomplete: bool,
}

/// A line of an [`Assembly`]
#[derive(Debug)]
pub(super) struct AssembledLine {
    /// Position of its file in `sources`
    source: u32,
    number: u32,
    start: usize,
    end: usize,
    pub(super) kind: LineKind,
    /// The section that it begins
    pub(super) begins: Option<Section>,
}

impl Assembly {
    /// The line's text and where it stands
    pub(super) fn place(&self, line: &AssembledLine) -> Place<'_> {
        let source = &self.sources[line.source as usize];
        Place {
            file: &source.name,
            line: line.number,
            text: &source.text[line.start..line.end],
        }
    }
}

/// Reads `text` and what it includes
pub(super) fn assemble(
    file: &str,
    text: &str,
    includes: &dyn Includes,
    findings: &mut Findings,
) -> Assembly {
    let mut assembler = Assembler {
        includes,
        machine: Machine::default(),
        findings,
        assembly: Assembly::default(),
        chain: Vec::new(),
        met: 0,
        size: 0,
    };
    let source = assembler.source(file, text);
    assembler.read_file((source, file.into()), text.to_owned(), Nested::Parsed);
    assembler.assembly
}

/// What is done with directives in a file
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    /// They are followed
    Parsed,
    /// It was put in by `%ksappend`, which goes one level deep
    Appended,
}

struct Assembler<'i, 'f> {
    includes: &'i dyn Includes,
    machine: Machine,
    findings: &'f mut Findings,
    assembly: Assembly,
    /// Names of the files that are being read as they were opened, the outermost first
    chain: Vec<Arc<str>>,
    /// How many includes were met
    met: usize,
    /// How many bytes were read, those of a file as often as it is included
    size: usize,
}

impl Assembler<'_, '_> {
    /// Reads a file with its position among the sources and its name
    fn read_file(&mut self, (source, name): (u32, Arc<str>), text: String, nested: Nested) {
        let file = &Arc::clone(&self.assembly.sources[source as usize].name);
        self.size = self.size.saturating_add(text.len());
        if self.size > LARGEST_FILE {
            self.report_too_large(file, text.len());
            return;
        }
        self.chain.push(name);
        let mut last = None;
        let mut start = 0;
        for (line, number) in lines(&text).zip(1..) {
            let place = Place {
                file,
                line: number,
                text: line,
            };
            let step = self.machine.step(place, self.findings);
            let end = start + line.len();
            match step.kind {
                LineKind::Include => {
                    self.follow(place, step, Nested::Parsed);
                }
                LineKind::Append
                    if nested == Nested::Parsed && self.follow(place, step, Nested::Appended) => {}
                LineKind::Command | LineKind::Header if line.len() > LONGEST_LINE => {
                    self.report_too_long(place);
                }
                _ => self.assembly.lines.push(AssembledLine {
                    source,
                    number,
                    start,
                    end,
                    kind: step.kind,
                    begins: step.begins,
                }),
            }
            start = end;
            last = Some(place);
        }
        if let Some(last) = last {
            self.machine.finish_file(file, &last.whole(), self.findings);
        }
        self.chain.pop();
        self.assembly.sources[source as usize].text = text;
    }

    /// The position of a file among the sources, where it is put if it is new, or says something else than before
    fn source(&mut self, file: &str, text: &str) -> u32 {
        let name = shown_name(file);
        let sources = &mut self.assembly.sources;
        let known = sources
            .iter()
            .position(|source| *source.name == *name && source.text == text);
        let at = known.unwrap_or_else(|| {
            sources.push(Source {
                name: name.into(),
                text: String::new(),
                included_from: None,
            });
            sources.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Puts in what a directive names; tells whether the directive is done with
    fn follow(&mut self, place: Place<'_>, step: Step, nested: Nested) -> bool {
        let directive = match nested {
            Nested::Parsed => "%include",
            Nested::Appended => "%ksappend",
        };
        let tokens = line_words(place.text, place, step, self.findings);
        let Some(path) = tokens.get(1).filter(|token| !token.text.is_empty()) else {
            return self.miss_path(directive, place);
        };
        if let Some(extra) = tokens.get(2) {
            let message = format!("words after the path of `{directive}` are ignored");
            self.findings
                .warning(Code::IgnoredWords, place.at(extra.span), message);
        }
        self.met += 1;
        if self.met > MOST {
            self.report_too_many(path, place);
            return true;
        }
        if self.size > LARGEST_FILE {
            return true;
        }
        match self.includes.fetch(&path.text, self.file()) {
            Ok((name, text)) => self.enter(&name.into(), text, (path, place), nested),
            Err(error) => {
                self.report_unread(&error, path, place);
                // A `%ksappend` that nobody follows is a line of the section's body.
                return error.kind() != io::ErrorKind::Unsupported;
            }
        }
        true
    }

    /// The name of the file at hand as it was opened
    fn file(&self) -> &str {
        self.chain.last().map_or("", |name| name)
    }

    /// A directive without a path is wrong, unless it is a `%ksappend` that nobody follows
    fn miss_path(&mut self, directive: &str, place: Place<'_>) -> bool {
        let ignored = directive == "%ksappend"
            && self
                .includes
                .fetch("", self.file())
                .is_err_and(|e| e.kind() == io::ErrorKind::Unsupported);
        if !ignored {
            let message = format!("`{directive}` does not say what to include");
            self.findings
                .error(Code::IncludeWithoutPath, place.whole(), message);
        }
        !ignored
    }

    fn enter(
        &mut self,
        name: &Arc<str>,
        text: String,
        from: (&Token<'_>, Place<'_>),
        nested: Nested,
    ) {
        let (path, place) = from;
        let looping = self.chain.contains(name);
        if !looping && self.chain.len() < DEEPEST {
            let source = self.source(name, &text);
            let from = &mut self.assembly.sources[source as usize].included_from;
            from.get_or_insert_with(|| place.at(path.span));
            self.read_file((source, Arc::clone(name)), text, nested);
            return;
        }
        let links = self.chain.iter().chain([name]);
        let chain = links
            .map(|link| quote(link))
            .collect::<Vec<_>>()
            .join(" includes ");
        let message = if looping {
            format!("{} includes itself", quote(name))
        } else {
            format!("includes are nested deeper than {DEEPEST} files")
        };
        self.findings
            .error(Code::IncludeLoop, place.at(path.span), message)
            .help(chain);
    }

    fn report_unread(&mut self, error: &io::Error, path: &Token<'_>, place: Place<'_>) {
        self.assembly.incomplete = true;
        let (name, at) = (quote(&path.text), place.at(path.span));
        if error.kind() == io::ErrorKind::Unsupported {
            let message = format!("{name} is left out, includes are not followed");
            self.findings.warning(Code::IncludeSkipped, at, message);
        } else {
            let message = format!("including {name}: {}", hidden(&error.to_string()));
            self.findings.error(Code::IncludeUnreadable, at, message);
        }
    }

    /// Says once that there are too many includes
    fn report_too_many(&mut self, path: &Token<'_>, place: Place<'_>) {
        self.assembly.incomplete = true;
        if self.met == MOST + 1 {
            let message =
                format!("more than {MOST} includes; this one and those after it are left out");
            self.findings
                .error(Code::IncludeLoop, place.at(path.span), message);
        }
    }

    fn report_too_large(&mut self, file: &Arc<str>, size: usize) {
        self.assembly.incomplete = true;
        let message = if size > LARGEST_FILE {
            too_large_message()
        } else {
            format!(
                "with this file more than {} MiB are included; it is not read",
                LARGEST_FILE >> 20
            )
        };
        self.findings.error(Code::TooLarge, start(file), message);
    }

    fn report_too_long(&mut self, place: Place<'_>) {
        self.assembly.incomplete = true;
        let start = Place { text: "", ..place };
        let message = format!(
            "the line is longer than {} KiB and is not read",
            LONGEST_LINE >> 10
        );
        self.findings.error(Code::TooLarge, start.whole(), message);
    }
}
