// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Walks over the lines of an assembled kickstart and gives each to whoever understands it.
//!
//! What a command or section means is not known here.

use super::assemble::{AssembledLine, Assembly};
use super::statement::Statements;
use crate::diagnostic::Findings;
use crate::kickstart::Kickstart;
use crate::location::Place;
use crate::sections::Pending;
use crate::syntax::{Hash, LineKind, Token, add_words, words};
use crate::version::Syntax;

/// Reads every line; gives the commands met and what they amount to
pub(super) fn read_lines<'a>(
    assembly: &'a Assembly,
    syntax: Syntax,
    findings: &mut Findings,
) -> Statements<'a> {
    let mut reader = Reader {
        statements: Statements::new(syntax),
        syntax,
        section: None,
        tokens: Vec::new(),
    };
    for line in &assembly.lines {
        reader.take(line, assembly.place(line), findings);
    }
    reader.end_section(findings);
    reader.statements
}

struct Reader<'a> {
    statements: Statements<'a>,
    syntax: Syntax,
    section: Option<Pending<'a>>,
    /// The words of the line at hand, kept only for its memory
    tokens: Vec<Token<'a>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, line: &AssembledLine, place: Place<'a>, findings: &mut Findings) {
        match line.kind {
            LineKind::Command => {
                self.tokens.clear();
                add_words(
                    &mut self.tokens,
                    place.text,
                    (place, Hash::Comment),
                    findings,
                );
                self.statements.add(&self.tokens, place, findings);
            }
            LineKind::Header => self.begin_section(line, place, findings),
            LineKind::Body | LineKind::Append => {
                if let Some(section) = &mut self.section {
                    section.take(place, findings);
                }
            }
            LineKind::End => self.end_section(findings),
            LineKind::Comment => read_platform(place, self.kickstart()),
            LineKind::Blank | LineKind::Include => {}
        }
    }

    fn begin_section(&mut self, line: &AssembledLine, place: Place<'a>, findings: &mut Findings) {
        let tokens = words(place, Hash::Comment, findings);
        if let Some(section) = line.begins {
            self.end_section(findings);
            self.section = Some(Pending::begin(
                section,
                self.syntax,
                (&tokens, place),
                findings,
            ));
        }
    }

    fn end_section(&mut self, findings: &mut Findings) {
        if let Some(section) = self.section.take() {
            section.end(self.kickstart(), findings);
        }
    }

    fn kickstart(&mut self) -> &mut Kickstart {
        &mut self.statements.kickstart
    }
}

/// `#platform=` at the beginning of a line is the one comment that means something
fn read_platform(place: Place<'_>, kickstart: &mut Kickstart) {
    if let Some(platform) = place.text.strip_prefix("#platform=") {
        kickstart.platform = Some(platform.trim().to_owned());
    }
}
